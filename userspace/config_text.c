// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "policy/cleanup.h"

#define TEXT_STRING_MAX 4096 /* a path's length */

struct text {
	const char *name;
	const char *at, *end;
	unsigned int line;
	unsigned int depth; /* of braces */
	unsigned int opened; /* the line of the outermost one that is open */
	char *out;
	char before[2]; /* the last two tokens, the newest first: '"' for a word or a string */
	struct config_error *error;
};

static bool text_is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._:/+-", c));
}

static void text_token(struct text *t, char kind)
{
	t->before[1] = t->before[0];
	t->before[0] = kind;
}

/* libconfuse's time grows with the square of a string's length */
static int text_check_length(struct text *t, const char *start)
{
	if (t->at - start > TEXT_STRING_MAX)
		return config_error_set(t->error, t->name, t->line,
					"a word is longer than %d characters", TEXT_STRING_MAX);
	text_token(t, '"');
	return 0;
}

/* Without quotes the "+" of a level would end the word. */
static int text_word(struct text *t)
{
	const char *start = t->at;

	*t->out++ = '"';
	while (t->at < t->end && text_is_word(*t->at))
		*t->out++ = *t->at++;
	*t->out++ = '"';
	return text_check_length(t, start);
}

/*
 * A string is taken literally: "\" starts an escape in libconfuse, "${" a variable, and
 * "|" leads a key into another section.
 */
static int text_string(struct text *t)
{
	const char *start = t->at;

	*t->out++ = *t->at++;
	for (; t->at < t->end && *t->at != '"'; *t->out++ = *t->at++) {
		unsigned char c = *t->at;

		if (c == '\n')
			break;
		if (c < ' ' || c == 0x7f || c == '\\' || c == '|' || c == '$')
			return config_error_set(t->error, t->name, t->line,
						c > ' ' && c < 0x7f ?
							"'%c' cannot stand in a string" :
							"the byte 0x%02x cannot stand in a string",
						c);
	}
	if (t->at == t->end || *t->at != '"')
		return config_error_set(t->error, t->name, t->line,
					"a string is not closed; end it with '\"' on its line");
	*t->out++ = *t->at++;
	return text_check_length(t, start);
}

static int text_punctuation(struct text *t)
{
	char c = *t->at++;

	if (c == '}' && t->before[0] == '{' && t->before[1] == '=')
		return config_error_set(t->error, t->name, t->line,
					"the list is empty; name at least one entry or leave the "
					"key out");
	if (c == '{' && t->depth++ == 0)
		t->opened = t->line;
	else if (c == '}' && t->depth)
		t->depth--;
	text_token(t, c);
	*t->out++ = c;
	return 0;
}

static int text_unknown(struct text *t)
{
	unsigned char c = *t->at;

	if (c > ' ' && c < 0x7f)
		return config_error_set(t->error, t->name, t->line,
					"'%c' has no meaning here; comments start with '#', and "
					"text goes into double quotes",
					c);
	return config_error_set(t->error, t->name, t->line,
				"the byte 0x%02x has no meaning here; text other than ASCII goes "
				"into double quotes",
				c);
}

/* Anything that is not written is a comment. */
static int text_next(struct text *t)
{
	char c = *t->at;

	switch (c) {
	case '\n':
		t->line++;
		/* fall through */
	case ' ':
	case '\t':
		*t->out++ = c;
		/* fall through */
	case '\r':
		t->at++;
		return 0;
	case '#':
		while (t->at < t->end && *t->at != '\n')
			t->at++;
		return 0;
	case '"':
		return text_string(t);
	case '{':
	case '}':
	case '=':
	case ',':
		return text_punctuation(t);
	}
	if (!text_is_word(c))
		return text_unknown(t);
	return text_word(t);
}

int config_text_clean(const char *name, const char *buf, size_t len, char **out,
		      struct config_error *error)
{
	/* a word of one character becomes three */
	_cleanup_free_ char *clean = malloc(3 * len + 1);
	struct text t = {
		.name = name,
		.at = buf,
		.end = buf + len,
		.line = 1,
		.out = clean,
		.error = error,
	};

	if (!clean)
		return -ENOMEM;
	while (t.at < t.end) {
		int rc = text_next(&t);

		if (rc < 0)
			return rc;
	}
	if (t.depth)
		return config_error_set(error, name, t.opened,
					"what '{' opens here is not closed; end it with '}'");
	*t.out = '\0';
	*out = TAKE_PTR(clean);
	return 0;
}
