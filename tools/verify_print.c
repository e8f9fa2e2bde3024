// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/table.h"
#include "tools/tool.h"
#include "tools/verify.h"
#include "userspace/config_prefix.h"
#include "userspace/config_service.h"
#include "userspace/expiry.h"

#define VERIFY_NOTES_MAX 512

static const char *const verify_asks[] = {
	[ASK_REQUIRE] = "required",
	[ASK_REQUEST] = "requested",
	[ASK_NONE] = "not asked",
};

const char *verify_ask(const struct config_line *line)
{
	return verify_asks[line->rule.ask];
}

const char *verify_role(const struct config_line *line)
{
	return line->direction == DIRECTION_OUTBOUND ? "client" : "server";
}

static void __attribute__((format(printf, 2, 3)))
verify_note(char notes[VERIFY_NOTES_MAX], const char *format, ...)
{
	size_t used = strlen(notes);
	va_list ap;

	if (used)
		used += (size_t)snprintf(notes + used, VERIFY_NOTES_MAX - used, ", ");
	if (used >= VERIFY_NOTES_MAX)
		return;
	va_start(ap, format);
	vsnprintf(notes + used, VERIFY_NOTES_MAX - used, format, ap);
	va_end(ap);
}

/* What the other columns do not say, and is not as usual. */
static void verify_notes(const struct config *config, const struct config_line *line,
			 char notes[VERIFY_NOTES_MAX])
{
	*notes = '\0';
	if (line->mode == CONFIG_OBSERVE)
		verify_note(notes, "OBSERVE");
	if (line->netns)
		verify_note(notes, "in %s", config->namespaces[line->netns].name);
	if (line->function == FUNCTION_ADMIN && line->security != CONFIG_SECURITY_SECURE_MEDIUM)
		verify_note(notes, "%s", config_service_name(line->security));
	if (line->server_name)
		verify_note(notes, "to %s", line->server_name);
	/* their names are too long for a table; the last one stands with the level */
	if (line->rule.options & ~(uint32_t)RULE_BEFORE_R11_1_3)
		verify_note(notes, "exceptions");
	if (line->on_expiry == CONFIG_EXPIRY_RECORD)
		verify_note(notes, "expired sessions go on");
	if (!line->resumption)
		verify_note(notes, "no resumption");
}

static void verify_add_line(struct table *table, const struct config *config,
			    const struct config_line *line, bool served, bool with_notes)
{
	char prefix[CONFIG_PREFIX_LEN], notes[VERIFY_NOTES_MAX];
	enum table_colour colour = served ? TABLE_PLAIN : TABLE_DIM;
	enum table_colour noted = line->mode == CONFIG_OBSERVE ? TABLE_BAD : colour;

	verify_notes(config, line, notes);
	for (size_t i = 0; i < line->prefix_count; i++) {
		config_prefix_print(&line->prefixes[i], prefix);
		table_add(table, colour, "%u", line->port);
		table_add(table, colour, "%s", prefix);
		table_add(table, colour, "%s", line->name);
		table_add(table, colour, "%s", function_name(line->function));
		table_add(table, colour, "%s", verify_role(line));
		table_add(table, colour, "%s", served ? verify_ask(line) : "-");
		table_add(table, colour, "%s%s", served ? level_name(line->rule.level) : "-",
			  line->rule.options & RULE_BEFORE_R11_1_3 ? " (before R11.1.3)" : "");
		table_add(table, colour, "%s", served ? config_delivery_name(line->delivery) : "closed");
		if (with_notes)
			table_add(table, noted, "%s", *notes ? notes : "-");
	}
}

static bool verify_has_notes(const struct config *config)
{
	char notes[VERIFY_NOTES_MAX];

	for (size_t i = 0; i < config->line_count; i++) {
		verify_notes(config, &config->lines[i], notes);
		if (*notes)
			return true;
	}
	return config->closed_line_count > 0;
}

static int verify_print_lines(const struct config *config)
{
	static const char *const columns[] = { "PORT",	"REMOTE",      "LINE",
					       "FUNCTION", "ROLE",     "CERTIFICATE",
					       "LEVEL",	"DELIVERY",    "NOTES",
					       NULL };
	static const char *const usual[] = { "PORT", "REMOTE",	    "LINE",  "FUNCTION",
					     "ROLE", "CERTIFICATE", "LEVEL", "DELIVERY",
					     NULL };
	bool with_notes = verify_has_notes(config);
	struct table *table = table_new(with_notes ? columns : usual);

	if (!table)
		return TOOL_FAILED;
	for (size_t i = 0; i < config->line_count; i++)
		verify_add_line(table, config, &config->lines[i], true, with_notes);
	for (size_t i = 0; i < config->closed_line_count; i++)
		verify_add_line(table, config, &config->closed_lines[i], false, with_notes);
	table_print(table, stdout, "no lines");
	return TOOL_OK;
}

