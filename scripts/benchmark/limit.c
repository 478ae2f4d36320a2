/* The limit: a server that only copies frames to the members of a room, as fast as the kernel takes them.
 *
 *     limit one-send    one send() for each frame and member
 *     limit joined      the frames that one turn of epoll brought to a room, in one send() per member
 *
 * One thread, epoll, no log, no rules, no presence. GET /ws/ROOM is the way in; what somebody sends goes
 * to everybody in the room, the sender included. Prints the port it took. Ends with the process. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "websocket.h"

enum { EVENTS = 1024, READ = 64 << 10, MAX_UNREAD = 16 << 20, ROOM_BUCKETS = 8192 };

struct buffer {
    uint8_t *data;
    size_t size, room;
};

struct connection {
    int fd;
    int waits;         /* for EPOLLOUT */
    int place;         /* in the room's members */
    struct room *room; /* NULL until the handshake is over */
    struct buffer in, out;
};

struct room {
    char name[64];
    struct room *next, *next_dirty;
    struct connection **members;
    int count, space, dirty;
    struct buffer turn;
};

static int joined, epoll_fd;
static struct room *rooms[ROOM_BUCKETS], *dirty_rooms;
static struct connection *gone[EVENTS * 4];
static int gone_count;

static void append(struct buffer *buffer, const void *data, size_t size)
{
    if (buffer->size + size > buffer->room) {
        size_t room = buffer->room ? buffer->room : 512;
        while (room < buffer->size + size)
            room *= 2;
        buffer->data = realloc(buffer->data, room);
        if (!buffer->data)
            abort();
        buffer->room = room;
    }
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static void release(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

static struct room *room_of(const char *name, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    struct room **bucket = &rooms[hash % ROOM_BUCKETS];
    for (struct room *room = *bucket; room; room = room->next)
        if (strlen(room->name) == length && !memcmp(room->name, name, length))
            return room;
    struct room *room = calloc(1, sizeof *room);
    memcpy(room->name, name, length);
    room->next = *bucket;
    return *bucket = room;
}

static void enter(struct room *room, struct connection *connection)
{
    if (room->count == room->space) {
        room->space = room->space ? 2 * room->space : 16;
        room->members = realloc(room->members, sizeof *room->members * (size_t)room->space);
    }
    connection->room = room;
    connection->place = room->count;
    room->members[room->count++] = connection;
}

static void leave(struct connection *connection)
{
    if (connection->fd < 0)
        return;
    struct room *room = connection->room;
    if (room) {
        struct connection *last = room->members[--room->count];
        room->members[connection->place] = last;
        last->place = connection->place;
    }
    close(connection->fd);
    connection->fd = -1;
    release(&connection->in);
    release(&connection->out);
    if (gone_count < EVENTS * 4) /* freed after the turn: an event for it may still wait in this one */
        gone[gone_count++] = connection;
}

static void want(struct connection *connection, int writable)
{
    if (connection->waits == writable)
        return;
    connection->waits = writable;
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = connection};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

/* False where the member was cut, because it does not read. */
static int put(struct connection *connection, const uint8_t *data, size_t size)
{
    if (!connection->out.size) {
        ssize_t sent = send(connection->fd, data, size, MSG_NOSIGNAL);
        if (sent == (ssize_t)size)
            return 1;
        if (sent < 0 && errno != EAGAIN)
            return leave(connection), 0;
        if (sent > 0)
            data += sent, size -= (size_t)sent;
    }
    if (connection->out.size + size > MAX_UNREAD)
        return leave(connection), 0;
    append(&connection->out, data, size);
    want(connection, 1);
    return 1;
}

static void put_rest(struct connection *connection)
{
    struct buffer *out = &connection->out;
    ssize_t sent = send(connection->fd, out->data, out->size, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN)
            leave(connection);
        return;
    }
    out->size -= (size_t)sent;
    memmove(out->data, out->data + sent, out->size);
    if (!out->size) {
        release(out);
        want(connection, 0);
    }
}

static void to_all(struct room *room, const uint8_t *data, size_t size)
{
    for (int i = 0; i < room->count;)
        if (put(room->members[i], data, size))
            i++; /* otherwise the last one has taken this place */
}

static void say(struct room *room, const uint8_t *payload, size_t length, int opcode)
{
    static uint8_t frame[READ + 16];
    size_t head = ws_head(frame, opcode, length, NULL);
    memcpy(frame + head, payload, length);
    if (!joined) {
        to_all(room, frame, head + length);
        return;
    }
    append(&room->turn, frame, head + length);
    if (!room->dirty) {
        room->dirty = 1;
        room->next_dirty = dirty_rooms;
        dirty_rooms = room;
    }
}

static void end_turn(void)
{
    while (dirty_rooms) {
        struct room *room = dirty_rooms;
        dirty_rooms = room->next_dirty;
        room->dirty = 0;
        to_all(room, room->turn.data, room->turn.size);
        room->turn.size = 0;
    }
    while (gone_count)
        free(gone[--gone_count]);
}

/* How many bytes of `in` the request took; 0: more are needed; -1: not for us. */
static ssize_t shake_hands(struct connection *connection, char *in, size_t have)
{
    char *end = memmem(in, have, "\r\n\r\n", 4);
    if (!end)
        return have > 8192 ? -1 : 0;
    char *key = memmem(in, have, "Sec-WebSocket-Key: ", 19);
    if (have < 9 || memcmp(in, "GET /ws/", 8) || !key || key + 19 + 24 > end)
        return -1;
    char *name = in + 8;
    size_t length = strcspn(name, " ?\r");
    if (!length || length > 63)
        return -1;
    char accept[29], answer[256];
    ws_accept(key + 19, accept);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        accept);
    enter(room_of(name, length), connection);
    return put(connection, (uint8_t *)answer, (size_t)size) ? end + 4 - in : -1;
}

