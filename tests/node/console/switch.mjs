// A network that the test cuts.

import { connect, createServer } from "node:net";

import { url } from "./browser.mjs";

/// A server that is there or not: passes its connections to the server of the tests.
export class Switch {
  #sockets = new Set();
  #server;
  #port = 0;

  get base() {
    return `http://127.0.0.1:${this.#port}`;
  }

  async on() {
    this.#server = createServer((client) => {
      const { hostname, port } = new URL(url);
      const server = connect(Number(port), hostname);
      for (const [one, other] of [[client, server], [server, client]]) {
        this.#sockets.add(one);
        one.pipe(other);
        one.on("error", () => other.destroy());
        one.on("close", () => { other.destroy(); this.#sockets.delete(one); });
      }
    });
    await new Promise((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = this.#server.address().port;
  }

  async off() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#sockets.forEach((socket) => socket.destroy());
    await closed;
  }
}
