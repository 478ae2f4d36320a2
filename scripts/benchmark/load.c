/* The load generator: many WebSocket clients in one thread, on epoll, that count what they get.
 *
 *     load --kind chatd --port 8000 --rooms 20 --members 50 --warm 1 --seconds 3
 *
 * It goes through these phases and prints one JSON object at each border, so that whoever started it can
 * read the server's CPU and memory there:
 *
 *     start -> joined -> (idle -> idle_over) -> (measuring -> measured) -> (recovering -> recovered) -> done
 *
 * Load is a closed loop (in each room `--talkers` people say the next thing as soon as their last one has
 * come back to them) or, with `--rate`, an open one (posts at random moments, that many deliveries a second
 * in all, whatever the server does). Every text carries a mark: room, talker, count, time. From it each
 * member counts what is missing (gaps) and what came twice (doubles), and the latency; in an open loop the
 * time is when the post was due, so that a server that stalls is not excused. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "websocket.h"

enum {
    EVENTS = 512,
    READ = 256 << 10,
    MAX_UNSENT = 256 << 10,
    MARK = 1 + 4 + 3 + 8 + 16, /* ~ room talker count nanoseconds, in hex */
    NAME = 64,
    PER_ADDRESS = 20000
};

static struct {
    const char *kind, *run;
    int port, rooms, members, talkers, size, connecting, prefill, recover;
    double warm, seconds, rate, settle, idle, patience;
} options = {
    .run = "0", .rooms = 1, .members = 10, .talkers = 8, .size = 200, .connecting = 64,
    .warm = 1, .settle = 0.5, .patience = 30,
};

struct totals totals;
int recovering;

static const struct dialect *dialect;
static struct connection *connections;
static char (*names)[NAME];
static int count, in, under_way, next_to_connect, epoll_fd;
static int talking, measuring, prefilling;
static uint64_t now, random_state = 88172645463325252ull;
static uint8_t bytes[READ + 8192];
static char *filler;

/* ---- time, chance, latencies ----------------------------------------------------------------- */

static uint64_t clock_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000ull + (uint64_t)at.tv_nsec;
}

static uint64_t later(double seconds)
{
    return clock_ns() + (uint64_t)(seconds * 1e9);
}

static double chance(void) /* in (0, 1]; always the same sequence */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)((random_state >> 11) + 1) / 9007199254740992.0;
}

/* 64 buckets for each power of two: at most 1.6 % off. */
enum { SUB = 64, OCTAVES = 40 };
struct latencies {
    uint64_t of[SUB * OCTAVES], count, max;
};
static struct latencies deliveries, joins;

static void record(struct latencies *all, uint64_t ns)
{
    int octave = ns < SUB ? 0 : 58 - __builtin_clzll(ns);
    size_t bucket = (size_t)octave * SUB + (size_t)(octave ? (ns >> (octave - 1)) - SUB : ns);
    if (bucket >= SUB * OCTAVES)
        bucket = SUB * OCTAVES - 1;
    all->of[bucket]++;
    all->count++;
    if (ns > all->max)
        all->max = ns;
}

static double ms_at(const struct latencies *all, double part)
{
    uint64_t wanted = (uint64_t)ceil(part * (double)all->count), sum = 0;
    for (size_t bucket = 0; bucket < SUB * OCTAVES && all->count; bucket++) {
        sum += all->of[bucket];
        if (sum >= wanted) {
            size_t octave = bucket / SUB;
            uint64_t ns = octave ? (bucket % SUB + SUB) << (octave - 1) : bucket;
            return (double)ns / 1e6;
        }
    }
    return 0;
}

static void print_latencies(const struct latencies *all)
{
    printf(",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f", ms_at(all, 0.5),
           ms_at(all, 0.99), ms_at(all, 0.999), (double)all->max / 1e6);
}

static double own_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- the mark -------------------------------------------------------------------------------- */

