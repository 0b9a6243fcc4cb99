// What has come for one subscription since the page last asked.

/// Number of items that a page shows of one subscription. Older ones are counted alone.
export const SHOWN = 100;

/// Counts the items, and keeps the newest.
export class Tally {
  #count = 0;
  #missed = 0;
  #hasUnknown = false;
  #newest = [];

  /// Adds the item that `readItem` has found in this message.
  add(message, { from, to, missed }) {
    this.#count += 1;
    this.#missed += missed ?? 0;
    this.#hasUnknown ||= missed === null;
    this.#newest.push({ message, from, to, missed, at: Date.now() });
    // Not at each item, as it moves all that are kept.
    if (this.#newest.length >= 2 * SHOWN) {
      this.#newest.splice(0, this.#newest.length - SHOWN);
    }
  }

  /// Returns the sums, and the JSON of the newest items, the oldest of them first.
  take() {
    const newest = this.#newest.slice(-SHOWN).map(({ message, from, to, missed, at }) => ({ json: message.slice(from, to), missed, at }));
    return { count: this.#count, missed: this.#missed, hasUnknown: this.#hasUnknown, newest };
  }
}
