/* Over HTTP (RFC 9112), as docs/protocol.md has it: SSE is one POST whose answer never ends, long polling POST
 * after POST; what one says goes by POST over a connection of its own. Answers come whole or in chunks. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "load.h"

enum { FRAMES_IN_ONE = 16 };

/* ---- what SSE and long polling share --------------------------------------------------- */

static void request(struct connection *connection, const char *path, const struct buffer *body)
{
    char head[256];
    int size = snprintf(head, sizeof head,
                        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        path, options.port, options.port, body->size);
    struct buffer whole = {0};
    append(&whole, head, (size_t)size);
    append(&whole, body->data, body->size);
    connection->http.busy = 1;
    send_bytes(connection, whole.data, whole.size);
    release(&whole);
}

static void append_text(struct buffer *buffer, const char *text)
{
    append(buffer, text, strlen(text));
}

/* The value of a field of the head, or NULL. */
static const char *field(const uint8_t *head, const uint8_t *end, const char *name)
{
    size_t size = strlen(name);
    for (const uint8_t *at = head; (at = memchr(at, '\n', (size_t)(end - at))) && ++at + size < end;)
        if (!strncasecmp((const char *)at, name, size))
            return (const char *)at + size;
    return NULL;
}

/* Takes answers apart: `piece` gets the bytes of bodies as they come, `whole` is told of the end of each. */
static size_t take_answers(struct connection *connection, uint8_t *at, size_t have,
                           void (*piece)(struct connection *, uint8_t *, size_t),
                           void (*whole)(struct connection *))
{
    struct exchange *http = &connection->http;
    size_t taken = 0;
    while (connection->fd >= 0 && taken < have) {
        uint8_t *from = at + taken;
        size_t rest = have - taken;
        if (!http->in_body) {
            uint8_t *end = answered(connection, from, rest, "200");
            if (!end)
                return taken;
            const char *length = field(from, end, "content-length:");
            http->chunked = field(from, end, "transfer-encoding: chunked") != NULL;
            if (!length && !http->chunked)
                fail("an answer without a length");
            http->left = length ? strtoul(length, NULL, 10) : 0;
            http->in_body = 1;
            taken += (size_t)(end - from);
        } else if (http->left) {
            size_t size = rest < http->left ? rest : http->left;
            http->left -= size;
            taken += size;
            piece(connection, from, size);
            http->after_chunk = !http->left && http->chunked;
        } else if (http->chunked) {
            uint8_t *line = from + 2 * http->after_chunk;
            uint8_t *end = rest > 2 ? memchr(line, '\n', rest - (size_t)(line - from)) : NULL;
            if (!end)
                return taken;
            http->left = strtoul((char *)line, NULL, 16);
            http->after_chunk = !http->left; /* after the last one there is an empty line, too */
            taken += (size_t)(end + 1 - from);
            if (!http->left)
                http->chunked = 0;
        }
        if (connection->fd >= 0 && http->in_body && !http->left && !http->chunked) {
            if (http->after_chunk && have - taken < 2)
                return taken;
            taken += 2u * (unsigned)http->after_chunk;
            http->in_body = http->after_chunk = http->busy = 0;
            whole(connection);
        }
    }
    return taken;
}

/* The frames in a JSON list that begins at `at`: each to `frame`. Where the list ends. */
static uint8_t *each_frame(struct connection *connection, uint8_t *at, uint8_t *end,
                           void (*frame)(struct connection *, uint8_t *, size_t))
{
    int depth = 0, quoted = 0;
    uint8_t *from = at;
    for (; at < end; at++) {
        if (quoted) {
            if (*at == '\\')
                at++;
            else if (*at == '"')
                quoted = 0;
        } else if (*at == '"') {
            quoted = 1;
        } else if (*at == '{') {
            if (!depth++)
                from = at;
        } else if (*at == '}') {
            if (!--depth && connection->fd >= 0)
                frame(connection, from, (size_t)(at + 1 - from));
        } else if (*at == ']' && !depth) {
            break;
        }
    }
    return at;
}

/* ---- what one says over HTTP: POST /send ----------------------------------------------------- */

static void speak(struct connection *voice)
{
    struct exchange *http = &voice->http;
    struct buffer body = {0};
    append_text(&body, "{\"seat\":\"");
    append_text(&body, voice->owner->seat);
    append_text(&body, "\",\"frames\":[");
    append(&body, http->unsaid.data, http->unsaid.size);
    append_text(&body, "]}");
    http->unsaid.size = 0;
    http->unsaid_count = 0;
    request(voice, "/send", &body);
    release(&body);
}

static void voice_answer(struct connection *voice, uint8_t *frame, size_t length)
{
    if (voice->owner->fd >= 0)
        dialect->message(voice->owner, frame, length);
}

static void voice_whole(struct connection *voice)
{
    struct buffer body = voice->stream;
    voice->stream = (struct buffer){0};
    uint8_t *frames = body.size ? memchr(body.data, '[', body.size) : NULL;
    if (frames)
        each_frame(voice, frames + 1, body.data + body.size, voice_answer);
    else
        totals.errors++;
    release(&body);
    if (voice->fd >= 0 && voice->http.unsaid_count && !voice->http.busy)
        speak(voice);
}

