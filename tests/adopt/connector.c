// SPDX-License-Identifier: Apache-2.0
/*
 * An app that connects, and writes a line of JSON for each thing it sees:
 *
 *	connector HOST PORT [WORD...]
 *
 *	nonblock    does not block, and waits as such an app does
 *	mapped      IPv4 by a socket of IPv6
 *	udp, unix   another kind of socket
 *	source=IP   is bound to that address
 *	port=N      is bound to that port
 *	epoll, dup  the socket is watched by epoll, or has a second descriptor
 *	writer      another thread writes on the socket all the while
 *	swap        after 300 ms another thread puts another socket under the number
 *	alarm       a signal after 300 ms, without SA_RESTART
 *	options     sets some options, and no close-on-exec
 *	echo=N      sends N bytes, and wants them back
 *	repeat=N    connects and closes N times, one line for all
 *	stay        stays connected until it is killed
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 60000

static struct sockaddr_storage target;
static socklen_t target_size;
static atomic_bool writing;
static atomic_int written, write_errors;
static int words_count;
static char **words;

static const char *word(const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < words_count; i++)
		if (!strncmp(words[i], name, len) && (!words[i][len] || words[i][len] == '='))
			return words[i][len] ? words[i] + len + 1 : words[i] + len;
	return NULL;
}

static long number(const char *name, long otherwise)
{
	const char *text = word(name);

	return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static const char *error_name(int err)
{
	return err ? strerrorname_np(err) : "0";
}

static socklen_t address(const char *host, long port, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (void *)out;
	struct sockaddr_in *in = (void *)out;
	char mapped[64];

	memset(out, 0, sizeof(*out));
	if (!word("mapped") && inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		return sizeof(*in);
	}
	snprintf(mapped, sizeof(mapped), "%s%s", strchr(host, ':') ? "" : "::ffff:", host);
	if (inet_pton(AF_INET6, mapped, &in6->sin6_addr) != 1)
		exit(2);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	return sizeof(*in6);
}

static void name(int fd, int (*ask)(int, struct sockaddr *, socklen_t *), char out[80])
{
	struct sockaddr_storage ss = { 0 };
	const struct sockaddr_in6 *in6 = (const void *)&ss;
	const struct sockaddr_in *in = (const void *)&ss;
	char host[INET6_ADDRSTRLEN] = "";
	socklen_t size = sizeof(ss);

	*out = '\0';
	if (ask(fd, (struct sockaddr *)&ss, &size) < 0)
		return;
	if (ss.ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, 80, "%s:%u", host, ntohs(in->sin_port));
	} else {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(out, 80, "[%s]:%u", host, ntohs(in6->sin6_port));
	}
}

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		perror("setsockopt");
}

static int get(int fd, int level, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	getsockopt(fd, level, option, &value, &size);
	return value;
}

static int open_socket(void)
{
	const int type = (word("udp") ? SOCK_DGRAM : SOCK_STREAM) |
			 (word("nonblock") ? SOCK_NONBLOCK : 0) |
			 (word("options") ? 0 : SOCK_CLOEXEC);
	const int fd = socket(target.ss_family, type, 0);
	struct sockaddr_storage source;
	socklen_t size;

	if (word("options")) {
		set(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
		set(fd, IPPROTO_TCP, TCP_NODELAY, 0);
		set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77);
		set(fd, SOL_SOCKET, SO_RCVBUF, 32768);
		set(fd, SOL_SOCKET, SO_PRIORITY, 5);
	}
	if (word("source") || word("port")) {
		size = address(word("source") ?: strchr(words[-2], ':') ? "::" : "0.0.0.0",
			       number("port", 0), &source);
		if (bind(fd, (struct sockaddr *)&source, size) < 0)
			perror("bind");
	}
	return fd;
}

static void *writer(void *arg)
{
	const int fd = *(int *)arg;

	while (writing) {
		if (send(fd, "PLAIN TEXT", 10, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			write_errors += errno == EPIPE || errno == ENOTCONN;
		else
			written++;
		usleep(1000);
	}
	return NULL;
}

static void *swapper(void *arg)
{
	const int fd = *(int *)arg, other = open_socket();

	usleep(300000);
	dup2(other, fd);
	close(other);
	puts("{\"event\": \"swapped\"}");
	return NULL;
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void set_alarm(void)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval timer = { .it_value.tv_usec = 300000 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* as an app that does not block: the errno, after EINPROGRESS what comes of it */
static int finish(int fd, int epoll, int err)
{
	struct epoll_event event;
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	if (epoll >= 0)
		return epoll_wait(epoll, &event, 1, LIMIT_MS) == 1 ? get(fd, SOL_SOCKET, SO_ERROR) :
								     ETIMEDOUT;
	if (err != EINPROGRESS)
		return err;
	return poll(&ready, 1, LIMIT_MS) == 1 ? get(fd, SOL_SOCKET, SO_ERROR) : ETIMEDOUT;
}

static int do_connect(int fd, int epoll)
{
	long long start = now_us();
	int err = connect(fd, (struct sockaddr *)&target, target_size) < 0 ? errno : 0;
	long long took = now_us() - start;

	printf("{\"event\": \"connect\", \"result\": \"%s\", \"ms\": %lld}\n", error_name(err),
	       took / 1000);
	if (err == EINTR) {
		err = connect(fd, (struct sockaddr *)&target, target_size) < 0 ? errno : 0;
		printf("{\"event\": \"again\", \"result\": \"%s\"}\n", error_name(err));
	}
	return err && err != EINPROGRESS ? err : finish(fd, epoll, err);
}

