/* The dialects: what each kind of server wants to hear when somebody joins and posts, and what it says.
 *
 *     chatd      the wire of docs/protocol.md, JSON; over SSE and long polling as well
 *     room       /ws/ROOM, and text to everybody in it: the limits, Node ws, Starlette, websockets, uWebSockets
 *     channels   the same with {"message": ...}, as in the tutorial of Django Channels
 *     socketio   Engine.IO 4 over WebSocket, and Socket.IO 5 in it
 *     nats       the NATS protocol over WebSocket
 *     mqtt       MQTT 3.1.1 over WebSocket, QoS 0
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"
#include "websocket.h"

static char line[8192];

static int begins(const uint8_t *payload, size_t length, const char *with)
{
    size_t size = strlen(with);
    return length >= size && !memcmp(payload, with, size);
}

/* ---- chatd ----------------------------------------------------------------------------------- */

static void chatd_opened(struct connection *connection)
{
    int size;
    if (recovering && connection->seat)
        size = snprintf(line, sizeof line,
                        "{\"t\":\"join\",\"id\":1,\"room\":\"%s\",\"seat\":\"%s\",\"epoch\":\"%s\",\"after\":%llu}",
                        room_name(connection), connection->seat, connection->epoch,
                        (unsigned long long)connection->after);
    else
        size = snprintf(line, sizeof line, "{\"t\":\"join\",\"id\":1,\"room\":\"%s\"}", room_name(connection));
    say(connection, WS_TEXT, line, (size_t)size);
}

static char *text_of(const uint8_t *payload, size_t length, const char *field)
{
    const char *at = memmem(payload, length, field, strlen(field));
    if (!at)
        return NULL;
    at += strlen(field);
    const char *end = memchr(at, '"', (size_t)((const char *)payload + length - at));
    return end ? strndup(at, (size_t)(end - at)) : NULL;
}

static uint64_t number_of(const uint8_t *payload, size_t length, const char *field)
{
    const char *at = memmem(payload, length, field, strlen(field));
    return at ? strtoull(at + strlen(field), NULL, 10) : 0; /* ended by what follows the number */
}

/* The events of `joined` must continue where we were, without a hole. */
static void chatd_recovered(struct connection *connection, const uint8_t *payload, size_t length, uint64_t head)
{
    if (!memmem(payload, length, "\"recovered\":true", 16)) {
        totals.gaps++;
        return;
    }
    totals.recovered++;
    uint64_t next = connection->after + 1;
    const uint8_t *at = payload, *end = payload + length;
    while ((at = memmem(at, (size_t)(end - at), "\"seq\":", 6))) {
        at += 6;
        uint64_t seq = strtoull((const char *)at, NULL, 10);
        totals.gaps += seq > next;
        totals.doubles += seq < next;
        next = seq + 1;
        totals.replayed++;
    }
    totals.gaps += next != head + 1;
}

static size_t chatd_message(struct connection *connection, uint8_t *payload, size_t length)
{
    static const char posted[] = "{\"t\":\"posted\",\"room\":\"";
    if (begins(payload, length, posted)) {
        const char *room = room_name(connection);
        size_t at = sizeof posted - 1, size = strlen(room);
        if (length < at + size + 10 || memcmp(payload + at, room, size) ||
            memcmp(payload + at + size, "\",\"seq\":", 8)) {
            totals.foreign++;
            return length;
        }
        uint64_t seq = 0;
        for (at += size + 8; payload[at] >= '0' && payload[at] <= '9'; at++)
            seq = seq * 10 + (uint64_t)(payload[at] - '0');
        if (seq > connection->seq + 1)
            totals.gaps += seq - connection->seq - 1;
        if (seq <= connection->seq)
            totals.doubles++;
        else
            connection->seq = seq;
        delivered(connection, payload + at, length - at);
    } else if (begins(payload, length, "{\"t\":\"joined\"")) {
        uint64_t head = number_of(payload, length, "\"head\":");
        if (recovering && connection->seat)
            chatd_recovered(connection, payload, length, head);
        free(connection->seat);
        free(connection->epoch);
        connection->seat = text_of(payload, length, "\"seat\":\"");
        connection->epoch = text_of(payload, length, "\"epoch\":\"");
        connection->seq = head;
        joined(connection);
    } else if (begins(payload, length, "{\"t\":\"presence\"")) {
        connection->presence++;
    } else if (begins(payload, length, "{\"t\":\"error\"")) {
        if (!totals.errors++)
            fprintf(stderr, "load: the server said %.*s\n", (int)length, (const char *)payload);
    }
    return length;
}

