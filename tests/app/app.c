// SPDX-License-Identifier: Apache-2.0
/*
 * A plain TCP server that knows nothing of TLS, and reports what it saw: a line of JSON for
 * each address that it listens on, when it is ready, when it accepts a connection and when
 * that has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/peer/address.h"
#include "tests/peer/pattern.h"

#define MAX_WIDTH 65536
#define MAX_LISTENERS 16

/* one direction of a connection */
struct flow {
	unsigned long long bytes;
	EVP_MD_CTX *digest;
};

struct connection {
	unsigned int id;
	int fd;
	struct flow in, out;
	int error; /* of the call that ended it; 0: an end of file */
};

static struct {
	void (*serve)(struct connection *connection);
	unsigned long long bytes; /* to send */
	size_t width; /* of a write */
	uint32_t seed;
	bool blocking; /* the listeners block in accept() */
	int log;
} app = { .bytes = 1 << 20, .width = 16384, .log = STDOUT_FILENO };

static const char usage[] =
	"usage: app [OPTION]... MODE ADDRESS:PORT...\n"
	"  MODE  echo; sink: reads to the end; source: sends, then closes;\n"
	"        half-close-first: sends, shuts down its writing, reads to the end;\n"
	"        never-read: neither reads nor writes until the other side is gone;\n"
	"        file: as half-close-first, by sendfile() from a file;\n"
	"        splice: as echo, through a pipe: the report counts bytes and has no digest\n"
	"  --bytes N --width W --seed N   what source and half-close-first send\n"
	"  --log FILE                     instead of the standard output\n"
	"  --blocking                     block in accept(); else poll, and accept until EAGAIN\n";

/* one write for a line, so that lines of several threads stay whole */
static void __attribute__((format(printf, 1, 2))) report(const char *format, ...)
{
	char line[1024];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (write(app.log, line, (size_t)size) != size)
		perror("app: log");
}

static void flow_add(struct flow *flow, const void *data, size_t size)
{
	flow->bytes += size;
	EVP_DigestUpdate(flow->digest, data, size);
}

static const char *flow_end(struct flow *flow, char *hex)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	EVP_DigestFinal_ex(flow->digest, digest, &size);
	EVP_MD_CTX_free(flow->digest);
	for (unsigned int i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return hex;
}

/* false when that was the end */
static bool write_all(struct connection *connection, const unsigned char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(connection->fd, data, size);

		if (n < 0) {
			connection->error = errno;
			return false;
		}
		flow_add(&connection->out, data, (size_t)n);
		data += n;
		size -= (size_t)n;
	}
	return true;
}

/* bytes; 0 at the end */
static size_t read_some(struct connection *connection, unsigned char *data, size_t size)
{
	ssize_t n = read(connection->fd, data, size);

	if (n < 0)
		connection->error = errno;
	if (n <= 0)
		return 0;
	flow_add(&connection->in, data, (size_t)n);
	return (size_t)n;
}

static void serve_echo(struct connection *connection)
{
	unsigned char data[16384];
	size_t n;

	while ((n = read_some(connection, data, sizeof(data))) > 0)
		if (!write_all(connection, data, n))
			break;
}

static void serve_sink(struct connection *connection)
{
	unsigned char data[16384];

	while (read_some(connection, data, sizeof(data)) > 0)
		;
}

static void serve_source(struct connection *connection)
{
	unsigned char data[MAX_WIDTH];
	unsigned long long offset = 0;

	while (offset < app.bytes) {
		unsigned long long left = app.bytes - offset;
		size_t part = left < app.width ? (size_t)left : app.width;

		pattern_fill(app.seed, offset, data, part);
		if (!write_all(connection, data, part))
			return;
		offset += part;
	}
}

static void sink_after_shutdown(struct connection *connection)
{
	if (!connection->error && shutdown(connection->fd, SHUT_WR) < 0)
		connection->error = errno;
	if (!connection->error)
		serve_sink(connection);
}

static void serve_half_close_first(struct connection *connection)
{
	serve_source(connection);
	sink_after_shutdown(connection);
}

/* what serve_source() sends, in a file: its descriptor */
static int fill_file(struct connection *connection)
{
	FILE *stream = tmpfile();
	struct connection file = { .fd = stream ? dup(fileno(stream)) : -1,
				   .out.digest = connection->out.digest };

	if (file.fd < 0)
		file.error = errno;
	else
		serve_source(&file);
	if (stream)
		fclose(stream);
	connection->error = file.error;
	return file.fd;
}

static void serve_file(struct connection *connection)
{
	int file = fill_file(connection);
	off_t offset = 0;
	ssize_t n;

	while (!connection->error && connection->out.bytes < app.bytes) {
		n = sendfile(connection->fd, file, &offset, app.width);
		if (n > 0)
			connection->out.bytes += (unsigned long long)n;
		else
			connection->error = n < 0 ? errno : ENODATA;
	}
	close(file);
	sink_after_shutdown(connection);
}

/* false when that was the end */
static bool splice_all(struct connection *connection, int pipe, size_t size)
{
	while (size > 0) {
		ssize_t n = splice(pipe, NULL, connection->fd, NULL, size, SPLICE_F_MOVE);

		if (n <= 0) {
			connection->error = n < 0 ? errno : EPIPE;
			return false;
		}
		connection->out.bytes += (unsigned long long)n;
		size -= (size_t)n;
	}
	return true;
}

