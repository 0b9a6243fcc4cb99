// The live data of the mailboxes: a subscription for as long as the page is visible.

const WATCH = "rpc.watchMailboxes";
const BUSY = -32000;
const ACCESS_DENIED = -32001;
/// The time before a further attempt after a refusal, in milliseconds.
const RETRY = 5000;

export class Watch {
  #server;
  #socket;
  #show;
  #note;
  /// Number of the newest attempt, by which an older one sees that it is over.
  #turn = 0;
  #subscription = null;
  #retry;

  /// `show` is called with each frame, and `note` with what there is: `live` figures, or why there
  /// are none: `denied`, `busy`, or `away` without a connection.
  constructor(server, socket, { show, note }) {
    this.#server = server;
    this.#socket = socket;
    this.#show = show;
    this.#note = note;
    socket.onState((state) => this.#connection(state));
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#stop() : this.#start()));
  }

  #connection(state) {
    if (state === "open") {
      this.#start();
      return;
    }
    this.#forget();
    if (state === "lost") {
      this.#note("away");
    }
  }

  async #start() {
    this.#forget();
    if (document.hidden) {
      return;
    }
    const turn = this.#turn;
    const isCurrent = () => turn === this.#turn;
    const listener = {
      items: ({ newest }) => {
        if (isCurrent()) {
          this.#note("live");
          this.#show(JSON.parse(newest.at(-1).json));
        }
      },
      end: ({ error, lost }) => {
        if (isCurrent() && !lost) {
          this.#refused(error);
        }
      },
    };
    try {
      const { error, result } = await this.#socket.send(this.#server.request(WATCH), { listener });
      if (!isCurrent()) {
        this.#socket.unsubscribe(result);
      } else if (error) {
        this.#refused(error);
      } else {
        this.#subscription = result;
      }
    } catch {
      // The connection tells when it is back.
    }
  }

  #refused(error) {
    this.#forget();
    if (error?.code === ACCESS_DENIED) {
      this.#note("denied");
      return;
    }
    // Otherwise the server is about to stop.
    this.#note(error?.code === BUSY ? "busy" : "away");
    this.#retry = setTimeout(() => this.#start(), RETRY);
  }

  #stop() {
    const subscription = this.#subscription;
    this.#forget();
    if (subscription) {
      this.#socket.unsubscribe(subscription);
    }
  }

  #forget() {
    clearTimeout(this.#retry);
    this.#turn += 1;
    this.#subscription = null;
  }
}
