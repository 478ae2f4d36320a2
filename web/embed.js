/** Makes `<peer-chat>` known to the page. The class is in its own module, for those who name it otherwise. */

import "./embed/messages.js";
import { PeerChat } from "./embed/peer-chat.js";

if (!customElements.get("peer-chat")) customElements.define("peer-chat", PeerChat);
