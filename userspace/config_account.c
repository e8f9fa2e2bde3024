// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "userspace/config_value.h"

#define ACCOUNT_WORKERS "linewarden-worker"
#define ACCOUNT_CONTROL "linewarden"
#define ACCOUNT_NAME_MAX 32 /* what useradd(8) allows */

/* 0 where the default is in use, which no line shows. */
static unsigned int account_line(const struct config_syntax *syntax, const char *key)
{
	const struct config_value *value = config_syntax_value(syntax->root, key);

	return value ? value->line : 0;
}

static int account_read_user(const struct config_syntax *syntax, struct config *config)
{
	const struct passwd *user;
	int rc = config_value_text(syntax, syntax->root, "user", ACCOUNT_WORKERS, ACCOUNT_NAME_MAX,
				   &config->user);

	if (rc < 0)
		return rc;
	user = getpwnam(config->user);
	if (!user)
		return config_syntax_refuse(syntax, syntax->root, account_line(syntax, "user"),
					    "user '%s' does not exist; create it, as "
					    "systemd-sysusers does, or name another",
					    config->user);
	if (user->pw_uid == 0 || user->pw_gid == 0)
		return config_syntax_refuse(syntax, syntax->root, account_line(syntax, "user"),
					    "user '%s' has root's rights; the workers need an "
					    "account without any",
					    config->user);
	config->uid = user->pw_uid;
	config->gid = user->pw_gid;
	return 0;
}

static int account_read_group(const struct config_syntax *syntax, struct config *config)
{
	const struct group *group;
	int rc = config_value_text(syntax, syntax->root, "group", ACCOUNT_CONTROL, ACCOUNT_NAME_MAX,
				   &config->group);

	if (rc < 0)
		return rc;
	group = getgrnam(config->group);
	if (!group)
		return config_syntax_refuse(syntax, syntax->root, account_line(syntax, "group"),
					    "group '%s' does not exist; create it, as "
					    "systemd-sysusers does, or name another",
					    config->group);
	/* what meets hostile peers must not command the daemon */
	if (group->gr_gid == config->gid)
		return config_syntax_refuse(syntax, syntax->root, account_line(syntax, "group"),
					    "group '%s' is the own group of user '%s', and the "
					    "workers would reach the control socket; name another",
					    config->group, config->user);
	config->control_gid = group->gr_gid;
	return 0;
}

int config_account_read(const struct config_syntax *syntax, struct config *config)
{
	int rc = account_read_user(syntax, config);

	return rc < 0 ? rc : account_read_group(syntax, config);
}
