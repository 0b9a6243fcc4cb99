// Shows a call as code of other programs. The code never contains the token, but a variable in its
// place.

import { write } from "./json.js";

/// Within single quotes the shell changes nothing, and only a single quote has to be escaped.
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function asJson(request) {
  return write(request, 2);
}

export function asCurl(request, { endpoint, tokenHeader, needsToken, method }) {
  const token = needsToken ? ` \\\n  -H "${tokenHeader}: $TOKEN"` : "";
  // A subscription is a response of events, which curl must not buffer.
  const flags = method.subscription ? "-sN" : "-s";
  const accept = method.subscription ? ` \\\n  -H 'accept: text/event-stream'` : "";
  const url = /^[\w:/.-]+$/.test(endpoint) ? endpoint : quoted(endpoint);
  return `curl ${flags} ${url} \\\n  -H 'content-type: application/json'${accept}${token} \\\n  -d ${quoted(write(request))}`;
}
