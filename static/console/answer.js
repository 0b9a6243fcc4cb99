// The response to a call, with its status and its duration. While there is none: how far the call
// is, and a button to cancel it.

import { make, set } from "./dom.js";
import { millis } from "./format.js";
import { read, write } from "./json.js";
import { progressBar } from "./progress-bar.js";

const ACCESS_DENIED = -32001;

export function answerView() {
  // Screen readers announce changes of the status, but not of the text below it, which may be long.
  const status = make("p", { class: "answer-status", role: "status" });
  const text = make("pre", { class: "answer-text", tabindex: "0", "aria-label": "The response as JSON" });
  const bar = progressBar();
  let cancel = null;
  const button = make("button", { type: "button", class: "quiet small", hidden: true, onclick: () => cancel?.() }, "Cancel");
  const node = make("section", { class: "card answer", "aria-label": "Answer", hidden: true },
    make("div", { class: "card-head" }, make("h2", {}, "Answer"), status, button), bar.node, text);
  const tell = (kind, words, body) => {
    set(node, { hidden: null, "data-outcome": kind });
    status.replaceChildren(...words);
    text.textContent = body;
    text.hidden = body === "";
    cancel = null;
    button.hidden = true;
    bar.hide();
  };
  return {
    node,
    /// Shows that there is no response yet. `onCancel` cancels the call, if it can be cancelled.
    wait: (onCancel = null) => {
      tell("waiting", [make("span", { class: "outcome" }, "waiting …")], "");
      cancel = onCancel;
      button.hidden = onCancel === null;
    },
    progress: (report) => bar.show(report),
    hide: () => set(node, { hidden: true }),
    fail: (error) => tell("bad", [make("span", { class: "outcome bad" }, "no response"), ` ${error.message}`], ""),
    show: ({ over, ms, text: body, result, error }, server) => {
      const took = make("span", { class: "took" }, `${over} · `, make("strong", {}, millis(ms)));
      const what = result !== undefined
        ? [make("span", { class: "outcome good" }, "ok")]
        : error
          ? [make("span", { class: "outcome bad" }, String(error.code)), make("span", {}, error.message ?? "")]
          : [make("span", { class: "outcome bad" }, "not a JSON-RPC response")];
      const advice = error?.code === ACCESS_DENIED ? [make("span", { class: "advice" }, denied(server))] : [];
      tell(result === undefined ? "bad" : "good", [...what, took, ...advice], pretty(body));
    },
  };
}

function denied(server) {
  if (!server.checksTokens) {
    return "This server checks no tokens.";
  }
  return server.hasToken ? "This token has no access to the method." : "Enter a token above.";
}

/// Formats JSON, with each number as it was sent.
function pretty(body) {
  try {
    return write(read(body), 2);
  } catch {
    return body;
  }
}
