// SPDX-License-Identifier: Apache-2.0
/*
 * Calls accept() in every way that a program may, and tells what came of it, a line each: the same
 * lines wrapped and not. Where it needs a client it says "client", and goes on at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 5061, OTHER_PORT = 5062 };

static int listener;

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void want_client(void)
{
	say("client");
}

/* as from then on a connection waits */
static void want_client_there(void)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };

	want_client();
	if (poll(&ready, 1, 10000) != 1)
		say("no client came");
}

/* what a call that failed may have left: nothing without us, and with us its connection */
static void drain(void)
{
	int fd;

	fcntl(listener, F_SETFL, O_NONBLOCK);
	while ((fd = accept(listener, NULL, NULL)) >= 0)
		close(fd);
	fcntl(listener, F_SETFL, 0);
}

static int listen_at(uint16_t port)
{
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 16) < 0) {
		perror("attempts: listen");
		exit(1);
	}
	return fd;
}

static const char *flags_of(int fd)
{
	static char text[64];

	if (fd < 0)
		return strerrorname_np(errno);
	snprintf(text, sizeof(text), "a socket%s%s",
		 fcntl(fd, F_GETFD) & FD_CLOEXEC ? ", close-on-exec" : "",
		 fcntl(fd, F_GETFL) & O_NONBLOCK ? ", non-blocking" : "");
	return text;
}

static void try_plainly(void)
{
	struct sockaddr_in accepted = { 0 }, named = { 0 };
	socklen_t size = sizeof(accepted), named_size = sizeof(named);
	char byte = 'x';
	int fd;

	want_client();
	fd = accept(listener, (struct sockaddr *)&accepted, &size);
	say("accept: %s", flags_of(fd));
	getpeername(fd, (struct sockaddr *)&named, &named_size);
	say("address: size %u, family %d, as getpeername(): %s", size, accepted.sin_family,
	    memcmp(&accepted, &named, sizeof(named)) ? "no" : "yes");
	say("write: %zd", write(fd, &byte, 1));
	close(fd);
}

static void try_flags(void)
{
	static const int flags[] = { 0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int fd;

		want_client();
		fd = accept4(listener, NULL, NULL, flags[i]);
		say("accept4 %#x: %s", (unsigned int)flags[i], flags_of(fd));
		close(fd);
	}
	say("accept4 with a flag that there is not: %s", flags_of(accept4(listener, NULL, NULL, 1)));
}

static void try_addresses(void)
{
	struct sockaddr_storage address = { 0 };
	unsigned char *bytes = (unsigned char *)&address;
	socklen_t size = 4;
	int fd;

	want_client();
	fd = accept(listener, (struct sockaddr *)&address, &size);
	say("a buffer of 4 bytes: %s, size %u, family %d, behind it %d", flags_of(fd), size,
	    address.ss_family, bytes[4] | bytes[5] | bytes[6] | bytes[7]);
	close(fd);
	want_client();
	size = sizeof(address);
	fd = accept(listener, (struct sockaddr *)&address, &size);
	say("a large one: %s, size %u", flags_of(fd), size);
	close(fd);
	want_client();
	size = 0;
	fd = accept(listener, (struct sockaddr *)&address, &size);
	say("an empty one: %s, size %u", flags_of(fd), size);
	close(fd);
	want_client_there();
	size = (socklen_t)-1;
	say("a size below 0: %s", flags_of(accept(listener, (struct sockaddr *)&address, &size)));
	drain();
}

/* past the C library, in which a sanitizer would look at the pointers first */
static int accept_raw(void *address, void *size)
{
	return (int)syscall(SYS_accept, listener, address, size);
}

/* an address that cannot be written: the connection is lost without us, and the next one's with us */
static void try_bad_pointers(void)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(struct sockaddr_in);
	int fd;

	want_client_there();
	say("an address at 8: %s", flags_of(accept_raw((void *)8, &size)));
	drain();
	want_client_there();
	say("a size at 8: %s", flags_of(accept_raw(&address, (void *)8)));
	drain();
	want_client();
	fd = accept_raw(NULL, (void *)8);
	say("a size at 8 that is not asked for: %s", flags_of(fd));
	close(fd);
}

static void try_nonblocking(void)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };
	int fd;

	fcntl(listener, F_SETFL, O_NONBLOCK);
	say("readable while nobody waits: %d", poll(&ready, 1, 0));
	say("accept: %s", flags_of(accept(listener, NULL, NULL)));
	want_client();
	say("readable: %d", poll(&ready, 1, 10000));
	fd = accept(listener, NULL, NULL);
	say("accept: %s", flags_of(fd));
	close(fd);
	say("readable after the last one: %d", poll(&ready, 1, 50));
	say("accept: %s", flags_of(accept(listener, NULL, NULL)));
	fcntl(listener, F_SETFL, 0);
}

