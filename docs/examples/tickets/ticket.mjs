// Signs a ticket for a room. Part of the intranet's back end; Node 18 or newer, nothing to install.
//
//     node ticket.mjs ROOM PERSON     prints one

import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { argv, env } from "node:process";
import { pathToFileURL } from "node:url";

const part = (data) => Buffer.from(data).toString("base64url");

export function ticket(room, person, role = "participant") {
  const key = createPrivateKey(readFileSync(env.TICKET_KEY));
  const header = { alg: "EdDSA", typ: "JWT" };
  const claims = {
    iss: env.INTRANET_URL,
    aud: env.CHAT_URL,
    exp: Math.floor(Date.now() / 1000) + 300,
    jti: randomUUID(),
    sub: person,
    room,
    role,
  };
  const signed = [header, claims].map((each) => part(JSON.stringify(each))).join(".");
  return `${signed}.${part(sign(null, Buffer.from(signed), key))}`;
}

if (import.meta.url === pathToFileURL(argv[1]).href) console.log(ticket(argv[2], argv[3]));
