// The console: puts its parts together.

import { make, say } from "./dom.js";
import { History } from "./history.js";
import { Mailboxes } from "./mailboxes.js";
import { MethodView } from "./method-view.js";
import { address, chosen, load, MethodList } from "./methods.js";
import { Server } from "./rpc.js";
import { Socket } from "./socket.js";
import { Watch } from "./watch.js";

const find = (id) => document.getElementById(id);
const server = new Server(document.body.dataset);
const socket = new Socket(server);
const list = new MethodList({ root: find("method-list"), search: find("search"), found: find("found") });
const mailboxes = new Mailboxes({
  mailbox: find("mailbox"), overview: find("overview"), alert: find("alert"), tell: (states) => list.note(states),
});
const history = new History();
const pane = find("method");

const calls = make("section", { class: "card history", "aria-label": "History" }, make("h2", {}, "History"), history.view(again));

let offered = { root: {}, methods: [] };
/// The view of each method is kept, so that its input stays when another method is selected.
const views = new Map();
let wasLost = false;
let asked = 0;
let retry;
/// Time before the methods are requested again after a failure, in milliseconds.
const RETRY = 2000;

async function refresh() {
  asked += 1;
  const [turn, before] = [asked, offered];
  clearTimeout(retry);
  try {
    const loaded = await load(server);
    // An older request may have been sent with another token, so its response is ignored.
    if (turn !== asked) {
      return;
    }
    offered = loaded;
  } catch (error) {
    if (turn !== asked) {
      return;
    }
    // Methods that are shown already stay until the server is back.
    if (offered.methods.length === 0) {
      pane.replaceChildren(make("p", { class: "empty" }, `Cannot load the methods: ${error.message}. Trying again …`));
    }
    retry = setTimeout(refresh, RETRY);
    return;
  }
  for (const [name, view] of views) {
    if (!isSame(before, offered, name)) {
      view.close();
      views.delete(name);
    }
  }
  list.show(offered.methods);
  if (!offered.methods.some((method) => method.name === chosen()) && offered.methods.length > 0) {
    // Replaces the history entry: the back button must not lead here.
    window.history.replaceState(null, "", address(offered.methods[0].name));
  }
  look();
}

/// Whether the description of a method is unchanged, so that its form can stay. Another token may
/// add schemas, but changes none.
function isSame(before, now, name) {
  const [old, fresh] = [before, now].map(({ methods }) => JSON.stringify(methods.find((method) => method.name === name)));
  const schemas = Object.entries(before.root.components?.schemas ?? {});
  const others = now.root.components?.schemas ?? {};
  return old === fresh && schemas.every(([key, schema]) => !(key in others) || JSON.stringify(others[key]) === JSON.stringify(schema));
}

function look() {
  const name = chosen();
  const method = offered.methods.find((one) => one.name === name);
  if (!method) {
    return;
  }
  if (!views.has(name)) {
    views.set(name, new MethodView(method, offered.root, { server, socket, made: (call) => history.add(call) }));
  }
  const { node } = views.get(name);
  // Inserting the node again would take the focus away from its fields.
  if (node.parentElement !== pane) {
    pane.replaceChildren(node, calls);
  }
  document.title = `${name} · ${server.title} · console`;
  list.mark(name);
  mailboxes.choose(name);
}

/// Fills in an earlier call again, to change and repeat it.
function again({ method, params }) {
  location.hash = address(method);
  look();
  views.get(method)?.fill(params);
  pane.focus();
}

const STATES = {
  live: ["live", "live"],
  denied: ["mailboxes need a token", "denied"],
  busy: ["too many console pages are open", "away"],
  away: ["not connected, trying again", "away"],
};

function note(state) {
  const [words, look] = STATES[state];
  say(find("connection"), words);
  find("connection").dataset.state = look;
  if (state === "denied") {
    mailboxes.none(server.hasToken ? "This token may not see the mailboxes." : "The mailboxes are shown to callers with a valid token. Enter one above.");
  } else if (state !== "live") {
    mailboxes.none(state === "busy" ? "Too many console pages are open." : "Not connected to the server.");
  }
}

new Watch(server, socket, { show: (frame) => mailboxes.show(frame), note });

socket.onState((state) => {
  if (state === "open" && wasLost) {
    // The server may have been rebuilt in the meantime.
    refresh();
  }
  wasLost = state === "lost";
});

function setUpToken() {
  const [form, input] = [find("token"), find("token-value")];
  form.hidden = !server.checksTokens;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    server.token = input.value.trim();
    form.classList.toggle("used", server.hasToken);
    say(form.querySelector("button"), "Use");
    socket.connect();
    refresh();
  });
}

function setUpKeys() {
  document.addEventListener("keydown", (event) => {
    const types = event.target.closest("input, textarea, select");
    if (event.key === "/" && !types && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      find("search").focus();
    }
  });
  // The link's own address would replace that of the method.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    pane.focus();
  });
  const menu = find("menu");
  const toggle = (open) => {
    menu.setAttribute("aria-expanded", String(open));
    find("methods").classList.toggle("open", open);
  };
  menu.addEventListener("click", () => toggle(menu.getAttribute("aria-expanded") !== "true"));
  find("method-list").addEventListener("click", (event) => {
    if (event.target.closest("a")) {
      toggle(false);
      pane.scrollTo?.(0, 0);
    }
  });
}

window.addEventListener("hashchange", look);
setUpToken();
setUpKeys();
refresh();
socket.connect();
