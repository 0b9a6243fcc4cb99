// The view of one method: its documentation, the form for its parameters, the request and the
// response.

import { answerView } from "./answer.js";
import { blame } from "./blame.js";
import { cadence } from "./cadence.js";
import { icon, make, set } from "./dom.js";
import { NoValue } from "./fields.js";
import { members } from "./members.js";
import { prose } from "./prose.js";
import { requestView } from "./request-view.js";
import { withMeta } from "./rpc.js";
import { runner } from "./run.js";
import { millis } from "./format.js";
import { typeWords } from "./schema.js";
import { SubscriptionView } from "./subscription.js";

const INVALID_PARAMS = -32602;

/// The view of a method, created once. `made` is called with each call that was made.
export class MethodView {
  #method;
  #server;
  #form;
  #request;
  #answer = answerView();
  #button;
  #made;
  #run;
  /// The items and how often they come, if the method starts a subscription.
  #items = null;
  #cadence = null;
  /// Where the last error of the server is shown.
  #blamed = null;

  constructor(method, root, { server, socket, made }) {
    this.#method = method;
    this.#server = server;
    this.#made = made;
    const changed = () => this.#changed();
    this.#form = method.isDescribed ? parameters(method, { root, depth: 0, changed }) : anything({ root, depth: 0, changed });
    this.#request = requestView(server, method, root);
    this.#run = runner({ server, socket, method, answer: this.#answer });
    if (method.subscription) {
      this.#items = new SubscriptionView(socket, method.subscription);
      this.#cadence = cadence(changed);
    }
    this.#button = make("button", { type: "submit", class: "call", "aria-keyshortcuts": "Control+Enter" }, method.subscription ? "Subscribe" : "Call");
    const form = make("form", { class: "card parameters", autocomplete: "off", novalidate: true, "aria-labelledby": "parameters-title",
      onsubmit: (event) => { event.preventDefault(); this.call(); } },
      make("h2", { id: "parameters-title" }, "Parameters"),
      this.#form.node, this.#cadence?.node,
      make("div", { class: "actions" }, this.#button, make("span", { class: "soft keys" }, make("kbd", {}, "Ctrl"), " ", make("kbd", {}, "Enter"))));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.call();
      }
    });
    this.node = make("article", {}, head(method, root), form, this.#answer.node, ...(this.#items ? [this.#items.node] : []), this.#request.node);
    this.#changed();
  }

  /// Fills the form with parameters of an earlier call.
  fill(params) {
    this.#form.write(params ?? {});
    this.#form.clear();
    this.#changed();
  }

  #params() {
    const params = this.#form.read();
    const isNothing = params === undefined || (!Array.isArray(params) && Object.keys(params).length === 0);
    return isNothing ? undefined : params;
  }

  #changed() {
    try {
      this.#request.show(this.#params(), this.#cadence?.read());
    } catch (error) {
      if (!(error instanceof NoValue)) {
        throw error;
      }
      this.#request.cannot(error.message);
    }
  }

  async call() {
    this.#form.clear();
    this.#blamed?.complain(null);
    let params;
    try {
      params = this.#params();
    } catch (error) {
      if (!(error instanceof NoValue)) {
        throw error;
      }
      error.input.focus();
      return;
    }
    const request = this.#server.request(this.#method.name, params);
    set(this.#button, { "aria-disabled": "true" });
    const reply = await (this.#items ? this.#subscribe(request) : this.#run(request));
    if (reply?.error?.code === INVALID_PARAMS) {
      this.#blamed = blame(this.#form, reply.error.data);
    }
    set(this.#button, { "aria-disabled": null });
    const code = reply ? reply.error?.code ?? null : "no response";
    this.#made({ method: this.#method.name, params, code, ms: reply?.ms ?? null });
  }

  async #subscribe(request) {
    this.#items.stop();
    const listener = this.#items.listener();
    const reply = await this.#run(withMeta(request, this.#cadence.read()), listener);
    if (typeof reply?.result === "string") {
      this.#answer.hide();
      this.#items.start(reply.result, listener);
    }
    return reply;
  }

  /// Gives up the view, and what is under way in it.
  close() {
    this.#items?.stop();
  }
}

function parameters(method, context) {
  if (method.params.length === 0 && !method.rest) {
    return { node: make("p", { class: "soft" }, "This method has no parameters."), read: () => undefined, write() {}, clear() {}, row() {} };
  }
  const named = members(method.params, context);
  if (!method.rest) {
    return named;
  }
  const rest = members([{ name: "…", schema: { type: "object", additionalProperties: method.rest }, description: "Further parameters, by name." }], context);
  const names = method.params.map((param) => param.name);
  return {
    node: make("div", {}, named.node, rest.node),
    read: () => ({ ...rest.read()["…"], ...named.read() }),
    write: (object) => {
      named.write(object);
      const more = Object.entries(object).filter(([name]) => !names.includes(name));
      rest.write({ "…": more.length > 0 ? Object.fromEntries(more) : undefined });
    },
    clear: () => { named.clear(); rest.clear(); },
    row: (name) => named.row(name) ?? rest.row("…").part(name),
    otherwise: () => rest.row("…"),
  };
}

/// Creates a form for a method whose name only is known.
function anything(context) {
  const described = { name: "params", schema: {}, required: false, description: "The parameters of this method are shown to callers with access to it." };
  const row = members([described], { ...context });
  return {
    ...row,
    read: () => row.read().params ?? undefined,
    write: (params) => row.write({ params: Object.keys(params).length > 0 ? params : undefined }),
    row() {},
    otherwise: () => row.row("params"),
  };
}

function head(method, root) {
  const at = method.name.lastIndexOf(".") + 1;
  const facts = [
    method.access === "public"
      ? make("span", { class: "badge" }, "public")
      : make("span", { class: "badge private" }, icon("lock"), method.scope ? `token with the scope ${method.scope}` : "needs a token"),
    method.isDeprecated ? make("span", { class: "badge deprecated" }, "deprecated") : null,
    method.kind ? make("span", { class: "badge" }, KIND[method.kind] ?? method.kind) : null,
    method.reportsProgress ? make("span", { class: "badge" }, "reports its progress") : null,
    method.deadline ? make("span", { class: "badge" }, `deadline ${millis(method.deadline)}`) : null,
    method.subscription
      ? make("span", { class: "badge" }, "subscription to ", make("code", {}, typeWords(method.subscription.item, root).replace(/,.*/, "")))
      : method.result ? make("span", { class: "badge" }, "gives ", make("code", {}, typeWords(method.result.schema, root).replace(/,.*/, ""))) : null,
  ];
  return make("header", { class: "method-head" },
    make("h1", {}, make("span", { class: "soft" }, method.name.slice(0, at)), method.name.slice(at)),
    make("p", { class: "badges" }, facts),
    prose(method.description),
    errors(method));
}

const KIND = {
  read: "reads the state",
  write: "changes the state",
  read_async: "reads the state, async",
  write_async: "changes the state, async",
  compute: "computes, without state",
};

function errors(method) {
  if (method.errors.length === 0) {
    return null;
  }
  return make("details", { class: "errors" },
    make("summary", {}, method.errors.length === 1 ? "1 error of its own" : `${method.errors.length} errors of its own`),
    make("ul", {}, method.errors.map(({ code, message }) => make("li", {}, make("code", {}, String(code)), ` ${message}`))));
}
