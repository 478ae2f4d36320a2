/* Connections of the load generator, on epoll: from the first SYN to the last byte. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum {
    EVENTS = 512,
    READ = 256 << 10,
    PER_ADDRESS = 15000 /* a loopback address has about 28,000 ports to give; /proc/sys/net/ipv4/ip_local_port_range */
};

int in, under_way;

static int epoll_fd;
static unsigned begun;
static uint8_t bytes[READ + 8192];

/* ---- buffers --------------------------------------------------------------------------------- */

void append(struct buffer *buffer, const void *data, size_t size)
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

void release(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

/* ---- begin and end --------------------------------------------------------------------------- */

void open_epoll(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
}

void begin(struct connection *connection)
{
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("no more sockets; raise the limit of open files");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + begun++ / PER_ADDRESS % 200)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connection->fd = fd;
    connection->state = CONNECTING;
    connection->started = clock_ns();
    under_way += !connection->owner;
    if (bind(fd, (struct sockaddr *)&from, sizeof from))
        fail("no address to come from");
    if (connect(fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        fail("nobody listens there");
    /* Edges: a busy member is not asked for again in each turn, as it would be by level. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
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

void hang_up(struct connection *connection)
{
    if (connection->voice)
        hang_up(connection->voice);
    if (connection->fd < 0)
        return;
    /* A reset, so that tens of thousands of ports do not stay taken for a minute. */
    struct linger at_once = {1, 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(connection->fd);
    connection->fd = -1;
    if (connection->state == IN)
        in--;
    else if (connection->state != APART && !connection->owner)
        under_way--;
    connection->state = APART;
    release(&connection->in);
    release(&connection->out);
    release(&connection->stream);
    release(&connection->http.unsaid);
    connection->http = (struct exchange){0};
}

void lost(struct connection *connection)
{
    totals.lost++;
    hang_up(connection);
}

/* ---- bytes out, bytes in --------------------------------------------------------------------- */

void send_bytes(struct connection *connection, const void *data, size_t size)
{
    if (connection->fd < 0)
        return;
    const uint8_t *at = data;
    if (!connection->out.size) {
        ssize_t sent = send(connection->fd, at, size, MSG_NOSIGNAL);
        if (sent == (ssize_t)size)
            return;
        if (sent < 0 && errno != EAGAIN) {
            lost(connection);
            return;
        }
        if (sent > 0)
            at += sent, size -= (size_t)sent;
    }
    append(&connection->out, at, size); /* it goes when epoll tells that there is room */
}

size_t unsent(const struct connection *connection)
{
    size_t size = connection->out.size + connection->http.unsaid.size;
    return connection->voice ? size + unsent(connection->voice) : size;
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
    if (!out->size)
        release(out);
}

/* Reads all there is. A short read tells that there was no more, unless the other side has `ended`. */
static void take(struct connection *connection, int ended)
{
    ssize_t got;
    size_t asked;
    do {
        size_t have = connection->in.size;
        if (have > READ / 2)
            fail("a frame is too long");
        if (have)
            memcpy(bytes, connection->in.data, have);
        asked = READ - have;
        got = recv(connection->fd, bytes + have, asked, 0);
        if (got <= 0) {
            if (got && errno == EAGAIN)
                return;
            if (connection->owner && !connection->http.busy)
                hang_up(connection); /* a server may end an idle connection */
            else
                lost(connection);
            return;
        }
        now = clock_ns();
        have += (size_t)got;
        bytes[have] = 0;
        size_t taken = dialect->transport->take(connection, bytes, have);
        if (connection->fd < 0)
            return;
        connection->in.size = 0;
        if (taken < have)
            append(&connection->in, bytes + taken, have - taken);
        else if (connection->in.data)
            release(&connection->in);
    } while (ended || (size_t)got == asked);
}

/* To the nanosecond where the kernel can (5.11), so that nobody has to look all the time what is due. */
static int wait_for(struct epoll_event *events, uint64_t ns)
{
    static int old_kernel;
    if (!old_kernel) {
        struct timespec at_most = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
        long n = syscall(SYS_epoll_pwait2, epoll_fd, events, EVENTS, &at_most, NULL, 0);
        if (n >= 0 || errno != ENOSYS)
            return (int)n;
        old_kernel = 1;
    }
    return epoll_wait(epoll_fd, events, EVENTS, (int)(ns / 1000000));
}

void turn(double seconds)
{
    static struct epoll_event events[EVENTS];
    int n = wait_for(events, (uint64_t)(seconds * 1e9));
    for (int i = 0; i < n; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection->fd < 0)
            continue;
        uint32_t what = events[i].events;
        int ended = (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        if (connection->state == CONNECTING && what & EPOLLOUT && !ended) {
            connection->state = SHAKING;
            dialect->transport->opened(connection);
        } else if (what & EPOLLOUT && connection->out.size) {
            send_rest(connection);
        }
        if (connection->fd >= 0 && (what & EPOLLIN || ended))
            take(connection, ended);
    }
}