/* The key is a UUIDv7 (RFC 9562 section 5.7), as chatd's own clients make them. */
static size_t chatd_post(struct connection *connection, char *out, const char *text, size_t length)
{
    uint64_t ms = (uint64_t)time(NULL) * 1000;
    return (size_t)sprintf(out,
                           "{\"t\":\"post\",\"id\":%u,\"room\":\"%s\",\"key\":\"%08x-%04x-7000-8%03x-%06x%06x\","
                           "\"text\":\"%.*s\"}",
                           connection->said, room_name(connection), (unsigned)(ms >> 16), (unsigned)(ms & 0xffff),
                           (unsigned)(connection->started >> 24) & 0xfff, (unsigned)connection->started & 0xffffff,
                           connection->said & 0xffffff, (int)length, text);
}

/* ---- a room in the path, and whatever is said goes to everybody ------------------------------ */

static size_t room_message(struct connection *connection, uint8_t *payload, size_t length)
{
    delivered(connection, payload, length);
    return length;
}

static size_t room_post(struct connection *connection, char *out, const char *text, size_t length)
{
    (void)connection;
    memcpy(out, text, length);
    return length;
}

static size_t channels_post(struct connection *connection, char *out, const char *text, size_t length)
{
    (void)connection;
    return (size_t)sprintf(out, "{\"message\": \"%.*s\"}", (int)length, text);
}

/* ---- Socket.IO ------------------------------------------------------------------------------- */

static void wait_for_server(struct connection *connection)
{
    (void)connection; /* it speaks first */
}

static size_t socketio_message(struct connection *connection, uint8_t *payload, size_t length)
{
    if (begins(payload, length, "42")) {
        delivered(connection, payload, length);
    } else if (begins(payload, length, "40")) {
        int size = snprintf(line, sizeof line, "420[\"join\",\"%s\"]", room_name(connection));
        say(connection, WS_TEXT, line, (size_t)size);
    } else if (begins(payload, length, "430")) {
        joined(connection);
    } else if (begins(payload, length, "0")) {
        say(connection, WS_TEXT, "40", 2);
    } else if (begins(payload, length, "2")) {
        say(connection, WS_TEXT, "3", 1);
    } else {
        totals.errors++;
    }
    return length;
}

static size_t socketio_post(struct connection *connection, char *out, const char *text, size_t length)
{
    return (size_t)sprintf(out, "42[\"message\",\"%s\",\"%.*s\"]", room_name(connection), (int)length, text);
}

/* ---- NATS ------------------------------------------------------------------------------------ */

static void nats_opened(struct connection *connection)
{
    int size = snprintf(line, sizeof line,
                        "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\",\"protocol\":1}\r\n"
                        "SUB room.%s 1\r\nPING\r\n",
                        room_name(connection));
    say(connection, WS_BINARY, line, (size_t)size);
}

static size_t nats_message(struct connection *connection, uint8_t *payload, size_t length)
{
    uint8_t *end = memchr(payload, '\n', length);
    if (!end)
        return 0;
    size_t size = (size_t)(end + 1 - payload);
    if (begins(payload, length, "MSG ")) {
        uint8_t *number = memrchr(payload, ' ', size);
        size_t body = strtoul((const char *)number, NULL, 10);
        if (length < size + body + 2)
            return 0;
        delivered(connection, payload + size, body);
        return size + body + 2;
    }
    if (begins(payload, length, "PONG"))
        joined(connection);
    else if (begins(payload, length, "PING"))
        say(connection, WS_BINARY, "PONG\r\n", 6);
    else if (begins(payload, length, "-ERR"))
        totals.errors++;
    return size;
}

static size_t nats_post(struct connection *connection, char *out, const char *text, size_t length)
{
    return (size_t)sprintf(out, "PUB room.%s %zu\r\n%.*s\r\n", room_name(connection), length, (int)length, text);
}

/* ---- MQTT ------------------------------------------------------------------------------------ */

