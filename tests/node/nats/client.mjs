// The packages of NATS for Node find two instances of a callbox service, and call it.

import assert from "node:assert/strict";
import { connect, headers } from "@nats-io/transport-node";
import { Svcm } from "@nats-io/services";

const nc = await connect({ servers: process.argv[2] });
const services = new Svcm(nc).client({ maxWait: 1000, strategy: "timer" });

const all = async (answers) => {
  const found = [];
  for await (const answer of await answers) {
    found.push(answer);
  }
  return found;
};

const pings = await all(services.ping("shop-market"));
assert.equal(pings.length, 2);
assert.notEqual(pings[0].id, pings[1].id);
for (const ping of pings) {
  assert.equal(ping.type, "io.nats.micro.v1.ping_response");
  assert.equal(ping.name, "shop-market");
  assert.match(ping.version, /^\d+\.\d+\.\d+$/);
  assert.equal(ping.metadata["callbox.service"], "shop.market");
}

const [info, ...others] = await all(services.info("shop-market", pings[0].id));
assert.equal(others.length, 0);
assert.equal(info.type, "io.nats.micro.v1.info_response");
assert.equal(info.id, pings[0].id);
assert.equal(info.description, "Sells things.");
const add = info.endpoints.find((endpoint) => endpoint.name === "add");
assert.deepEqual([add.subject, add.queue_group], ["callbox.shop=2Emarket.add", "q"]);

// It is called at the subject that it names.
const request = async (method, payload, more) => {
  const { subject } = info.endpoints.find((endpoint) => endpoint.name === method);
  return await nc.request(subject, payload, { timeout: 5000, ...more });
};
assert.equal((await request("add", JSON.stringify({ a: 1, b: 2 }))).json(), 3);
for (let count = 0; count < 20; count += 1) {
  assert.equal((await request("add", JSON.stringify([count, 1]))).json(), count + 1);
}
const token = headers();
token.set("X-Api-Token", "ann");
assert.equal((await request("secret", "", { headers: token })).json(), "ann");

const refused = await request("refuse");
assert.equal(refused.headers.get("Nats-Service-Error-Code"), "500");
assert.equal(refused.headers.get("Nats-Service-Error"), "not  today");
assert.deepEqual(refused.json(), { code: 7, message: "not\r\ntoday", data: { until: 8 } });

const stats = await all(services.stats("shop-market"));
assert.equal(stats.length, 2);
const figures = (method) => stats.map((instance) => instance.endpoints.find((endpoint) => endpoint.name === method));
const sum = (method, figure) => figures(method).reduce((sum, endpoint) => sum + endpoint[figure], 0);
assert.deepEqual([sum("add", "num_requests"), sum("add", "num_errors")], [21, 0]);
assert.deepEqual([sum("refuse", "num_requests"), sum("refuse", "num_errors")], [1, 1]);
assert.ok(sum("add", "processing_time") > 0);
for (const instance of stats) {
  assert.equal(instance.type, "io.nats.micro.v1.stats_response");
  assert.ok(Math.abs(Date.now() - Date.parse(instance.started)) < 600_000, instance.started);
}
await nc.close();
