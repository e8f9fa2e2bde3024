/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the BPF programs and user space agree on: the one ABI header. It compiles
 * alone under both compilers. Maps are pinned and outlive the daemon, so a change of
 * any layout here takes a new LW_ABI_VERSION.
 *
 * Addresses are 16 bytes in network order, IPv4 as v4-mapped (::ffff:a.b.c.d,
 * RFC 4291 section 2.5.5.2); ports are in host order unless the name says otherwise.
 */
#ifndef BPF_ABI_H
#define BPF_ABI_H

#include <linux/types.h>

#define LW_ABI_VERSION 4

#define LW_LINES_MAX 16384 /* lines and line prefixes */
#define LW_PORTS_MAX 256 /* governed ports, of all network namespaces */
#define LW_NAMESPACES_MAX 32 /* network namespaces */

/*
 * A namespace's number is what everything of the configuration is found by. Each start of the
 * daemon, and each reload, takes the other half of the numbers, writes all it has under them, and
 * only then gives the namespaces their new ones: at no moment is a line half there. A line's
 * number is of one of two halves, too, so that a tag tells whether it is of today's lines.
 */
#define LW_NETNS_NUMBERS (2 * LW_NAMESPACES_MAX)
#define LW_LINE_NUMBERS (2 * LW_LINES_MAX)

/* What a namespace is by, whichever half is in force: for what no reload may lose. */
#define LW_NETNS_INDEX(number) ((number) % LW_NAMESPACES_MAX)
#define LW_SESSIONS_MAX 131072
#define LW_ENDINGS_BYTES (1 << 20) /* some 3,000 sessions' ends, until the daemon reads them */
#define LW_NAME_LEN 32 /* a line's name with its NUL */
#define LW_ENDPOINT_LEN 56 /* "[" INET6_ADDRSTRLEN "]:" port with its NUL */
#define LW_FINGERPRINT_LEN 65 /* SHA-256 in hex with its NUL */
#define LW_CHAIN_LEN 32
#define LW_TLS_LEN 11 /* "TLSv1.3"; so that struct session has no padding to show */

/* FACTS: which kind of peer a connection belongs to */
enum function {
	FUNCTION_NONE,
	FUNCTION_ADMIN,
	FUNCTION_SIP_LINE,
	FUNCTION_SM_LINE,
	FUNCTION_SIP_PHONE,
	FUNCTION_IP_OFFICE_LINE,
	FUNCTION_COUNT,
};

/* A zeroed tag is blocked: every other state is an assignment that somebody made. */
enum state {
	STATE_BLOCKED, /* no payload passes in either direction */
	STATE_HANDSHAKE, /* only the agent owns the socket; the TLS handshake passes */
	STATE_VERIFIED, /* the policy's verdict was: accepted */
	STATE_REVOKED, /* was verified; no payload passes any more */
	STATE_COUNT,
};

/* The same values as the policy's enum level; user space asserts that. */
enum lw_level {
	LW_LEVEL_UNSET,
	LW_LEVEL_NONE,
	LW_LEVEL_LOW,
	LW_LEVEL_MEDIUM,
	LW_LEVEL_HIGH,
	LW_LEVEL_MEDIUM_REMOTE,
	LW_LEVEL_HIGH_REMOTE,
	LW_LEVEL_COUNT,
};

/* What happens to a SYN for a governed port. */
enum action {
	ACTION_DROP, /* answered with a RST: a plain port that is closed */
	ACTION_STEER, /* to the agent's listener */
};

/* as the host that the lines are of sees its connections */
enum direction {
	DIRECTION_INBOUND,
	DIRECTION_OUTBOUND,
};

struct port_key {
	__u32 netns; /* number of the network namespace, as in the map namespaces */
	__u16 port;
	__u16 zero;
};

struct port_rule {
	enum action action;
	__u32 slot; /* listeners: 2 * slot for IPv4, 2 * slot + 1 for IPv6 */
	enum direction direction; /* outbound: where intercepted connections go, see outlets */
	/* IPv4 to the listener of IPv6: an app that adopts listens for both families at once, and
	 * expects the sockets of such a listener */
	__u32 mapped;
};

/*
 * From (namespace, port, family, direction, range of peers) to the line. The longest range that
 * has a peer wins: a hash is asked for each length that there is, the longest first, which
 * takes as long with 10,000 lines as with ten. An LPM trie gets slower with every line.
 */
struct line_key {
	__u32 length; /* bits of addr that count, 0 to 128; the others are zero */
	__u32 netns;
	__u16 port; /* inbound: of this host; outbound: of the peer */
	__u8 ipv6; /* 0 or 1: ::/0 does not claim the v4-mapped addresses */
	__u8 direction; /* enum direction */
	__u8 addr[16];
};

#define LW_LENGTHS_MAX 129 /* 0 to 128 */

struct lengths_key {
	__u32 netns;
	__u16 ipv6;
	__u16 direction;
};

/* The lengths that the ranges of a namespace, family and direction have, the longest first. */
struct lengths {
	__u32 count;
	struct {
		__u32 length;
		__u32 mask[4]; /* as it applies to the bytes of an address */
	} entries[LW_LENGTHS_MAX];
};

struct line_match {
	__u32 line;
	__u32 generation; /* of the lines that it is one of: see struct tag */
	/* outbound: what the app's getsockname() shows, where it has bound no address itself */
	__u8 source[16];
};