static void serve_splice(struct connection *connection)
{
	int pipe[2];
	ssize_t n;

	if (pipe2(pipe, O_CLOEXEC) < 0) {
		connection->error = errno;
		return;
	}
	while ((n = splice(connection->fd, NULL, pipe[1], NULL, MAX_WIDTH, SPLICE_F_MOVE)) > 0) {
		connection->in.bytes += (unsigned long long)n;
		if (!splice_all(connection, pipe[0], (size_t)n))
			break;
	}
	if (n < 0)
		connection->error = errno;
	close(pipe[0]);
	close(pipe[1]);
}

static void serve_never_read(struct connection *connection)
{
	struct pollfd gone = { .fd = connection->fd, .events = POLLRDHUP };
	socklen_t size = sizeof(connection->error);

	poll(&gone, 1, -1);
	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &connection->error, &size);
}

static const struct {
	const char *name;
	void (*serve)(struct connection *connection);
} modes[] = {
	{ "echo", serve_echo },
	{ "sink", serve_sink },
	{ "source", serve_source },
	{ "half-close-first", serve_half_close_first },
	{ "never-read", serve_never_read },
	{ "file", serve_file },
	{ "splice", serve_splice },
};

static const char *end_name(int error)
{
	if (error == 0)
		return "eof";
	return error == ECONNRESET ? "rst" : strerrorname_np(error);
}

static void *run_connection(void *arg)
{
	struct connection *connection = arg;
	char in[65] = "", out[65] = "";

	connection->in.digest = EVP_MD_CTX_new();
	connection->out.digest = EVP_MD_CTX_new();
	EVP_DigestInit_ex(connection->in.digest, EVP_sha256(), NULL);
	EVP_DigestInit_ex(connection->out.digest, EVP_sha256(), NULL);
	app.serve(connection);
	close(connection->fd);
	report("{\"event\":\"end\",\"id\":%u,\"received\":%llu,\"received_sha256\":\"%s\","
	       "\"sent\":%llu,\"sent_sha256\":\"%s\",\"end\":\"%s\"}\n",
	       connection->id, connection->in.bytes, flow_end(&connection->in, in),
	       connection->out.bytes, flow_end(&connection->out, out), end_name(connection->error));
	free(connection);
	return NULL;
}

/* takes one connection; false when there is none */
static bool accept_one(int listener)
{
	static unsigned int last_id;
	struct sockaddr_storage accepted, named = { 0 };
	socklen_t accepted_size = sizeof(accepted), named_size = sizeof(named);
	char accepted_text[ADDRESS_MAX], named_text[ADDRESS_MAX];
	struct connection *connection;
	pthread_t thread;
	int fd = accept(listener, (struct sockaddr *)&accepted, &accepted_size);

	if (fd < 0) {
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
			report("{\"event\":\"accept-error\",\"error\":\"%s\"}\n",
			       strerrorname_np(errno));
		return false;
	}
	connection = calloc(1, sizeof(*connection));
	if (!connection)
		abort();
	connection->fd = fd;
	connection->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_SEQ_CST);
	getpeername(fd, (struct sockaddr *)&named, &named_size);
	address_format(&accepted, accepted_size, accepted_text);
	address_format(&named, named_size, named_text);
	report("{\"event\":\"accept\",\"id\":%u,\"accept\":\"%s\",\"getpeername\":\"%s\"}\n",
	       connection->id, accepted_text, named_text);
	if (pthread_create(&thread, NULL, run_connection, connection))
		abort();
	pthread_detach(thread);
	return true;
}

static void *run_listener(void *arg)
{
	struct pollfd ready = { .fd = *(int *)arg, .events = POLLIN };

	for (;;) {
		if (!app.blocking)
			poll(&ready, 1, -1);
		while (accept_one(ready.fd))
			;
	}
	return NULL;
}

static void report_listener(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char text[ADDRESS_MAX];

	getsockname(fd, (struct sockaddr *)&address, &size);
	address_format(&address, size, text);
	report("{\"event\":\"listen\",\"address\":\"%s\"}\n", text);
}

/* 127.0.0.1:5061 or [::1]:5061; port 0: any */
static int listen_on(const char *text)
{
	struct sockaddr_storage address;
	socklen_t size;
	int one = 1, fd;

	if (address_parse(text, &address, &size) < 0)
		return -1;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 128) < 0) {
		perror("app");
		exit(1);
	}
	if (!app.blocking)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	report_listener(fd);
	return fd;
}

static int parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "bytes", required_argument, NULL, 'b' },
		{ "width", required_argument, NULL, 'w' },
		{ "seed", required_argument, NULL, 's' },
		{ "log", required_argument, NULL, 'l' },
		{ "blocking", no_argument, NULL, 'B' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'b')
			app.bytes = strtoull(optarg, NULL, 10);
		else if (option == 'w')
			app.width = strtoul(optarg, NULL, 10);
		else if (option == 's')
			app.seed = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'l')
			app.log = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		else if (option == 'B')
			app.blocking = true;
		else
			return -1;
	}
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes) && optind < argc; i++)
		if (strcmp(modes[i].name, argv[optind]) == 0)
			app.serve = modes[i].serve;
	return app.serve && app.width > 0 && app.width <= MAX_WIDTH && app.log >= 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	static int listeners[MAX_LISTENERS];
	pthread_t thread;
	int count = 0;

	if (parse_options(argc, argv) < 0 || optind + 1 == argc ||
	    argc - optind - 1 > MAX_LISTENERS) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	while (++optind < argc) {
		listeners[count] = listen_on(argv[optind]);
		if (listeners[count++] < 0) {
			fputs(usage, stderr);
			return 2;
		}
	}
	report("{\"event\":\"ready\"}\n");
	for (int i = 0; i < count; i++)
		if (pthread_create(&thread, NULL, run_listener, &listeners[i]))
			abort();
	pause();
	return 0;
}
