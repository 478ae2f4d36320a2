/* What the two halves of the load generator share: `load.c` (sockets, phases, counting) and
 * `dialects.c` (how each kind of server is spoken to). One thread; nothing here is locked. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

enum state { APART, CONNECTING, SHAKING, JOINING, IN };

struct buffer {
    uint8_t *data;
    size_t size, space;
};

struct connection {
    int fd;
    enum state state;
    int room;
    int talker;           /* its number among those who talk in the room, or -1 */
    int waits;            /* for EPOLLOUT */
    uint32_t said;        /* posts so far */
    uint32_t presence;    /* presence frames received */
    uint64_t started;     /* when it began to connect, in ns */
    uint64_t seq;         /* chatd: the last place seen */
    uint64_t after;       /* chatd: where a recovery must begin, when `seat` is shown */
    char *seat, *epoch;   /* chatd: what a recovery shows */
    uint32_t *seen;       /* the last count seen of each talker; 0 for none */
    struct buffer in, out, stream;
};

/* How one kind of server is spoken to. `post` writes a payload that says `text`, and returns its length. */
struct dialect {
    const char *name;
    const char *subprotocol; /* or NULL */
    const char *path;        /* %s is the room's name, where the server wants it there */
    int opcode;              /* of what the client sends */
    int overhead;            /* bytes of a delivered message that are not the text */
    int stream;              /* messages ignore the borders of frames */
    void (*opened)(struct connection *);
    size_t (*message)(struct connection *, uint8_t *, size_t); /* returns what it took; for streams */
    size_t (*post)(struct connection *, char *, const char *, size_t);
};

extern const struct dialect dialects[];
extern const struct dialect *dialect_named(const char *name);

/* ---- what load.c gives the dialects ---------------------------------------------------------- */

extern struct totals {
    uint64_t posts, expected, deliveries, gaps, doubles, foreign, errors, lost, recovered, replayed;
} totals;

extern int recovering; /* joins show their seat */

const char *room_name(const struct connection *connection);
void say(struct connection *connection, int opcode, const void *payload, size_t length);
void joined(struct connection *connection);
/* A message has come: find the mark in it, and count. */
void delivered(struct connection *connection, const uint8_t *payload, size_t length);

#endif
