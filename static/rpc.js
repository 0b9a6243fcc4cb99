// JSON-RPC 2.0 by fetch: one call, or a batch of the same.

let last = 0;

const request = (method, params = {}) => ({ jsonrpc: "2.0", method, params, id: ++last });

async function post(body) {
  const response = await fetch("/api", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  // A request that is rejected before it is parsed as a call has another status, but the same body.
  return response.json();
}

/** Calls a method. Throws an Error with the message, `code` and `data` that the server answered. */
export async function call(method, params) {
  const { result, error } = await post(request(method, params));
  if (error) {
    throw Object.assign(new Error(error.message), error);
  }
  return result;
}

/** Calls a method several times in one request, and returns the responses, errors as well. */
export function callTimes(times, method, params) {
  return post(Array.from({ length: times }, () => request(method, params)));
}
