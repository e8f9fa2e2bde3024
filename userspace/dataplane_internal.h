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
	/* the steering of the other namespaces, by number: each has its own copy of the program */
	struct linewarden *steers[LW_NAMESPACES_MAX];
	uint32_t bank; /* of the numbers of namespaces: 0, or LW_NAMESPACES_MAX */
	bool writing; /* dataplane_begin(), and not dataplane_switch() yet */
	uint64_t cookies[LW_NAMESPACES_MAX]; /* of the namespaces of the configuration */
	char *path;
	int lock; /* the pin folder, flocked */
	int cgroup;
	int tags_readonly, targets_readonly;
	int cpus;
};

/* The number that a namespace of the configuration has in the kernel. */
static inline uint32_t dataplane_number(const struct dataplane *dataplane, uint32_t netns)
{
	return dataplane->bank + netns;
}

/* Of two: the half that dataplane->bank is not. */
static inline uint32_t dataplane_other_bank(const struct dataplane *dataplane)
{
	return dataplane->bank ? 0 : LW_NAMESPACES_MAX;
}

/* The number that it goes by now: while lines are written beside, that of the lines before. */
static inline uint32_t dataplane_number_in_force(const struct dataplane *dataplane, uint32_t netns)
{
	return (dataplane->writing ? dataplane_other_bank(dataplane) : dataplane->bank) + netns;
}

/*
 * Deletes what a map has of either half of the numbers; each key begins with a namespace's, at
 * offset. ours: of this daemon's half.
 */
void dataplane_prune_bank(const struct dataplane *dataplane, int map, size_t key_size,
			  size_t offset, bool ours);

/* Deletes every key of a map for which keep (NULL: for none) does not say true. */
void dataplane_prune(int map, size_t key_size, bool (*keep)(const void *key, const void *arg),
		     const void *arg);

/* Opens another copy of the programs on the same maps, to load some of them. */
int dataplane_open_copy(struct dataplane *dataplane, struct linewarden **out);

/* Opens the folder and locks it. The descriptor; -EBUSY, -errno. */
int dataplane_lock(const char *path);

#endif
