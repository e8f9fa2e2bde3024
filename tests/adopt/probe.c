// SPDX-License-Identifier: Apache-2.0
/*
 * What a wrapped app can do, one thing a call:
 *
 *	probe accept    a connection to itself, by bind, listen, connect and accept
 *	probe accept4   the same with accept4
 *	probe signal    an accept that nobody answers, and a signal: the name of its error
 *	probe io_uring  io_uring_setup: the name of its error
 *	probe i386      a system call in the way of i386
 *	probe x32       a system call in the way of x32
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define X32_BIT 0x40000000

static int probe_listen(struct sockaddr_in *address)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(*address);

	*address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(listener, (struct sockaddr *)address, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)address, &len) < 0)
		return -1;
	return listener;
}

static int probe_accept(bool four)
{
	int client = socket(AF_INET, SOCK_STREAM, 0), fd, listener;
	struct sockaddr_in address;

	listener = probe_listen(&address);
	if (listener < 0 || connect(client, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 1;
	fd = four ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : accept(listener, NULL, NULL);
	if (fd < 0)
		perror("accept");
	else
		puts("accepted");
	return fd < 0;
}

static void probe_on_alarm(int signal)
{
	(void)signal;
}

static int probe_signal(void)
{
	const struct sigaction action = { .sa_handler = probe_on_alarm }; /* no SA_RESTART */
	const struct itimerval timer = { .it_value.tv_usec = 200000 };
	struct sockaddr_in address;
	int listener = probe_listen(&address);

	if (listener < 0 || sigaction(SIGALRM, &action, NULL) < 0 ||
	    setitimer(ITIMER_REAL, &timer, NULL) < 0)
		return 1;
	puts(accept(listener, NULL, NULL) < 0 ? strerrorname_np(errno) : "accepted");
	return 0;
}

#ifdef __x86_64__
/* getpid() by the number that it has there: what is tested is that it does not come back */
static int probe_i386(void)
{
	long pid = 20;

	__asm__ volatile("int $0x80" : "+a"(pid) : : "memory", "r8", "r9", "r10", "r11");
	printf("went on: %ld\n", pid);
	return 0;
}

static int probe_x32(void)
{
	printf("went on: %ld\n", syscall(X32_BIT | SYS_getpid));
	return 0;
}
#endif

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (!strcmp(what, "accept") || !strcmp(what, "accept4"))
		return probe_accept(!strcmp(what, "accept4"));
	if (!strcmp(what, "signal"))
		return probe_signal();
	if (!strcmp(what, "io_uring")) {
		puts(syscall(SYS_io_uring_setup, 1, NULL) < 0 ? strerrorname_np(errno) : "none");
		return 0;
	}
#ifdef __x86_64__
	if (!strcmp(what, "i386"))
		return probe_i386();
	if (!strcmp(what, "x32"))
		return probe_x32();
#endif
	return 2;
}
