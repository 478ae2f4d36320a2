/** One pass, from the browser's side, for tests/chatd/passes/test_blind_rsa.py: lines of hex in and out. */

import { createInterface } from "node:readline";
import { blind, finalize, prepare, publicKey } from "../../web/client/blind.js";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const key = await publicKey(Buffer.from(process.argv[2], "hex"));
const asked = await blind(key, prepare(new TextEncoder().encode("a pass for tonight")));
console.log(hex(asked.blinded));
const answers = createInterface({ input: process.stdin });
for await (const answer of answers) {
  console.log(hex(asked.prepared), hex(await finalize(key, asked, Buffer.from(answer, "hex"))));
  answers.close();
}
