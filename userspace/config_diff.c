// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_diff.h"

#include <stdio.h>
#include <string.h>

#include "userspace/config_prefix.h"
#include "userspace/function.h"
#include "userspace/record.h"

#define DIFF_VALUE_LEN 256
#define DIFF_TEXT_LEN 2048

/* A list that does not fit ends in "...": what is compared is the whole. */
struct diff_value {
	char text[DIFF_VALUE_LEN];
	size_t used;
	uint64_t hash;
};

static void diff_add(struct diff_value *value, const char *word)
{
	const char *at;
	size_t room = sizeof(value->text) - value->used, need = strlen(word) + 1;

	for (at = word; *at; at++)
		value->hash = (value->hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
	value->hash = value->hash * UINT64_C(1099511628211) + 1;
	if (need + 4 < room)
		value->used += (size_t)snprintf(value->text + value->used, room, "%s%s",
						value->used ? " " : "", word);
	else if (room > 4 && strcmp(value->text + value->used - 3, "...") != 0)
		value->used += (size_t)snprintf(value->text + value->used, room, "...");
}

static void diff_level(const struct config_line *line, struct diff_value *value)
{
	diff_add(value, level_name(line->rule.level));
}

static void diff_function(const struct config_line *line, struct diff_value *value)
{
	diff_add(value, function_name(line->function));
}

static void diff_port(const struct config_line *line, struct diff_value *value)
{
	char text[8];

	snprintf(text, sizeof(text), "%u", line->port);
	diff_add(value, text);
}

static void diff_remote(const struct config_line *line, struct diff_value *value)
{
	char text[CONFIG_PREFIX_LEN];
	size_t i;

	for (i = 0; i < line->prefix_count; i++) {
		config_prefix_print(&line->prefixes[i], text);
		diff_add(value, text);
	}
}

static void diff_hosts(const struct config_line *line, struct diff_value *value)
{
	size_t i;

	for (i = 0; i < line->rule.host_count; i++)
		diff_add(value, line->rule.hosts[i]);
}

static void diff_domains(const struct config_line *line, struct diff_value *value)
{
	size_t i;

	for (i = 0; i < line->rule.sip_domain_count; i++)
		diff_add(value, line->rule.sip_domains[i]);
}

static void diff_mode(const struct config_line *line, struct diff_value *value)
{
	diff_add(value, line->mode == CONFIG_OBSERVE ? "observe" : "enforce");
}

static void diff_delivery(const struct config_line *line, struct diff_value *value)
{
	diff_add(value, config_delivery_name(line->delivery));
}

static void diff_on_expiry(const struct config_line *line, struct diff_value *value)
{
	diff_add(value, config_on_expiry_name(line->on_expiry));
}

static void diff_options(const struct config_line *line, struct diff_value *value)
{
	uint32_t bit;

	for (bit = 1; bit < UINT32_C(1) << RULE_OPTION_COUNT; bit <<= 1)
		if (line->rule.options & bit)
			diff_add(value, rule_option_name(bit));
}

static void diff_crl(const struct config_line *line, struct diff_value *value)
{
	diff_add(value, rule_crl_name(line->rule.crl));
}

static void diff_security(const struct config_line *line, struct diff_value *value)
{
	char text[16];

	if (line->function != FUNCTION_ADMIN)
		return;
	snprintf(text, sizeof(text), "%u/%u", line->security, line->plain_port);
	diff_add(value, text);
}

static void diff_ciphers(const struct config_line *line, struct diff_value *value)
{
	static const char *const names[CONFIG_CIPHERS_COUNT] = {
		[CONFIG_CIPHERS_HIGH] = "high",
		[CONFIG_CIPHERS_MEDIUM] = "medium",
		[CONFIG_CIPHERS_LOW] = "low",
	};

	diff_add(value, names[line->ciphers]);
}

static void diff_resumption(const struct config_line *line, struct diff_value *value)
{
	diff_add(value, line->resumption ? "yes" : "no");
}

static void diff_server_name(const struct config_line *line, struct diff_value *value)
{
	if (line->server_name)
		diff_add(value, line->server_name);
}

/* by the certificate's own name and number: what is shown to peers */
static void diff_identity(const struct config_line *line, struct diff_value *value)
{
	unsigned char sha256[32];
	char text[2 * sizeof(sha256) + 1];
	unsigned int len = 0, i;

	if (!line->identity || !line->identity->certificate ||
	    X509_digest(line->identity->certificate, EVP_sha256(), sha256, &len) != 1)
		return;
	for (i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", sha256[i]);
	diff_add(value, text);
}

/* in the order in which an operator would look for them */
static const struct diff_row {
	const char *name; /* as in linewarden.conf(5) */
	void (*value)(const struct config_line *line, struct diff_value *value);
} diff_rows[] = {
	{ "level", diff_level },
	{ "function", diff_function },
	{ "port", diff_port },
	{ "remote", diff_remote },
	{ "host-names", diff_hosts },
	{ "sip-domains", diff_domains },
	{ "mode", diff_mode },
	{ "delivery", diff_delivery },
	{ "on-expiry", diff_on_expiry },
	{ "exceptions", diff_options },
	{ "crl", diff_crl },
	{ "service-security", diff_security },
	{ "ciphers", diff_ciphers },
	{ "resumption", diff_resumption },
	{ "server-name", diff_server_name },
	{ "identity", diff_identity },
};

/* false: they are the same. */
static bool diff_lines(const struct config_line *before, const struct config_line *now,
		       char text[DIFF_TEXT_LEN])
{
	struct diff_value old, new;
	size_t used = 0, i;

	*text = '\0';
	for (i = 0; i < sizeof(diff_rows) / sizeof(diff_rows[0]); i++) {
		old = new = (struct diff_value){ .hash = UINT64_C(14695981039346656037) };
		diff_rows[i].value(before, &old);
		diff_rows[i].value(now, &new);
		if (old.hash == new.hash || used >= DIFF_TEXT_LEN)
			continue;
		used += (size_t)snprintf(text + used, DIFF_TEXT_LEN - used, "%s%s: %s, was %s",
					 used ? "; " : "", diff_rows[i].name,
					 *new.text ? new.text : "none",
					 *old.text ? old.text : "none");
	}
	return used;
}

static int diff_append(json_t *list, const struct config *config, const struct config_line *line,
		       const char *change, const char *text)
{
	return json_array_append_new(
		list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "line", line->name, "direction",
				direction_name(line->direction), "namespace",
				config->namespaces[line->netns].name, "change", change, "text",
				text));
}

json_t *config_diff(const struct config *before, const struct config *now)
{
	const struct config_line *line, *other;
	json_t *list = json_array();
	char text[DIFF_TEXT_LEN];
	size_t i;
	int err = 0;

	for (i = 0; !err && i < now->line_count; i++) {
		line = &now->lines[i];
		other = config_line_like(before, line);
		if (!other)
			err = diff_append(list, now, line, "added", "added");
		else if (diff_lines(other, line, text))
			err = diff_append(list, now, line, "changed", text);
	}
	for (i = 0; !err && i < before->line_count; i++) {
		line = &before->lines[i];
		if (!config_line_like(now, line))
			err = diff_append(list, before, line, "removed", "removed");
	}
	if (!err)
		return list;
	json_decref(list);
	return NULL;
}