static void put_hex(char *at, uint64_t value, int digits)
{
    while (digits--) {
        at[digits] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
}

static uint64_t take_hex(const uint8_t *at, int digits)
{
    uint64_t value = 0;
    for (int i = 0; i < digits; i++)
        value = value << 4 | (uint64_t)((at[i] & 15) + (at[i] >> 6) * 9);
    return value;
}

static void post(struct connection *connection, uint64_t due)
{
    static char text[8192], payload[16384];
    int length = options.size - dialect->overhead;
    if (length < MARK)
        length = MARK;
    text[0] = '~';
    put_hex(text + 1, (uint64_t)connection->room, 4);
    put_hex(text + 5, (uint64_t)connection->talker, 3);
    put_hex(text + 8, ++connection->said, 8);
    put_hex(text + 16, due, 16);
    memcpy(text + MARK, filler, (size_t)(length - MARK));
    totals.posts++;
    totals.expected += (uint64_t)options.members;
    say(connection, dialect->opcode, payload, dialect->post(connection, payload, text, (size_t)length));
}

void delivered(struct connection *connection, const uint8_t *payload, size_t length)
{
    const uint8_t *mark = memchr(payload, '~', length);
    if (!mark || mark + MARK > payload + length) {
        totals.foreign += !prefilling; /* what `prefill` says is not marked */
        return;
    }
    int room = (int)take_hex(mark + 1, 4), talker = (int)take_hex(mark + 5, 3);
    if (room != connection->room || talker >= options.talkers) {
        totals.foreign++;
        return;
    }
    uint32_t number = (uint32_t)take_hex(mark + 8, 8), *seen = &connection->seen[talker];
    if (number == *seen + 1) {
        *seen = number;
    } else if (number > *seen) {
        totals.gaps += number - *seen - 1;
        *seen = number;
    } else {
        totals.doubles++;
    }
    totals.deliveries++;
    if (measuring) {
        uint64_t due = take_hex(mark + 16, 16);
        record(&deliveries, now > due ? now - due : 0);
    }
    if (talker == connection->talker && talking && options.rate <= 0)
        post(connection, clock_ns());
}

/* ---- sockets --------------------------------------------------------------------------------- */

const char *room_name(const struct connection *connection)
{
    return names[connection->room];
}

static void fail(const char *what)
{
    printf("{\"phase\":\"failed\",\"why\":\"%s\",\"connections\":%d,\"errors\":%llu,\"lost\":%llu}\n", what, in,
           (unsigned long long)totals.errors, (unsigned long long)totals.lost);
    fflush(stdout);
    exit(1);
}

static void append(struct buffer *buffer, const void *data, size_t size)
{
    if (buffer->size + size > buffer->space) {
        size_t space = buffer->space ? buffer->space : 1024;
        while (space < buffer->size + size)
            space *= 2;
        if (!(buffer->data = realloc(buffer->data, space)))
            fail("out of memory");
        buffer->space = space;
    }
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static void release(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

static void want(struct connection *connection, int writable)
{
    if (connection->waits == writable)
        return;
    connection->waits = writable;
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = connection};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

static void hang_up(struct connection *connection)
{
    if (connection->fd < 0)
        return;
    /* A reset, so that tens of thousands of ports do not stay taken for a minute. */
    struct linger at_once = {1, 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(connection->fd);
    connection->fd = -1;
    if (connection->state == IN)
        in--;
    else if (connection->state != APART)
        under_way--;
    connection->state = APART;
    connection->waits = 0;
    release(&connection->in);
    release(&connection->out);
    release(&connection->stream);
}

static void lost(struct connection *connection)
{
    totals.lost++;
    hang_up(connection);
}

static void send_bytes(struct connection *connection, const uint8_t *data, size_t size)
{
    if (connection->fd < 0)
        return;
    if (!connection->out.size) {
        ssize_t sent = send(connection->fd, data, size, MSG_NOSIGNAL);
        if (sent == (ssize_t)size)
            return;
        if (sent < 0 && errno != EAGAIN) {
            lost(connection);
            return;
        }
        if (sent > 0)
            data += sent, size -= (size_t)sent;
    }
    append(&connection->out, data, size);
    want(connection, 1);
}

void say(struct connection *connection, int opcode, const void *payload, size_t length)
{
    static uint8_t frame[20480];
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    if (length > sizeof frame - 16)
        fail("a message is too long");
    size_t head = ws_head(frame, opcode, length, mask);
    memcpy(frame + head, payload, length);
    ws_mask(frame + head, length, mask);
    send_bytes(connection, frame, head + length);
}

static void send_rest(struct connection *connection)
{
    struct buffer *out = &connection->out;
    ssize_t sent = send(connection->fd, out->data, out->size, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN)
            lost(connection);
        return;
    }
    out->size -= (size_t)sent;
    memmove(out->data, out->data + sent, out->size);
    if (!out->size) {
        release(out);
        want(connection, 0);
    }
}

static void begin(struct connection *connection)
{
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("no more sockets; raise the limit of open files");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connection->fd = fd;
    connection->state = CONNECTING;
    connection->started = clock_ns();
    under_way++;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        fail("nobody listens there");
    connection->waits = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = connection};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void shake_hands(struct connection *connection)
{
    char path[128], head[640], offer[64] = "";
    snprintf(path, sizeof path, dialect->path, room_name(connection));
    if (dialect->subprotocol)
        snprintf(offer, sizeof offer, "Sec-WebSocket-Protocol: %s\r\n", dialect->subprotocol);
    int size = snprintf(head, sizeof head,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Origin: http://127.0.0.1:%d\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n%s\r\n",
                        path, options.port, options.port, offer);
    connection->state = SHAKING;
    want(connection, 0);
    send_bytes(connection, (uint8_t *)head, (size_t)size);
}

void joined(struct connection *connection)
{
    if (connection->state == IN)
        return;
    record(&joins, clock_ns() - connection->started);
    connection->state = IN;
    in++;
    under_way--;
}

/* ---- what comes ------------------------------------------------------------------------------ */

static void message(struct connection *connection, uint8_t *payload, size_t length)
{
    if (!dialect->stream) {
        dialect->message(connection, payload, length);
        return;
    }
    struct buffer *stream = &connection->stream;
    if (stream->size) {
        append(stream, payload, length);
        payload = stream->data;
        length = stream->size;
    }
    size_t taken = 0, took;
    while (taken < length && (took = dialect->message(connection, payload + taken, length - taken)))
        taken += took;
    if (connection->fd < 0)
        return;
    size_t rest = length - taken;
    if (stream->size) {
        memmove(stream->data, stream->data + taken, rest);
        stream->size = rest;
        if (!rest)
            release(stream);
    } else if (rest) {
        append(stream, payload + taken, rest);
    }
}

static void take(struct connection *connection)
{
    size_t have = connection->in.size;
    if (have > READ / 2)
        fail("a frame is too long");
    if (have)
        memcpy(bytes, connection->in.data, have);
    ssize_t got = recv(connection->fd, bytes + have, READ - have, 0);
    if (got <= 0) {
        if (!got || errno != EAGAIN)
            lost(connection);
        return;
    }
    now = clock_ns();
    have += (size_t)got;
    bytes[have] = 0;
    uint8_t *at = bytes;
    if (connection->state == SHAKING) {
        uint8_t *end = memmem(bytes, have, "\r\n\r\n", 4);
        if (end) {
            if (have < 12 || memcmp(bytes + 9, "101", 3)) {
                if (!totals.errors++)
                    fprintf(stderr, "load: refused: %.*s\n", (int)(end - bytes), (char *)bytes);
                lost(connection);
                return;
            }
            at = end + 4;
            have -= (size_t)(at - bytes);
            connection->state = JOINING;
            dialect->opened(connection);
        }
    }
    struct ws_frame frame;
    int found = 0;
    while (connection->fd >= 0 && connection->state > SHAKING && (found = ws_read(at, have, &frame)) == 1) {
        if (frame.opcode == WS_TEXT || frame.opcode == WS_BINARY || frame.opcode == WS_CONT) {
            if ((!frame.fin || frame.opcode == WS_CONT) && !dialect->stream)
                fail("a fragmented message");
            message(connection, frame.payload, frame.length);
        } else if (frame.opcode == WS_PING) {
            say(connection, WS_PONG, frame.payload, frame.length);
        } else if (frame.opcode == WS_CLOSE) {
            if (!totals.lost && frame.length >= 2)
                fprintf(stderr, "load: closed with %d %.*s\n", frame.payload[0] << 8 | frame.payload[1],
                        (int)frame.length - 2, (char *)frame.payload + 2);
            lost(connection);
        }
        at += frame.size;
        have -= frame.size;
    }
    if (connection->fd < 0)
        return;
    if (found < 0)
        fail("not a frame");
    if (have) {
        connection->in.size = 0;
        append(&connection->in, at, have);
    } else if (connection->in.data) {
        release(&connection->in);
    }
}

/* One turn: wait `ms` at most, and do what has come. */
static void turn(int ms)
{
    static struct epoll_event events[EVENTS];
    int n = epoll_wait(epoll_fd, events, EVENTS, ms);
    for (int i = 0; i < n; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection->fd < 0)
            continue;
        if (events[i].events & EPOLLOUT) {
            if (connection->state == CONNECTING)
                shake_hands(connection);
            else if (connection->out.size)
                send_rest(connection);
            else
                want(connection, 0);
        }
        if (connection->fd >= 0 && connection->state > CONNECTING && events[i].events & ~(uint32_t)EPOLLOUT)
            take(connection);
    }
}

/* ---- phases ---------------------------------------------------------------------------------- */

static void phase(const char *name)
{
    printf("{\"phase\":\"%s\"}\n", name);
    fflush(stdout);
}

static void connect_all(int from, int to)
{
    uint64_t deadline = later(options.patience);
    next_to_connect = from;
    while (in < to) {
        while (next_to_connect < to && under_way < options.connecting)
            begin(&connections[next_to_connect++]);
        turn(100);
        if (totals.lost)
            fail("a connection was refused or lost while joining");
        if (clock_ns() > deadline)
            fail("not everybody could join in time");
    }
}

static void listen_for(double seconds)
{
    uint64_t until = later(seconds);
    while (clock_ns() < until)
        turn(20);
}

static void wait_for_deliveries(double seconds)
{
    uint64_t until = later(seconds);
    while (totals.deliveries < totals.expected && clock_ns() < until)
        turn(20);
}

/* One person says some things, so that a room has a history. */
static void prefill(void)
{
    char text[1024], payload[2048];
    memset(text, 'h', sizeof text);
    struct connection *first = &connections[0];
    uint64_t before = first->seq, until = later(options.patience);
    for (int i = 0; i < options.prefill;) {
        while (i < options.prefill && (uint64_t)i - (first->seq - before) < 64) {
            first->said++;
            size_t length = (size_t)(options.size - dialect->overhead > 1 ? options.size - dialect->overhead : 1);
            say(first, dialect->opcode, payload, dialect->post(first, payload, text, length));
            i++;
        }
        turn(100);
        if (clock_ns() > until)
            fail("the history could not be written in time");
    }
    while (first->seq - before < (uint64_t)options.prefill && clock_ns() < until)
        turn(100);
    first->said = 0;
    first->started = clock_ns(); /* part of a post's key: these keys are not used again */
    if (first->seen)
        memset(first->seen, 0, sizeof *first->seen * (size_t)options.talkers);
}

static void start_talking(void)
{
    talking = 1;
    if (options.rate > 0)
        return;
    for (int i = 0; i < count; i++)
        if (connections[i].talker >= 0)
            post(&connections[i], clock_ns());
}

/* Goes on until `until`; in an open loop posts whatever is due. */
static void talk_until(uint64_t until)
{
    static uint64_t due, turn_of;
    double mean_ns = options.rate > 0 ? 1e9 * options.members / options.rate : 0;
    if (!due)
        due = clock_ns();
    while ((now = clock_ns()) < until) {
        if (options.rate <= 0) {
            turn(20);
            continue;
        }
        for (int burst = 0; due <= now && burst < 256; burst++) {
            int room = (int)(turn_of % (uint64_t)options.rooms);
            int talker = (int)(turn_of / (uint64_t)options.rooms % (uint64_t)options.talkers);
            struct connection *connection = &connections[room * options.members + talker];
            turn_of++;
            if (connection->out.size < MAX_UNSENT)
                post(connection, due);
            due += (uint64_t)(-log(chance()) * mean_ns);
        }
        /* epoll counts in milliseconds: the last one before a post is due is spent looking. */
        turn(due > now + 2000000 ? (int)((due - now) / 1000000) - 1 : 0);
    }
}

static void measure(void)
{
    start_talking();
    talk_until(later(options.warm));
    uint64_t before = totals.deliveries, posts = totals.posts, from = clock_ns();
    double cpu = own_cpu();
    phase("measuring");
    measuring = 1;
    talk_until(later(options.seconds));
    measuring = 0;
    double seconds = (double)(clock_ns() - from) / 1e9;
    printf("{\"phase\":\"measured\",\"seconds\":%.4f,\"deliveries\":%llu,\"posts\":%llu,\"generator_cpu\":%.3f",
           seconds, (unsigned long long)(totals.deliveries - before), (unsigned long long)(totals.posts - posts),
           (own_cpu() - cpu) / seconds);
    print_latencies(&deliveries);
    printf("}\n");
    fflush(stdout);
    talking = 0;
    wait_for_deliveries(10);
}

/* Everybody is cut off at once and comes back with the seat they had, `recover` events behind. */
static void recover(void)
{
    for (int i = 0; i < count; i++) {
        struct connection *connection = &connections[i];
        connection->after = connection->seq > (uint64_t)options.recover ? connection->seq - (uint64_t)options.recover : 0;
        hang_up(connection);
    }
    listen_for(options.settle);
    recovering = 1;
    phase("recovering");
    memset(&joins, 0, sizeof joins);
    uint64_t from = clock_ns();
    connect_all(0, count);
    printf("{\"phase\":\"recovered\",\"connections\":%d,\"seconds\":%.4f,\"recovered\":%llu,\"replayed\":%llu", in,
           (double)(clock_ns() - from) / 1e9, (unsigned long long)totals.recovered,
           (unsigned long long)totals.replayed);
    print_latencies(&joins);
    printf("}\n");
    fflush(stdout);
}

/* ---------------------------------------------------------------------------------------------- */

static void read_options(int argc, char **argv)
{
    static const struct option names_of[] = {
        {"kind", 1, 0, 'k'}, {"port", 1, 0, 'p'}, {"rooms", 1, 0, 'r'}, {"members", 1, 0, 'm'},
        {"talkers", 1, 0, 't'}, {"size", 1, 0, 's'}, {"connecting", 1, 0, 'c'}, {"warm", 1, 0, 'w'},
        {"seconds", 1, 0, 'n'}, {"rate", 1, 0, 'a'}, {"settle", 1, 0, 'e'}, {"idle", 1, 0, 'i'},
        {"prefill", 1, 0, 'f'}, {"recover", 1, 0, 'o'}, {"run", 1, 0, 'u'}, {"patience", 1, 0, 'x'}, {0, 0, 0, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", names_of, NULL)) != -1) {
        double value = optarg ? atof(optarg) : 0;
        switch (option) {
        case 'k': options.kind = optarg; break;
        case 'u': options.run = optarg; break;
        case 'p': options.port = (int)value; break;
        case 'r': options.rooms = (int)value; break;
        case 'm': options.members = (int)value; break;
        case 't': options.talkers = (int)value; break;
        case 's': options.size = (int)value; break;
        case 'c': options.connecting = (int)value; break;
        case 'f': options.prefill = (int)value; break;
        case 'o': options.recover = (int)value; break;
        case 'w': options.warm = value; break;
        case 'n': options.seconds = value; break;
        case 'a': options.rate = value; break;
        case 'e': options.settle = value; break;
        case 'i': options.idle = value; break;
        case 'x': options.patience = value; break;
        default: exit(2);
        }
    }
    dialect = options.kind ? dialect_named(options.kind) : NULL;
    if (!dialect || options.port <= 0 || options.rooms < 1 || options.rooms > 65535 || options.members < 1 ||
        options.talkers < 1 || options.talkers > 4095 || options.size > 4000 || options.connecting < 1) {
        fprintf(stderr, "usage: load --kind KIND --port N [--rooms N] [--members N] ... (see the top of load.c)\n");
        exit(2);
    }
    if (options.talkers > options.members)
        options.talkers = options.members;
}

static void prepare(void)
{
    struct rlimit files;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    count = options.rooms * options.members;
    connections = calloc((size_t)count, sizeof *connections);
    names = calloc((size_t)options.rooms, sizeof *names);
    uint32_t *seen = calloc((size_t)count * (size_t)options.talkers, sizeof *seen);
    filler = malloc(8192);
    if (!connections || !names || !seen || !filler)
        fail("out of memory");
    for (int i = 0; i < 8192; i++)
        filler[i] = "it was a long night and I am glad that you are here "[i % 52];
    for (int room = 0; room < options.rooms; room++)
        snprintf(names[room], NAME, "b%s-%d", options.run, room);
    for (int i = 0; i < count; i++) {
        int member = i % options.members;
        connections[i] = (struct connection){.fd = -1, .room = i / options.members,
                                             .talker = member < options.talkers ? member : -1,
                                             .seen = seen + (size_t)i * (size_t)options.talkers};
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    prepare();
    if (options.prefill) {
        connect_all(0, 1);
        prefilling = 1;
        prefill();
        prefilling = 0;
    }
    phase("start");
    uint64_t from = clock_ns();
    int first = in;
    connect_all(first, count);
    printf("{\"phase\":\"joined\",\"connections\":%d,\"seconds\":%.4f", in, (double)(clock_ns() - from) / 1e9);
    print_latencies(&joins);
    printf("}\n");
    fflush(stdout);
    listen_for(options.settle);
    if (options.idle > 0) {
        phase("idle");
        listen_for(options.idle);
        phase("idle_over");
    }
    if (options.seconds > 0)
        measure();
    if (options.recover)
        recover();
    uint32_t presence = 0;
    for (int i = 0; i < count; i++)
        if (connections[i].presence > presence)
            presence = connections[i].presence;
    uint64_t missing = totals.expected > totals.deliveries ? totals.expected - totals.deliveries : 0;
    printf("{\"phase\":\"done\",\"posts\":%llu,\"deliveries\":%llu,\"gaps\":%llu,\"doubles\":%llu,\"missing\":%llu,"
           "\"foreign\":%llu,\"errors\":%llu,\"lost\":%llu,\"presence_frames\":%u}\n",
           (unsigned long long)totals.posts, (unsigned long long)totals.deliveries, (unsigned long long)totals.gaps,
           (unsigned long long)totals.doubles, (unsigned long long)missing, (unsigned long long)totals.foreign,
           (unsigned long long)totals.errors, (unsigned long long)totals.lost, presence);
    for (int i = 0; i < count; i++)
        hang_up(&connections[i]);
    return 0;
}
