// The panel for the mailbox of the selected method, and the overview of all mailboxes.

import { draw, icon, make, say, set } from "./dom.js";
import { figures, micros, seconds } from "./format.js";
import { instanceList } from "./instances.js";
import { address } from "./methods.js";

/// Number of frames that the curve shows. There is one frame each second.
const CURVE = 300;
/// Fill level from which a mailbox counts as flooded even if no call has been rejected.
const NEARLY_FULL = 0.8;

// Keys of `rpc.mailboxes`, with their labels and their meaning.
const REASONS = [
  ["full", "full", "The mailbox or its service was full."],
  ["caller", "caller", "The caller had as many calls in the method as it may: per_caller."],
  ["hopeless", "hopeless", "The calls before it would have taken longer than the call had."],
  ["overdue", "overdue", "The mailbox was overloaded, and the call would have waited longer than max_wait."],
  ["unavailable", "unavailable", "The service was down or stopping."],
  ["params", "params", "The parameters did not fit the method."],
];
const ENDS = [
  ["answered", "answered", "With a result."],
  ["failed", "failed", "With an error of the method."],
  ["panicked", "panicked", "The method panicked, or its thread was lost."],
  ["expired", "expired", "The deadline passed, in the mailbox or while the call ran."],
  ["abandoned", "abandoned", "The caller disconnected."],
  ["cancelled", "cancelled", "The caller cancelled the call."],
];
// Keys of `rpc.connections`, with their labels.
const CONNECTIONS = [
  ["open", "open", "Connections that are open now, WebSockets and streams of events included."],
  ["websockets", "WebSockets", "Open now."],
  ["event_streams", "event streams", "Responses of server-sent events that are under way now."],
  ["rejected", "rejected", "Too many connections, of all clients or of one address, since the start."],
  ["slow", "slow", "Closed since the start because the client read too slowly."],
  ["silent", "silent", "Closed since the start because nothing came from the client."],
];
const WORDS = { down: "down", flooded: "flooded", waiting: "waiting", running: "running", idle: "idle" };

/// Keeps the state of all mailboxes from frame to frame, and shows it.
export class Mailboxes {
  #depths = new Map();
  #chosen = null;
  #frame = null;
  #rows = new Map();
  #panel;
  #overview;
  #alert;
  #tell;
  #none = "Waiting for the first figures …";
  #table = make("div", { class: "rows" });
  #summary = make("p", { class: "soft" });
  #connections = figureList(CONNECTIONS, "Connections");
  #instances = instanceList();

