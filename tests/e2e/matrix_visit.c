// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/matrix_visit.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/listener.h"
#include "tests/e2e/matrix_expect.h"
#include "tests/e2e/matrix_tls.h"
#include "tests/e2e/process.h"
#include "tests/harness.h"
#include "userspace/alert.h"
#include "userspace/fd.h"

#define LIMIT_S (5 * harness_time_scale())
#define STREAMS 2 /* visits under way at once, and ends for them */

static const char hello[] = "hello";

/* of a cell, what its client saw, and what the end behind the daemon; all processes share it */
struct visit {
	char seen[MATRIX_VISIT_TEXT_MAX];
	int connections, bytes;
};

static struct visit (*visits)[MATRIX_KIND_COUNT][MATRIX_LEVEL_COUNT][MATRIX_ROWS_MAX];
static pid_t ends[2 * 3 * STREAMS];
static size_t end_count;

static struct visit *visit_of(const struct matrix_cell *cell)
{
	return &visits[cell->ip6][cell->kind][cell->level][cell->row];
}

/* Nobody waits for ever, nor for 40 ms: a last flight and data right behind it are two writes. */
static void limit_waits(int fd)
{
	const struct timeval limit = { .tv_sec = LIMIT_S };
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* the app knows a cell by its client's address, which the daemon lets it see */
static void app_serve(int fd)
{
	struct endpoint client;
	struct matrix_cell cell;
	char buf[64];
	ssize_t n;

	if (endpoint_peer(fd, &client) || !matrix_cell_parse(&client, &cell))
		return;
	visit_of(&cell)->connections++;
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		visit_of(&cell)->bytes += (int)n;
		if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
			return;
	}
}

/* the far server by its own address, and so does it know whose certificate to show */
static void far_serve(int fd)
{
	struct endpoint own;
	struct matrix_cell cell;
	char buf[64];
	SSL *ssl;
	int n;

	if (endpoint_local(fd, &own) || !matrix_cell_parse(&own, &cell))
		return;
	visit_of(&cell)->connections++;
	ssl = matrix_tls_new(cell.row, fd);
	if (SSL_accept(ssl) == 1) {
		while ((n = SSL_read(ssl, buf, sizeof(buf))) > 0) {
			visit_of(&cell)->bytes += n;
			if (SSL_write(ssl, buf, n) != n)
				break;
		}
		SSL_shutdown(ssl);
	}
	ERR_clear_error();
	SSL_free(ssl);
}

static void run_end(int listener, void (*serve)(int fd))
{
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		limit_waits(fd);
		serve(fd);
		close(fd);
	}
}

static void start_ends(const char *host, enum matrix_kind kind, void (*serve)(int fd))
{
	int listener = listener_open(host, matrix_kind_facts(kind)->port, false, 64);

	for (int i = 0; i < STREAMS; i++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (pid == 0)
			run_end(listener, serve);
		ends[end_count++] = pid;
	}
	close(listener);
}

void matrix_visit_prepare(void)
{
	static const char *const loopback[] = { "127.0.0.1", "::1" }, *const any[] = { "0.0.0.0", "::" };
	/* as all of 127.0.0.0/8 are, these are the host's own then */
	const char *const route[] = { "ip", "-6", "route", "replace", "local", MATRIX_IP6_RANGE,
				      "dev", "lo", NULL };

	visits = mmap(NULL, 2 * sizeof(*visits), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)visits);
	ASSERT_OK(process_run(NULL, route));
	for (int ip6 = 0; ip6 < 2; ip6++) {
		start_ends(loopback[ip6], MATRIX_ADMIN, app_serve);
		start_ends(loopback[ip6], MATRIX_SIP_LINE, app_serve);
		start_ends(any[ip6], MATRIX_SIP_LINE_OUT, far_serve);
	}
}

void matrix_visit_finish(void)
{
	for (size_t i = 0; i < end_count; i++)
		EXPECT_LE(0, process_end(ends[i], SIGKILL, 5000));
}

static void say_echo(char seen[MATRIX_VISIT_TEXT_MAX], const char *back)
{
	snprintf(seen, MATRIX_VISIT_TEXT_MAX, "%s",
		 memcmp(back, hello, sizeof(hello)) ? "other data" : "echo");
}

