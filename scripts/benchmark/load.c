/* The load generator: many clients in one thread, on epoll, that count what they get. Here: its phases.
 *
 *     load --kind chatd --port 8000 --rooms 20 --members 50 --warm 1 --seconds 3
 *
 * It goes through these phases and prints one JSON object at each border, so that whoever started it can
 * read the server's CPU and memory there:
 *
 *     start -> joined -> (idle -> idle_over) -> (measuring -> measured) -> (recovering -> recovered) -> done
 *
 * Load is a closed loop (in each room `--flight` messages are under way: whose message has come back to them
 * says the next) or, with `--rate`, an open one (`--talkers` people in each room post at random moments, that
 * many deliveries a second in all, whatever the server does). In an open loop latency counts from when a post
 * was due, so that a server that stalls is not excused. */
#define _GNU_SOURCE
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "load.h"

enum { MAX_UNSENT = 256 << 10, NAME = 64, SILENT_S = 8 };

struct options options = {
    .run = "0", .rooms = 1, .members = 10, .talkers = 8, .flight = 32, .size = 200, .connecting = 64,
    .warm = 1, .settle = 0.5, .patience = 30, .drain = 30,
};
const struct dialect *dialect;
int recovering, prefilling, talking;

static struct connection *connections;
static char (*names)[NAME];
static int count;

const char *room_name(const struct connection *connection)
{
    return names[connection->room];
}

void fail(const char *what)
{
    printf("{\"phase\":\"failed\",\"why\":\"%s\",\"connections\":%d,\"errors\":%llu,\"lost\":%llu}\n", what, in,
           (unsigned long long)totals.errors, (unsigned long long)totals.lost);
    fflush(stdout);
    exit(1);
}

static double own_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
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
    while (in < to) {
        while (from < to && under_way < options.connecting)
            begin(&connections[from++]);
        turn(0.1);
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
        turn(0.02);
}

/* Until everything has arrived, nothing has come for a while, or it takes too long. */
static void wait_for_deliveries(double seconds)
{
    uint64_t until = later(seconds), silent = later(SILENT_S), before = totals.deliveries;
    while (totals.deliveries < totals.expected && clock_ns() < until && clock_ns() < silent) {
        turn(0.02);
        if (totals.deliveries > before) {
            before = totals.deliveries;
            silent = later(SILENT_S);
        }
    }
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
        turn(0.1);
        if (clock_ns() > until)
            fail("the history could not be written in time");
    }
    while (first->seq - before < (uint64_t)options.prefill && clock_ns() < until)
        turn(0.1);
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
    for (int i = 0; i < count; i++) {
        int talker = connections[i].talker;
        for (int under = talker; talker >= 0 && under < options.flight; under += options.talkers)
            post(&connections[i], clock_ns());
    }
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
            turn(0.02);
            continue;
        }
        for (int burst = 0; due <= now && burst < 256; burst++) {
            int room = (int)(turn_of % (uint64_t)options.rooms);
            int talker = (int)(turn_of / (uint64_t)options.rooms % (uint64_t)options.talkers);
            struct connection *connection = &connections[room * options.members + talker];
            turn_of++;
            if (unsent(connection) < MAX_UNSENT)
                post(connection, due);
            due += (uint64_t)(-log(chance()) * mean_ns);
        }
        turn(due > now ? (double)(due - now) / 1e9 : 0);
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
    wait_for_deliveries(options.drain);
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
    forget(&joins);
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
        {"talkers", 1, 0, 't'}, {"flight", 1, 0, 'g'}, {"size", 1, 0, 's'}, {"connecting", 1, 0, 'c'}, {"warm", 1, 0, 'w'},
        {"seconds", 1, 0, 'n'}, {"rate", 1, 0, 'a'}, {"settle", 1, 0, 'e'}, {"idle", 1, 0, 'i'},
        {"prefill", 1, 0, 'f'}, {"recover", 1, 0, 'o'}, {"run", 1, 0, 'u'}, {"patience", 1, 0, 'x'},
        {"drain", 1, 0, 'd'}, {0, 0, 0, 0},
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
        case 'g': options.flight = (int)value; break;
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
        case 'd': options.drain = value; break;
        default: exit(2);
        }
    }
    dialect = options.kind ? dialect_named(options.kind) : NULL;
    if (!dialect || options.port <= 0 || options.rooms < 1 || options.rooms > 65535 || options.members < 1 ||
        options.talkers < 1 || options.talkers > 4095 || options.flight < 1 || options.flight > 4095 || options.size > 4000 || options.connecting < 1) {
        fprintf(stderr, "usage: load --kind KIND --port N [--rooms N] [--members N] ... (see the top of load.c)\n");
        exit(2);
    }
    if (options.rate <= 0)
        options.talkers = options.flight;
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
    prctl(PR_SET_TIMERSLACK, 1000ul); /* wake up when a post is due, and not 50 µs later */
    count = options.rooms * options.members;
    connections = calloc((size_t)count, sizeof *connections);
    names = calloc((size_t)options.rooms, sizeof *names);
    uint32_t *seen = calloc((size_t)count * (size_t)options.talkers, sizeof *seen);
    if (!connections || !names || !seen)
        fail("out of memory");
    for (int room = 0; room < options.rooms; room++)
        snprintf(names[room], NAME, "b%s-%d", options.run, room);
    for (int i = 0; i < count; i++) {
        int member = i % options.members;
        connections[i] = (struct connection){.fd = -1, .room = i / options.members,
                                             .talker = member < options.talkers ? member : -1,
                                             .seen = seen + (size_t)i * (size_t)options.talkers};
    }
    open_epoll();
    prepare_texts();
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
