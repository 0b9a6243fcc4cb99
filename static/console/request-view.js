// Shows the request of the form as JSON, as a shell command and as Rust.

import { make, set } from "./dom.js";
import { withMeta } from "./rpc.js";
import { asRust } from "./rust-snippet.js";
import { asCurl, asJson } from "./snippets.js";

const FORMS = [["json", "JSON", asJson], ["curl", "curl", asCurl], ["rust", "Rust", asRust]];

/// The selected tab applies to all methods.
let current = "json";

export function requestView(server, method, root) {
  let params;
  let meta = {};
  let problem = null;
  const tabs = FORMS.map(([key, word]) => make("button", {
    type: "button", role: "tab", id: `tab-${key}`, "aria-controls": "request-text",
    onclick: () => choose(key),
  }, word));
  const text = make("pre", { id: "request-text", role: "tabpanel", tabindex: "0" });
  const copied = make("span", { class: "soft", role: "status" });
  const copy = make("button", { type: "button", class: "quiet small", onclick: async () => {
    await navigator.clipboard.writeText(text.textContent);
    copied.textContent = "copied";
    setTimeout(() => { copied.textContent = ""; }, 2000);
  } }, "Copy");

  const draw = () => {
    const facts = { endpoint: server.publicEndpoint, tokenHeader: server.tokenHeader, needsToken: method.access !== "public", method, root };
    const request = withMeta({ jsonrpc: "2.0", method: method.name, params, id: 1 }, meta);
    FORMS.forEach(([key, , form], index) => {
      set(tabs[index], { "aria-selected": String(key === current), tabindex: key === current ? "0" : "-1" });
      if (key === current) {
        text.textContent = problem ?? form(request, facts);
        set(text, { "aria-labelledby": `tab-${key}` });
      }
    });
  };
  const choose = (key) => {
    current = key;
    draw();
  };
  const list = make("div", { class: "tabs", role: "tablist", "aria-label": "The request as", onkeydown: (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const at = FORMS.findIndex(([key]) => key === current);
      const next = (at + step + FORMS.length) % FORMS.length;
      choose(FORMS[next][0]);
      tabs[next].focus();
    }
  } }, tabs);

  return {
    node: make("section", { class: "card request", "aria-label": "Request" },
      make("div", { class: "card-head" }, make("h2", {}, "Request"), list, copied, copy), text),
    /// Shows a request with these parameters, and what it says beside them.
    show: (now, besides = {}) => { [params, meta] = [now, besides]; problem = null; draw(); },
    cannot: (why) => { problem = why; draw(); },
    draw,
  };
}
