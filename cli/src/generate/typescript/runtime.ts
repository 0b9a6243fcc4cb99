
/** The arguments of a method that is named by a string. */
type MethodArguments<M extends MethodName> = {} extends Methods[M]["params"]
  ? [params?: Methods[M]["params"], options?: CallOptions]
  : [params: Methods[M]["params"], options?: CallOptions];

/** One call of a batch: the name of a method, and its parameters. */
export type BatchCall = {
  [M in MethodName]: {} extends Methods[M]["params"]
    ? readonly [method: M, params?: Methods[M]["params"]]
    : readonly [method: M, params: Methods[M]["params"]];
}[MethodName];

/** The outcomes of a batch, in the order of its calls. */
export type BatchOutcomes<T extends readonly BatchCall[]> = {
  -readonly [I in keyof T]: Outcome<T[I][0]>;
};

/** What became of a call: its result, or the error that it ended with. */
export type Outcome<M extends MethodName> =
  | { readonly ok: true; readonly result: Methods[M]["result"] }
  | { readonly ok: false; readonly error: Methods[M]["error"] | CommonError };

/** The parameters of a method that takes none. */
export type NoParams = { readonly [name: string]: never };

interface MethodSpec {
  readonly errors?: {
    readonly [code: number]: new (
      method: string,
      code: never,
      message: string,
      data: never,
    ) => CallError;
  };
  /** The deadline that the server itself sets. */
  readonly deadlineMs?: number;
  /** The order of the parameters, for a server that takes no names. */
  readonly positional?: readonly string[];
  readonly notification?: true;
}

/** Time to wait for a server's own error after its own deadline. */
const GRACE_MS = 1000;

/** The longest time of a timer, which fires at once if it is set to more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Encodes calls, posts them, and decodes the answers. */
class Connection {
  readonly #url: string;
  readonly #options: ClientOptions;
  #lastId = 0;

  constructor(url: string | URL, options: ClientOptions) {
    this.#url = String(url);
    this.#options = options;
  }

  async call<M extends MethodName>(
    method: M,
    params?: Methods[M]["params"],
    options?: CallOptions,
  ): Promise<Methods[M]["result"]> {
    if (specOf(method).notification) {
      await this.notify(method, params, options);
      return undefined as unknown as Methods[M]["result"];
    }
    const request = this.#request(method, params, true);
    const deadlineMs = specOf(method).deadlineMs;
    const answer = await this.#post(method, request, deadlineMs, options);
    return resultOf(method, answer, request.id) as Methods[M]["result"];
  }

  async outcome<M extends MethodName>(
    method: M,
    params?: Methods[M]["params"],
    options?: CallOptions,
  ): Promise<Outcome<M>> {
    try {
      const result = await this.call(method, params, options);
      return { ok: true, result };
    } catch (error) {
      return failed(error) as Outcome<M>;
    }
  }

  async notify<M extends MethodName>(
    method: M,
    params?: Methods[M]["params"],
    options?: CallOptions,
  ): Promise<void> {
    const request = this.#request(method, params, false);
    const answer = await this.#post(method, request, undefined, options);
    // Only what was not taken at all is answered.
    if (isObject(answer) && "error" in answer) {
      resultOf(method, answer, undefined);
    }
  }

  async batch<const T extends readonly BatchCall[]>(
    calls: T,
    options?: CallOptions,
  ): Promise<BatchOutcomes<T>> {
    if (calls.length === 0) {
      return [] as unknown as BatchOutcomes<T>;
    }
    const requests = calls.map(([method, params]) =>
      this.#request(method, params, !specOf(method).notification),
    );
    const deadlines = calls.map(([method]) => specOf(method).deadlineMs);
    const latest = deadlines.reduce(
      (a, b) =>
        a === undefined || b === undefined ? undefined : Math.max(a, b),
      0,
    );
    const answers = await this.#post("a batch", requests, latest, options);
    if (isObject(answers)) {
      resultOf("a batch", answers, undefined);
    }
    const byId = new Map<unknown, unknown>();
    for (const answer of Array.isArray(answers) ? answers : []) {
      byId.set(isObject(answer) ? answer["id"] : undefined, answer);
    }
    const outcomes = calls.map(([method], index) => {
      const id = requests[index]?.id;
      if (id === undefined) {
        return { ok: true, result: undefined };
      }
      try {
        return { ok: true, result: resultOf(method, byId.get(id), id) };
      } catch (error) {
        return failed(error);
      }
    });
    return outcomes as BatchOutcomes<T>;
  }

