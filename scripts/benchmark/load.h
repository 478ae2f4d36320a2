/* What the parts of the load generator share. One thread; nothing here is locked.
 *
 *     load.c        phases: who connects, who speaks, when it is over
 *     counting.c    what is said and what arrives: marks, gaps, doubles, latencies
 *     sockets.c     connections on epoll
 *     websocket.c   how messages lie in the bytes of a connection: WebSocket
 *     http.c        the same: SSE, long polling
 *     dialects.c    how each kind of server is spoken to */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

enum state { APART, CONNECTING, SHAKING, JOINING, IN };

struct buffer {
    uint8_t *data;
    size_t size, space;
};

/* An HTTP answer that is being read, and what waits until it is there. */
struct exchange {
    int busy;             /* an answer is due */
    int in_body, chunked, ok;
    int after_chunk;      /* the line end of a chunk is still to come */
    size_t left;          /* of the body, or of the chunk */
    struct buffer unsaid; /* frames for the next POST, with commas */
    int unsaid_count;
    char link[48];        /* polling: which connection of the server's this is */
    uint64_t got;         /* polling: the last answer that arrived */
};

struct connection {
    int fd;
    enum state state;
    int room;
    int talker;               /* its number among those who talk in the room, or -1 */
    uint32_t said;            /* posts so far */
    uint32_t presence;        /* presence frames received */
    uint64_t started;         /* when it began to connect, in ns */
    uint64_t seq;             /* chatd: the last place seen */
    uint64_t after;           /* chatd: where a recovery must begin, when `seat` is shown */
    char *seat, *epoch;       /* chatd: what a recovery shows */
    uint32_t *seen;           /* the last count seen of each talker; 0 for none */
    struct buffer in, out, stream;
    struct connection *voice; /* over HTTP: the connection that carries what it says */
    struct connection *owner; /* of a voice: whose it is */
    struct exchange http;
};

/* How messages travel. `opened`: the socket is connected. `take`: bytes have come; returns how many of them
 * it is done with. `say`: one message of the client's. */
struct transport {
    void (*opened)(struct connection *);
    size_t (*take)(struct connection *, uint8_t *, size_t);
    void (*say)(struct connection *, int opcode, const void *payload, size_t length);
};

extern const struct transport over_websocket, over_sse, over_polling;

/* How one kind of server is spoken to. `post` writes a payload that says `text`, and returns its length. */
struct dialect {
    const char *name;
    const struct transport *transport;
    const char *subprotocol; /* or NULL */
    const char *path;        /* %s is the room's name, where the server wants it there */
    int opcode;              /* of what the client sends */
    int overhead;            /* bytes of a delivered message that are not the text */
    int stream;              /* messages ignore the borders of frames */
    void (*opened)(struct connection *);
    size_t (*message)(struct connection *, uint8_t *, size_t); /* returns what it took; for streams */
    size_t (*post)(struct connection *, char *, const char *, size_t);
};

extern const struct dialect *dialect_named(const char *name);

/* ---- load.c ---------------------------------------------------------------------------------- */

struct options {
    const char *kind, *run;
    int port, rooms, members, talkers, flight, size, connecting, prefill, recover;
    double warm, seconds, rate, settle, idle, patience, drain;
};

extern struct options options;
extern const struct dialect *dialect;
extern int recovering; /* joins show their seat */
extern int prefilling; /* what is said is not marked */
extern int talking;

const char *room_name(const struct connection *connection);
_Noreturn void fail(const char *what);

/* ---- counting.c ------------------------------------------------------------------------------ */

struct latencies;

extern struct totals {
    uint64_t posts, expected, deliveries, gaps, doubles, foreign, errors, lost, recovered, replayed;
} totals;

extern struct latencies deliveries, joins;
extern int measuring;
extern uint64_t now; /* when the bytes came that are looked at */

uint64_t clock_ns(void);
uint64_t later(double seconds);
double chance(void); /* in (0, 1]; always the same sequence */
void record(struct latencies *all, uint64_t ns);
void forget(struct latencies *all);
void print_latencies(const struct latencies *all);
void prepare_texts(void);
/* Say something; `due` is the time from which its latency counts. */
void post(struct connection *connection, uint64_t due);
/* A message has come: find the mark in it, and count. */
void delivered(struct connection *connection, const uint8_t *payload, size_t length);

/* ---- sockets.c ------------------------------------------------------------------------------- */

extern int in, under_way; /* how many have joined, and how many are on their way */

void open_epoll(void);
void begin(struct connection *connection);
void joined(struct connection *connection);
void lost(struct connection *connection);
void hang_up(struct connection *connection);
void send_bytes(struct connection *connection, const void *data, size_t size);
size_t unsent(const struct connection *connection);
void append(struct buffer *buffer, const void *data, size_t size);
void release(struct buffer *buffer);
/* One turn: wait so long at most, and do what has come. */
void turn(double seconds);

/* ---- websocket.c ----------------------------------------------------------------------------- */

/* Gives a parser its bytes again, with those that it could not use before. */
void spool(struct connection *connection, uint8_t *payload, size_t length,
           size_t (*parse)(struct connection *, uint8_t *, size_t));
/* The end of a head, or NULL where it has not all come; `lost` where its status is not `wanted`. */
uint8_t *answered(struct connection *connection, uint8_t *at, size_t have, const char *wanted);

/* What a dialect says, by its transport. */
static inline void say(struct connection *connection, int opcode, const void *payload, size_t length)
{
    dialect->transport->say(connection, opcode, payload, length);
}

#endif
