// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/check.h"
#include "userspace/upgrade.h"

#define CHECK_CONFIG "/etc/linewarden/linewarden.conf"

static const struct option check_options[] = {
	{ "trust", required_argument, NULL, 't' },   { "chain", required_argument, NULL, 'c' },
	{ "own", required_argument, NULL, 'o' },     { "at", required_argument, NULL, 'a' },
	{ "purpose", required_argument, NULL, 'p' }, { "dns", required_argument, NULL, 'd' },
	{ "ip", required_argument, NULL, 'i' },	     { "sip", required_argument, NULL, 's' },
	{ "level", required_argument, NULL, 'l' },   { "checks", required_argument, NULL, 'k' },
	{ "line", required_argument, NULL, 'n' },    { "config", required_argument, NULL, 'f' },
	{ "option", required_argument, NULL, 'x' },  { "crl", required_argument, NULL, 'r' },
	{ "crl-setting", required_argument, NULL, 'R' },
	{ "json", no_argument, NULL, 'j' },	     { "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void check_usage(FILE *out)
{
	int i;

	fputs("usage: linewarden check --trust FILE|DIR --chain FILE --purpose server|client\n"
	      "                        [--level LEVEL | --checks LIST | --line NAME] [OPTION...]\n\n"
	      "Decides on a certificate as the daemon would. Without a level, checks or a line it\n"
	      "shows what all six levels would say.\n\n"
	      "  --trust FILE|DIR   the trusted certificate store, PEM or DER\n"
	      "  --chain FILE       the peer's certificate first, then what it sent along; PEM or DER\n"
	      "  --own FILE         our own identity certificate\n"
	      "  --at UNIXTIME      the time to decide for (now)\n"
	      "  --purpose ROLE     server or client: the role of the peer\n"
	      "  --dns NAME         the host name that the connection was made to\n"
	      "  --ip ADDRESS       the same, an address\n"
	      "  --sip DOMAIN       the SIP domain that the peer has to be authoritative for\n"
	      "  --level LEVEL      none, low, medium, high, medium+remote or high+remote\n"
	      "  --checks LIST      these checks instead, separated by commas (below)\n"
	      "  --line NAME        as this line of the configuration says, with its store\n"
	      "  --config FILE      the configuration for --line (" CHECK_CONFIG ")\n"
	      "  --option NAME      an exception or a strict option (below); can be repeated\n"
	      "  --crl FILE         revocation lists to add to the store; can be repeated\n"
	      "  --crl-setting SET  off, prefer or require (prefer; with --line, the line's)\n"
	      "  --json             the answer as JSON, for machines\n\nchecks:  ",
	      out);
	for (i = 0; i < CHECK_COUNT; i++)
		fprintf(out, " %s", check_name(i));
	fputs("\noptions: ", out);
	for (i = 0; i < RULE_OPTION_COUNT; i++)
		fprintf(out, " %s", rule_option_name(UINT32_C(1) << i));
	fputs("\n\nstatus: 0 accepted, 1 refused, 2 could not be decided\n", out);
}

static int check_complain(const char *what, const char *value)
{
	fprintf(stderr, "linewarden check: %s '%s'; see `linewarden check --help`\n", what, value);
	return -EINVAL;
}

static int check_parse_list(char *list, check_set *out)
{
	enum check check;
	char *name;

	while ((name = strsep(&list, ","))) {
		if (check_parse(name, &check))
			return check_complain("no check is called", name);
		*out |= CHECK_BIT(check);
	}
	return 0;
}

static int check_parse_time(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoimax(text, &end, 10);
	return errno || *end || end == text ? check_complain("not a time in seconds:", text) : 0;
}

static int check_parse_rule(int option, char *value, struct rule *rule)
{
	uint32_t bit;

	switch (option) {
	case 'p':
		if (!strcmp(value, "server"))
			rule->peer = PEER_SERVER;
		else if (!strcmp(value, "client"))
			rule->peer = PEER_CLIENT;
		else
			return check_complain("the purpose is server or client, not", value);
		return 0;
	case 'l':
		if (level_parse(value, &rule->level))
			return check_complain("no level is called", value);
		return 0;
	case 'k':
		return check_parse_list(value, &rule->checks);
	case 'R':
		if (rule_crl_parse(value, &rule->crl))
			return check_complain("the setting is off, prefer or require, not", value);
		return 0;
	case 'x':
		if (rule_option_parse(value, &bit))
			return check_complain("no option is called", value);
		rule->options |= bit;
		return 0;
	default:
		return -EINVAL;
	}
}

static int check_add_crl(const char *path, struct check_arguments *out)
{
	if (out->crl_count == CHECK_CRLS_MAX)
		return check_complain("too many files of revocation lists:", path);
	out->crls[out->crl_count++] = path;
	return 0;
}

static int check_parse_option(int option, char *value, struct check_arguments *out)
{
	const char **text = option == 't' ? &out->trust :
			    option == 'c' ? &out->chain :
			    option == 'o' ? &out->own :
			    option == 'n' ? &out->line :
			    option == 'f' ? &out->config_path :
			    option == 's' ? &out->sip :
			    option == 'd' || option == 'i' ? &out->host :
							     NULL;

	if (text) {
		*text = value;
		return 0;
	}
	if (option == 'a')
		return check_parse_time(value, &out->at);
	if (option == 'r')
		return check_add_crl(value, out);
	out->crl_given |= option == 'R';
	if (option == 'j') {
		out->json = true;
		return 0;
	}
	return check_parse_rule(option, value, &out->rule);
}

/* Of a line of both directions the one in which the peer is what --purpose says, or the first. */
static const struct config_line *check_find_line(const struct check_arguments *arguments)
{
	const struct config *config = arguments->config;
	enum peer_role peer = arguments->rule.peer;
	bool known = false;
	size_t i;

	for (i = 0; i < config->line_count; i++) {
		if (strcmp(config->lines[i].name, arguments->line))
			continue;
		if (peer == PEER_UNSET || peer == config->lines[i].rule.peer)
			return &config->lines[i];
		known = true;
	}
	check_complain(known ? "the peer has not this --purpose on line" :
			       "the configuration has no line",
		       arguments->line);
	return NULL;
}

static int check_take_line(struct check_arguments *arguments)
{
	const enum rule_crl crl = arguments->rule.crl;
	struct config_error error = { "" };
	const struct config_line *line;

	if (config_load(arguments->config_path, time(NULL), 1, &arguments->config, &error) ||
	    upgrade_apply(arguments->config, false, error.text, sizeof(error.text))) {
		fprintf(stderr, "%s\n", error.text);
		line = NULL;
	} else {
		line = check_find_line(arguments);
	}
	if (!line) {
		config_free(arguments->config);
		arguments->config = NULL;
		return -EINVAL;
	}
	arguments->rule = line->rule;
	if (arguments->crl_given)
		arguments->rule.crl = crl;
	return 0;
}

static int check_complete(struct check_arguments *arguments)
{
	struct rule *rule = &arguments->rule;
	int modes = (rule->level != LEVEL_UNSET) + (rule->checks != 0) + (arguments->line != NULL);

	if (!arguments->chain)
		return check_complain("missing:", "--chain");
	if (modes > 1)
		return check_complain("only one of --level, --checks and --line, not",
				      "several of them");
	if (arguments->line)
		return check_take_line(arguments);
	if (!arguments->trust)
		return check_complain("missing:", "--trust");
	if (rule->peer == PEER_UNSET)
		return check_complain("missing:", "--purpose");
	arguments->all_levels = modes == 0;
	rule->hosts = &arguments->host;
	rule->host_count = arguments->host ? 1 : 0;
	rule->sip = arguments->sip != NULL;
	rule->sip_domains = &arguments->sip;
	rule->sip_domain_count = arguments->sip ? 1 : 0;
	return 0;
}

int check_arguments(int argc, char **argv, struct check_arguments *out)
{
	int option, err = 0;

	*out = (struct check_arguments){ .at = time(NULL), .config_path = CHECK_CONFIG };
	while (!err && (option = getopt_long(argc, argv, "h", check_options, NULL)) >= 0) {
		if (option == 'h') {
			check_usage(stdout);
			return CHECK_ACCEPTED;
		}
		err = option == '?' ? -EINVAL : check_parse_option(option, optarg, out);
	}
	if (!err && optind < argc)
		err = check_complain("one argument too many:", argv[optind]);
	if (!err)
		err = check_complete(out);
	return err ? CHECK_UNDECIDED : -1;
}

void check_arguments_release(struct check_arguments *arguments)
{
	config_free(arguments->config);
	arguments->config = NULL;
}
