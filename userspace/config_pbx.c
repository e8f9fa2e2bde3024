// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_pbx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/config_value.h"

#define PBX_UNIT_MAX 255 /* a unit's name, and a folder's */
#define PBX_UNIT_CHARACTERS                                                                        \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.@"
#define PBX_MOUNT "/sys/fs/cgroup"

static bool pbx_unit_is_valid(const char *unit)
{
	const char *dot = strrchr(unit, '.');

	return dot && dot > unit && strcmp(dot, ".service") == 0 && *unit != '@' &&
	       strlen(unit) <= PBX_UNIT_MAX && !unit[strspn(unit, PBX_UNIT_CHARACTERS)];
}

/*
 * systemd.unit(5), systemd.slice(5): services are in system.slice, those of a template in a
 * slice of the template's own below it. A "-" of its name would nest slices: it is escaped.
 */
static char *pbx_unit_cgroup(const char *unit)
{
	size_t name = strcspn(unit, "@");
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	if (!f)
		return NULL;
	fputs("/system.slice/", f);
	if (unit[name]) {
		fputs("system-", f);
		for (size_t i = 0; i < name; i++)
			fprintf(f, unit[i] == '-' ? "\\x2d" : "%c", unit[i]);
		fputs(".slice/", f);
	}
	fputs(unit, f);
	if (fclose(f) == 0)
		return out;
	free(out);
	return NULL;
}

/* A path without "." and "..", which is neither the root nor one of the mounted tree. */
static bool pbx_cgroup_is_valid(const char *path)
{
	bool named = false;

	if (*path != '/')
		return false;
	while (*path) {
		size_t len = strcspn(++path, "/");

		if ((len == 1 && path[0] == '.') || (len == 2 && strncmp(path, "..", 2) == 0))
			return false;
		/* a slash at the end names nothing, two in a row neither */
		if (!len && (path[len] || !named))
			return false;
		named |= len > 0;
		path += len;
	}
	return named;
}

static int pbx_read_cgroup(const struct config_syntax *syntax, cfg_t *section,
			   const struct config_value *value, struct config_pbx *pbx)
{
	size_t mount = strlen(PBX_MOUNT);
	size_t len = strlen(value->text);

	if (strncmp(value->text, PBX_MOUNT "/", mount + 1) == 0)
		return config_syntax_refuse(syntax, section, value->line,
					    "cgroup '%s' is counted from " PBX_MOUNT
					    "; write cgroup = \"%s\"",
					    value->text, value->text + mount);
	if (!pbx_cgroup_is_valid(value->text))
		return config_syntax_refuse(syntax, section, value->line,
					    "cgroup '%s' is no control group below the root; write "
					    "one like \"/system.slice/asterisk.service\"",
					    value->text);
	pbx->cgroup = strndup(value->text, value->text[len - 1] == '/' ? len - 1 : len);
	return pbx->cgroup ? 0 : -ENOMEM;
}

static int pbx_read_unit(const struct config_syntax *syntax, cfg_t *section,
			 const struct config_value *value, struct config_pbx *pbx)
{
	if (!pbx_unit_is_valid(value->text))
		return config_syntax_refuse(syntax, section, value->line,
					    "unit '%s' is no service of systemd; write one like "
					    "\"asterisk.service\"",
					    value->text);
	pbx->cgroup = pbx_unit_cgroup(value->text);
	return pbx->cgroup ? 0 : -ENOMEM;
}

static int pbx_read_place(const struct config_syntax *syntax, cfg_t *section,
			  struct config *config, struct config_pbx *pbx)
{
	const struct config_value *unit = config_syntax_value(section, "unit");
	const struct config_value *cgroup = config_syntax_value(section, "cgroup");
	int rc;

	if (!unit && !cgroup)
		return config_syntax_refuse(syntax, section, 0,
					    "unit is missing; write unit = \"asterisk.service\", "
					    "or the control group of its processes as cgroup = "
					    "\"/path\"");
	if (unit && cgroup)
		return config_syntax_refuse(syntax, section,
					    unit->line > cgroup->line ? unit->line : cgroup->line,
					    "unit and cgroup both say where the processes are; "
					    "keep one of them");
	rc = unit ? pbx_read_unit(syntax, section, unit, pbx) :
		    pbx_read_cgroup(syntax, section, cgroup, pbx);
	if (rc < 0)
		return rc;
	for (const struct config_pbx *other = config->pbxs; other < pbx; other++) {
		if (strcmp(other->cgroup, pbx->cgroup) == 0)
			return config_syntax_refuse(syntax, section,
						    unit ? unit->line : cgroup->line,
						    "its processes are those of pbx '%s' already; "
						    "keep one of them",
						    other->name);
	}
	return 0;
}

static int pbx_read_one(const struct config_syntax *syntax, cfg_t *section, struct config *config,
			struct config_pbx *pbx)
{
	static const char *const words[] = { "pass", "block", NULL };
	unsigned int unmatched = 0;
	int rc;

	if (!*cfg_title(section))
		return config_syntax_refuse(syntax, section, 0,
					    "its name is empty; write pbx \"pbx\" {");
	pbx->name = strdup(cfg_title(section));
	if (!pbx->name)
		return -ENOMEM;
	rc = pbx_read_place(syntax, section, config, pbx);
	if (rc == 0)
		rc = config_value_choice(syntax, section, "unmatched", words, &unmatched);
	pbx->block_unmatched = unmatched;
	return rc;
}

int config_pbx_read(const struct config_syntax *syntax, struct config *config)
{
	size_t count = cfg_size(syntax->root, "pbx");

	if (!count)
		return 0;
	config->pbxs = calloc(count, sizeof(*config->pbxs));
	if (!config->pbxs)
		return -ENOMEM;
	config->pbx_count = count;
	for (size_t i = 0; i < count; i++) {
		int rc = pbx_read_one(syntax, cfg_getnsec(syntax->root, "pbx", (unsigned int)i),
				      config, &config->pbxs[i]);

		if (rc < 0)
			return rc;
	}
	return 0;
}

void config_pbx_free(struct config *config)
{
	for (size_t i = 0; i < config->pbx_count; i++) {
		free(config->pbxs[i].name);
		free(config->pbxs[i].cgroup);
	}
	free(config->pbxs);
}
