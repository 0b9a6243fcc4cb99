// Finds where the marks of inline Markdown close.
//
// A mark that closes nowhere is searched for once per text, so a text that is full of such marks is
// read in a time that grows with its length, not with the square of it.

/// One text, and which marks have no end in it.
export class Scan {
  constructor(text) {
    this.text = text;
    this.withoutEnd = new Set();
    this.brackets = null;
  }

  /// Returns how many equal characters there are from here on.
  run(at) {
    let end = at;
    while (end < this.text.length && this.text[end] === this.text[at]) {
      end += 1;
    }
    return end - at;
  }

  /// Returns where the code that begins here closes, or -1 if its backticks are plain text. Code
  /// ends with as many backticks as it began with, so it may contain fewer of them in a row.
  codeEnd(at) {
    const width = this.run(at);
    const marks = "`".repeat(width);
    return this.once(marks, () => {
      for (let here = at + width; here < this.text.length; here += 1) {
        here = this.text.indexOf(marks, here);
        if (here < 0) {
          return -1;
        }
        const run = this.run(here);
        if (run === width) {
          return here;
        }
        here += run;
      }
      return -1;
    });
  }

  /// Returns where a run of this many marks closes the emphasis. Marks within code or after a space
  /// do not, and neither does `_` where a word goes on.
  emphasisEnd(from, marks, isWord) {
    return this.once(marks, () => {
      const { text } = this;
      for (let at = from; at < text.length; at = this.after(at)) {
        if (text[at] !== marks[0]) {
          continue;
        }
        const run = this.run(at);
        const fits = run === marks.length || run === 3;
        const isWithinWord = marks[0] === "_" && isWord(text[at + run]);
        if (fits && !/\s/.test(text[at - 1]) && !isWithinWord) {
          return at + run - marks.length;
        }
      }
      return -1;
    });
  }

  /// Returns where the bracket at `at` closes, or -1. Brackets within code do not count.
  bracketEnd(at) {
    this.brackets ??= this.pairs();
    return this.brackets.get(at) ?? -1;
  }

  pairs() {
    const [found, open] = [new Map(), []];
    for (let at = 0; at < this.text.length; at = this.after(at)) {
      if (this.text[at] === "[") {
        open.push(at);
      } else if (this.text[at] === "]" && open.length > 0) {
        found.set(open.pop(), at);
      }
    }
    return found;
  }

  /// Returns where the next character, run of emphasis or code begins.
  after(at) {
    switch (this.text[at]) {
      case "\\":
        return at + 2;
      case "`": {
        const [run, end] = [this.run(at), this.codeEnd(at)];
        return end < 0 ? at + run : end + run;
      }
      case "*":
      case "_":
        return at + this.run(at);
      default:
        return at + 1;
    }
  }

  /// What was not found from an earlier place is not there from a later one either.
  once(marks, search) {
    if (this.withoutEnd.has(marks)) {
      return -1;
    }
    const end = search();
    if (end < 0) {
      this.withoutEnd.add(marks);
    }
    return end;
  }
}
