// Socket.IO: rooms as its documentation has them; with a Redis URL, the Redis adapter as its page sets it up.
// usage: node socketio.mjs PORT [REDIS_URL]
import { createServer } from "node:http";
import { Server } from "socket.io";

const [port, redis] = process.argv.slice(2);
const server = createServer();
let adapter;
if (redis) {
  const { createClient } = await import("redis");
  const { createAdapter } = await import("@socket.io/redis-adapter");
  const publisher = createClient({ url: redis });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  adapter = createAdapter(publisher, subscriber);
}
const io = new Server(server, adapter ? { adapter } : {});

io.on("connection", (socket) => {
  socket.on("join", async (room, done) => {
    await socket.join(room);
    done();
  });
  socket.on("message", (room, text) => io.to(room).emit("message", text));
});

server.listen(Number(port), "127.0.0.1");
