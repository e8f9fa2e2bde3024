// SPDX-License-Identifier: Apache-2.0
/* The command line of peer.h: its options, then the steps. */
#include <errno.h>
#include <getopt.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tests/peer/peer.h"

static const char usage[] =
	"usage: peer [OPTION]... ADDRESS:PORT [STEP]...\n"
	"  --cert FILE         PEM with the chain; --key FILE (NAME.key for NAME.pem)\n"
	"  --ca FILE           check the server by it\n"
	"  --sni NAME          send it, and check it where there is a --ca\n"
	"  --source ADDRESS    connect from it\n"
	"  --tls MIN[-MAX]     1.0 to 1.3\n"
	"  --ciphers LIST      up to TLS 1.2; --suites LIST for TLS 1.3\n"
	"  --seed N            of the pattern\n"
	"  --timeout MS        for the handshake and each step (10000)\n"
	"  --plain             no handshake: TCP only\n"
	"  --hold-finished     keep our last flight back until the next flush\n"
	"steps: text:TEXT expect:TEXT send:N[:W] receive:N echo:N[:W] settle:MS drain\n"
	"  keyupdate:N[:request] close_notify hold flush hello[:N] plain:TEXT garbage:N\n"
	"  fin rst fin-wait sleep:MS; none at all: settle:300 close_notify drain\n"
	"Prints one line of JSON. Status: 0 done, 1 refused by the server, 2 usage,\n"
	"3 anything else.\n";

enum { OPT_CERT = 1, OPT_KEY, OPT_CA, OPT_SNI, OPT_SOURCE, OPT_TLS, OPT_CIPHERS, OPT_SUITES,
       OPT_SEED, OPT_TIMEOUT, OPT_PLAIN, OPT_HOLD };

static const struct option long_options[] = {
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "sni", required_argument, NULL, OPT_SNI },
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "tls", required_argument, NULL, OPT_TLS },
	{ "ciphers", required_argument, NULL, OPT_CIPHERS },
	{ "suites", required_argument, NULL, OPT_SUITES },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "plain", no_argument, NULL, OPT_PLAIN },
	{ "hold-finished", no_argument, NULL, OPT_HOLD },
	{ NULL, 0, NULL, 0 },
};

static int parse_version(const char *text)
{
	static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION,
					TLS1_3_VERSION };

	if (strncmp(text, "1.", 2) || text[2] < '0' || text[2] > '3')
		return -1;
	return versions[text[2] - '0'];
}

/* "1.2" or "1.0-1.2" */
static int parse_versions(const char *text, struct peer_options *options)
{
	size_t length = strlen(text);

	if ((length != 3 && length != 7) || (length == 7 && text[3] != '-'))
		return -1;
	options->min_version = parse_version(text);
	options->max_version = parse_version(text + length - 3);
	return options->min_version < 0 || options->max_version < 0 ? -1 : 0;
}

static int parse_option(int option, struct peer_options *options)
{
	switch (option) {
	case OPT_CERT:
		options->certificate = optarg;
		return 0;
	case OPT_KEY:
		options->key = optarg;
		return 0;
	case OPT_CA:
		options->ca = optarg;
		return 0;
	case OPT_SNI:
		options->server_name = optarg;
		return 0;
	case OPT_SOURCE:
		options->source = optarg;
		return 0;
	case OPT_TLS:
		return parse_versions(optarg, options);
	case OPT_CIPHERS:
		options->ciphers = optarg;
		return 0;
	case OPT_SUITES:
		options->suites = optarg;
		return 0;
	case OPT_SEED:
		options->seed = (uint32_t)strtoul(optarg, NULL, 10);
		return 0;
	case OPT_TIMEOUT:
		options->timeout_ms = atoi(optarg);
		return options->timeout_ms > 0 ? 0 : -1;
	case OPT_PLAIN:
		options->without_handshake = true;
		return 0;
	case OPT_HOLD:
		options->hold_finished = true;
		return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	static const char *const usual[] = { "settle:300", "close_notify", "drain", NULL };
	struct peer_options options = { 0 };
	struct peer *peer;
	const char *const *steps;
	int option, rc;

	while ((option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		if (parse_option(option, &options) < 0) {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return 2;
	}
	options.address = argv[optind++];
	steps = usual;
	if (optind < argc || options.without_handshake)
		steps = (const char *const *)argv + optind;
	rc = peer_open(&options, &peer);
	if (!peer) {
		fprintf(stderr, "peer: an option makes no sense, or its file is not there\n");
		return 2;
	}
	for (; rc == 0 && *steps; steps++) {
		rc = peer_step(peer, "%s", *steps);
		if (rc == -EINVAL) {
			fprintf(stderr, "peer: no such step: %s\n", *steps);
			peer_free(peer);
			return 2;
		}
	}
	peer_print(peer, stdout);
	rc = peer_outcome(peer_result(peer));
	peer_free(peer);
	return rc == PEER_OK ? 0 : rc == PEER_REFUSED ? 1 : 3;
}
