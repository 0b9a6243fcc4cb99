// The package `ws`: calls, a batch, a subscription and its end, over one socket.

import assert from "node:assert/strict";
import WebSocket from "ws";

const socket = new WebSocket(process.argv[2]);
const received = [];
let wake = () => {};
socket.on("message", (data, isBinary) => {
  assert.equal(isBinary, false);
  received.push(JSON.parse(data));
  wake();
});
const send = (message) => socket.send(JSON.stringify(message));
const next = async () => {
  while (received.length === 0) {
    await new Promise((resolve) => { wake = resolve; });
  }
  return received.shift();
};

await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
send({ jsonrpc: "2.0", method: "set", params: ["ACME", 1], id: "a" });
assert.deepEqual(await next(), { jsonrpc: "2.0", result: null, id: "a" });
send([
  { jsonrpc: "2.0", method: "last", params: { symbol: "ACME" }, id: 1 },
  { jsonrpc: "2.0", method: "no_such_method", id: 2 },
]);
const batch = await next();
assert.equal(batch[0].result, 1);
assert.equal(batch[1].error.code, -32601);

send({ jsonrpc: "2.0", method: "prices", params: ["ACME"], id: 3 });
const { result: subscription } = await next();
assert.equal(typeof subscription, "string");
for (const value of [1, 2, 3]) {
  if (value > 1) {
    send({ jsonrpc: "2.0", method: "set", params: ["ACME", value] });
  }
  const item = await next();
  assert.equal(item.method, "prices");
  assert.equal(item.params.subscription, subscription);
  assert.deepEqual(item.params.result, { symbol: "ACME", value });
}
send({ jsonrpc: "2.0", method: "rpc.unsubscribe", params: { subscription }, id: 4 });
assert.deepEqual(await next(), { jsonrpc: "2.0", result: true, id: 4 });

const pong = new Promise((resolve) => socket.once("pong", resolve));
socket.ping("hello");
assert.equal((await pong).toString(), "hello");
const closed = new Promise((resolve) => socket.once("close", resolve));
socket.close(1000);
assert.equal(await closed, 1000);
