// Reads the server-sent events with `fetch`, as an `EventSource` cannot send a token.

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;

/// Follows the mailboxes while the page is visible.
///
/// `tell` is called with each frame. `note` is called with the state of the stream: `live`,
/// `denied`, `busy`, or `away` if it could not be opened or has ended.
export class Stream {
  #server;
  #tell;
  #note;
  #current = null;

  constructor(server, { tell, note }) {
    this.#server = server;
    this.#tell = tell;
    this.#note = note;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.stop() : this.start()));
  }

  /// Starts the stream again, for example with another token.
  start() {
    this.stop();
    if (this.#server.checksTokens && !this.#server.hasToken) {
      this.#note("denied");
      return;
    }
    const control = new AbortController();
    this.#current = control;
    this.#follow(control.signal);
  }

  stop() {
    this.#current?.abort();
  }

  async #follow(signal) {
    let pause = FIRST_PAUSE;
    while (!signal.aborted) {
      const state = await this.#once(signal, () => { pause = FIRST_PAUSE; });
      if (signal.aborted) {
        return;
      }
      this.#note(state);
      if (state === "denied") {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  /// Reads one response to its end. Returns the state that explains why it ended.
  async #once(signal, works) {
    try {
      const response = await fetch(this.#server.stream, {
        headers: { Accept: "text/event-stream", ...this.#server.headers },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal,
      });
      if (!response.ok) {
        return response.status === 401 ? "denied" : response.status === 503 ? "busy" : "away";
      }
      for await (const data of events(response.body)) {
        works();
        this.#note("live");
        this.#tell(JSON.parse(data));
      }
    } catch {
      // The connection failed or was closed.
    }
    return "away";
  }
}

/// Returns the data of each event.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const lines = part.split("\n").filter((line) => line.startsWith("data:"));
      yield lines.map((line) => line.slice(5).trimStart()).join("\n");
    }
  }
}
