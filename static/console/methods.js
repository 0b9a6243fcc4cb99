// The methods of the server, and the list to select one.

import { icon, make, say, set } from "./dom.js";
import { plain } from "./prose.js";

/// Loads all methods, in the server's order: those that its document describes, and those whose
/// names only are listed, as they need a token that was not sent.
export async function load(server) {
  const [document, specs] = await Promise.all([server.call("rpc.discover"), server.call("get_service_specs").catch(() => null)]);
  const known = document.methods.map((method) => ({
    name: method.name,
    service: method.tags?.[0]?.name ?? null,
    summary: plain(method.summary ?? ""),
    description: method.description ?? method.summary ?? "",
    params: method.params,
    paramStructure: method.paramStructure,
    rest: method["x-rest"],
    result: method.result,
    errors: method.errors ?? [],
    access: method["x-access"] ?? "public",
    scope: method["x-scope"] ?? null,
    mailbox: method["x-mailbox"] ?? null,
    kind: method["x-kind"] ?? null,
    deadline: method["x-deadline-ms"] ?? null,
    client: method["x-rust"] ?? null,
    subscription: method["x-subscription"] ?? null,
    reportsProgress: method["x-progress"] === true,
    isDeprecated: method.deprecated === true,
    isDescribed: true,
  }));
  const names = new Set(known.map((method) => method.name));
  const locked = Object.entries(specs?.methods ?? {}).filter(([name]) => !names.has(name)).map(([name, doc]) => ({
    name,
    service: null,
    summary: plain((doc ?? "").split("\n\n")[0]),
    description: doc ?? "",
    params: null,
    errors: [],
    access: "private",
    scope: null,
    mailbox: null,
    client: null,
    subscription: null,
    reportsProgress: false,
    isDeprecated: false,
    isDescribed: false,
  }));
  return { root: document, methods: grouped([...known, ...locked], specs?.name ?? document.info.title) };
}

/// Gives each method its heading: its namespace, or else its service. callbox's own methods come
/// last.
function grouped(methods, first) {
  const service = (method) => {
    const space = method.name.includes(".") ? method.name.slice(0, method.name.lastIndexOf(".")) : null;
    const own = method.name === "get_service_specs" || space === "rpc";
    return own ? "built in" : space ?? method.service ?? first;
  };
  const all = methods.map((method) => ({ ...method, group: service(method) }));
  return [...all.filter((method) => method.group !== "built in"), ...all.filter((method) => method.group === "built in")];
}

/// Returns the address of a method within the page.
export function address(name) {
  return `#/${encodeURIComponent(name)}`;
}

export function chosen() {
  try {
    return location.hash.startsWith("#/") ? decodeURIComponent(location.hash.slice(2)) : null;
  } catch {
    return null;
  }
}

/// The list of methods on the left.
export class MethodList {
  #root;
  #found;
  #search;
  #links = new Map();

  constructor({ root, search, found }) {
    this.#root = root;
    this.#found = found;
    this.#search = search;
    search.addEventListener("input", () => this.#filter(true));
    search.addEventListener("keydown", (event) => {
      const first = this.#shown()[0];
      if (event.key === "Enter" && first) {
        first.click();
      } else if (event.key === "ArrowDown" && first) {
        event.preventDefault();
        first.focus();
      } else if (event.key === "Escape") {
        search.value = "";
        this.#filter(true);
      }
    });
    root.addEventListener("keydown", (event) => this.#walk(event));
  }

  show(methods) {
    this.#links.clear();
    const groups = Map.groupBy ? Map.groupBy(methods, (method) => method.group) : groupBy(methods);
    this.#root.replaceChildren(...[...groups].map(([name, members]) => make("section", { class: "group", "aria-label": name },
      make("h2", {}, name),
      make("ul", {}, members.map((method) => make("li", {}, this.#link(method, name)))))));
    this.#filter(false);
    this.mark(chosen());
  }

  #link(method, group) {
    const short = method.name.startsWith(`${group}.`) ? method.name.slice(group.length + 1) : method.name;
    const marks = make("span", { class: "marks" });
    if (method.access !== "public") {
      marks.append(icon("lock"), make("span", { class: "hidden" }, "needs a token"), method.scope ? ` ${method.scope}` : "");
    }
    if (method.isDeprecated) {
      marks.append(make("span", { class: "deprecated" }, "deprecated"));
    }
    const state = make("span", { class: "state" });
    const link = make("a", { href: address(method.name), "data-method": method.name },
      make("span", { class: "method-name" }, short), marks, state,
      method.summary ? make("span", { class: "summary" }, method.summary) : null);
    this.#links.set(method.name, { link, state, text: `${method.name} ${method.summary}`.toLowerCase() });
    return link;
  }

  mark(name) {
    for (const [method, { link }] of this.#links) {
      set(link, { "aria-current": method === name ? "page" : null });
    }
  }

  /// Marks the methods whose mailboxes are flooded.
  note(states) {
    for (const [name, { state }] of this.#links) {
      const word = states.get(name);
      const says = word === "flooded" || word === "down" ? word : "";
      say(state, says);
      state.className = `state ${says}`;
    }
  }

  #filter(asked) {
    const words = this.#search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { link, text } of this.#links.values()) {
      link.parentElement.hidden = !words.every((word) => text.includes(word));
    }
    this.#root.querySelectorAll(".group").forEach((group) => {
      group.hidden = !group.querySelector("li:not([hidden])");
    });
    if (asked) {
      const count = this.#shown().length;
      say(this.#found, count === 1 ? "1 method" : `${count} methods`);
    }
  }

  #shown() {
    return [...this.#root.querySelectorAll("li:not([hidden]) a")];
  }

  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = this.#shown();
    const at = links.indexOf(document.activeElement);
    if (step && at >= 0) {
      event.preventDefault();
      (links[at + step] ?? (step < 0 ? this.#search : links[at])).focus();
    }
  }
}

function groupBy(methods) {
  const groups = new Map();
  for (const method of methods) {
    groups.set(method.group, [...(groups.get(method.group) ?? []), method]);
  }
  return groups;
}
