// SPDX-License-Identifier: Apache-2.0
/*
 * A server for tests/adopt/bench.c that tells each client when its accept() returned: eight bytes,
 * CLOCK_MONOTONIC in ns.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"usage: stopwatch MODE PORT\n"
	"  MODE  blocking  a thread in accept()\n"
	"        poll      poll(), then accept until EAGAIN\n"
	"        level     level-triggered epoll, one accept an event\n";

static bool serve_one(int listener)
{
	struct timespec now;
	int64_t ns;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (fd < 0)
		return false;
	ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	if (send(fd, &ns, sizeof(ns), MSG_NOSIGNAL) != sizeof(ns))
		perror("stopwatch: send");
	close(fd);
	return true;
}

static _Noreturn void run_poll(int listener)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };

	for (;;) {
		poll(&ready, 1, -1);
		while (serve_one(listener))
			;
	}
}

static _Noreturn void run_level(int listener)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	for (;;)
		if (epoll_wait(epoll, &event, 1, -1) == 1)
			serve_one(listener);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (argc != 3) {
		fputs(usage, stderr);
		return 2;
	}
	address.sin_port = htons((uint16_t)atoi(argv[2]));
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 128) < 0) {
		perror("stopwatch");
		return 1;
	}
	if (strcmp(argv[1], "blocking") == 0)
		for (;;)
			serve_one(listener);
	fcntl(listener, F_SETFL, O_NONBLOCK);
	if (strcmp(argv[1], "poll") == 0)
		run_poll(listener);
	run_level(listener);
}
