/* What is said and what arrives: every text carries a mark (room, talker, count, time), and from it each
 * member counts what is missing (gaps) and what came twice (doubles), and the latency. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"

enum { MARK = 1 + 4 + 3 + 8 + 16 /* ~ room talker count nanoseconds, in hex */, LONGEST = 8192 };

struct totals totals;
int measuring;
uint64_t now;

static uint64_t random_state = 88172645463325252ull;
static char filler[LONGEST];

/* ---- time, chance, latencies ----------------------------------------------------------------- */

uint64_t clock_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000ull + (uint64_t)at.tv_nsec;
}

uint64_t later(double seconds)
{
    return clock_ns() + (uint64_t)(seconds * 1e9);
}

double chance(void)
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
struct latencies deliveries, joins;

void record(struct latencies *all, uint64_t ns)
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

void forget(struct latencies *all)
{
    memset(all, 0, sizeof *all);
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

void print_latencies(const struct latencies *all)
{
    printf(",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f", ms_at(all, 0.5),
           ms_at(all, 0.99), ms_at(all, 0.999), (double)all->max / 1e6);
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

void prepare_texts(void)
{
    for (int i = 0; i < LONGEST; i++)
        filler[i] = "it was a long night and I am glad that you are here "[i % 52];
}

void post(struct connection *connection, uint64_t due)
{
    static char text[LONGEST], payload[2 * LONGEST];
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
        totals.foreign += !prefilling;
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
