/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Sends messages of calc to 127.0.0.1, for test_wireshark.py: sender PORT. First over TCP, in pieces of 1, 2, 3... bytes, then each in a
 * datagram of UDP, and two in one. Prints the messages that it sends over TCP.
 */

#include "calc.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGES = 8, ROOM = 1000 };

/* Ends the program if something failed. */
static void must(bool is_right, const char *what)
{
    if (is_right)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

static int connected(int type, uint16_t port)
{
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const int fd = socket(AF_INET, type, 0);
    const int yes = 1;

    must(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0, "connect");
    must(type != SOCK_STREAM || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0, "TCP_NODELAY");
    return fd;
}

static void send_all(int fd, const unsigned char *bytes, size_t count)
{
    must(send(fd, bytes, count, 0) == (ssize_t)count, "send");
}

static union calc_any message(unsigned number)
{
    static const int32_t operands[CALC_MAX_OPERANDS] = { 1, -2, 3 };
    union calc_any any = { .quit = calc_make_quit() };

    switch (number) {
    case 0:
        any.add = calc_make_add(5, UINT64_MAX);
        break;
    case 1:
        any.negate = calc_make_negate(INT64_MIN);
        break;
    case 2:
        any.apply = calc_make_apply(CALC_OPERATION_DIVIDE, 0.5, 1e300);
        break;
    case 3:
        any.sum = calc_make_sum(3, operands);
        break;
    case 4:
        any.store = calc_make_store("pi", 3.25);
        break;
    case 5:
        any.recall = calc_make_recall("");
        break;
    case 6:
        any.log = calc_make_log(1, "a line of the log");
        break;
    default:
        break;
    }
    return any;
}

int main(int argc, char **argv)
{
    static unsigned char stream[ROOM];
    const uint16_t port = argc == 2 ? (uint16_t)strtoul(argv[1], NULL, 10) : 0;
    const int tcp = connected(SOCK_STREAM, port), udp = connected(SOCK_DGRAM, port);
    size_t ends[MESSAGES + 1] = { 0 };

    for (unsigned i = 0; i < MESSAGES; i++) {
        const union calc_any any = message(i);
        ends[i + 1] = ends[i] + calc_encode(&any.base, stream + ends[i], sizeof stream - ends[i]);
        calc_print(stdout, &any.base);
        puts("");
    }
    for (size_t at = 0, count = 1; at < ends[MESSAGES]; at += count, count++) {
        count = count < ends[MESSAGES] - at ? count : ends[MESSAGES] - at;
        send_all(tcp, stream + at, count);
    }
    for (unsigned i = 0; i < MESSAGES; i++)
        send_all(udp, stream + ends[i], ends[i + 1] - ends[i]);
    send_all(udp, stream, ends[2]);
    must(close(tcp) == 0 && close(udp) == 0, "close");
    return EXIT_SUCCESS;
}
