// SPDX-License-Identifier: Apache-2.0
#include "tools/question.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "tools/tool.h"
#include "userspace/fd.h"

#define QUESTION_RUN_PATH "/run/linewarden"
#define QUESTION_SECONDS 5
#define QUESTION_PATH_LEN (sizeof(((struct sockaddr_un *)0)->sun_path) + 1)
#define QUESTION_ANSWER_MAX (256U << 20)

/* of the options that a filter has, by getopt_long(): beyond every letter */
#define QUESTION_FILTER 256

static const struct option question_longs[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "run", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	/* these with a filter alone */
	{ "line", required_argument, NULL, QUESTION_FILTER + FILTER_LINE },
	{ "function", required_argument, NULL, QUESTION_FILTER + FILTER_FUNCTION },
	{ "peer", required_argument, NULL, QUESTION_FILTER + FILTER_PEER },
	{ "fingerprint", required_argument, NULL, QUESTION_FILTER + FILTER_FINGERPRINT },
	{ "delivery", required_argument, NULL, QUESTION_FILTER + FILTER_DELIVERY },
	{ "direction", required_argument, NULL, QUESTION_FILTER + FILTER_DIRECTION },
	{ "reason", required_argument, NULL, QUESTION_FILTER + FILTER_REASON },
	{ 0 },
};
enum { QUESTION_PLAIN_LONGS = 3 };

static void question_usage(const char *command, const char *arguments, const char *what,
			   bool filters)
{
	printf("usage: linewarden %s [--json] [--run DIR]%s%s%s\n\n%s\n\n"
	       "  -j, --json          the answer as JSON, for machines\n"
	       "  -r, --run DIR       the daemon's run-path (" QUESTION_RUN_PATH ")\n",
	       command, filters ? " [CONDITION...]" : "", *arguments ? " " : "", arguments, what);
	if (filters)
		printf("\nOnly what fits every condition:\n"
		       "  --line NAME         of this line\n"
		       "  --function NAME     admin, sip-line, sm-line, sip-phone or ip-office-line\n"
		       "  --peer ADDR[/LEN]   with a peer of this address or range\n"
		       "  --fingerprint HEX   whose certificate's SHA-256 begins so\n"
		       "  --delivery NAME     adopt or relay\n"
		       "  --direction NAME    inbound or outbound\n"
		       "  --reason TEXT       whose reason has that in it, or names this check\n");
}

static int question_filter(const char *command, struct filter *filter, enum filter_key key,
			   const char *value)
{
	char why[FILTER_WHY_LEN];

	if (!filter_set(filter, key, value, why))
		return -1;
	fprintf(stderr, "linewarden %s: --%s: %s\n", command, filter_key_name(key), why);
	return TOOL_USAGE;
}

static int question_parse(int argc, char **argv, const char *arguments, const char *what,
			  struct question_options *options, struct filter *filter)
{
	struct option longs[sizeof(question_longs) / sizeof(question_longs[0])];
	int option;

	memcpy(longs, question_longs, sizeof(longs));
	if (!filter)
		longs[QUESTION_PLAIN_LONGS] = (struct option){ 0 };
	*options = (struct question_options){ .run_path = QUESTION_RUN_PATH };
	while ((option = getopt_long(argc, argv, "jr:h", longs, NULL)) >= 0) {
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'r':
			options->run_path = optarg;
			break;
		case 'h':
			question_usage(argv[0], arguments, what, filter);
			return TOOL_OK;
		default:
			if (option < QUESTION_FILTER ||
			    question_filter(argv[0], filter,
					    (enum filter_key)(option - QUESTION_FILTER),
					    optarg) >= 0)
				return TOOL_USAGE;
		}
	}
	options->first = optind;
	return -1;
}

int question_options_for(int argc, char **argv, const char *arguments, const char *what,
			 struct question_options *options)
{
	return question_parse(argc, argv, arguments, what, options, NULL);
}

int question_options_filter(int argc, char **argv, const char *what,
			    struct question_options *options, struct filter *filter)
{
	int status = question_parse(argc, argv, "", what, options, filter);

	if (status >= 0 || options->first == argc)
		return status;
	fprintf(stderr, "linewarden %s: '%s' is one argument too many\n", argv[0],
		argv[options->first]);
	return TOOL_USAGE;
}

int question_options(int argc, char **argv, const char *what, struct question_options *options)
{
	return question_options_filter(argc, argv, what, options, NULL);
}

static int question_connect(const char *path)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval limit = { .tv_sec = QUESTION_SECONDS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static void question_explain(const char *path, int err)
{
	const char *todo = "";

	if (err == -ENOENT || err == -ECONNREFUSED)
		todo = "; the daemon does not run here: `systemctl start linewardend`, or name its "
		       "run-path with --run";
	else if (err == -EACCES)
		todo = "; root and the configured group may ask";
	else if (err == -EAGAIN)
		todo = "; the daemon does not answer";
	fprintf(stderr, "linewarden: %s: %s%s\n", path, strerror(-err), todo);
}

static json_t *question_read(int fd, int *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, room = 0;
	json_error_t error;
	json_t *json;
	char *more;
	ssize_t n;

	do {
		if (len == room) {
			room = room ? 2 * room : 65536;
			more = room > QUESTION_ANSWER_MAX ? NULL : realloc(text, room);
			if (!more) {
				*err = -ENOMEM;
				return NULL;
			}
			text = more;
		}
		n = recv(fd, text + len, room - len, 0);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	*err = n < 0 ? -errno : -EBADMSG;
	json = n < 0 ? NULL : json_loadb(text, len, 0, &error);
	return json;
}

/* A connection on which it was asked; -errno. path: of the socket, for question_explain(). */
static int question_send(const struct question_options *options, const char *question,
			 char path[QUESTION_PATH_LEN])
{
	_cleanup_fd_ int fd = -1;
	char line[64];

	snprintf(path, QUESTION_PATH_LEN, "%s/control", options->run_path);
	snprintf(line, sizeof(line), "%s\n", question);
	fd = question_connect(path);
	if (fd < 0)
		return fd;
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
		return -errno;
	return TAKE_FD(fd);
}

json_t *question_ask(const struct question_options *options, const char *question)
{
	char path[QUESTION_PATH_LEN];
	_cleanup_fd_ int fd = -1;
	json_t *json = NULL;
	int err;

	err = fd = question_send(options, question, path);
	if (fd >= 0)
		json = question_read(fd, &err);
	if (!json)
		question_explain(path, err);
	return json;
}

FILE *question_open(const struct question_options *options, const char *question)
{
	const struct timeval none = { 0 };
	char path[QUESTION_PATH_LEN];
	_cleanup_fd_ int fd = -1;
	FILE *stream = NULL;
	int err;

	err = fd = question_send(options, question, path);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none)) < 0)
		err = -errno;
	else if (fd >= 0 && !(stream = fdopen(fd, "r")))
		err = -errno;
	if (stream)
		TAKE_FD(fd);
	else
		question_explain(path, err);
	return stream;
}

int question_print_json(const json_t *json)
{
	if (json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) < 0)
		return TOOL_FAILED;
	putchar('\n');
	return fflush(stdout) ? TOOL_FAILED : TOOL_OK;
}

const char *question_text(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

long long question_number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}