static void keep(struct connection *connection, uint8_t *bytes, size_t size)
{
    append(&connection->stream, bytes, size);
}

static void post_frame(struct connection *connection, const void *payload, size_t length)
{
    struct connection *voice = connection->voice;
    if (!voice) {
        if (!(voice = connection->voice = calloc(1, sizeof *voice)))
            fail("out of memory");
        voice->fd = -1;
        voice->owner = connection;
        voice->room = connection->room;
    }
    struct exchange *http = &voice->http;
    if (http->unsaid_count == FRAMES_IN_ONE)
        fail("more under way than one POST can carry");
    if (http->unsaid_count++)
        append_text(&http->unsaid, ",");
    append(&http->unsaid, payload, length);
    if (voice->fd < 0)
        begin(voice);
    else if (voice->state == SHAKING && !http->busy)
        speak(voice);
}

/* ---- SSE ------------------------------------------------------------------------------------- */

static void http_opened(struct connection *connection)
{
    if (connection->owner) {
        speak(connection);
        return;
    }
    connection->state = JOINING;
    dialect->opened(connection);
}

static void sse_say(struct connection *connection, int opcode, const void *payload, size_t length)
{
    (void)opcode;
    if (connection->state == IN) {
        post_frame(connection, payload, length);
        return;
    }
    struct buffer body = {0};
    append(&body, payload, length);
    request(connection, "/sse", &body);
    release(&body);
}

/* A line of the stream; empty lines, comments and other fields say nothing to us but `event: close`. */
static size_t sse_line(struct connection *connection, uint8_t *at, size_t have)
{
    uint8_t *end = memchr(at, '\n', have);
    if (!end)
        return 0;
    size_t length = (size_t)(end - at);
    if (length > 8 && !memcmp(at, "data: ", 6))
        dialect->message(connection, at + 6, length - 6);
    else if (length == 12 && !memcmp(at, "event: close", 12))
        lost(connection);
    return length + 1;
}

static void sse_piece(struct connection *connection, uint8_t *bytes, size_t size)
{
    spool(connection, bytes, size, sse_line);
}

static size_t sse_take(struct connection *connection, uint8_t *at, size_t have)
{
    if (connection->owner)
        return take_answers(connection, at, have, keep, voice_whole);
    return take_answers(connection, at, have, sse_piece, lost);
}

/* ---- long polling ---------------------------------------------------------------------------- */

static void poll(struct connection *connection, const void *join, size_t length)
{
    char rest[160];
    struct exchange *http = &connection->http;
    struct buffer body = {0};
    append_text(&body, "{\"join\":");
    append(&body, join, length);
    if (http->link[0]) {
        snprintf(rest, sizeof rest, ",\"link\":\"%s\",\"got\":%llu,\"wait_s\":25", http->link,
                 (unsigned long long)http->got);
        append_text(&body, rest);
    }
    append_text(&body, "}");
    request(connection, "/poll", &body);
    release(&body);
}

static void poll_say(struct connection *connection, int opcode, const void *payload, size_t length)
{
    (void)opcode;
    if (connection->state == IN)
        post_frame(connection, payload, length);
    else
        poll(connection, payload, length);
}

static void poll_frame(struct connection *connection, uint8_t *frame, size_t length)
{
    dialect->message(connection, frame, length);
}

static void poll_whole(struct connection *connection)
{
    struct buffer body = connection->stream;
    connection->stream = (struct buffer){0};
    uint8_t *end = body.data + body.size;
    uint8_t *frames = memmem(body.data, body.size, "\"frames\":[", 10);
    if (!frames)
        fail("an answer to a poll without frames");
    uint8_t *after = each_frame(connection, frames + 10, end, poll_frame);
    if (connection->fd >= 0 && memmem(after, (size_t)(end - after), "\"close\":", 8))
        lost(connection);
    if (connection->fd >= 0) {
        struct exchange *http = &connection->http;
        uint8_t *link = memmem(body.data, body.size, "\"link\":\"", 8), *number;
        if (link)
            sscanf((char *)link + 8, "%47[^\"]", http->link);
        if ((number = memmem(body.data, (size_t)(frames - body.data), "\"n\":", 4)) ||
            (number = memmem(after, (size_t)(end - after), "\"n\":", 4)))
            http->got = strtoull((char *)number + 4, NULL, 10);
        if (connection->seat) {
            char join[5120];
            int size = snprintf(join, sizeof join,
                                "{\"t\":\"join\",\"id\":1,\"room\":\"%s\",\"seat\":\"%s\",\"epoch\":\"%s\",\"after\":%llu}",
                                room_name(connection), connection->seat, connection->epoch,
                                (unsigned long long)connection->seq);
            poll(connection, join, (size_t)size);
        }
    }
    release(&body);
}

static size_t poll_take(struct connection *connection, uint8_t *at, size_t have)
{
    return take_answers(connection, at, have, keep, connection->owner ? voice_whole : poll_whole);
}

const struct transport over_sse = {http_opened, sse_take, sse_say};
const struct transport over_polling = {http_opened, poll_take, poll_say};
