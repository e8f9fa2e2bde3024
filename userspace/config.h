/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's configuration: linewarden.conf(5), with every file that it names
 * already read and checked. It does not change after it was loaded. A reload loads
 * another one beside it and swaps the two, so that a mistake leaves the running one
 * whole.
 */
#ifndef USERSPACE_CONFIG_H
#define USERSPACE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "bpf/abi.h"
#include "policy/rule.h"
#include "policy/store.h"
#include "userspace/config_error.h"
#include "userspace/function.h"
#include "userspace/identity.h"
#include "userspace/trust_report.h"

/* A range of remote addresses. The bits after the length are zero. */
struct config_prefix {
	int family; /* AF_INET or AF_INET6 */
	uint8_t addr[16]; /* network order, IPv4 as v4-mapped */
	unsigned int length; /* bits of addr: 96 to 128 for IPv4, 0 to 128 for IPv6 */
	unsigned int at; /* where it stands: the line of the file */
};

struct config_line {
	char name[LW_NAME_LEN];
	enum function function;
	uint16_t port;
	struct config_prefix *prefixes; /* at least one; no other line has the same on this port */
	size_t prefix_count;
	struct rule rule; /* valid for the policy; its names belong to the line */
};

enum config_ktls {
	CONFIG_KTLS_REQUIRE, /* a session that the kernel cannot take is refused */
	CONFIG_KTLS_PREFER, /* user space encrypts it instead */
};

struct config {
	struct config_line *lines; /* at least one, in the file's order */
	size_t line_count;
	struct identity identity;
	struct store *trust; /* empty only where no line's level looks at it */
	struct trust_report trust_report; /* what was found as the store was read */
	enum rule_crl crl; /* every line's rule has it */
	unsigned int expiry_warning; /* days before a certificate's end */
	enum config_ktls ktls;
	char *user; /* the workers' account; never root */
	uid_t uid;
	gid_t gid; /* that account's own group */
	char *group; /* who may use the control socket besides root */
	gid_t control_gid;
	unsigned int workers; /* 0: one per core */
	unsigned int handshake_timeout; /* seconds */
	unsigned int max_handshakes; /* half-open ones, per worker */
	char *audit_log;
	char *pin_path;
	char *run_path;
	char *cgroup; /* "": the root of the cgroup2 hierarchy */
};

/**
 * config_load - reads a configuration file, and the files that it names
 * @path: the file; it stands in the messages as it is given here
 * @now: seconds since the epoch, for the dates of certificates
 * @generation: which load this is; the trust store keeps it
 * @out: set on success alone; free it with config_free()
 * @error: on failure one line to show the operator; never NULL
 *
 * The whole is accepted or refused. Not for two threads at once: libconfuse's scanner
 * is global.
 *
 * Returns 0, -EINVAL for a mistake in the configuration or in a file that it names,
 * -ENOMEM, or what reading @path failed with.
 */
int config_load(const char *path, time_t now, uint64_t generation, struct config **out,
		struct config_error *error);

/**
 * config_parse - the same from memory; config_load() comes through here
 * @name: stands for the file in messages
 * @buf: @len bytes, which need no terminator and may hold anything
 */
int config_parse(const char *name, const char *buf, size_t len, time_t now, uint64_t generation,
		 struct config **out, struct config_error *error);

/**
 * config_trust_path - reads of a configuration file where its trust store is, and no more
 * @path: the file; what it says otherwise is not looked at, but has to be well-formed
 * @trust: set on success alone, to be freed; NULL where the file names no trust store
 * @error: as for config_load()
 *
 * For tools that fill the store, when the daemon would refuse it as it is.
 *
 * Returns what config_load() does.
 */
int config_trust_path(const char *path, char **trust, struct config_error *error);

/**
 * config_free - frees a configuration and the keys and certificates in it; NULL is fine
 */
void config_free(struct config *config);

#endif
