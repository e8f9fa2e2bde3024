/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of dataplane.h alone. */
#ifndef USERSPACE_DATAPLANE_INTERNAL_H
#define USERSPACE_DATAPLANE_INTERNAL_H

#include "bpf/linewarden.skel.h"
#include "userspace/dataplane.h"

struct dataplane {
	struct linewarden *skel;
	char *path;
	int lock; /* the pin folder, flocked */
	int cgroup;
	int tags_readonly;
	int cpus;
};

/* Opens the folder and locks it. The descriptor; -EBUSY, -errno. */
int dataplane_lock(const char *path);

/* Deletes every key of a map for which keep (may be NULL: none) does not say true. */
void dataplane_prune(int map, size_t key_size, bool (*keep)(const void *key, const void *arg),
		     const void *arg);

#endif
