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
#include "userspace/endpoint.h"
#include "userspace/function.h"
#include "userspace/identity.h"
#include "userspace/trust_report.h"

/* A range of remote addresses. The bits after the length are zero. */
struct config_prefix {
	int family; /* AF_INET or AF_INET6 */
	uint8_t addr[16]; /* network order, IPv4 as v4-mapped */
	unsigned int length; /* bits of addr: 96 to 128 for IPv4, 0 to 128 for IPv6 */
	const char *file; /* where it stands: one of the configuration's */
	unsigned int at; /* the line of that file */
};

/* what a verdict does */
enum config_mode {
	CONFIG_ENFORCE,
	CONFIG_OBSERVE, /* a refusal is recorded, and the connection goes on */
};

/* the weakest cipher suites that a line negotiates; zero is the strictest */
enum config_ciphers {
	CONFIG_CIPHERS_HIGH, /* 256-bit keys, forward secrecy */
	CONFIG_CIPHERS_MEDIUM, /* 128-bit keys or more, forward secrecy */
	CONFIG_CIPHERS_LOW, /* in TLS 1.2 also without forward secrecy */
	CONFIG_CIPHERS_COUNT,
};

/* "Service Security Level" of an admin service */
enum config_security {
	CONFIG_SECURITY_DISABLED, /* both ports are closed */
	CONFIG_SECURITY_UNSECURE_ONLY, /* the secure port is closed */
	CONFIG_SECURITY_UNSECURE_SECURE, /* both are open */
	CONFIG_SECURITY_SECURE_LOW, /* these close the plain port */
	CONFIG_SECURITY_SECURE_MEDIUM,
	CONFIG_SECURITY_SECURE_HIGH, /* and a certificate is required */
	CONFIG_SECURITY_COUNT,
};

/* What becomes of a session whose certificates run out. */
enum config_on_expiry {
	CONFIG_EXPIRY_END,
	CONFIG_EXPIRY_RECORD, /* it is recorded, and goes on */
};

/* How a verified connection reaches the app. An outbound line has one of the last two. */
enum config_delivery {
	CONFIG_DELIVERY_AUTO, /* adopted where the app was started by `linewarden exec`, else relayed */
	/* the app's own accept() returns it, or it is refused; outbound: its connect() returns with
	 * it where it can, else it is relayed */
	CONFIG_DELIVERY_ADOPT,
	CONFIG_DELIVERY_RELAY, /* the daemon connects to the app and moves the bytes */
};

/*
 * Where and how one kind of peer is met, in one direction: a section whose direction is
 * "both" makes two of these, the inbound one first.
 */
struct config_line {
	char name[LW_NAME_LEN];
	enum function function;
	enum direction direction;
	uint32_t netns; /* index of config.namespaces */
	uint16_t port; /* inbound: of this host; outbound: of the peer */
	struct config_prefix *prefixes; /* at least one; no other line has the same on this port */
	size_t prefix_count;
	struct rule rule; /* valid for the policy; its names belong to the line */
	enum config_mode mode;
	enum config_delivery delivery;
	enum config_on_expiry on_expiry;
	enum config_ciphers ciphers;
	bool resumption; /* TLS sessions are resumed */
	char *server_name; /* outbound: sent as SNI (RFC 6066 section 3); NULL: none */
	const struct identity *identity; /* that it shows: one of the configuration's */
	bool own_level; /* its section gives the level, no setting */
	enum config_security security; /* of an admin line */
	uint16_t plain_port; /* of an admin line: the same service without TLS; 0: none */
	const char *file; /* where its section is: one of the configuration's */
	unsigned int at; /* the line of that file where it ends */
};

/* A network namespace in which lines are. */
struct config_namespace {
	char *name; /* as the lines give it; "" is the daemon's own */
	char *path; /* to open and enter it by; NULL for the daemon's own */
};

/* A port that a secure-only service keeps closed. */
struct config_closed_port {
	uint32_t netns;
	uint16_t port;
};

#define CONFIG_PBX_MAX 64

/* The processes of a PBX, whose connect() to a line's address is intercepted. */
struct config_pbx {
	char *name;
	char *cgroup; /* absolute path below the cgroup2 mount, as in "/system.slice/a.service" */
	bool block_unmatched; /* what is no line's, and not on loopback, fails */
};

