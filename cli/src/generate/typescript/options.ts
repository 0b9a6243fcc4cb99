
/** Settings of a client. */
export interface ClientOptions {
  /** The caller's token, sent as `Authorization: Bearer …`. */
  token?: string | undefined;
  /** The header that has the token as its whole value, such as `X-Api-Token`. */
  tokenHeader?: string | undefined;
  /** Further headers of each request. */
  headers?: Readonly<Record<string, string>> | undefined;
  /**
   * The deadline of each call, which is sent as `Request-Timeout`. Without it
   * the server's own applies.
   */
  timeoutMs?: number | undefined;
  /** What sends requests, instead of the global `fetch`. */
  fetch?: typeof fetch | undefined;
}

/** Settings of one call. */
export interface CallOptions {
  /** Ends the call early: it throws the reason of the signal. */
  signal?: AbortSignal | undefined;
  /** The deadline of this call. */
  timeoutMs?: number | undefined;
}