  constructor({ mailbox, overview, alert, tell }) {
    this.#panel = mailboxPanel(mailbox);
    this.#overview = overview;
    this.#alert = alert;
    this.#tell = tell;
    overview.append(make("h2", { id: "overview-title" }, "All mailboxes"), this.#summary, this.#table,
      this.#connections.node, this.#instances.node);
    this.#redraw();
  }

  choose(name) {
    this.#chosen = name;
    this.#redraw();
  }

  /// Shows the reason why there are no figures.
  none(why) {
    this.#frame = null;
    this.#none = why;
    this.#redraw();
  }

  show(frame) {
    this.#frame = frame;
    for (const method of all(frame)) {
      const curve = this.#depths.get(method.method) ?? [];
      curve.push(method.depth);
      this.#depths.set(method.method, curve.slice(-CURVE));
    }
    this.#redraw();
  }

  #redraw() {
    const methods = this.#frame ? all(this.#frame) : [];
    const states = new Map(methods.map((method) => [method.method, method.state]));
    this.#tell(states);
    this.#warn(methods);
    this.#list(methods);
    const chosen = methods.find((method) => method.method === this.#chosen);
    this.#panel.show(this.#chosen, chosen, this.#depths.get(this.#chosen) ?? [], this.#frame?.window_s, this.#frame ? null : this.#none);
  }

  #warn(methods) {
    const flooded = methods.filter((method) => method.state === "flooded");
    const down = methods.filter((method) => method.state === "down");
    const names = flooded.length > 0 ? flooded : down;
    const key = names.map((method) => method.method + method.state).join();
    if (this.#alert.dataset.key === key) {
      return;
    }
    this.#alert.dataset.key = key;
    if (names.length === 0) {
      this.#alert.replaceChildren();
      return;
    }
    const word = flooded.length > 0 ? "Flooded" : "Down";
    this.#alert.replaceChildren(make("p", {}, icon(flooded.length > 0 ? "flood" : "down"), make("strong", {}, `${word}: `),
      ...names.flatMap(({ method }, index) => [index > 0 ? ", " : "", make("a", { href: address(method) }, method)])));
  }

  #list(methods) {
    set(this.#overview, { "data-empty": methods.length === 0 });
    const busy = methods.filter((method) => method.state !== "idle").length;
    say(this.#summary, methods.length === 0 ? this.#none : `${methods.length} methods, ${busy} with calls`);
    for (const method of methods) {
      if (!this.#rows.has(method.method)) {
        this.#rows.set(method.method, overviewRow(method));
        this.#table.append(this.#rows.get(method.method).node);
      }
      this.#rows.get(method.method).show(method, method.method === this.#chosen);
    }
    this.#connections.node.hidden = !this.#frame;
    if (this.#frame) {
      this.#connections.show(this.#frame.connections);
      this.#instances.show(this.#frame.instances ?? []);
    }
    for (const [name, row] of this.#rows) {
      row.node.hidden = !methods.some((method) => method.method === name);
    }
  }
}

/// Returns the methods of all services, each with its state.
function all(frame) {
  return frame.services.flatMap((service) =>
    service.methods.map((method) => ({ ...method, service: service.service, state: stateOf(method, service) })));
}

function stateOf(method, service) {
  if (!service.is_up) {
    return "down";
  }
  if (method.rejected_per_s > 0 || method.depth >= NEARLY_FULL * method.capacity) {
    return "flooded";
  }
  return method.depth > 0 ? "waiting" : method.running > 0 || method.ran_per_s > 0 ? "running" : "idle";
}

/// Creates a bar that shows how full a mailbox is. The numbers are shown beside it as text.
function bar() {
  const fill = make("span", { class: "fill" });
  const node = make("span", { class: "bar", "aria-hidden": "true" }, fill);
  return { node, show: (depth, capacity) => { fill.style.width = `${Math.min(100, (100 * depth) / capacity)}%`; } };
}

function overviewRow({ method }) {
  const fill = bar();
  const state = make("span", { class: "row-state" });
  const depth = make("span", { class: "row-depth" });
  const rate = make("span", { class: "row-rate" });
  const away = make("span", { class: "row-away" });
  const node = make("a", { class: "row", href: address(method), "data-mailbox": method },
    make("span", { class: "row-name" }, method), depth, rate, state, fill.node, away);
  return {
    node,
    show: (now, isChosen) => {
      set(node, { "data-state": now.state, "aria-current": isChosen ? "true" : null });
      if (state.dataset.word !== now.state) {
        state.dataset.word = now.state;
        state.replaceChildren(...(now.state === "flooded" ? [icon("flood")] : now.state === "down" ? [icon("down")] : []), WORDS[now.state]);
      }
      fill.show(now.depth, now.capacity);
      depth.replaceChildren(make("strong", {}, figures(now.depth)), make("span", { class: "hidden" }, " waiting, of "), `\u2009/\u2009${figures(now.capacity)}`);
      say(rate, `${figures(now.ran_per_s)}/s`);
      say(away, now.rejected_per_s > 0 ? `${figures(now.rejected_per_s)}/s rejected` : "");
    },
  };
}