enum config_ktls {
	CONFIG_KTLS_REQUIRE, /* a session that the kernel cannot take is refused */
	CONFIG_KTLS_PREFER, /* user space encrypts it instead */
};

struct config {
	struct config_line *lines; /* at least one, in the order of the files */
	size_t line_count;
	uint32_t generation; /* config_generation() */
	const struct config_line **by_name; /* the lines, in the order of name and direction */
	uint32_t first_line; /* what the kernel calls lines[0]; 0: it has none of them */
	struct config_line *closed_lines; /* admin services whose secure port is closed: not served */
	size_t closed_line_count;
	char **files; /* the configuration's own name, then those of what it includes */
	size_t file_count;
	char **sources; /* the other files and folders that it was made of */
	size_t source_count;
	bool watch_files; /* it is loaded anew when one of them changes */
	struct config_namespace *namespaces; /* the first is the daemon's own; at least that one */
	size_t namespace_count; /* at most LW_NAMESPACES_MAX */
	struct config_closed_port *closed_ports;
	size_t closed_port_count;
	struct config_pbx *pbxs; /* needed where a line is outbound */
	size_t pbx_count;
	enum level settings[FUNCTION_SETTING_COUNT]; /* LEVEL_UNSET: not given */
	bool upgraded_host; /* upgrade_apply() has something to do */
	char *state_path;
	bool offer_id_chain; /* the chains of the identities are completed from the store */
	struct identity identity;
	struct identity telephony; /* certificate is NULL: lines of telephony show the other one */
	struct store *trust; /* empty only where no line's level looks at it */
	struct trust_report trust_report; /* what was found as the store was read */
	char **warnings; /* what is no mistake, and should be known; each names its place */
	size_t warning_count;
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
	unsigned int connect_timeout; /* ms that a non-blocking connect() is held at most */
	unsigned int max_handshakes; /* half-open ones, per worker */
	char *audit_log;
	char *pin_path;
	char *run_path;
	char *cgroup; /* "": the root of the cgroup2 hierarchy */
};

/*
 * config_generation - a number for what the lines' numbers stand for: where two configurations have
 * the same one, a line of the one is what the line of that number is in the other
 */
uint32_t config_generation(const struct config *config);

/* config_source_add - notes a file or folder that the configuration is made of. 0 or -ENOMEM. */
int config_source_add(struct config *config, const char *path);

/* config_lookup_build - makes by_name, when all lines are there. 0 or -ENOMEM. */
int config_lookup_build(struct config *config);

/**
 * config_namespace_align - numbers the namespaces as another configuration does
 * @config: has the same namespaces as @as, in any order
 *
 * Returns 0, or -EXDEV where they are not the same.
 */
int config_namespace_align(struct config *config, const struct config *as);

/* config_line_of - the line that the kernel calls by a number; NULL: none of this configuration */
const struct config_line *config_line_of(const struct config *config, uint32_t number);

/* config_line_number - what the kernel calls a line of the configuration */
uint32_t config_line_number(const struct config *config, const struct config_line *line);

/**
 * config_line_find - the line that claims a connection; NULL: none
 * @netns: index of its namespace
 * @port: inbound: of this host; outbound: of the peer
 *
 * The longest range that has the peer wins, as in bpf/line.bpf.h.
 */
const struct config_line *config_line_find(const struct config *config, uint32_t netns,
					   enum direction direction, uint16_t port,
					   const struct endpoint *peer);

/* config_line_named - the line of that name and direction; NULL: there is none */
const struct config_line *config_line_named(const struct config *config, const char *name,
					    enum direction direction);

/**
 * config_line_like - the line of that name, direction and namespace in another configuration
 *
 * The indices of namespaces mean the same in both: config_namespace_align(). NULL: there is none.
 */
const struct config_line *config_line_like(const struct config *config,
					   const struct config_line *line);

/* config_on_expiry_name - as a configuration has it: "end", "record" */
const char *config_on_expiry_name(enum config_on_expiry on_expiry);

/* config_delivery_name - as a configuration has it: "auto", "adopt", "relay" */
const char *config_delivery_name(enum config_delivery delivery);

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
