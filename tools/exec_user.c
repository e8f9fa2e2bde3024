// SPDX-License-Identifier: Apache-2.0
#include "tools/exec_user.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int exec_user_find(const char *name, struct exec_user *user)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry)
		return -ENOENT;
	*user = (struct exec_user){
		.name = name,
		.uid = entry->pw_uid,
		.gid = entry->pw_gid,
		.group_count = EXEC_USER_GROUPS_MAX,
	};
	if ((size_t)snprintf(user->home, sizeof(user->home), "%s", entry->pw_dir) >=
	    sizeof(user->home))
		return -ENAMETOOLONG;
	if (getgrouplist(name, user->gid, user->groups, &user->group_count) < 0)
		return -E2BIG;
	return user->uid == 0 ? -EINVAL : 0;
}

/* What the kernel holds now, and whether it would give anything back. */
static bool exec_user_is(const struct exec_user *user)
{
	uid_t uids[3];
	gid_t gids[3];
	int i;

	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return false;
	for (i = 0; i < 3; i++)
		if (uids[i] != user->uid || gids[i] != user->gid)
			return false;
	return capng_get_caps_process() == 0 &&
	       capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE && setuid(0) < 0;
}

int exec_user_become(const struct exec_user *user)
{
	if (setgroups((size_t)user->group_count, user->groups) < 0 ||
	    setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	/* the inheritable ones outlive a change of user: capabilities(7) */
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) || !exec_user_is(user))
		return -EPERM;
	if (setenv("HOME", user->home, 1) < 0 || setenv("USER", user->name, 1) < 0 ||
	    setenv("LOGNAME", user->name, 1) < 0)
		return -errno;
	return 0;
}
