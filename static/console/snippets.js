// A call as other programs would make it. A token is never in it: a name stands where it goes.

import { write } from "./json.js";

/// Within single quotes the shell takes all but a single quote as it is.
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function asJson(request) {
  return write(request, 2);
}

export function asCurl(request, { endpoint, tokenHeader, needsToken }) {
  const token = needsToken ? ` \\\n  -H "${tokenHeader}: $TOKEN"` : "";
  const url = /^[\w:/.-]+$/.test(endpoint) ? endpoint : quoted(endpoint);
  return `curl -s ${url} \\\n  -H 'content-type: application/json'${token} \\\n  -d ${quoted(write(request))}`;
}
