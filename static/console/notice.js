// Reads the items of subscriptions without parsing them as JSON: most of those that come fast are
// counted, and never shown.
//
// Callbox writes a message of a subscription in one form, so a look at its beginning and its end is
// enough. A quote within a string is escaped, so neither can be part of an item.

const HEAD = /^\{"jsonrpc":"2\.0","method":"(?:[^"\\]|\\.)*","params":\{"subscription":"(\d+)","result":/;
const TAIL = /(?:,"lagged":(\d+|null))?(?:,"cursor":"[^"]*")?\}\}$/;
/// Length within which the end of a message fits, in characters.
const TAIL_LENGTH = 128;

/// Returns the subscription of an item, the place of its JSON in the message, and how many were
/// missed before it: `null` if nobody knows. Returns `null` if the message is something else.
export function readItem(message) {
  const head = HEAD.exec(message);
  if (!head) {
    return null;
  }
  const start = Math.max(head[0].length, message.length - TAIL_LENGTH);
  const tail = TAIL.exec(message.slice(start));
  if (!tail) {
    return null;
  }
  const [, lagged] = tail;
  const missed = lagged === undefined ? 0 : lagged === "null" ? null : Number(lagged);
  return { subscription: head[1], from: head[0].length, to: start + tail.index, missed };
}
