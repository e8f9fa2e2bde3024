// SPDX-License-Identifier: Apache-2.0
/*
 * Answers one conformance case with its exit status: 0 accepted, 1 rejected, 2 trouble.
 *
 * conform_check --trust FILE --chain FILE [--own FILE] --at UNIXTIME --purpose server|client
 *	[--dns NAME | --ip ADDRESS | --sip DOMAIN] --checks LIST | --level LEVEL [--verbose]
 *
 * A file that cannot be parsed is a rejection: so would its sender be refused.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/verdict.h"

enum { EXIT_ACCEPTED, EXIT_REJECTED, EXIT_TROUBLE, FILE_MAX = 4 << 20 };

struct file {
	char *bytes;
	size_t len;
};

struct arguments {
	const char *trust, *chain, *own, *host, *sip;
	int64_t now;
	struct rule rule;
	bool verbose;
};

static void file_release(struct file *file)
{
	free(file->bytes);
}

static int file_read(const char *path, struct file *out)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		return -errno;
	out->bytes = malloc(FILE_MAX);
	out->len = out->bytes ? fread(out->bytes, 1, FILE_MAX, f) : 0;
	fclose(f);
	return out->bytes ? 0 : -ENOMEM;
}

static int parse_checks(char *list, check_set *out)
{
	for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		enum check check;

		if (check_parse(name, &check) < 0)
			return -EINVAL;
		*out |= CHECK_BIT(check);
	}
	return 0;
}

static int parse_option(int option, char *value, struct arguments *out)
{
	switch (option) {
	case 't':
		out->trust = value;
		return 0;
	case 'c':
		out->chain = value;
		return 0;
	case 'o':
		out->own = value;
		return 0;
	case 'a':
		out->now = strtoimax(value, NULL, 10);
		return 0;
	case 'p':
		out->rule.peer = strcmp(value, "server") == 0 ? PEER_SERVER : PEER_CLIENT;
		return 0;
	case 'd':
		out->host = value;
		return 0;
	case 's':
		out->sip = value;
		return 0;
	case 'k':
		return parse_checks(value, &out->rule.checks);
	case 'l':
		return level_parse(value, &out->rule.level);
	case 'v':
		out->verbose = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int parse_arguments(int argc, char **argv, struct arguments *out)
{
	static const struct option options[] = {
		{ "trust", required_argument, NULL, 't' },
		{ "chain", required_argument, NULL, 'c' },
		{ "own", required_argument, NULL, 'o' },
		{ "at", required_argument, NULL, 'a' },
		{ "purpose", required_argument, NULL, 'p' },
		{ "dns", required_argument, NULL, 'd' },
		{ "ip", required_argument, NULL, 'd' },
		{ "sip", required_argument, NULL, 's' },
		{ "checks", required_argument, NULL, 'k' },
		{ "level", required_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int option, err = 0;

	while (!err && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		err = parse_option(option, optarg, out);
	return err || !out->trust || !out->chain ? -EINVAL : 0;
}

static void print_verdict(const struct verdict *verdict, const struct facts *facts)
{
	printf("%s: %s\n", verdict->accepted ? "accepted" : refusal_name(verdict->refusal),
	       verdict->reason);
	for (size_t i = 0; i < verdict->result_count; i++)
		printf("  %-20s %-15s %s\n", check_name(verdict->results[i].check),
		       outcome_name(verdict->results[i].outcome), verdict->results[i].reason);
	for (size_t i = 0; i < verdict->note_count; i++)
		printf("  note: %s\n", verdict->notes[i]);
	printf("  path: %s, %u certificates, %u candidates, %u signatures\n",
	       path_state_name(facts->path.state), facts->path.length, facts->path.candidates,
	       facts->path.signatures);
}

static int answer(struct arguments *arguments)
{
	struct file trust _cleanup_(file_release) = { 0 };
	struct file chain _cleanup_(file_release) = { 0 };
	struct file own _cleanup_(file_release) = { 0 };
	struct store *store _cleanup_(cleanup_store_free) = store_new(1);
	struct facts facts _cleanup_(facts_release) = { 0 };
	char error[STORE_ERROR_MAX];
	struct verdict verdict;

	if (!store || file_read(arguments->trust, &trust) || file_read(arguments->chain, &chain) ||
	    (arguments->own && file_read(arguments->own, &own)))
		return EXIT_TROUBLE;
	if (store_add_bytes(store, arguments->trust, trust.bytes, trust.len, error, sizeof(error)) <
	    0) {
		printf("store: %s\n", error);
		return EXIT_REJECTED;
	}

	struct policy_bytes bytes = {
		.chain = chain.bytes,
		.chain_len = chain.len,
		.own = own.bytes,
		.own_len = own.len,
	};
	struct rule *rule = &arguments->rule;

	rule->hosts = &arguments->host;
	rule->host_count = arguments->host ? 1 : 0;
	rule->sip = arguments->sip;
	rule->sip_domains = &arguments->sip;
	rule->sip_domain_count = arguments->sip ? 1 : 0;

	int err = policy_check_bytes(store, &bytes, rule, arguments->now, &verdict, &facts);

	if (arguments->verbose)
		print_verdict(&verdict, &facts);
	if (err && err != -EBADMSG && err != -E2BIG)
		return EXIT_TROUBLE;
	return verdict.accepted ? EXIT_ACCEPTED : EXIT_REJECTED;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };

	if (parse_arguments(argc, argv, &arguments) < 0) {
		fprintf(stderr, "conform_check: see the beginning of conform_check.c\n");
		return EXIT_TROUBLE;
	}
	return answer(&arguments);
}
