// SPDX-License-Identifier: Apache-2.0
/* `linewarden revoke`: the deny list of this host. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "policy/text.h"
#include "tools/question.h"
#include "tools/tool.h"
#include "userspace/deny_list.h"

#define REVOKE_STATE "/var/lib/linewarden"

enum revoke_what { REVOKE_NOTHING, REVOKE_ADD, REVOKE_REMOVE, REVOKE_LIST };

struct revoke_options {
	struct question_options question;
	const char *state; /* NULL: the daemon's, or REVOKE_STATE */
	enum revoke_what what;
	uint8_t sha256[DENIED_SHA256];
	const char *fingerprint, *reason;
};

static void revoke_usage(FILE *out)
{
	fputs("usage: linewarden revoke --fingerprint HEX [--reason TEXT]\n"
	      "       linewarden revoke --remove HEX\n"
	      "       linewarden revoke --list [--json]\n"
	      "\n"
	      "Refuses a certificate on this host, whatever the level of its line: as a peer's own\n"
	      "or as any of its chain. Its live sessions end at once.\n"
	      "\n"
	      "  -f, --fingerprint HEX  the SHA-256 of the certificate, as audit records have it\n"
	      "  -r, --reason TEXT      kept in the list\n"
	      "      --remove HEX       takes it off the list\n"
	      "      --list             prints the list\n"
	      "      --json             prints JSON\n"
	      "      --state DIR        the daemon's state-path (the running one's, or " REVOKE_STATE
	      ")\n"
	      "      --run DIR          the daemon's run-path (/run/linewarden)\n"
	      "  -h, --help             this text\n",
	      out);
}

static int revoke_mistake(const char *text)
{
	fprintf(stderr, "linewarden revoke: %s; see `linewarden revoke --help`\n", text);
	return TOOL_USAGE;
}

/* -1: go on; else the exit status */
static int revoke_take(struct revoke_options *options, enum revoke_what what,
		       const char *fingerprint)
{
	if (options->what)
		return revoke_mistake("one of --fingerprint, --remove and --list at a time");
	options->what = what;
	options->fingerprint = fingerprint;
	if (fingerprint && deny_list_fingerprint(fingerprint, options->sha256) < 0)
		return revoke_mistake("a fingerprint is 64 hexadecimal digits");
	return -1;
}

static int revoke_parse(int argc, char **argv, struct revoke_options *options)
{
	static const struct option longs[] = {
		{ "fingerprint", required_argument, NULL, 'f' },
		{ "reason", required_argument, NULL, 'r' },
		{ "remove", required_argument, NULL, 'R' },
		{ "list", no_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' },
		{ "state", required_argument, NULL, 's' },
		{ "run", required_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, status = -1;

	*options = (struct revoke_options){ .question.run_path = "/run/linewarden", .reason = "" };
	while (status < 0 && (option = getopt_long(argc, argv, "f:r:h", longs, NULL)) >= 0) {
		switch (option) {
		case 'f':
			status = revoke_take(options, REVOKE_ADD, optarg);
			break;
		case 'R':
			status = revoke_take(options, REVOKE_REMOVE, optarg);
			break;
		case 'l':
			status = revoke_take(options, REVOKE_LIST, NULL);
			break;
		case 'r':
			options->reason = optarg;
			break;
		case 'j':
			options->question.json = true;
			break;
		case 's':
			options->state = optarg;
			break;
		case 'u':
			options->question.run_path = optarg;
			break;
		case 'h':
			revoke_usage(stdout);
			return TOOL_OK;
		default:
			revoke_usage(stderr);
			return TOOL_USAGE;
		}
	}
	if (status >= 0)
		return status;
	if (optind < argc || !options->what)
		return revoke_mistake("say what to revoke");
	return -1;
}

static void revoke_print(const struct revoke_options *options, const struct deny_list *list)
{
	json_t *all = json_array();
	size_t i, k;

	for (i = 0; i < list->count; i++) {
		const struct deny_entry *entry = &list->entries[i];
		char hex[2 * DENIED_SHA256 + 1];

		for (k = 0; k < DENIED_SHA256; k++)
			snprintf(hex + 2 * k, 3, "%02x", entry->sha256[k]);
		if (options->question.json)
			json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "sha256", hex, "time",
							     entry->time, "reason", entry->reason));
		else
			printf("%s  %s  %s\n", hex, entry->time, entry->reason);
	}
	if (options->question.json)
		question_print_json(all);
	json_decref(all);
}

/* The change itself. 0: the list is another one now; else it was said what is wrong. */
static int revoke_change(const struct revoke_options *options, struct deny_list *list)
{
	char now[TEXT_TIME_MAX];
	int err;

	text_time(time(NULL), now, sizeof(now));
	err = options->what == REVOKE_ADD ?
		      deny_list_add(list, options->sha256, now, options->reason) :
		      deny_list_remove(list, options->sha256);
	if (err == -EEXIST)
		fprintf(stderr, "linewarden revoke: %s is on the list already\n",
			options->fingerprint);
	else if (err == -ENOENT)
		fprintf(stderr, "linewarden revoke: %s is not on the list\n", options->fingerprint);
	else if (err == -EINVAL)
		fprintf(stderr, "linewarden revoke: a reason has at most %d printable characters of "
				"ASCII\n",
			DENY_LIST_REASON_LEN - 1);
	else if (err)
		fprintf(stderr, "linewarden revoke: %s\n", strerror(-err));
	return err;
}

/* Whether a daemon answers in the run path at all. */
static bool revoke_has_daemon(const struct revoke_options *options)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control",
		 options->question.run_path);
	has = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	if (fd >= 0)
		close(fd);
	return has;
}

