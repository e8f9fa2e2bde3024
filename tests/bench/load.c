// SPDX-License-Identifier: Apache-2.0
/*
 * The work that every subject is given, one operation after the other, so that there is always one
 * process that runs. Prints one line of JSON with what it took.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/client.h"
#include "tests/bench/clock.h"
#include "tests/bench/wire.h"

static const char usage[] =
	"usage: load [OPTION]... WHAT ADDRESS:PORT\n"
	"  WHAT  handshake: connect, one byte there and back, close\n"
	"        round-trip: on one connection, --width bytes there and back\n"
	"        up, down: --bytes in writes of --width; an operation is all of them\n"
	"        idle: connect, one byte there and back, and stay until the standard input ends\n"
	"  --count N --width N --bytes N\n"
	"  --certs FILE --chain FILE  of the clients (else plain TCP); --first N;\n"
	"  --repeat                   one certificate for all the handshakes\n";

static struct {
	size_t count, width;
	unsigned long long bytes;
	const char *certificates, *chain;
	size_t first;
	bool repeat;
} load = { .count = 1, .width = 1, .bytes = 1 << 20 };

static struct client *client;
static struct clock watch;

static _Noreturn void load_die(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

static void load_echo(struct wire *wire, size_t width)
{
	static char data[WIRE_WIDTH_MAX];

	if (!wire_write(wire, data, width) || !wire_read_all(wire, data, width))
		load_die("no echo");
}

static void load_handshake(void)
{
	clock_begin(&watch, load.count);
	for (size_t i = 0; i < load.count; i++) {
		struct wire wire;

		clock_lap_begin(&watch);
		client_connect(client, &wire);
		load_echo(&wire, 1);
		clock_lap_end(&watch);
		wire_close(&wire);
	}
	clock_end(&watch);
}

static void load_open(struct wire *wire)
{
	client_connect(client, wire);
	load_echo(wire, 1);
}

static void load_round_trip(void)
{
	struct wire wire;

	load_open(&wire);
	clock_begin(&watch, load.count);
	for (size_t i = 0; i < load.count; i++) {
		clock_lap_begin(&watch);
		load_echo(&wire, load.width);
		clock_lap_end(&watch);
	}
	clock_end(&watch);
	wire_close(&wire);
}

static void load_bulk(enum wire_what what)
{
	struct wire_request request = { .magic = WIRE_MAGIC, .what = what,
					.width = (uint32_t)load.width, .bytes = load.bytes };
	struct wire wire;
	bool done;
	char byte;

	load_open(&wire);
	clock_begin(&watch, load.count);
	for (size_t i = 0; i < load.count; i++) {
		clock_lap_begin(&watch);
		done = wire_write(&wire, &request, sizeof(request));
		if (what == WIRE_UP)
			done = done && wire_send(&wire, load.bytes, load.width) &&
			       wire_read_all(&wire, &byte, 1);
		else
			done = done && wire_receive(&wire, load.bytes);
		if (!done)
			load_die("the connection has ended");
		clock_lap_end(&watch);
	}
	clock_end(&watch);
	wire_close(&wire);
}

static void load_up(void)
{
	load_bulk(WIRE_UP);
}

static void load_down(void)
{
	load_bulk(WIRE_DOWN);
}

/* of each connection the socket alone is kept: what the client needs is not what is measured */
static void load_idle(void)
{
	char end;

	clock_begin(&watch, load.count);
	for (size_t i = 0; i < load.count; i++) {
		struct wire wire;

		clock_lap_begin(&watch);
		load_open(&wire);
		clock_lap_end(&watch);
		SSL_free(wire.ssl);
	}
	clock_end(&watch);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
}

static const struct {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{ "handshake", load_handshake }, { "round-trip", load_round_trip }, { "up", load_up },
	{ "down", load_down }, { "idle", load_idle },
};

static void (*load_parse(int argc, char **argv))(void)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'n' },
		{ "width", required_argument, NULL, 'w' },
		{ "bytes", required_argument, NULL, 'b' },
		{ "certs", required_argument, NULL, 'c' },
		{ "chain", required_argument, NULL, 'h' },
		{ "first", required_argument, NULL, 'f' },
		{ "repeat", no_argument, NULL, 'r' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'n')
			load.count = strtoul(optarg, NULL, 10);
		else if (option == 'w')
			load.width = strtoul(optarg, NULL, 10);
		else if (option == 'b')
			load.bytes = strtoull(optarg, NULL, 10);
		else if (option == 'c')
			load.certificates = optarg;
		else if (option == 'h')
			load.chain = optarg;
		else if (option == 'f')
			load.first = strtoul(optarg, NULL, 10);
		else if (option == 'r')
			load.repeat = true;
		else
			return NULL;
	}
	if (optind + 2 != argc || !load.certificates != !load.chain || load.width == 0 ||
	    load.width > WIRE_WIDTH_MAX)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, argv[optind]) == 0)
			return kinds[i].run;
	return NULL;
}

int main(int argc, char **argv)
{
	void (*run)(void) = load_parse(argc, argv);

	if (!run) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	client = client_new(argv[optind + 1], load.certificates, load.chain, load.first,
			    run == load_handshake && !load.repeat ? load.count : 1);
	run();
	printf("{\"count\":%zu,\"wall\":%llu,\"busy\":%llu,\"own\":%llu,\"p50\":%llu,\"p99\":%llu,"
	       "\"tickets\":%u}\n",
	       load.count, (unsigned long long)watch.wall, (unsigned long long)watch.busy,
	       (unsigned long long)watch.own, (unsigned long long)clock_percentile(&watch, 50),
	       (unsigned long long)clock_percentile(&watch, 99), client_tickets());
	return 0;
}
