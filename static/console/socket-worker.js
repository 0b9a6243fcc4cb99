// The WebSocket of a page, in a thread of its own: however fast items come, the page stays free to
// answer its user.
//
// The page sends `{ open, protocols, epoch }`, `{ send }` and `{ take: true }`. It gets
// `{ state }`, `{ message }` and `{ items }`, each with the epoch in which it came: the page begins
// one when it opens a connection with another token. Items are kept here until the page takes them,
// and of those only the newest.

import { readItem } from "./notice.js";
import { Tally } from "./tally.js";

/// The time before a further attempt to connect, in milliseconds. It doubles with each.
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;

let socket = null;
let epoch = 0;
let pause = FIRST_PAUSE;
let retry;
/// By the ids of the subscriptions.
let tallies = new Map();
let isWanted = true;

function post(message) {
  self.postMessage({ ...message, epoch });
}

function pass() {
  if (tallies.size > 0) {
    isWanted = false;
    post({ items: [...tallies].map(([id, tally]) => [id, tally.take()]) });
    tallies = new Map();
  }
}

function take(message) {
  const item = readItem(message);
  if (!item) {
    // An end comes after the items before it.
    pass();
    post({ message });
    return;
  }
  const { subscription } = item;
  if (!tallies.has(subscription)) {
    tallies.set(subscription, new Tally());
  }
  tallies.get(subscription).add(message, item);
  if (isWanted) {
    pass();
  }
}

function close() {
  clearTimeout(retry);
  tallies = new Map();
  if (socket) {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    socket = null;
  }
}

function connect(url, protocols) {
  socket = new WebSocket(url, protocols);
  socket.onopen = () => {
    pause = FIRST_PAUSE;
    post({ state: "open" });
  };
  socket.onmessage = ({ data }) => take(data);
  socket.onclose = () => {
    pass();
    post({ state: "lost" });
    retry = setTimeout(() => connect(url, protocols), pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  };
}

self.onmessage = ({ data }) => {
  if (data.open) {
    close();
    epoch = data.epoch;
    // The page ignores what it was sent before.
    isWanted = true;
    pause = FIRST_PAUSE;
    connect(data.open, data.protocols);
  } else if (data.send) {
    // What is sent on a connection that was lost is answered by the state of the connection.
    if (socket?.readyState === WebSocket.OPEN) {
      socket.send(data.send);
    }
  } else if (data.take) {
    isWanted = true;
    pass();
  }
};