static void take(struct connection *connection)
{
    static uint8_t bytes[READ];
    size_t have = connection->in.size;
    if (have)
        memcpy(bytes, connection->in.data, have);
    ssize_t got = recv(connection->fd, bytes + have, sizeof bytes - have, 0);
    if (got <= 0) {
        if (!got || errno != EAGAIN)
            leave(connection);
        return;
    }
    have += (size_t)got;
    uint8_t *at = bytes;
    if (!connection->room) {
        ssize_t took = shake_hands(connection, (char *)bytes, have);
        if (took < 0) {
            leave(connection);
            return;
        }
        at += took, have -= (size_t)took;
    }
    struct ws_frame frame;
    int found = 0;
    while (connection->fd >= 0 && connection->room && (found = ws_read(at, have, &frame)) == 1) {
        if (frame.mask)
            ws_mask(frame.payload, frame.length, frame.mask);
        if (frame.opcode == WS_TEXT || frame.opcode == WS_BINARY) {
            say(connection->room, frame.payload, frame.length, frame.opcode);
        } else if (frame.opcode == WS_CLOSE) {
            leave(connection);
        } else if (frame.opcode == WS_PING) {
            uint8_t pong[2 + 125];
            size_t head = ws_head(pong, WS_PONG, frame.length, NULL);
            memcpy(pong + head, frame.payload, frame.length);
            put(connection, pong, head + frame.length);
        }
        at += frame.size, have -= frame.size;
    }
    if (connection->fd < 0)
        return;
    if (found < 0 || have >= sizeof bytes) {
        leave(connection);
        return;
    }
    if (have) {
        connection->in.size = 0;
        append(&connection->in, at, have);
    } else if (connection->in.data) {
        release(&connection->in);
    }
}

static void welcome(int listener)
{
    for (int i = 0; i < 64; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct connection *connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2 || (strcmp(argv[1], "joined") && strcmp(argv[1], "one-send"))) {
        fprintf(stderr, "usage: limit joined|one-send\n");
        return 2;
    }
    joined = !strcmp(argv[1], "joined");
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&address, &size)) {
        perror("limit: cannot listen");
        return 1;
    }
    printf("listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    static struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) {
                welcome(listener);
                continue;
            }
            if (connection->fd >= 0 && events[i].events & EPOLLOUT)
                put_rest(connection);
            if (connection->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                take(connection);
        }
        end_turn();
    }
}
