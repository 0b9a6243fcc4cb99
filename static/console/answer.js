// The answer to a call, with its status and its time.

import { make, set } from "./dom.js";
import { millis } from "./format.js";
import { read, write } from "./json.js";

const ACCESS_DENIED = -32001;

export function answerView() {
  // Read out when it changes; the text below it may be long, and is there to be read when somebody wants to.
  const status = make("p", { class: "answer-status", role: "status" });
  const text = make("pre", { class: "answer-text", tabindex: "0", "aria-label": "The answer as JSON" });
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
    fail: (error) => tell("bad", [make("span", { class: "outcome bad" }, "no answer"), ` ${error.message}`], ""),
    show: ({ status: http, statusText, ms, text: body, result, error }, server) => {
      const took = make("span", { class: "took" }, `HTTP ${http} ${statusText} · `.replace("  ", " "), make("strong", {}, millis(ms)));
      const what = result !== undefined
        ? [make("span", { class: "outcome good" }, "ok")]
        : error
          ? [make("span", { class: "outcome bad" }, String(error.code)), make("span", {}, error.message ?? "")]
          : [make("span", { class: "outcome bad" }, "no JSON-RPC answer")];
      const advice = error?.code === ACCESS_DENIED ? [make("span", { class: "advice" }, denied(server))] : [];
      tell(result === undefined ? "bad" : "good", [...what, took, ...advice], pretty(body));
    },
  };
}

function denied(server) {
  if (!server.checksTokens) {
    return "The server checks no tokens.";
  }
  return server.hasToken ? "This token does not do." : "Type a token in above.";
}

/// Laid out, with each digit as it was sent.
function pretty(body) {
  try {
    return write(read(body), 2);
  } catch {
    return body;
  }
}
