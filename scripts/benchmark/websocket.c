/* WebSocket (RFC 6455), without extensions, and what every transport needs to take a stream of bytes apart. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "websocket.h"

enum { LONGEST = 20480 };

void spool(struct connection *connection, uint8_t *payload, size_t length,
           size_t (*parse)(struct connection *, uint8_t *, size_t))
{
    struct buffer *stream = &connection->stream;
    int kept = stream->size > 0;
    if (kept) {
        append(stream, payload, length);
        payload = stream->data;
        length = stream->size;
    }
    size_t taken = 0, took;
    while (taken < length && (took = parse(connection, payload + taken, length - taken))) {
        taken += took;
        if (connection->fd < 0)
            return;
    }
    if (!kept) {
        if (taken < length)
            append(stream, payload + taken, length - taken);
        return;
    }
    memmove(stream->data, stream->data + taken, length - taken);
    stream->size = length - taken;
    if (!stream->size)
        release(stream);
}

/* ---- WebSocket ------------------------------------------------------------------------------- */

static void websocket_opened(struct connection *connection)
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
    send_bytes(connection, head, (size_t)size);
}

static void websocket_say(struct connection *connection, int opcode, const void *payload, size_t length)
{
    static uint8_t frame[LONGEST];
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    if (length > sizeof frame - 16)
        fail("a message is too long");
    size_t head = ws_head(frame, opcode, length, mask);
    memcpy(frame + head, payload, length);
    ws_mask(frame + head, length, mask);
    send_bytes(connection, frame, head + length);
}

uint8_t *answered(struct connection *connection, uint8_t *at, size_t have, const char *wanted)
{
    uint8_t *end = memmem(at, have, "\r\n\r\n", 4);
    if (end && (end < at + 12 || memcmp(at + 9, wanted, 3))) {
        if (!totals.errors++)
            fprintf(stderr, "load: refused: %.*s\n", (int)(end - at), (char *)at);
        lost(connection);
        return NULL;
    }
    return end ? end + 4 : NULL;
}

static void websocket_frame(struct connection *connection, const struct ws_frame *frame)
{
    switch (frame->opcode) {
    case WS_CONT:
    case WS_TEXT:
    case WS_BINARY:
        if (dialect->stream)
            spool(connection, frame->payload, frame->length, dialect->message);
        else if (!frame->fin || frame->opcode == WS_CONT)
            fail("a fragmented message");
        else
            dialect->message(connection, frame->payload, frame->length);
        break;
    case WS_PING:
        websocket_say(connection, WS_PONG, frame->payload, frame->length);
        break;
    case WS_CLOSE:
        if (!totals.lost && frame->length >= 2)
            fprintf(stderr, "load: closed with %d %.*s\n", frame->payload[0] << 8 | frame->payload[1],
                    (int)frame->length - 2, (char *)frame->payload + 2);
        lost(connection);
    }
}

static size_t websocket_take(struct connection *connection, uint8_t *at, size_t have)
{
    size_t taken = 0;
    if (connection->state == SHAKING) {
        uint8_t *end = answered(connection, at, have, "101");
        if (!end)
            return 0;
        taken = (size_t)(end - at);
        connection->state = JOINING;
        dialect->opened(connection);
    }
    struct ws_frame frame;
    int found = 0;
    while (connection->fd >= 0 && (found = ws_read(at + taken, have - taken, &frame)) == 1) {
        websocket_frame(connection, &frame);
        taken += frame.size;
    }
    if (found < 0)
        fail("not a frame");
    return taken;
}

const struct transport over_websocket = {websocket_opened, websocket_take, websocket_say};
