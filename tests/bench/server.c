// SPDX-License-Identifier: Apache-2.0
/*
 * The app behind every subject, and the floor beneath them: one thread that accepts, echoes, and
 * does what a request says (wire.h). With a certificate it speaks TLS itself, by OpenSSL and nothing
 * else: what a TLS server costs at least.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/wire.h"
#include "tests/peer/address.h"

enum { EVENTS = 64, BACKLOG = 4096 };

static SSL_CTX *context;
static int epoll;

static const char usage[] =
	"usage: server [--cert FILE --key FILE --ca FILE] ADDRESS:PORT...\n"
	"  Echoes, or sends and receives in bulk, whatever the client asks for.\n"
	"  --cert FILE --key FILE  speak TLS; --ca FILE: and check the clients by it\n";

struct place {
	struct wire wire;
	bool listens;
};

static void server_watch(struct place *place)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = place };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, place->wire.fd, &event) < 0) {
		perror("server: epoll_ctl");
		exit(1);
	}
}

static void server_drop(struct place *place)
{
	/* close() alone does not do it while another process has the socket, too */
	epoll_ctl(epoll, EPOLL_CTL_DEL, place->wire.fd, NULL);
	wire_close(&place->wire);
	free(place);
}

static void server_accept(const struct place *listener)
{
	int fd = accept4(listener->wire.fd, NULL, NULL, SOCK_CLOEXEC);
	struct place *place;

	if (fd < 0)
		return;
	place = calloc(1, sizeof(*place));
	if (!place)
		abort();
	place->wire.fd = fd;
	if (context) {
		place->wire.ssl = SSL_new(context);
		SSL_set_fd(place->wire.ssl, fd);
		if (SSL_accept(place->wire.ssl) != 1) {
			server_drop(place);
			return;
		}
	}
	server_watch(place);
}

/* early: how many of the bytes came with the request */
static bool server_obey(struct wire *wire, const struct wire_request *request, size_t early)
{
	if (request->width == 0 || request->width > WIRE_WIDTH_MAX || early > request->bytes)
		return false;
	if (request->what == WIRE_DOWN)
		return wire_send(wire, request->bytes, request->width);
	return wire_receive(wire, request->bytes - early) && wire_write(wire, "", 1);
}

/* false at the end */
static bool server_serve(struct wire *wire)
{
	static char data[WIRE_WIDTH_MAX];
	struct wire_request request;

	do {
		ssize_t n = wire_read(wire, data, sizeof(data));

		if (n <= 0)
			return false;
		memcpy(&request, data, sizeof(request));
		if ((size_t)n >= sizeof(request) && request.magic == WIRE_MAGIC) {
			if (!server_obey(wire, &request, (size_t)n - sizeof(request)))
				return false;
		} else if (!wire_write(wire, data, (size_t)n)) {
			return false;
		}
	} while (wire->ssl && SSL_pending(wire->ssl) > 0);
	return true;
}

static void server_listen(const char *text)
{
	struct place *place = calloc(1, sizeof(*place));
	struct sockaddr_storage address;
	socklen_t size;
	int one = 1;

	if (!place || address_parse(text, &address, &size) < 0) {
		fputs(usage, stderr);
		exit(2);
	}
	place->listens = true;
	place->wire.fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(place->wire.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(place->wire.fd, (struct sockaddr *)&address, size) < 0 ||
	    listen(place->wire.fd, BACKLOG) < 0) {
		perror("server");
		exit(1);
	}
	server_watch(place);
}

static void server_run(void)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			struct place *place = events[i].data.ptr;

			if (place->listens)
				server_accept(place);
			else if (!server_serve(&place->wire))
				server_drop(place);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cert", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ "ca", required_argument, NULL, 'a' },
		{ 0 },
	};
	const char *certificate = NULL, *key = NULL, *ca = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'c')
			certificate = optarg;
		else if (option == 'k')
			key = optarg;
		else if (option == 'a')
			ca = optarg;
		else
			optind = argc;
	}
	if (optind >= argc || !certificate != !key) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (certificate)
		context = wire_context(true, certificate, key, ca);
	while (optind < argc)
		server_listen(argv[optind++]);
	puts("ready");
	fflush(stdout);
	server_run();
}
