// Calls the test service with its generated client. The arguments are the URL of the endpoint, and
// one at which nobody listens.

import assert from "node:assert/strict";
import {
  AccessDeniedError,
  AlreadyShippedError,
  BadResponseError,
  Client,
  DeadlineExceededError,
  InternalError,
  InvalidParamsError,
  NotFoundError,
  type Order,
  ServerBusyError,
  TimedOutError,
  TransportError,
} from "./client.js";

const [url = "", closed = ""] = process.argv.slice(2);
const client = new Client(url);

// Results, optional parameters, and types that serde writes in several ways.
const order: Order = await client.orders.place({
  item: "apple",
  delivery: { kind: "post", street: "Main Street 1" },
});
assert.equal(order.amount, 1);
assert.equal(order.note, null);
assert.equal(order.priority, "Low");
assert.ok(order.kind === "post" && order.street === "Main Street 1");
const second = await client.orders.place({
  item: "pear",
  amount: 3,
  note: "ripe",
  priority: "High",
  delivery: { kind: "pickup", hour: 7 },
});
assert.equal(second.kind === "pickup" ? second.hour : 0, 7);
assert.equal((await client.orders.list()).length, 2);
assert.deepEqual(await client.orders.label({ red: 1, "a b": -2 }), {
  red: 1,
  "a b": -2,
});
assert.deepEqual(await client.pair({ of: [1, "x"] }), ["x", 1]);
assert.equal(await client.nullness(), "missing");
assert.equal(await client.nullness({ value: null }), "null");
assert.equal(await client.nullness({ value: 3 }), "a value");
assert.equal(await client.wait({ ms: 0 }), undefined);
assert.equal(await client.old(), 7);
assert.equal(await client.import({ class: 1, self: 2, "a-b": 3 }), 6);

// @ts-expect-error a parameter of another type
await assert.rejects(client.orders.find({ number: "one" }), (error) => {
  assert.ok(error instanceof InvalidParamsError);
  assert.equal(error.data.param, "number");
  assert.match(error.data.reason, /expected/);
  return true;
});
// @ts-expect-error a required parameter that is missing
await assert.rejects(client.orders.find({}), InvalidParamsError);
// @ts-expect-error a method that does not exist
assert.equal(client.orders.none, undefined);

// Errors, thrown and as a union.
await assert.rejects(client.orders.find({ number: 7 }), (error) => {
  assert.ok(error instanceof NotFoundError);
  assert.equal(error.code, 404);
  assert.equal(error.data.number, 7);
  assert.equal(error.message, "There is no order 7");
  assert.equal(error.method, "orders.find");
  return true;
});
const outcome = await client.outcome("orders.cancel", { number: 1 });
assert.ok(!outcome.ok);
switch (outcome.error.name) {
  case "NotFoundError":
    assert.fail(String(outcome.error.data.number));
  case "AlreadyShippedError":
    assert.equal(outcome.error.code, 409);
    break;
  default:
    assert.fail(outcome.error);
}
assert.ok(outcome.error instanceof AlreadyShippedError);
await assert.rejects(client.orders.cancel({ number: 0 }), (error) => {
  assert.ok(error instanceof InternalError);
  assert.match(error.data.correlation_id, /./);
  assert.doesNotMatch(error.message, /disk/);
  return true;
});
await assert.rejects(client.whoami(), AccessDeniedError);
for (const options of [{}, { tokenHeader: "X-Api-Token" }]) {
  const known = new Client(url, { token: "hello_world", ...options });
  assert.equal(await known.whoami(), null);
}

// Overload, deadlines, and what goes wrong on the way.
const held = [1, 2, 3, 4].map(() => client.outcome("hold", { ms: 200 }));
const busy = (await Promise.all(held)).filter((held) => !held.ok);
assert.ok(busy.length >= 1);
for (const { error } of busy) {
  assert.ok(error instanceof ServerBusyError);
  assert.ok(error.data.retry_after_ms >= 0);
}
await assert.rejects(client.late(), (error) => {
  assert.ok(error instanceof DeadlineExceededError);
  assert.equal(error.data.deadline_ms, 50);
  return true;
});
const impatient = new Client(url, { timeoutMs: 50 });
await assert.rejects(impatient.wait({ ms: 5000 }), (error) => {
  return error instanceof TimedOutError || error instanceof DeadlineExceededError;
});
await impatient.wait({ ms: 100 }, { timeoutMs: 5000 });
// More than a timer can wait.
await client.wait({ ms: 100 }, { timeoutMs: 2 ** 31 });
await assert.rejects(
  client.wait({ ms: 5000 }, { signal: AbortSignal.timeout(50) }),
  { name: "TimeoutError" },
);
const gone = AbortSignal.abort(new Error("gone"));
await assert.rejects(client.wait({ ms: 1 }, { signal: gone }), /gone/);
await assert.rejects(new Client(closed).echo({ value: 1 }), TransportError);
await assert.rejects(
  new Client(url.replace("/api", "/none")).echo({ value: 1 }),
  BadResponseError,
);

// Numbers: exact, or an error.
assert.equal(await client.echo({ value: 2 ** 53 }), 2 ** 53);
assert.equal(await client.echo({ value: 2 ** 60 }), 2 ** 60);
let body = "";
const altered = new Client(url, {
  fetch: async (input, init) => {
    body = String(init?.body).replace('"value":1', '"value":9007199254740993');
    return fetch(input, { ...init, body });
  },
});
await assert.rejects(altered.echo({ value: 1 }), /9007199254740993/);
assert.match(body, /^\{"jsonrpc":"2.0","method":"echo",/);
assert.equal(await client.average({ of: [1e300, 1e300] }), 1e300);
await assert.rejects(client.average({ of: [NaN] }), TypeError);

// A notification, and a batch.
await client.notify("orders.place", {
  item: "plum",
  delivery: { kind: "never" },
});
for (let tries = 0; (await client.orders.list()).length < 3; tries++) {
  assert.ok(tries < 100);
  await new Promise((resolve) => setTimeout(resolve, 10));
}
const [sum, failed, all, nobody] = await client.batch([
  ["echo", { value: 5 }],
  ["orders.find", { number: 8 }],
  ["orders.list"],
  ["whoami"],
]);
assert.ok(sum.ok && sum.result + 1 === 6);
assert.ok(!failed.ok && failed.error.name === "NotFoundError");
assert.equal(failed.error.data.number, 8);
assert.ok(all.ok && all.result.length === 3);
assert.ok(!nobody.ok && nobody.error instanceof AccessDeniedError);
assert.deepEqual(await client.batch([]), []);
await assert.rejects(new Client(closed).batch([["whoami"]]), TransportError);

console.log("all calls went as they should");