  #request(method: MethodName, params: object | undefined, isCall: boolean) {
    const order = specOf(method).positional;
    return {
      jsonrpc: "2.0",
      method,
      params:
        order === undefined || params === undefined
          ? params
          : positional(order, params as Readonly<Record<string, unknown>>),
      id: isCall ? ++this.#lastId : undefined,
    };
  }

  /** Returns the answer; `undefined` if there is none. */
  async #post(
    method: string,
    message: unknown,
    deadlineMs: number | undefined,
    options: CallOptions = {},
  ): Promise<unknown> {
    const body = encode(message);
    const { token, tokenHeader, headers } = this.#options;
    const asked = options.timeoutMs ?? this.#options.timeoutMs;
    const all: Record<string, string> = {
      "Content-Type": "application/json",
      ...headers,
    };
    if (token !== undefined && tokenHeader === undefined) {
      all["Authorization"] = `Bearer ${token}`;
    } else if (token !== undefined && tokenHeader !== undefined) {
      all[tokenHeader] = token;
    }
    if (asked !== undefined) {
      // In seconds. Zero is not a valid timeout.
      all["Request-Timeout"] = Math.max(asked / 1000, 0.000001).toFixed(6);
    }
    const waitMs =
      asked ?? (deadlineMs === undefined ? undefined : deadlineMs + GRACE_MS);
    const { signal } = options;
    signal?.throwIfAborted();
    const controller = new AbortController();
    const abort = () => controller.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    let isLate = false;
    const late = () => {
      isLate = true;
      controller.abort();
    };
    const timer =
      waitMs === undefined
        ? undefined
        : setTimeout(late, Math.min(waitMs, MAX_TIMER_MS));
    let status: number;
    let text: string;
    try {
      const send = this.#options.fetch ?? fetch;
      const response = await send(this.#url, {
        method: "POST",
        headers: all,
        body,
        redirect: "error",
        signal: controller.signal,
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      signal?.throwIfAborted();
      if (isLate) {
        throw new TimedOutError(method, `no answer within ${waitMs} ms`);
      }
      throw new TransportError(method, reasonOf(cause), { cause });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
    const isSuccess = status >= 200 && status < 300;
    if (text.trim() === "" && isSuccess) {
      return undefined;
    }
    try {
      return decode(text);
    } catch (cause) {
      const start = JSON.stringify(text.slice(0, 200));
      const shown =
        cause instanceof RangeError ? cause.message : `no JSON: ${start}`;
      throw new BadResponseError(method, `HTTP status ${status}, ${shown}`);
    }
  }
}

function specOf(method: MethodName): MethodSpec {
  return SPECS[method];
}

function failed(error: unknown): { ok: false; error: CallError } {
  if (error instanceof CallError) {
    return { ok: false, error };
  }
  throw error;
}

/** Returns the result in an answer, or throws the error in it. */
function resultOf(method: string, answer: unknown, id: number | undefined) {
  if (!isObject(answer)) {
    throw new BadResponseError(method, "there is no answer to the call");
  }
  const error = answer["error"];
  const own = answer["id"];
  if (isObject(error) && (own === id || own === null || own === undefined)) {
    throw errorOf(method, error);
  }
  if (own !== id || !("result" in answer)) {
    throw new BadResponseError(method, "it is not an answer to the call");
  }
  return answer["result"];
}

function errorOf(method: string, error: Record<string, unknown>): CallError {
  const { code, message, data } = error;
  if (typeof code !== "number" || typeof message !== "string") {
    return new BadResponseError(method, "its error has no code or no message");
  }
  const own = method in SPECS ? specOf(method as MethodName).errors : undefined;
  const type = own?.[code] ?? COMMON_ERRORS?.[code];
  return type === undefined
    ? new UnlistedError(method, code, message, data)
    : new type(method, code as never, message, data as never);
}

function positional(
  order: readonly string[],
  params: Readonly<Record<string, unknown>>,
): unknown[] {
  const values = order.map((name) => params[name]);
  while (values.length > 0 && values[values.length - 1] === undefined) {
    values.pop();
  }
  return values.map((value) => value ?? null);
}

/** Finds strings, whose content is no matter here, and numbers. */
const TOKENS = /"(?:[^"\\]+|\\.)*"|[-+.\deE]+/g;

const LONG_INTEGER = /^-?\d{16,}$/;

function encode(message: unknown): string {
  const text = JSON.stringify(message, (name, value: unknown) => {
    // `JSON.stringify` would write null.
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new TypeError(`${name} is ${value}, which JSON does not have`);
    }
    return value;
  });
  // It writes the shortest digits that a number can be read from: 2^60 would
  // become 1152921504606847000.
  if (!/\d{16}/.test(text)) {
    return text;
  }
  return text.replace(TOKENS, (token) =>
    LONG_INTEGER.test(token) ? String(BigInt(Number(token))) : token,
  );
}

/** Parses JSON, unless a number in it would be changed by that. */
function decode(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (/\d{16}/.test(text)) {
    for (const [token] of text.matchAll(TOKENS)) {
      const isLong = LONG_INTEGER.test(token);
      if (isLong && BigInt(token) !== BigInt(Number(token))) {
        throw new RangeError(`a number cannot hold the integer ${token}`);
      }
    }
  }
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `fetch` hides the reason in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const reason = cause instanceof Error ? cause.message : "";
  return reason || (error instanceof Error ? error.message : String(error));
}
