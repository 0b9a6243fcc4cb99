// The package `rpc-websockets`, by `call` and `on`: its own `subscribe` is another protocol.

import assert from "node:assert/strict";
import { Client } from "rpc-websockets";

const client = new Client(process.argv[2], { reconnect: false });
await new Promise((resolve, reject) => { client.on("open", resolve); client.on("error", reject); });
await client.call("set", ["ACME", 1]);
assert.equal(await client.call("last", { symbol: "ACME" }), 1);
await assert.rejects(client.call("no_such_method"), { code: -32601 });

const items = [];
let wake = () => {};
client.on("prices", (params) => { items.push(params); wake(); });
const subscription = await client.call("prices", ["ACME"]);
await client.call("set", ["ACME", 2]);
while (items.length < 2) {
  await new Promise((resolve) => { wake = resolve; });
}
assert.deepEqual(items.map((item) => [item.subscription, item.result.value]), [[subscription, 1], [subscription, 2]]);
assert.equal(await client.call("rpc.unsubscribe", [subscription]), true);
client.close();
