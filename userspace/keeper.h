/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: holds what a wrapped app's accept() depends on, and sees to it that each has an
 * adopter that works. A filter without a supervisor gives ENOSYS for every accept(); that the
 * descriptor is here as well is what makes an adopter's end harmless.
 */
#ifndef USERSPACE_KEEPER_H
#define USERSPACE_KEEPER_H

#include <sys/types.h>

/*
 * Runs until SIGTERM: 0, or -errno. group: who may wrap apps besides root. The apps that are
 * wrapped then are kept by their adopters, which live as long as they do.
 */
int keeper_run(const char *run_path, gid_t group);

#endif
