/**
 * What a script says, without how it is laid out: its tokens in order, by TypeScript's own parser. Two files
 * with the same tokens are the same program.
 *
 *     node tests/web/tokens_of.mjs FILE...      one line of JSON per file: {"file", "tokens"} or {"file", "wrong"}
 */

import { readFileSync } from "node:fs";

import ts from "typescript";

/** @param {import("typescript").SourceFile} source @returns {string[]} */
function tokens(source) {
  /** @type {string[]} */
  const found = [];
  /** @param {import("typescript").Node} node */
  const walk = (node) => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(source);
    if (children.length === 0) found.push(node.getText(source));
    else children.forEach(walk);
  };
  walk(source);
  return found;
}

for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, "utf8");
  const { diagnostics = [] } = ts.transpileModule(text, { reportDiagnostics: true, compilerOptions: { target: ts.ScriptTarget.ESNext } });
  const wrong = diagnostics.map((one) => ts.flattenDiagnosticMessageText(one.messageText, " "));
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
  process.stdout.write(`${JSON.stringify(wrong.length > 0 ? { file, wrong } : { file, tokens: tokens(source) })}\n`);
}