/* Line 0 is no line. */
struct line {
	char name[LW_NAME_LEN];
	__u32 id;
	enum function function;
	enum lw_level level;
	__u32 port;
};

/* On the socket itself (sk_storage), inherited by the children of a listener. */
struct tag {
	__u64 cookie;
	__u32 line;
	enum function function;
	enum lw_level level;
	enum state state;
	/* inbound: under which numbers' meaning the line was found. The agent's listener may outlive
	 * it, and another configuration gives the numbers to other lines */
	__u32 generation;
	__u32 in_place; /* outbound, 1: the app's connect() is going to return with the socket itself */
};

/* The agent's own connection to the app, told apart by its exact source. */
struct relay_key {
	__u8 addr[16];
	__u32 netns; /* its index */
	__u16 sport;
	__u16 dport;
};

#define LW_WORKER_BELL 0xffff /* in an origin: it stands for nobody, and wakes an app that adopts */
#define LW_WORKER_CARRIED 0xfffffffd /* in a session: a carrier relays it */
#define LW_WORKER_NONE 0xfffffffe /* in a session: it is being ended */
#define LW_WORKER_ADOPTED 0xffffffff /* in a session: the app has the socket itself */

/* The client that a relayed connection stands for: what the app is shown. */
struct origin {
	__u8 addr[16];
	__u16 port;
	__u16 worker; /* whose connection it is: its entries go when it dies */
};

/* Where the agent listens for intercepted connections, on loopback; host order. */
struct outlet {
	__u16 port4;
	__u16 port6;
};

/* An intercepted connect(): where the app meant to go, and from where. */
struct destination {
	__u8 addr[16];
	__u8 source[16];
	__u16 port;
	__u16 source_port; /* 0 until the kernel has chosen one */
	__u32 line;
};

/* A verified connection while it lives; text where an operator reads it. */
struct session {
	char line[LW_NAME_LEN];
	enum function function;
	enum lw_level level;
	enum state state;
	enum direction direction;
	__u32 worker;
	__u32 carrier; /* pid of the process that relays it, of one that is carried; else 0 */
	__u64 netns; /* cookie of its network namespace */
	char peer[LW_ENDPOINT_LEN];
	char local[LW_ENDPOINT_LEN];
	__u64 opened; /* seconds since the epoch */
	__u64 not_after; /* the same; 0 where the peer has no certificate */
	char fingerprint[LW_FINGERPRINT_LEN]; /* SHA-256 of the peer's certificate */
	char tls[LW_TLS_LEN];
	char cipher[40];
	char ktls[4]; /* "yes" or "no" */
	char delivery[8]; /* "relay" or "adopt" */
	char reason[LW_NAME_LEN]; /* "accepted"; or the check that refuses, and the line lets it live */
	__u8 chain[LW_CHAIN_LEN]; /* SHA-256 of what the peer presented: a file's name in chains/ */
	__u64 valid_until; /* the last second at which its verdict holds; 0: no second is */
	__u8 peer_addr[16]; /* peer and local once more, for the kernel */
	__u8 local_addr[16];
	__u16 peer_port, local_port;
	__u32 scope; /* interface of a link-local IPv6 address, else 0 */
};

/* The end of a session that no worker has: from the kernel, which sees it whoever else does. */
struct ending {
	struct session session;
	__u64 cookie;
	__u64 bytes_in, bytes_out; /* of the TCP connection, with TLS around them */
};

/* Counted in the kernel, per line; line 0 holds what belongs to no line. */
struct line_counters {
	__u64 established; /* TCP connections that reached the line */
	/* connections of a governed port that no line claims; in line 0 also connect()s that
	 * a PBX with unmatched = block was refused */
	__u64 blocked;
	__u64 dropped_in; /* packets with payload that the gate dropped */
	__u64 dropped_out;
};

struct port_counters {
	__u64 steered; /* SYNs handed to the agent */
	__u64 relayed; /* the agent's own connections, passed on to the app */
	__u64 refused; /* no agent, or a closed port: answered with a RST */
};

struct verdict_key {
	char line[LW_NAME_LEN];
	char reason[LW_NAME_LEN]; /* "accepted", or the check that refused */
	enum direction direction;
};

#define LW_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " is ABI")
LW_ASSERT_SIZE(struct port_key, 8);
LW_ASSERT_SIZE(struct port_rule, 16);
LW_ASSERT_SIZE(struct line_key, 28);
LW_ASSERT_SIZE(struct lengths_key, 8);
LW_ASSERT_SIZE(struct lengths, 2584);
LW_ASSERT_SIZE(struct line_match, 24);
LW_ASSERT_SIZE(struct line, 48);
LW_ASSERT_SIZE(struct tag, 32);
LW_ASSERT_SIZE(struct relay_key, 24);
LW_ASSERT_SIZE(struct origin, 20);
LW_ASSERT_SIZE(struct outlet, 4);
LW_ASSERT_SIZE(struct destination, 40);
LW_ASSERT_SIZE(struct session, 432);
LW_ASSERT_SIZE(struct ending, 456);
LW_ASSERT_SIZE(struct line_counters, 32);
LW_ASSERT_SIZE(struct port_counters, 24);
LW_ASSERT_SIZE(struct verdict_key, 68);

#endif