static void say_failure(char seen[MATRIX_VISIT_TEXT_MAX])
{
	unsigned long err = ERR_peek_error();
	int reason = ERR_GET_REASON(err);

	if (ERR_GET_LIB(err) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		snprintf(seen, MATRIX_VISIT_TEXT_MAX, "%s",
			 alert_name((uint8_t)(reason - SSL_AD_REASON_OFFSET)));
	else if (err)
		snprintf(seen, MATRIX_VISIT_TEXT_MAX, "%s", ERR_reason_error_string(err) ?: "?");
	else
		snprintf(seen, MATRIX_VISIT_TEXT_MAX, "%s", errno ? strerror(errno) : "end");
	ERR_clear_error();
}

/* a socket of the cell's family */
static int open_socket(const struct matrix_cell *cell)
{
	int fd = socket(cell->ip6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT_LE(0, fd);
	limit_waits(fd);
	return fd;
}

static int connect_to(int fd, const struct endpoint *to)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint_sockaddr(to, &address);

	return connect(fd, (struct sockaddr *)&address, size);
}

/* a route makes an IPv6 address the host's own, but for bind() */
static void bind_to(int fd, const struct endpoint *from)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint_sockaddr(from, &address);
	const int on = 1;

	ASSERT_OK(setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)));
	ASSERT_OK(bind(fd, (struct sockaddr *)&address, size));
}

static void visit_in(const struct matrix_cell *cell, char seen[MATRIX_VISIT_TEXT_MAX])
{
	struct endpoint from = matrix_cell_address(cell), to = endpoint_loopback(&from);
	_cleanup_fd_ int fd = open_socket(cell);
	char buf[sizeof(hello)] = "";
	SSL *ssl;

	to.port = matrix_kind_facts(cell->kind)->port;
	bind_to(fd, &from);
	ASSERT_OK(connect_to(fd, &to));
	ssl = matrix_tls_new(cell->row, fd);
	errno = 0;
	if (SSL_connect(ssl) == 1 && SSL_write(ssl, hello, sizeof(hello)) == sizeof(hello) &&
	    SSL_read(ssl, buf, sizeof(buf)) == sizeof(buf)) {
		say_echo(seen, buf);
		SSL_shutdown(ssl);
	} else {
		say_failure(seen);
	}
	SSL_free(ssl);
}

/* the app writes at once: nothing of it may get through before the verdict */
static void visit_out(const struct matrix_cell *cell, char seen[MATRIX_VISIT_TEXT_MAX])
{
	struct endpoint to = matrix_cell_address(cell);
	_cleanup_fd_ int fd = open_socket(cell);
	char buf[sizeof(hello)] = "";
	ssize_t n = -1;

	to.port = matrix_kind_facts(cell->kind)->port;
	errno = 0;
	if (connect_to(fd, &to) == 0 &&
	    send(fd, hello, sizeof(hello), MSG_NOSIGNAL) == sizeof(hello))
		n = recv(fd, buf, sizeof(buf), MSG_WAITALL);
	if (n == sizeof(buf))
		say_echo(seen, buf);
	else if (n < 0 && (errno == ECONNRESET || errno == EPIPE))
		snprintf(seen, MATRIX_VISIT_TEXT_MAX, "reset");
	else
		snprintf(seen, MATRIX_VISIT_TEXT_MAX, "%s", n < 0 ? strerror(errno) : "end");
}

bool matrix_visit_next(struct matrix_cell *cell)
{
	do {
		if (++cell->row < matrix_row_count)
			continue;
		cell->row = 0;
		if ((int)++cell->level == matrix_levels(cell->kind))
			return false;
	} while (!matrix_has_cell(cell));
	return true;
}

static void visit_every(const struct matrix_cell *first, int step, int from)
{
	struct matrix_cell cell = *first;
	int i = 0;

	signal(SIGPIPE, SIG_IGN);
	while (matrix_visit_next(&cell)) {
		if (i++ % step != from)
			continue;
		if (matrix_kind_facts(cell.kind)->outbound)
			visit_out(&cell, visit_of(&cell)->seen);
		else
			visit_in(&cell, visit_of(&cell)->seen);
	}
}

void matrix_visit_all(const struct matrix_cell *first)
{
	pid_t streams[STREAMS];
	int status;

	for (int i = 0; i < STREAMS; i++) {
		streams[i] = fork();
		ASSERT_LE(0, streams[i]);
		if (streams[i] > 0)
			continue;
		visit_every(first, STREAMS, i);
		_exit(0);
	}
	for (int i = 0; i < STREAMS; i++) {
		EXPECT_EQ(streams[i], waitpid(streams[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

const char *matrix_visit_seen(const struct matrix_cell *cell)
{
	return visit_of(cell)->seen;
}

int matrix_visit_behind(const struct matrix_cell *cell)
{
	return visit_of(cell)->connections ? visit_of(cell)->bytes : -1;
}
