// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_syntax.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* In cfg_opt_t.flags beside libconfuse's own: a value was given. */
#define CONFIG_GIVEN (1 << 24)

/* libconfuse passes no context to its callbacks, and its scanner is global all the same */
static struct {
	const char *name;
	const struct config_syntax *main; /* of the file that includes this one */
	struct config_error *error;
	bool refused;
} reading;

/* libconfuse's words where an operator needs others: what stands around its one word */
static const struct {
	const char *theirs, *before, *after;
} wordings[] = {
	{ "found duplicate title '%s'", "the name '", "' is there twice; each needs its own" },
	{ "unexpected token '%s'", "'",
	  "' is not expected here; settings are key = value, lists key = { value, value }" },
	{ "missing equal sign after option '%s'", "'=' is missing after '", "'" },
	{ "missing opening brace for section '%s'", "'{' is missing in '", "'" },
	{ "missing title for section '%s'", "a name is missing; write ", " \"name\" {" },
	{ "unexpected closing brace", "'}' closes nothing", NULL },
	{ "premature end of file", "the file ends before a setting does", NULL },
};

/* The message's place: "line 'trunk-a': ", "identity: ", or nothing at the top. */
static void syntax_place(cfg_t *section, char *place, size_t size)
{
	*place = '\0';
	if (cfg_title(section))
		snprintf(place, size, "%s '%.*s': ", cfg_name(section), 64, cfg_title(section));
	else if (strcmp(cfg_name(section), "root") != 0)
		snprintf(place, size, "%s: ", cfg_name(section));
}

static bool syntax_knows(const cfg_t *section, const char *key)
{
	for (const cfg_opt_t *opt = section->opts; opt->name; opt++) {
		if (strcmp(opt->name, key) == 0)
			return true;
	}
	return false;
}

static void syntax_unknown_key(cfg_t *section, const char *key)
{
	char known[640] = "";
	char place[96];

	if (reading.main && !cfg_title(section) && syntax_knows(reading.main->root, key)) {
		config_error_set(reading.error, reading.name, section->line,
				 "'%s' has no place in an included file; move it to %s", key,
				 reading.main->name);
		return;
	}

	for (const cfg_opt_t *opt = section->opts; opt->name; opt++) {
		size_t used = strlen(known);

		snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", opt->name);
	}
	syntax_place(section, place, sizeof(place));
	config_error_set(reading.error, reading.name, section->line,
			 "%sunknown key '%s'; there are %s", place, key, known);
}

static void __attribute__((format(printf, 2, 0)))
syntax_on_error(cfg_t *section, const char *format, va_list ap)
{
	char text[256];

	/* what the first mistake leads to is not worth a word */
	if (reading.refused)
		return;
	reading.refused = true;
	if (strcmp(format, "no such option '%s'") == 0) {
		syntax_unknown_key(section, va_arg(ap, const char *));
		return;
	}
	for (size_t i = 0; i < sizeof(wordings) / sizeof(wordings[0]); i++) {
		if (strcmp(format, wordings[i].theirs) != 0)
			continue;
		config_error_set(reading.error, reading.name, section->line, "%s%s%s",
				 wordings[i].before,
				 wordings[i].after ? va_arg(ap, const char *) : "",
				 wordings[i].after ? wordings[i].after : "");
		return;
	}
	vsnprintf(text, sizeof(text), format, ap);
	config_error_set(reading.error, reading.name, section->line, "%s", text);
}

static int syntax_on_value(cfg_t *section, cfg_opt_t *opt, const char *text, void *result)
{
	size_t len = strlen(text);
	struct config_value *value;

	/* "=" has dropped the earlier values of a key that is given again, but not its flags */
	if (cfg_opt_size(opt) == 1 && (opt->flags & CONFIG_GIVEN)) {
		char place[96];

		syntax_place(section, place, sizeof(place));
		config_error_set(reading.error, reading.name, section->line,
				 "%s%s is given twice; keep one of them", place, opt->name);
		reading.refused = true;
		return -1;
	}
	opt->flags |= CONFIG_GIVEN;
	value = malloc(sizeof(*value) + len + 1);
	if (!value)
		return -1;
	value->line = (unsigned int)section->line;
	memcpy(value->text, text, len + 1);
	*(void **)result = value;
	return 0;
}

#define KEY(name) CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, syntax_on_value, free)
#define KEY_LIST(name) CFG_PTR_LIST_CB(name, NULL, CFGF_NODEFAULT, syntax_on_value, free)

