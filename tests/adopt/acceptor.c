// SPDX-License-Identifier: Apache-2.0
/*
 * A server that knows nothing of being wrapped, in one of the ways that servers accept. It tells
 * each client how it saw it, "ACCEPTED NAMED LISTENER PID\n" as accept() and getpeername() name it,
 * and closes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/peer/address.h"

#define LISTENERS_MAX 8

static const char usage[] =
	"usage: acceptor MODE COUNT BACKLOG ADDRESS:PORT...\n"
	"  MODE  blocking    COUNT threads in accept()\n"
	"        prefork     COUNT processes in accept(), on one listener each address\n"
	"        poll        poll(), then accept until EAGAIN\n"
	"        level, edge epoll, level-triggered with one accept an event, or edge-triggered\n"
	"        exclusive   COUNT processes, EPOLLEXCLUSIVE\n"
	"        reuseport   COUNT processes with listeners of their own\n"
	"        late        listens after a second, and accepts after COUNT seconds more\n"
	"  [::] stands for all addresses of both families\n";

static struct {
	int fds[LISTENERS_MAX];
	const char *names[LISTENERS_MAX];
	int count;
	bool reuseport;
	int backlog;
} listeners;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int listen_on(const char *text)
{
	struct sockaddr_storage address;
	const int on = 1;
	socklen_t size;
	int fd;

	if (address_parse(text, &address, &size) < 0)
		return -1;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listeners.reuseport)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, listeners.backlog) < 0)
		die("acceptor: listen");
	return fd;
}

static void listen_all(void)
{
	for (int i = 0; i < listeners.count; i++)
		listeners.fds[i] = listen_on(listeners.names[i]);
}

static void set_nonblocking(void)
{
	for (int i = 0; i < listeners.count; i++)
		fcntl(listeners.fds[i], F_SETFL, O_NONBLOCK);
}

/* -1: none was there */
static int serve_one(int listener, bool whole)
{
	struct sockaddr_storage accepted = { 0 }, named = { 0 };
	socklen_t accepted_size = sizeof(accepted), named_size = sizeof(named);
	char accepted_text[ADDRESS_MAX], named_text[ADDRESS_MAX], line[256];
	int fd = accept4(listeners.fds[listener], (struct sockaddr *)&accepted, &accepted_size,
			 whole ? SOCK_CLOEXEC : SOCK_CLOEXEC | SOCK_NONBLOCK);
	int len;

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR)
			die("acceptor: accept");
		return -1;
	}
	getpeername(fd, (struct sockaddr *)&named, &named_size);
	address_format(&accepted, accepted_size, accepted_text);
	address_format(&named, named_size, named_text);
	len = snprintf(line, sizeof(line), "%s %s %d %d\n", accepted_text, named_text, listener,
		       (int)getpid());
	if (send(fd, line, (size_t)len, MSG_NOSIGNAL) != len)
		perror("acceptor: send");
	close(fd);
	return 0;
}

static void *run_blocking(void *arg)
{
	for (;;)
		serve_one(*(const int *)arg, true);
	return NULL;
}

static void start_threads(int count)
{
	static int numbers[LISTENERS_MAX];
	pthread_t thread;

	for (int i = 0; i < listeners.count; i++) {
		numbers[i] = i;
		for (int k = 0; k < count; k++)
			if (pthread_create(&thread, NULL, run_blocking, &numbers[i]))
				die("acceptor: thread");
	}
}

static void run_poll(void)
{
	struct pollfd ready[LISTENERS_MAX];

	for (int i = 0; i < listeners.count; i++)
		ready[i] = (struct pollfd){ .fd = listeners.fds[i], .events = POLLIN };
	for (;;) {
		poll(ready, (nfds_t)listeners.count, -1);
		for (int i = 0; i < listeners.count; i++)
			while (ready[i].revents && serve_one(i, false) == 0)
				;
	}
}

static void run_epoll(uint32_t how, bool until_empty)
{
	struct epoll_event events[LISTENERS_MAX];
	int epoll = epoll_create1(EPOLL_CLOEXEC), n;

	for (int i = 0; i < listeners.count; i++) {
		struct epoll_event event = { .events = EPOLLIN | how, .data.u32 = (uint32_t)i };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, listeners.fds[i], &event) < 0)
			die("acceptor: epoll");
	}
	for (;;) {
		n = epoll_wait(epoll, events, LISTENERS_MAX, -1);
		for (int i = 0; i < n; i++)
			while (serve_one((int)events[i].data.u32, false) == 0 && until_empty)
				;
	}
}

static void run_process(const char *mode)
{
	if (listeners.reuseport)
		listen_all();
	if (strcmp(mode, "prefork") == 0) {
		start_threads(1);
		pause();
	}
	set_nonblocking();
	run_epoll(strcmp(mode, "exclusive") == 0 ? EPOLLEXCLUSIVE : 0, false);
}

static void fork_processes(const char *mode, int count)
{
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("acceptor: fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			run_process(mode);
		}
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 4 ? argv[1] : "";
	int count = argc > 4 ? atoi(argv[2]) : 0;

	if (argc < 5 || argc - 4 > LISTENERS_MAX) {
		fputs(usage, stderr);
		return 2;
	}
	listeners.backlog = atoi(argv[3]);
	listeners.reuseport = strcmp(mode, "reuseport") == 0;
	for (int i = 4; i < argc; i++)
		listeners.names[listeners.count++] = argv[i];
	if (strcmp(mode, "late") == 0)
		sleep(1);
	if (!listeners.reuseport)
		listen_all();
	if (strcmp(mode, "blocking") == 0) {
		start_threads(count);
		pause();
	} else if (strcmp(mode, "poll") == 0 || strcmp(mode, "late") == 0) {
		set_nonblocking();
		sleep(*mode == 'l' ? (unsigned int)count : 0);
		run_poll();
	} else if (strcmp(mode, "level") == 0 || strcmp(mode, "edge") == 0) {
		set_nonblocking();
		run_epoll(*mode == 'e' ? EPOLLET : 0, *mode == 'e');
	} else {
		fork_processes(mode, count);
		pause();
	}
	return 0;
}
