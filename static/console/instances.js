// The instances that share the calls of the services over NATS.

import { make, say, set } from "./dom.js";
import { micros } from "./format.js";

/// Number of characters of an id that are shown: enough to tell a few instances apart.
const SHOWN = 8;

/// Creates the list of instances, which is hidden as long as there are none.
export function instanceList() {
  const rows = new Map();
  const body = make("tbody", {});
  const head = make("tr", {}, ["Instance", "Takes", "Wait"].map((text) => make("th", { scope: "col" }, text)));
  const node = make("div", { class: "instances", hidden: true }, make("h3", {}, "Instances on NATS"),
    make("table", {}, make("thead", {}, head), body));
  return {
    node,
    show: (instances) => {
      node.hidden = instances.length === 0;
      const keys = new Set(instances.map(keyOf));
      for (const instance of instances) {
        const key = keyOf(instance);
        if (!rows.has(key)) {
          rows.set(key, instanceRow(instance));
          body.append(rows.get(key).node);
        }
        rows.get(key).show(instance);
      }
      for (const [key, row] of rows) {
        if (!keys.has(key)) {
          row.node.remove();
          rows.delete(key);
        }
      }
    },
  };
}

function keyOf({ service, id }) {
  return `${service} ${id}`;
}

function instanceRow({ service, id, is_own }) {
  const name = make("th", { scope: "row", title: id }, service, " ", make("code", {}, id.slice(0, SHOWN)),
    is_own ? make("span", { class: "soft" }, " this one") : null);
  const member = make("td", {});
  const wait = make("td", {});
  const node = make("tr", { "data-instance": id }, name, member, wait);
  return {
    node,
    show: ({ is_silent, methods }) => {
      const out = methods.filter((method) => !method.in).map((method) => method.method);
      set(node, { "data-state": is_silent ? "down" : out.length > 0 ? "flooded" : "idle" });
      say(member, is_silent ? "silent" : out.length === 0 ? "all" : `all but ${out.join(", ")}`);
      say(wait, is_silent ? "–" : micros(Math.max(0, ...methods.map((method) => method.wait_us))));
    },
  };
}
