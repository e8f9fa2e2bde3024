/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: holds what a wrapped app's accept() depends on, and sees to it that each has an
 * adopter that works. A filter without a supervisor gives ENOSYS for every accept(); that the
 * descriptor is here as well is what makes an adopter's end harmless.
 */
#ifndef USERSPACE_KEEPER_H
#define USERSPACE_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

struct keeper_setup {
	const char *run_path;
	gid_t group; /* who may wrap apps besides root */
	bool carries; /* there are carriers, as: */
	uid_t carrier_uid;
	gid_t carrier_gid;
};

/*
 * Runs until SIGTERM: 0, or -errno. The apps that are wrapped then are kept by their adopters,
 * which live as long as they do, and the carriers have their sessions until these end.
 */
int keeper_run(const struct keeper_setup *setup);

#endif
