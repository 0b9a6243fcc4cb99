// The package `viem`, which knows the names of Ethereum's subscriptions and no others.

import assert from "node:assert/strict";
import { createPublicClient, webSocket } from "viem";

const transport = webSocket(process.argv[2], { reconnect: false });
const client = createPublicClient({ transport });
assert.equal(await client.getChainId(), 5);

const heads = [];
let wake = () => {};
const { subscriptionId, unsubscribe } = await client.transport.subscribe({
  params: ["newHeads"],
  onData: (data) => { heads.push(data.result); wake(); },
  onError: (error) => { throw error; },
});
assert.equal(typeof subscriptionId, "string");
while (heads.length < 3) {
  await new Promise((resolve) => { wake = resolve; });
}
assert.deepEqual(heads.slice(0, 3).map((head) => head.number), ["0x1", "0x2", "0x3"]);
await unsubscribe();
const again = { method: "eth_unsubscribe", params: [subscriptionId] };
assert.equal(await client.request(again), false, "it has ended before");
await assert.rejects(client.transport.subscribe({ params: ["logs"], onData() {}, onError() {} }));
const socket = await client.transport.getRpcClient();
socket.close();
