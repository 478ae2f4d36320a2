// Node `ws`: the broadcast of its README, with a Set of clients for each room in the path.
// usage: node node_ws.mjs PORT
import { createServer } from "node:http";
import WebSocket, { WebSocketServer } from "ws";

const rooms = new Map();
const server = createServer();
const wss = new WebSocketServer({ server });

wss.on("connection", (ws, request) => {
  const name = request.url;
  if (!rooms.has(name)) rooms.set(name, new Set());
  const clients = rooms.get(name);
  clients.add(ws);
  ws.on("error", console.error);
  ws.on("close", () => clients.delete(ws));
  ws.on("message", (data, isBinary) => {
    for (const client of clients) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
    }
  });
});

server.listen(Number(process.argv[2]), "127.0.0.1");
