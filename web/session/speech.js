/** The sentences of a session, fetched where a room has one. Whoever imports this can say them. */

import { more } from "../words/more.js";
import { has } from "../words/say.js";

if (!has("session.now")) await more("session");