/* The daemon reads the list. The answer's "file", or NULL: it was said what is wrong. */
static json_t *revoke_tell(const struct revoke_options *options)
{
	json_t *answer = question_ask(&options->question, "denied");

	if (!answer || !json_object_get(answer, "error"))
		return answer;
	fprintf(stderr, "linewarden revoke: the daemon: %s\n", question_text(answer, "error"));
	json_decref(answer);
	return NULL;
}

/* Where the list is. NULL: it was said why nobody knows. */
static const char *revoke_folder(const struct revoke_options *options, bool daemon,
				 char folder[PATH_MAX])
{
	json_t *answer;

	snprintf(folder, PATH_MAX, "%s", options->state ? options->state : REVOKE_STATE);
	if (options->state || !daemon)
		return folder;
	answer = question_ask(&options->question, "denied-path");
	if (!answer)
		return NULL;
	snprintf(folder, PATH_MAX, "%s", question_text(answer, "folder"));
	json_decref(answer);
	return *folder ? folder : NULL;
}

static int revoke_apply(const struct revoke_options *options, const char *folder, bool daemon)
{
	_cleanup_(deny_list_free) struct deny_list list = { 0 };
	char why[512] = "";
	json_t *answer;
	int err;

	err = deny_list_read(folder, &list, why, sizeof(why));
	if (err) {
		fprintf(stderr, "linewarden revoke: %s\n", why);
		return TOOL_FAILED;
	}
	if (options->what == REVOKE_LIST) {
		revoke_print(options, &list);
		return TOOL_OK;
	}
	if (revoke_change(options, &list) < 0)
		return TOOL_FAILED;
	err = deny_list_write(folder, &list);
	if (err) {
		fprintf(stderr, "linewarden revoke: %s: %s\n", folder, strerror(-err));
		return TOOL_FAILED;
	}
	if (!daemon) {
		printf("%zu on the list; no daemon runs, the next one reads it\n", list.count);
		return TOOL_OK;
	}
	answer = revoke_tell(options);
	if (!answer)
		return TOOL_FAILED;
	err = question_number(answer, "count") == (long long)list.count ? 0 : -EINVAL;
	if (err)
		fprintf(stderr, "linewarden revoke: the daemon reads %s, which is another list\n",
			question_text(answer, "file"));
	else
		printf("%zu on the list, which is in force\n", list.count);
	json_decref(answer);
	return err ? TOOL_FAILED : TOOL_OK;
}

int tool_revoke(int argc, char **argv)
{
	struct revoke_options options;
	char folder[PATH_MAX];
	bool daemon;
	int status;

	status = revoke_parse(argc, argv, &options);
	if (status >= 0)
		return status;
	daemon = revoke_has_daemon(&options);
	if (!revoke_folder(&options, daemon, folder))
		return TOOL_FAILED;
	return revoke_apply(&options, folder, daemon);
}
