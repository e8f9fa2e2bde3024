/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's carriers: one for each core, started again when one ends or hangs. */
#ifndef USERSPACE_CARRIER_KEEP_H
#define USERSPACE_CARRIER_KEEP_H

#include <sys/types.h>

#include "userspace/loop.h"

struct carrier_keep;

/*
 * Starts them, as uid and gid. run_path stays the caller's. -ENOMEM; -errno of mmap(). One that
 * cannot be started now is tried again.
 */
int carrier_keep_start(struct loop *loop, const char *run_path, uid_t uid, gid_t gid,
		       struct carrier_keep **out);

/* To be called every second; NULL is fine. */
void carrier_keep_round(struct carrier_keep *keep);

/* They end with their last sessions. NULL is fine. */
void carrier_keep_stop(struct carrier_keep *keep);

#endif
