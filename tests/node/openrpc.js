// Has OpenRPC's own validator judge documents: a JSON object of them by name on stdin, and on stdout, by the same names,
// `null` for each that is valid and else the reason why not.
// `bash tests/node/setup` installs it; NODE_PATH says where.
"use strict";

const { readFileSync } = require("node:fs");
const { validateOpenRPCDocument } = require("@open-rpc/schema-utils-js");

const documents = JSON.parse(readFileSync(0, "utf8"));
const judged = Object.entries(documents).map(([name, document]) => {
  const result = validateOpenRPCDocument(document);
  return [name, result === true ? null : result.message];
});
process.stdout.write(JSON.stringify(Object.fromEntries(judged)));
