// A service of the packages of NATS for Node. It says `ready`, and ends when its input ends.

import { connect } from "@nats-io/transport-node";
import { Svcm } from "@nats-io/services";

const nc = await connect({ servers: process.argv[2] });
const service = await new Svcm(nc).add({ name: "math", version: "1.2.3", description: "Knows numbers." });
const numbers = service.addGroup("numbers");
numbers.addEndpoint("add", (error, message) => {
  message.respond(JSON.stringify(message.json().reduce((sum, number) => sum + number, 0)));
});
numbers.addEndpoint("fail", (error, message) => {
  message.respondError(507, "out of numbers", JSON.stringify({ left: 0 }));
});
numbers.addEndpoint("text", (error, message) => {
  message.respond("no JSON");
});
// It answers nothing.
numbers.addEndpoint("think", () => {});
// What a callbox client sends with a call.
numbers.addEndpoint("timeout", (error, message) => {
  message.respond(JSON.stringify(Number(message.headers?.get("Request-Timeout"))));
});
await nc.flush();
console.error("ready");

process.stdin.resume();
process.stdin.on("end", async () => {
  await service.stop();
  await nc.close();
});
// If whoever started it is gone without a word.
setTimeout(() => process.exit(1), 60_000).unref();
