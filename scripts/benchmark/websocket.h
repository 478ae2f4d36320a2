/* What both ends of the benchmark need of RFC 6455: heads of frames, and the answer to a handshake.
 *
 * Unmasked frames go to clients, masked ones to servers; nothing is fragmented or compressed, because
 * nothing asks for it. Header only: each program is one translation unit or two. */
#ifndef BENCH_WEBSOCKET_H
#define BENCH_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WS_CONT = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* One whole frame, found at the start of a buffer. `payload` is where it lies; `size` is what the whole takes. */
struct ws_frame {
    int opcode;
    int fin;
    const uint8_t *mask; /* 4 bytes, or NULL */
    uint8_t *payload;
    size_t length;
    size_t size;
};

/* 1: `frame` is filled; 0: more bytes are needed; -1: this is no frame we can read. */
static inline int ws_read(uint8_t *at, size_t have, struct ws_frame *frame)
{
    if (have < 2)
        return 0;
    size_t head = 2;
    uint64_t length = at[1] & 127;
    if (length == 126) {
        if (have < 4)
            return 0;
        length = (uint64_t)at[2] << 8 | at[3];
        head = 4;
    } else if (length == 127) {
        if (have < 10)
            return 0;
        length = 0;
        for (int i = 2; i < 10; i++)
            length = length << 8 | at[i];
        head = 10;
        if (length > (64u << 20))
            return -1;
    }
    frame->mask = NULL;
    if (at[1] & 128) {
        frame->mask = at + head;
        head += 4;
    }
    if (at[0] & 0x70)
        return -1;
    if (have < head + length)
        return 0;
    frame->opcode = at[0] & 15;
    frame->fin = at[0] >> 7;
    frame->payload = at + head;
    frame->length = (size_t)length;
    frame->size = head + (size_t)length;
    return 1;
}

/* Writes a final frame's head to `at` (14 bytes at most); `mask` is NULL or 4 bytes. Returns its size. */
static inline size_t ws_head(uint8_t *at, int opcode, size_t length, const uint8_t *mask)
{
    size_t size = 2;
    at[0] = (uint8_t)(0x80 | opcode);
    if (length < 126) {
        at[1] = (uint8_t)length;
    } else if (length < 65536) {
        at[1] = 126;
        at[2] = (uint8_t)(length >> 8);
        at[3] = (uint8_t)length;
        size = 4;
    } else {
        at[1] = 127;
        for (int i = 0; i < 8; i++)
            at[2 + i] = (uint8_t)((uint64_t)length >> (56 - 8 * i));
        size = 10;
    }
    if (mask) {
        at[1] |= 128;
        memcpy(at + size, mask, 4);
        size += 4;
    }
    return size;
}

/* Masks or unmasks in place, RFC 6455 section 5.3, eight bytes at a time. */
static inline void ws_mask(uint8_t *data, size_t length, const uint8_t *mask)
{
    uint32_t four;
    memcpy(&four, mask, 4);
    uint64_t eight = (uint64_t)four << 32 | four;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, 8);
        word ^= eight;
        memcpy(data + i, &word, 8);
    }
    for (; i < length; i++)
        data[i] ^= mask[i & 3];
}

/* ---- Sec-WebSocket-Accept (RFC 6455 section 4.2.2): SHA-1 (RFC 3174) and base 64 -------------- */

static inline uint32_t ws_rotate(uint32_t word, int by)
{
    return word << by | word >> (32 - by);
}

static inline void ws_sha1_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = ws_rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20)
            f = (b & c) | (~b & d), k = 0x5A827999;
        else if (i < 40)
            f = b ^ c ^ d, k = 0x6ED9EBA1;
        else if (i < 60)
            f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
        else
            f = b ^ c ^ d, k = 0xCA62C1D6;
        uint32_t next = ws_rotate(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = ws_rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

/* `key` is the 24 characters of Sec-WebSocket-Key; writes 28 characters and a zero. */
static inline void ws_accept(const char *key, char accept[29])
{
    /* The key and RFC 6455's GUID are 60 bytes: with the padding, exactly two blocks. */
    uint8_t text[128] = {0};
    memcpy(text, key, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    text[60] = 0x80;
    text[126] = (60 * 8) >> 8;
    text[127] = (60 * 8) & 255;
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    ws_sha1_block(state, text);
    ws_sha1_block(state, text + 64);
    uint8_t digest[21] = {0};
    for (int i = 0; i < 20; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++)
            accept[4 * i + j] = letters[three >> (18 - 6 * j) & 63];
    }
    accept[27] = '=';
    accept[28] = 0;
}

#endif
