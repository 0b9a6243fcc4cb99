// The response to a call, with its status and its duration.

import { make, set } from "./dom.js";
import { millis } from "./format.js";
import { read, write } from "./json.js";

const ACCESS_DENIED = -32001;

export function answerView() {
  // Screen readers announce changes of the status, but not of the text below it, which may be long.
  const status = make("p", { class: "answer-status", role: "status" });
  const text = make("pre", { class: "answer-text", tabindex: "0", "aria-label": "The response as JSON" });
  const node = make("section", { class: "card answer", "aria-label": "Answer", hidden: true },
    make("div", { class: "card-head" }, make("h2", {}, "Answer"), status), text);
  const tell = (kind, words, body) => {
    set(node, { hidden: null, "data-outcome": kind });
    status.replaceChildren(...words);
    text.textContent = body;
    text.hidden = body === "";
  };
  return {
    node,
    wait: () => tell("waiting", [make("span", { class: "outcome" }, "waiting …")], ""),
    fail: (error) => tell("bad", [make("span", { class: "outcome bad" }, "no response"), ` ${error.message}`], ""),
    show: ({ status: http, statusText, ms, text: body, result, error }, server) => {
      const took = make("span", { class: "took" }, `HTTP ${http} ${statusText} · `.replace("  ", " "), make("strong", {}, millis(ms)));
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
