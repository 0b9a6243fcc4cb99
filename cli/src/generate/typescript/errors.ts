
/** A call that failed. All errors of this client extend this class. */
export abstract class CallError extends Error {
  abstract override readonly name: string;
  /** The method that was called. */
  readonly method: string;

  constructor(method: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.method = method;
  }
}

/** An error that the server answered with. */
export abstract class RpcError<C extends number, D> extends CallError {
  readonly code: C;
  readonly data: D;

  constructor(method: string, code: C, message: string, data: D) {
    super(method, message);
    this.code = code;
    this.data = data;
  }
}

/** An error of the server whose code the document does not list. */
export class UnlistedError extends RpcError<number, unknown> {
  override readonly name = "UnlistedError";
}

/**
 * The server could not be reached, or the connection broke: the call may have
 * run.
 */
export class TransportError extends CallError {
  override readonly name = "TransportError";
}

/** The timeout passed before the answer came: the call may have run. */
export class TimedOutError extends CallError {
  override readonly name = "TimedOutError";
}

/** What came back is not an answer to the call, which may have run. */
export class BadResponseError extends CallError {
  override readonly name = "BadResponseError";
}
