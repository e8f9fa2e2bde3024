/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the peers of live sessions presented (presented.h), each once, as files of run-path/chains
 * that are named by their SHA-256: sessions may outlive the daemon, and are judged by the next one.
 * The bytes are not looked into here.
 */
#ifndef USERSPACE_CHAIN_STORE_H
#define USERSPACE_CHAIN_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "userspace/presented.h"

/* The folder, made where it is missing; a descriptor. -EPERM: others can write it; -errno. */
int chain_store_open(const char *run_path);

/* The name of bytes. -ENOMEM. */
int chain_store_hash(const struct presented *presented, uint8_t out[LW_CHAIN_LEN]);

/*
 * Keeps bytes under their name; those that are there already are there. -ENOSPC: the file system has
 * a quarter of it free, or 64 MiB, or less: others live there, too, and a peer chooses what it
 * presents. -errno.
 */
int chain_store_keep(int folder, const struct presented *presented,
		     const uint8_t name[LW_CHAIN_LEN]);

/*
 * A descriptor of a file, at its beginning, whose bytes are those of its name. -ENOENT;
 * -EBADMSG: they are others, or somebody else could have written them; -errno.
 */
int chain_store_get(int folder, const uint8_t name[LW_CHAIN_LEN]);

void chain_store_drop(int folder, const uint8_t name[LW_CHAIN_LEN]);

/* Removes every file for whose name wanted does not say true. */
void chain_store_sweep(int folder, bool (*wanted)(const uint8_t name[LW_CHAIN_LEN], void *arg),
		       void *arg);

#endif