static void nothing(int sig)
{
	(void)sig;
}

static void set_alarm(int ms, bool restart)
{
	const struct sigaction action = { .sa_handler = nothing,
					  .sa_flags = restart ? SA_RESTART : 0 };
	const struct itimerval timer = { .it_value.tv_usec = ms * 1000 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void *come_later(void *arg)
{
	usleep(*(const useconds_t *)arg);
	want_client();
	return NULL;
}

static void try_signals(void)
{
	useconds_t later = 300000;
	pthread_t thread;
	sigset_t set;
	int fd;

	set_alarm(100, false);
	say("a signal: %s", flags_of(accept(listener, NULL, NULL)));
	/* the signal is this thread's */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&thread, NULL, come_later, &later);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	set_alarm(100, true);
	fd = accept(listener, NULL, NULL);
	say("a signal with SA_RESTART: %s", flags_of(fd));
	close(fd);
	pthread_join(thread, NULL);
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void try_time_limit(void)
{
	const struct timeval limit = { .tv_usec = 200000 }, none = { 0 };
	struct timespec begin;
	const char *what;

	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	what = flags_of(accept(listener, NULL, NULL));
	say("SO_RCVTIMEO: %s, %s", what, elapsed_ms(&begin) >= 190 ? "in time" : "too early");
	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
}

static void *shut_down(void *arg)
{
	usleep(100000);
	shutdown(*(const int *)arg, SHUT_RD);
	return NULL;
}

static void *close_it(void *arg)
{
	usleep(100000);
	close(*(const int *)arg);
	usleep(100000);
	want_client();
	return NULL;
}

static void try_ends(void)
{
	pthread_t thread;
	int fd;

	pthread_create(&thread, NULL, shut_down, &listener);
	say("shut down while it waits: %s", flags_of(accept(listener, NULL, NULL)));
	pthread_join(thread, NULL);
	say("and afterwards: %s", flags_of(accept(listener, NULL, NULL)));
	close(listener);
	listener = listen_at(PORT);
	pthread_create(&thread, NULL, close_it, &listener);
	fd = accept(listener, NULL, NULL);
	say("closed while it waits: %s", flags_of(fd));
	close(fd);
	pthread_join(thread, NULL);
	listener = listen_at(PORT);
}

static void try_other_descriptors(void)
{
	int copy = dup(listener), fd;
	pid_t pid;

	want_client();
	fd = accept(copy, NULL, NULL);
	say("by a duplicate: %s", flags_of(fd));
	close(fd);
	close(copy);
	pid = fork();
	if (pid == 0) {
		want_client();
		fd = accept(listener, NULL, NULL);
		say("in a child: %s", flags_of(fd));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void try_few_descriptors(void)
{
	struct rlimit few = { .rlim_cur = 3 }, usual;
	int fd;

	want_client_there();
	getrlimit(RLIMIT_NOFILE, &usual);
	few.rlim_max = usual.rlim_max;
	/* all below it are taken: 0 to 2 */
	setrlimit(RLIMIT_NOFILE, &few);
	say("out of descriptors: %s", flags_of(accept(listener, NULL, NULL)));
	setrlimit(RLIMIT_NOFILE, &usual);
	fd = accept(listener, NULL, NULL);
	say("and afterwards: %s", flags_of(fd));
	close(fd);
}

static void say_option(int fd, const char *name, int level, int option)
{
	unsigned char bytes[16] = { 0 };
	socklen_t size = sizeof(bytes);
	char text[40] = "";

	if (getsockopt(fd, level, option, bytes, &size) < 0)
		size = 0;
	for (socklen_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	say("  %s: %s", name, text);
}

static void set_int(int level, int option, int value)
{
	if (setsockopt(listener, level, option, &value, sizeof(value)) < 0)
		say("option %d of %d: %s", option, level, strerrorname_np(errno));
}

static void say_options(int fd)
{
	say_option(fd, "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE);
	say_option(fd, "SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE);
	say_option(fd, "SO_LINGER", SOL_SOCKET, SO_LINGER);
	say_option(fd, "SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO);
	say_option(fd, "SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO);
	say_option(fd, "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT);
	say_option(fd, "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY);
	say_option(fd, "SO_MARK", SOL_SOCKET, SO_MARK);
	say_option(fd, "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY);
	say_option(fd, "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE);
	say_option(fd, "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL);
	say_option(fd, "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT);
	say_option(fd, "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT);
	say_option(fd, "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2);
	say_option(fd, "IP_TOS", IPPROTO_IP, IP_TOS);
	say_option(fd, "IP_TTL", IPPROTO_IP, IP_TTL);
}

static void try_options(void)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 7 };
	const struct timeval limit = { .tv_sec = 9 };
	int fd;

	want_client();
	fd = accept(listener, NULL, NULL);
	say("options of a listener that has the usual ones:");
	say_options(fd);
	close(fd);
	set_int(SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(SOL_SOCKET, SO_OOBINLINE, 1);
	set_int(SOL_SOCKET, SO_PRIORITY, 3);
	set_int(SOL_SOCKET, SO_MARK, 77);
	set_int(SOL_SOCKET, SO_RCVLOWAT, 5);
	set_int(SOL_SOCKET, SO_SNDBUF, 30000);
	set_int(SOL_SOCKET, SO_RCVBUF, 20000);
	set_int(IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(IPPROTO_TCP, TCP_KEEPIDLE, 33);
	set_int(IPPROTO_TCP, TCP_KEEPINTVL, 11);
	set_int(IPPROTO_TCP, TCP_KEEPCNT, 4);
	set_int(IPPROTO_TCP, TCP_USER_TIMEOUT, 12345);
	set_int(IPPROTO_TCP, TCP_LINGER2, 21);
	set_int(IPPROTO_IP, IP_TOS, 0x60);
	set_int(IPPROTO_IP, IP_TTL, 50);
	setsockopt(listener, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	setsockopt(listener, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	want_client();
	fd = accept(listener, NULL, NULL);
	say("options that the listener was given:");
	say_options(fd);
	say_option(fd, "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF);
	say_option(fd, "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF);
	close(fd);
}

static void *set_and_come_later(void *arg)
{
	useconds_t later = *(const useconds_t *)arg;

	usleep(100000);
	set_int(IPPROTO_TCP, TCP_KEEPIDLE, 66);
	return come_later(&later);
}

static void accept_and_say(const char *when)
{
	int fd = accept(listener, NULL, NULL);

	say("an option that was set %s:", when);
	say_option(fd, "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE);
	close(fd);
}

/* the listener has been accepted from before each: what it had then is not what counts */
static void try_options_in_time(void)
{
	useconds_t soon = 100000, late = 2500000; /* us */
	pthread_t thread;

	set_int(IPPROTO_TCP, TCP_KEEPIDLE, 44);
	want_client_there();
	accept_and_say("before the client came");
	set_int(IPPROTO_TCP, TCP_KEEPIDLE, 55);
	pthread_create(&thread, NULL, come_later, &soon);
	accept_and_say("before the call");
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, set_and_come_later, &late);
	accept_and_say("while the call waited");
	pthread_join(thread, NULL);
	close(listener);
	listener = listen_at(PORT);
}

static void try_unix(void)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "\0linewarden-attempts" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), got;

	bind(fd, (const struct sockaddr *)&at, sizeof(at));
	listen(fd, 1);
	connect(client, (const struct sockaddr *)&at, sizeof(at));
	got = accept(fd, NULL, NULL);
	say("a local socket: %s", flags_of(got));
	close(got);
	close(client);
	close(fd);
}

/* what is none of ours is the kernel's */
static void try_what_is_not_governed(void)
{
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(OTHER_PORT),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int other = listen_at(OTHER_PORT), client = socket(AF_INET, SOCK_STREAM, 0), fd;
	int udp = socket(AF_INET, SOCK_DGRAM, 0), file = open("/dev/null", O_RDONLY);

	connect(client, (const struct sockaddr *)&at, sizeof(at));
	fd = accept(other, NULL, NULL);
	say("another port: %s", flags_of(fd));
	close(fd);
	say("a client's socket: %s", flags_of(accept(client, NULL, NULL)));
	say("a datagram socket: %s", flags_of(accept(udp, NULL, NULL)));
	say("a file: %s", flags_of(accept(file, NULL, NULL)));
	say("no descriptor: %s", flags_of(accept(1000, NULL, NULL)));
	close(client);
	close(other);
	close(udp);
	close(file);
	try_unix();
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	listener = listen_at(PORT);
	/* the test comes when it hears of that, and every client after that at its word */
	say("listens");
	try_plainly();
	try_flags();
	try_addresses();
	try_bad_pointers();
	try_nonblocking();
	try_signals();
	try_time_limit();
	try_ends();
	try_other_descriptors();
	try_few_descriptors();
	try_options();
	try_options_in_time();
	try_what_is_not_governed();
	say("end");
	return 0;
}
