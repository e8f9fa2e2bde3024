// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "userspace/config_draft.h"
#include "userspace/config_line.h"
#include "userspace/config_value.h"

/* a section's, which may be both */
enum { DIRECTIONS_INBOUND, DIRECTIONS_OUTBOUND, DIRECTIONS_BOTH };
static const char *const direction_words[] = {
	[DIRECTIONS_INBOUND] = "inbound",
	[DIRECTIONS_OUTBOUND] = "outbound",
	[DIRECTIONS_BOTH] = "both",
	NULL,
};

static int direction_check(const struct config_draft *draft)
{
	const struct config_value *value = config_syntax_value(draft->section, "direction");

	if (draft->outbound && !function_connects(draft->line.function))
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "direction '%s' is not possible for function '%s', "
					    "whose peers connect to this host; remove it",
					    value->text, function_name(draft->line.function));
	if (draft->outbound && !draft->config->pbx_count)
		return config_syntax_refuse(draft->syntax, draft->section, value->line,
					    "direction '%s' needs to know whose connections it is "
					    "about; write pbx \"pbx\" { unit = "
					    "\"asterisk.service\" } outside of the lines",
					    value->text);
	return 0;
}

static int direction_read_port(const struct config_draft *draft, const char *key, uint16_t *port)
{
	unsigned int number = *port;
	int rc = config_value_number(draft->syntax, draft->section, key,
				     (struct config_range){ 1, UINT16_MAX }, &number);

	*port = (uint16_t)number;
	return rc;
}

int config_direction_read(struct config_draft *draft)
{
	const struct config_value *remote_port = config_syntax_value(draft->section, "remote-port");
	unsigned int directions = DIRECTIONS_INBOUND;
	int rc = config_value_choice(draft->syntax, draft->section, "direction", direction_words,
				     &directions);

	if (rc < 0)
		return rc;
	draft->inbound = directions != DIRECTIONS_OUTBOUND;
	draft->outbound = directions != DIRECTIONS_INBOUND;
	draft->line.port = function_port(draft->line.function);
	rc = direction_check(draft);
	if (rc == 0)
		rc = direction_read_port(draft, "port", &draft->line.port);
	if (rc < 0)
		return rc;
	if (remote_port && !draft->outbound)
		return config_syntax_refuse(draft->syntax, draft->section, remote_port->line,
					    "remote-port is not used by an inbound line; remove "
					    "it, or write direction = both");
	draft->remote_port = draft->line.port;
	return direction_read_port(draft, "remote-port", &draft->remote_port);
}

/* What belongs to the draft's line alone, made anew. */
static int direction_copy(const struct config_line *from, struct config_line *line)
{
	int rc;

	*line = *from;
	line->server_name = NULL;
	line->prefixes = calloc(from->prefix_count, sizeof(*line->prefixes));
	rc = config_names_copy(&line->rule);
	if (rc < 0 || !line->prefixes)
		return -ENOMEM;
	memcpy(line->prefixes, from->prefixes, from->prefix_count * sizeof(*line->prefixes));
	return 0;
}

static int direction_make_inbound(const struct config_draft *draft, struct config_line *line)
{
	int rc = direction_copy(&draft->line, line);

	line->direction = DIRECTION_INBOUND;
	/* below the +remote levels the names are the other direction's SNI */
	if (!level_is_remote(line->rule.level))
		config_names_free(&line->rule);
	return rc;
}

static int direction_make_outbound(const struct config_draft *draft, struct config_line *line)
{
	int rc = direction_copy(&draft->line, line);

	line->direction = DIRECTION_OUTBOUND;
	/* in place is for those who ask for it */
	if (line->delivery == CONFIG_DELIVERY_AUTO)
		line->delivery = CONFIG_DELIVERY_RELAY;
	line->port = draft->remote_port;
	line->rule.peer = PEER_SERVER;
	line->rule.ask = ASK_REQUIRE;
	/* about clients alone */
	line->rule.options &= ~(uint32_t)RULE_ACCEPT_SERVER_AUTH_CLIENT;
	return rc < 0 ? rc : config_names_server(&line->rule, &line->server_name);
}

int config_direction_split(struct config_draft *draft, struct config_line lines[2], size_t *count)
{
	int rc = 0;

	*count = 0;
	if (draft->inbound)
		rc = direction_make_inbound(draft, &lines[(*count)++]);
	if (rc == 0 && draft->outbound)
		rc = direction_make_outbound(draft, &lines[(*count)++]);
	return rc;
}
