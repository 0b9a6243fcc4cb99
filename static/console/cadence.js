// How often the items of a subscription come at most.

import { freshId, make } from "./dom.js";

/// Creates the field. `changed` is called when its value changes.
export function cadence(changed) {
  const id = freshId("cadence");
  const input = make("input", { id, type: "number", min: "0", step: "1", placeholder: "0", "aria-describedby": `${id}-note`, oninput: changed });
  return {
    node: make("p", { class: "cadence" },
      make("label", { for: id }, "At most one item every"), make("span", { class: "cadence-time" }, input, " ms"),
      make("span", { class: "soft", id: `${id}-note` }, "0: all of them. Otherwise the newest of each interval.")),
    /// Returns what the call says of it, beside its parameters.
    read: () => (Number.isSafeInteger(input.valueAsNumber) && input.valueAsNumber > 0 ? { minIntervalMs: input.valueAsNumber } : {}),
  };
}
