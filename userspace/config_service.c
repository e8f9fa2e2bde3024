// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_service.h"

#include <errno.h>

#include "userspace/config_draft.h"
#include "userspace/config_value.h"

static const char *const service_names[] = {
	[CONFIG_SECURITY_DISABLED] = "disabled",
	[CONFIG_SECURITY_UNSECURE_ONLY] = "unsecure-only",
	[CONFIG_SECURITY_UNSECURE_SECURE] = "unsecure+secure",
	[CONFIG_SECURITY_SECURE_LOW] = "secure-low",
	[CONFIG_SECURITY_SECURE_MEDIUM] = "secure-medium",
	[CONFIG_SECURITY_SECURE_HIGH] = "secure-high",
	[CONFIG_SECURITY_COUNT] = NULL,
};
_Static_assert(sizeof(service_names) / sizeof(service_names[0]) == CONFIG_SECURITY_COUNT + 1,
	       "a name a level, and the end");

const char *config_service_name(enum config_security security)
{
	return (unsigned int)security < CONFIG_SECURITY_COUNT ? service_names[security] : NULL;
}

bool config_service_is_served(enum config_security security)
{
	return security != CONFIG_SECURITY_DISABLED && security != CONFIG_SECURITY_UNSECURE_ONLY;
}

static bool service_closes_plain(const struct config_line *line)
{
	return line->plain_port && line->security != CONFIG_SECURITY_UNSECURE_ONLY &&
	       line->security != CONFIG_SECURITY_UNSECURE_SECURE;
}

static enum config_ciphers service_ciphers(enum config_security security)
{
	switch (security) {
	case CONFIG_SECURITY_UNSECURE_SECURE:
	case CONFIG_SECURITY_SECURE_LOW:
		return CONFIG_CIPHERS_LOW;
	case CONFIG_SECURITY_SECURE_MEDIUM:
		return CONFIG_CIPHERS_MEDIUM;
	default:
		return CONFIG_CIPHERS_HIGH;
	}
}

static int service_refuse_elsewhere(const struct config_draft *draft)
{
	static const char *const keys[] = { "service-security", "plain-port" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct config_value *value = config_syntax_value(draft->section, keys[i]);

		if (value)
			return config_syntax_refuse(draft->syntax, draft->section, value->line,
						    "%s is for function 'admin' alone; remove it",
						    keys[i]);
	}
	return 0;
}

int config_service_read(struct config_draft *draft)
{
	struct config_line *line = &draft->line;
	unsigned int security = CONFIG_SECURITY_SECURE_MEDIUM, plain_port = 0;
	int rc;

	line->ciphers = CONFIG_CIPHERS_MEDIUM;
	if (line->function != FUNCTION_ADMIN)
		return service_refuse_elsewhere(draft);
	rc = config_value_choice(draft->syntax, draft->section, "service-security", service_names,
				 &security);
	if (rc == 0)
		rc = config_value_number(draft->syntax, draft->section, "plain-port",
					 (struct config_range){ 1, UINT16_MAX }, &plain_port);
	if (rc < 0)
		return rc;
	line->security = security;
	line->plain_port = (uint16_t)plain_port;
	line->ciphers = service_ciphers(line->security);
	line->rule.ask = line->security == CONFIG_SECURITY_SECURE_HIGH ? ASK_REQUIRE : ASK_NONE;
	return 0;
}

/* The lines that are served and the others, as one list. */
static const struct config_line *service_line(const struct config *config, size_t i)
{
	return i < config->line_count ? &config->lines[i] :
					&config->closed_lines[i - config->line_count];
}

static size_t service_line_count(const struct config *config)
{
	return config->line_count + config->closed_line_count;
}

static bool service_port_is_served(const struct config *config, uint32_t netns, uint16_t port)
{
	for (size_t i = 0; i < config->line_count; i++) {
		const struct config_line *line = &config->lines[i];

		if (line->direction == DIRECTION_INBOUND && line->netns == netns &&
		    line->port == port)
			return true;
	}
	return false;
}

static int service_close(struct config *config, uint32_t netns, uint16_t port)
{
	struct config_closed_port *ports;

	for (size_t i = 0; i < config->closed_port_count; i++) {
		if (config->closed_ports[i].netns == netns && config->closed_ports[i].port == port)
			return 0;
	}
	ports = reallocarray(config->closed_ports, config->closed_port_count + 1, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	config->closed_ports = ports;
	ports[config->closed_port_count++] = (struct config_closed_port){ netns, port };
	return 0;
}

/* What another line says of a plain port. */
static int service_check_plain(const struct config_line *line, const struct config_line *other,
			       struct config_error *error)
{
	if (other->netns != line->netns)
		return 0;
	if (other->direction == DIRECTION_INBOUND && other->port == line->plain_port)
		return config_error_set(error, line->file, line->at,
					"line '%s': plain-port %u is the TLS port of line '%s'; "
					"name the port without TLS, or remove the key",
					line->name, line->plain_port, other->name);
	if (other->plain_port == line->plain_port &&
	    service_closes_plain(other) && !service_closes_plain(line))
		return config_error_set(error, line->file, line->at,
					"line '%s': service-security '%s' leaves plain-port %u "
					"open, and '%s' of line '%s' closes it; a port is open or "
					"closed for all, so give both the same",
					line->name, config_service_name(line->security),
					line->plain_port, config_service_name(other->security),
					other->name);
	return 0;
}

int config_service_close(struct config *config, struct config_error *error)
{
	size_t count = service_line_count(config);
	int rc = 0;

	for (size_t i = 0; i < count; i++) {
		const struct config_line *line = service_line(config, i);

		if (line->function != FUNCTION_ADMIN)
			continue;
		for (size_t j = 0; rc == 0 && line->plain_port && j < count; j++)
			rc = service_check_plain(line, service_line(config, j), error);
		if (rc == 0 && service_closes_plain(line))
			rc = service_close(config, line->netns, line->plain_port);
		if (rc == 0 && !config_service_is_served(line->security) &&
		    !service_port_is_served(config, line->netns, line->port))
			rc = service_close(config, line->netns, line->port);
		if (rc < 0)
			return rc;
	}
	return 0;
}