/// Creates the panel for the mailbox of one method.
function mailboxPanel(root) {
  const title = make("h2", { id: "mailbox-title" }, "Mailbox");
  const name = make("p", { class: "mailbox-name" });
  const none = make("p", { class: "soft" });
  const depth = make("p", { class: "depth" });
  const fill = bar();
  const line = draw("path", { class: "line" });
  const area = draw("path", { class: "area" });
  const curve = draw("svg", { class: "curve", viewBox: `0 0 ${CURVE} 60`, preserveAspectRatio: "none", "aria-hidden": "true" }, area, line);
  const legend = make("p", { class: "soft small-text" });
  const now = figureList([["running", "running now"], ["rate", "run per second"], ["away", "rejected per second"]]);
  const times = timesTable();
  const window = make("h3", {});
  const refused = figureList(REASONS, "Rejected");
  const ended = figureList(ENDS, "Ended");
  const body = make("div", {}, depth, fill.node, curve, legend, now.node, window, times.node,
    make("div", { class: "lists" }, refused.node, ended.node));
  root.append(make("div", { class: "mailbox-head" }, title, name), none, body);
  return {
    show: (chosen, method, depths, windowSeconds, why) => {
      say(name, chosen ?? "");
      body.hidden = !method;
      none.hidden = Boolean(method);
      if (!method) {
        set(root, { "data-state": null });
        say(none, why ?? (chosen ? "This method runs where it is called and has no mailbox." : "Choose a method to see its mailbox."));
        return;
      }
      set(root, { "data-state": method.state });
      depth.replaceChildren(make("strong", {}, figures(method.depth)), ` of ${figures(method.capacity)} waiting`,
        make("span", { class: "row-state" }, ...(method.state === "flooded" ? [icon("flood")] : []), WORDS[method.state]));
      fill.show(method.depth, method.capacity);
      plot(line, area, depths, method.capacity);
      say(legend, method.group ? `Shares its mailbox with the group ${method.group}.` : `Waiting calls over the last ${seconds(depths.length)}.`);
      now.show({ running: method.running, rate: method.ran_per_s, away: method.rejected_per_s });
      say(window, `Last ${seconds(Math.max(windowSeconds, 1))}`);
      times.show(method);
      refused.show(method.refused_for);
      ended.show(method.ended);
    },
  };
}

/// Draws the curve of waiting calls, the newest at the right, up to the capacity of the mailbox.
function plot(line, area, depths, capacity) {
  const from = CURVE - depths.length;
  const points = depths.map((depth, index) => `${from + index + 1} ${(58 - (56 * Math.min(depth, capacity)) / capacity).toFixed(1)}`);
  set(line, { d: points.length > 1 ? `M${points.join("L")}` : "" });
  set(area, { d: points.length > 1 ? `M${from + 1} 60L${points.join("L")}L${CURVE} 60Z` : "" });
}

/// Creates a list of names with numbers. Zeros are shown less prominently.
function figureList(names, title) {
  const values = new Map(names.map(([key]) => [key, make("dd", {})]));
  const list = make("dl", { class: title ? "figures" : "figures large" },
    names.map(([key, words, meaning]) => make("div", { "data-figure": key, title: meaning }, make("dt", {}, words), values.get(key))));
  return {
    node: title ? make("div", {}, make("h4", {}, title), list) : list,
    show: (figuresNow) => {
      for (const [key, value] of values) {
        say(value, figures(figuresNow[key]));
        value.parentElement.classList.toggle("zero", figuresNow[key] === 0);
      }
    },
  };
}

function timesTable() {
  const rows = [["wait", "in the mailbox"], ["run", "running"]].map(([key, words]) => {
    const cells = [make("td", {}), make("td", {}), make("td", {})];
    return { key, cells, node: make("tr", { "data-times": key }, make("th", { scope: "row" }, words), cells) };
  });
  const heads = ["", "p50", "p99", "calls"].map((word) => make(word ? "th" : "td", word ? { scope: "col" } : {}, word));
  return {
    node: make("table", { class: "times" }, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, rows.map((row) => row.node))),
    show: (method) => rows.forEach(({ key, cells }) => {
      const { p50_us: p50, p99_us: p99, count } = method[key];
      [micros(p50), micros(p99), figures(count)].forEach((text, index) => say(cells[index], text));
    }),
  };
}