#define SECTION_NAMED(name, keys)                                                                  \
	CFG_SEC(name, keys, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)

/*
 * Every key is text here: libconfuse would read 010 as eight, and has no line for it.
 * cfg_init() copies what it is given.
 */
static cfg_t *syntax_new(bool included)
{
	cfg_opt_t line[] = {
		KEY("function"),
		KEY("port"),
		KEY_LIST("remote"),
		KEY("level"),
		KEY_LIST("host-names"),
		KEY_LIST("sip-domains"),
		KEY("direction"),
		KEY("remote-port"),
		KEY_LIST("exceptions"),
		KEY("mode"),
		KEY("delivery"),
		KEY("resumption"),
		KEY("on-expiry"),
		KEY("namespace"),
		KEY("service-security"),
		KEY("plain-port"),
		CFG_END(),
	};
	cfg_opt_t lines[] = {
		SECTION_NAMED("line", line),
		CFG_END(),
	};
	cfg_opt_t identity[] = {
		KEY("certificate"),
		KEY("key"),
		KEY("pkcs12"),
		KEY("passphrase-file"),
		KEY("passphrase-credential"),
		CFG_END(),
	};
	cfg_opt_t pbx[] = {
		KEY("unit"),
		KEY("cgroup"),
		KEY("unmatched"),
		CFG_END(),
	};
	cfg_opt_t root[] = {
		/* without CFGF_MULTI a second one would be merged into the first */
		CFG_SEC("identity", identity, CFGF_MULTI),
		CFG_SEC("telephony-identity", identity, CFGF_MULTI),
		KEY("offer-id-chain"),
		KEY("trust-store"),
		KEY("management-interfaces"),
		KEY("telephony-endpoints"),
		SECTION_NAMED("pbx", pbx),
		SECTION_NAMED("line", line),
		KEY_LIST("include"),
		KEY("upgraded-host"),
		KEY("watch-files"),
		KEY("state-path"),
		KEY("crl"),
		KEY("expiry-warning"),
		KEY("ktls"),
		KEY("user"),
		KEY("group"),
		KEY("workers"),
		KEY("handshake-timeout"),
		KEY("connect-timeout"),
		KEY("max-handshakes"),
		KEY("audit-log"),
		KEY("pin-path"),
		KEY("run-path"),
		KEY("cgroup"),
		CFG_END(),
	};

	return cfg_init(included ? lines : root, CFGF_NONE);
}

/*
 * Where the parser stopped: it counts in the innermost section that is open, and what
 * follows a section goes on from its count.
 */
static unsigned int syntax_last_line(cfg_t *root)
{
	int line = root->line;

	for (cfg_opt_t *opt = root->opts; opt->name; opt++) {
		for (unsigned int i = 0; opt->type == CFGT_SEC && i < cfg_opt_size(opt); i++) {
			const cfg_t *section = cfg_opt_getnsec(opt, i);

			if (section->line > line)
				line = section->line;
		}
	}
	return (unsigned int)line;
}

int config_syntax_read(const char *name, const char *text, const struct config_syntax *main,
		       struct config_syntax *syntax, struct config_error *error)
{
	cfg_t *root = syntax_new(main);
	int rc;

	if (!root)
		return -ENOMEM;
	cfg_set_error_function(root, syntax_on_error);
	reading.name = name;
	reading.main = main;
	reading.error = error;
	reading.refused = false;
	rc = cfg_parse_buf(root, text);
	reading.name = NULL;
	reading.main = NULL;
	reading.error = NULL;
	if (rc != CFG_SUCCESS) {
		/* the one mistake that libconfuse refuses without a word */
		if (!reading.refused)
			config_error_set(error, name, syntax_last_line(root),
					 "a key is empty; name the setting before '='");
		cfg_free(root);
		return -EINVAL;
	}
	*syntax = (struct config_syntax){ .name = name, .root = root, .error = error };
	return 0;
}

void config_syntax_free(struct config_syntax *syntax)
{
	if (syntax->root)
		cfg_free(syntax->root);
	syntax->root = NULL;
}

const struct config_value *config_syntax_value(cfg_t *section, const char *key)
{
	return cfg_getptr(section, key);
}

int config_syntax_refuse(const struct config_syntax *syntax, cfg_t *section, unsigned int line,
			 const char *format, ...)
{
	char place[96], text[CONFIG_ERROR_LEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	syntax_place(section, place, sizeof(place));
	if (!line && section != syntax->root)
		line = (unsigned int)section->line;
	return config_error_set(syntax->error, syntax->name, line, "%s%s", place, text);
}