/* A packet: its first byte, the length of the rest (one or two bytes of it here), the rest. */
static size_t mqtt_head(char *out, int first, size_t rest)
{
    size_t size = 0;
    out[size++] = (char)first;
    do {
        out[size++] = (char)((rest & 127) | (rest > 127 ? 128 : 0));
        rest >>= 7;
    } while (rest);
    return size;
}

static size_t mqtt_text(char *out, const char *text)
{
    size_t size = strlen(text);
    out[0] = (char)(size >> 8);
    out[1] = (char)size;
    memcpy(out + 2, text, size);
    return size + 2;
}

static void mqtt_opened(struct connection *connection)
{
    char rest[256], out[300];
    size_t size = mqtt_text(rest, "MQTT");
    memcpy(rest + size, "\4\2\0\0", 4); /* level 4, clean session, no keep-alive */
    size += 4;
    size += mqtt_text(rest + size, ""); /* the server gives us a name */
    size_t head = mqtt_head(out, 0x10, size);
    memcpy(out + head, rest, size);
    say(connection, WS_BINARY, out, head + size);
}

static size_t mqtt_message(struct connection *connection, uint8_t *payload, size_t length)
{
    size_t rest = 0, head = 1;
    for (int shift = 0;; shift += 7, head++) {
        if (head >= length || shift > 21)
            return 0;
        rest |= (size_t)(payload[head] & 127) << shift;
        if (!(payload[head] & 128))
            break;
    }
    head++;
    if (length < head + rest)
        return 0;
    uint8_t *body = payload + head;
    switch (payload[0] >> 4) {
    case 2: { /* CONNACK */
        char subscribe[256] = {0, 1}, out[300], topic[128];
        snprintf(topic, sizeof topic, "room/%s", room_name(connection));
        size_t size = 2 + mqtt_text(subscribe + 2, topic);
        subscribe[size++] = 0;
        size_t first = mqtt_head(out, 0x82, size);
        memcpy(out + first, subscribe, size);
        say(connection, WS_BINARY, out, first + size);
        break;
    }
    case 3: { /* PUBLISH */
        size_t topic = rest < 2 ? rest : 2 + ((size_t)body[0] << 8 | body[1]);
        if (topic <= rest)
            delivered(connection, body + topic, rest - topic);
        break;
    }
    case 9: /* SUBACK */
        joined(connection);
        break;
    default:
        totals.errors++;
    }
    return head + rest;
}

static size_t mqtt_post(struct connection *connection, char *out, const char *text, size_t length)
{
    char topic[128];
    int size = snprintf(topic, sizeof topic, "room/%s", room_name(connection));
    size_t at = mqtt_head(out, 0x30, 2 + (size_t)size + length);
    at += mqtt_text(out + at, topic);
    memcpy(out + at, text, length);
    return at + length;
}

/* ---------------------------------------------------------------------------------------------- */

static const struct dialect dialects[] = {
    {"chatd", &over_websocket, "chatd.v1.json", "/ws", WS_TEXT, 95, 0, chatd_opened, chatd_message, chatd_post},
    {"chatd-sse", &over_sse, NULL, NULL, 0, 95, 0, chatd_opened, chatd_message, chatd_post},
    {"chatd-polling", &over_polling, NULL, NULL, 0, 95, 0, chatd_opened, chatd_message, chatd_post},
    {"room", &over_websocket, NULL, "/ws/%s", WS_TEXT, 0, 0, joined, room_message, room_post},
    {"channels", &over_websocket, NULL, "/ws/chat/%s/", WS_TEXT, 15, 0, joined, room_message, channels_post},
    {"socketio", &over_websocket, NULL, "/socket.io/?EIO=4&transport=websocket", WS_TEXT, 16, 0, wait_for_server,
     socketio_message, socketio_post},
    {"nats", &over_websocket, NULL, "/", WS_BINARY, 24, 1, nats_opened, nats_message, nats_post},
    {"mqtt", &over_websocket, "mqtt", "/mqtt", WS_BINARY, 16, 1, mqtt_opened, mqtt_message, mqtt_post},
    {0},
};

const struct dialect *dialect_named(const char *name)
{
    for (const struct dialect *dialect = dialects; dialect->name; dialect++)
        if (!strcmp(dialect->name, name))
            return dialect;
    return NULL;
}
