/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of dataplane.h alone. */
#ifndef USERSPACE_DATAPLANE_INTERNAL_H
#define USERSPACE_DATAPLANE_INTERNAL_H

#include "bpf/linewarden.skel.h"
#include "userspace/dataplane.h"

#define DATAPLANE_PATH_MAX 512 /* of a pin, with its NUL */
#define DATAPLANE_PIN_MAX 64 /* of its name */

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

#endif
