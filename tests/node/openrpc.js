// Checks documents with the official validator of OpenRPC. Takes a JSON object of documents by name
// on stdin, and prints an object with the same names: `null` for each valid document, else the
// reason.
// `bash tests/node/setup` installs the validator; NODE_PATH names the directory.
"use strict";

const { readFileSync } = require("node:fs");
const { validateOpenRPCDocument } = require("@open-rpc/schema-utils-js");

const documents = JSON.parse(readFileSync(0, "utf8"));
const judged = Object.entries(documents).map(([name, document]) => {
  const result = validateOpenRPCDocument(document);
  return [name, result === true ? null : result.message];
});
process.stdout.write(JSON.stringify(Object.fromEntries(judged)));