static void describe(int fd)
{
	char local[80], peer[80];
	const int flags = fcntl(fd, F_GETFL);

	name(fd, getsockname, local);
	name(fd, getpeername, peer);
	printf("{\"event\": \"names\", \"local\": \"%s\", \"peer\": \"%s\", \"family\": %d, "
	       "\"nonblock\": %d, \"cloexec\": %d, \"keepalive\": %d, \"nodelay\": %d, "
	       "\"keepidle\": %d, \"rcvbuf\": %d, \"priority\": %d}\n",
	       local, peer, get(fd, SOL_SOCKET, SO_DOMAIN), !!(flags & O_NONBLOCK),
	       !!(fcntl(fd, F_GETFD) & FD_CLOEXEC), !!get(fd, SOL_SOCKET, SO_KEEPALIVE),
	       !!get(fd, IPPROTO_TCP, TCP_NODELAY), get(fd, IPPROTO_TCP, TCP_KEEPIDLE),
	       get(fd, SOL_SOCKET, SO_RCVBUF), get(fd, SOL_SOCKET, SO_PRIORITY));
}

/* the bytes that are at an offset; the same for both ways */
static unsigned char pattern(long at)
{
	return (unsigned char)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static void echo(int fd, long size)
{
	unsigned char out[16384], in[16384];
	long sent = 0, received = 0, wrong = 0;
	int err = 0;

	while (received < size && !err) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t n;

		/* no more on its way than the buffers of both take */
		if (sent < size && sent - received < 65536) {
			long count = size - sent < (long)sizeof(out) ? size - sent : (long)sizeof(out);

			for (long i = 0; i < count; i++)
				out[i] = pattern(sent + i);
			n = send(fd, out, (size_t)count, MSG_NOSIGNAL);
			if (n > 0)
				sent += n;
			else if (errno != EAGAIN)
				err = errno;
			continue;
		}
		if (poll(&ready, 1, LIMIT_MS) != 1)
			err = ETIMEDOUT;
		n = err ? 0 : recv(fd, in, sizeof(in), 0);
		if (n == 0 && !err)
			err = ENODATA;
		else if (n < 0 && errno != EAGAIN)
			err = errno;
		for (ssize_t i = 0; i < n; i++)
			wrong += in[i] != pattern(received + i);
		if (n > 0)
			received += n;
	}
	printf("{\"event\": \"echo\", \"sent\": %ld, \"received\": %ld, \"wrong\": %ld, "
	       "\"error\": \"%s\"}\n",
	       sent, received, wrong, error_name(err));
}

static int repeat(long count)
{
	long long *took = calloc((size_t)count, sizeof(*took)), all = now_us();
	char byte;

	for (long i = 0; i < count; i++) {
		int fd = open_socket();
		long long start = now_us();

		/* until the peer's answer is there: a relay's connect() says nothing of the peer */
		if (connect(fd, (struct sockaddr *)&target, target_size) < 0 ||
		    send(fd, "x", 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1)
			printf("{\"event\": \"failed\", \"error\": \"%s\"}\n", error_name(errno));
		took[i] = now_us() - start;
		close(fd);
	}
	all = now_us() - all;
	for (long i = 1; i < count; i++)
		for (long k = i; k > 0 && took[k] < took[k - 1]; k--) {
			long long swap = took[k];

			took[k] = took[k - 1];
			took[k - 1] = swap;
		}
	printf("{\"event\": \"repeat\", \"count\": %ld, \"median_us\": %lld, \"p95_us\": %lld}\n",
	       count, took[count / 2], took[count * 95 / 100]);
	free(took);
	return 0;
}

static int other_kind(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), err;

	snprintf(un.sun_path, sizeof(un.sun_path), "/nonexistent");
	err = connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ? errno : 0;
	printf("{\"event\": \"connect\", \"result\": \"%s\"}\n", error_name(err));
	return 0;
}

int main(int argc, char **argv)
{
	struct epoll_event event = { .events = EPOLLOUT };
	pthread_t thread;
	int fd, err, epoll = -1;

	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	words = argv + 3;
	words_count = argc - 3;
	target_size = address(argv[1], strtol(argv[2], NULL, 10), &target);
	if (word("unix"))
		return other_kind();
	if (word("repeat"))
		return repeat(number("repeat", 1));
	fd = open_socket();
	if (word("epoll")) {
		epoll = epoll_create1(0);
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	}
	if (word("dup") && dup(fd) < 0)
		return 2;
	if (word("writer")) {
		writing = true;
		pthread_create(&thread, NULL, writer, &fd);
	}
	if (word("swap"))
		pthread_create(&thread, NULL, swapper, &fd);
	if (word("alarm"))
		set_alarm();
	err = do_connect(fd, epoll);
	if (word("writer")) {
		writing = false;
		pthread_join(thread, NULL);
		printf("{\"event\": \"writer\", \"errors\": %d, \"written\": %d}\n",
		       write_errors, written);
	}
	printf("{\"event\": \"connected\", \"error\": \"%s\"}\n", error_name(err));
	if (err)
		return 1;
	describe(fd);
	if (word("echo"))
		echo(fd, number("echo", 100));
	if (word("stay"))
		pause();
	close(fd);
	puts("{\"event\": \"closed\"}");
	return 0;
}