/* The one thing that must not be overlooked. */
static void verify_print_observed(const struct config *config)
{
	const char *last = "";
	bool any = false;

	for (size_t i = 0; i < config->line_count; i++) {
		const struct config_line *line = &config->lines[i];

		if (line->mode != CONFIG_OBSERVE || strcmp(last, line->name) == 0)
			continue;
		if (!any) {
			table_colour(stdout, TABLE_BAD);
			printf("\nOBSERVE MODE: nothing is refused, only recorded, on ");
		}
		printf("%s%s", any ? ", " : "", line->name);
		any = true;
		last = line->name;
	}
	if (!any)
		return;
	putchar('\n');
	table_colour(stdout, TABLE_PLAIN);
}

static void verify_print_exceptions(const struct config *config)
{
	const char *gap = "\n";

	for (size_t i = 0; i < config->line_count; i++) {
		const struct config_line *line = &config->lines[i];
		char names[VERIFY_NOTES_MAX] = "";

		for (unsigned int k = 0; k < RULE_OPTION_COUNT; k++) {
			uint32_t option = line->rule.options & UINT32_C(1) << k;

			if (option && option != RULE_BEFORE_R11_1_3)
				verify_note(names, "%s", rule_option_name(option));
		}
		if (!*names)
			continue;
		printf("%sexceptions of %s as %s: %s\n", gap, line->name, verify_role(line), names);
		gap = "";
	}
}

static void verify_print_closed(const struct config *config)
{
	for (size_t i = 0; i < config->closed_port_count; i++) {
		const struct config_closed_port *port = &config->closed_ports[i];

		printf("%s%u", i ? ", " : "\nclosed ports: ", port->port);
		if (port->netns)
			printf(" in %s", config->namespaces[port->netns].name);
	}
	if (config->closed_port_count)
		putchar('\n');
}

static void verify_print_pbxs(const struct config *config)
{
	if (config->pbx_count)
		putchar('\n');
	for (size_t i = 0; i < config->pbx_count; i++)
		printf("pbx %s: %s, unmatched connections %s\n", config->pbxs[i].name,
		       config->pbxs[i].cgroup,
		       config->pbxs[i].block_unmatched ? "are blocked" : "pass");
}

static void verify_print_identity(const char *what, const struct identity *identity)
{
	int chain = sk_X509_num(identity->chain);
	char subject[TEXT_NAME_MAX];

	if (!identity->certificate)
		return;
	text_name(X509_get_subject_name(identity->certificate), subject, sizeof(subject));
	printf("%s: %s, offered with %d certificate%s of its chain\n", what, subject, chain,
	       chain == 1 ? "" : "s");
}

static void verify_print_trust(const struct trust_report *report)
{
	char summary[TRUST_SUMMARY_MAX];
	size_t beyond = trust_report_beyond(report), i;

	trust_report_summary(report, summary);
	printf("trust store: %s\n", summary);
	table_colour(stdout, TABLE_BAD);
	for (i = 0; i < report->finding_count; i++)
		printf("  %s: %s\n", report->findings[i].file, report->findings[i].text);
	if (beyond)
		printf("  and %zu more\n", beyond);
	table_colour(stdout, TABLE_PLAIN);
}

static void verify_print_expiry(const struct config *config)
{
	_cleanup_free_ struct expiry *expiry = malloc(sizeof(*expiry));
	char text[2 * TEXT_NAME_MAX + 128];
	size_t i;

	if (!expiry)
		return;
	expiry_find(config, time(NULL), expiry);
	if (expiry->total)
		printf("\ncertificates within %u days of their end, or past it: %zu\n",
		       config->expiry_warning, expiry->total);
	table_colour(stdout, TABLE_BAD);
	for (i = 0; i < expiry->count; i++) {
		expiry_describe(&expiry->items[i], text, sizeof(text));
		printf("  %s\n", text);
	}
	table_colour(stdout, TABLE_PLAIN);
}

static void verify_print_warnings(const struct config *config)
{
	if (!config->warning_count)
		return;
	table_colour(stdout, TABLE_BAD);
	for (size_t i = 0; i < config->warning_count; i++)
		printf("%swarning: %s\n", i ? "" : "\n", config->warnings[i]);
	table_colour(stdout, TABLE_PLAIN);
}

int verify_print(const struct config *config)
{
	int status = verify_print_lines(config);

	verify_print_observed(config);
	verify_print_exceptions(config);
	verify_print_closed(config);
	verify_print_pbxs(config);
	putchar('\n');
	verify_print_identity("identity", &config->identity);
	verify_print_identity("telephony identity", &config->telephony);
	verify_print_trust(&config->trust_report);
	verify_print_expiry(config);
	verify_print_warnings(config);
	return status;
}
