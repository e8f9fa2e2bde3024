/* SPDX-License-Identifier: Apache-2.0 */
/* Whom `linewarden exec --user` becomes: looked up early, for that may ask other services. */
#ifndef TOOLS_EXEC_USER_H
#define TOOLS_EXEC_USER_H

#include <sys/types.h>

enum { EXEC_USER_GROUPS_MAX = 256 };

struct exec_user {
	const char *name;
	char home[256];
	uid_t uid;
	gid_t gid;
	gid_t groups[EXEC_USER_GROUPS_MAX];
	int group_count;
};

/*
 * The user of this name with its groups. -ENOENT: there is none; -EINVAL: it is root;
 * -E2BIG: more groups than there is room for; -ENAMETOOLONG: of its home.
 */
int exec_user_find(const char *name, struct exec_user *user);

/*
 * Becomes this user for good, without capabilities, and says so in HOME, USER and LOGNAME.
 * -errno; -EPERM too where the kernel says yes and it is not so.
 */
int exec_user_become(const struct exec_user *user);

#endif
