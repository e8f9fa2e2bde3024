/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps that the programs share. They are weak, so that every object may carry
 * them and the linker keeps one of each. Every map is pinned by its name.
 */
#ifndef BPF_MAPS_BPF_H
#define BPF_MAPS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"

/* One entry: the LW_ABI_VERSION that wrote the pinned maps. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} abi_version __weak SEC(".maps");

/* cookie of a network namespace -> its number; one that is not here is not governed */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LW_NETNS_NUMBERS);
	__type(key, __u64);
	__type(value, __u32);
} namespaces __weak SEC(".maps");

/* index of a namespace -> its number: for the program that cannot ask where it runs */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LW_NAMESPACES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} steering __weak SEC(".maps");

/* what to do with the SYNs of a port */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * LW_PORTS_MAX); /* those of the daemon before are still there */
	__type(key, struct port_key);
	__type(value, struct port_rule);
} ports __weak SEC(".maps");

/* The agent's listening sockets. An entry goes with its socket: the agent dead, it is
 * empty. Established kTLS sockets never go into a sockmap. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2 * LW_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} listeners __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 * LW_NETNS_NUMBERS); /* two families, two directions */
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lengths_key);
	__type(value, struct lengths);
} line_lengths __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * LW_LINES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct line_key);
	__type(value, struct line_match);
} line_prefixes __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LW_LINE_NUMBERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct line);
} lines __weak SEC(".maps");

/* BPF_F_CLONE: a child inherits its listener's tag before its first packet. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct tag);
} tags __weak SEC(".maps");

/* An entry lives from before the agent's connect() until the app's side is there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LW_SESSIONS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct relay_key);
	__type(value, struct origin);
} relays __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct origin);
} origins __weak SEC(".maps");

/* number of a namespace -> where its intercepted connections are sent */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LW_NETNS_NUMBERS);
	__type(key, __u32);
	__type(value, struct outlet);
} outlets __weak SEC(".maps");

/* On the app's socket: what getpeername() and getsockname() show it. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct destination);
} destinations __weak SEC(".maps");

/* Between the two ends of an intercepted connection, from the app's SYN to the agent's end. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LW_SESSIONS_MAX);
	__type(key, struct relay_key);
	__type(value, struct destination);
} departures __weak SEC(".maps");

/* On the agent's end: the same, which the agent reads by its descriptor. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct destination);
} targets __weak SEC(".maps");

/* cookie -> session: a mirror for the operator, since an sk_storage map dumps as [] */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LW_SESSIONS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct session);
} sessions __weak SEC(".maps");

/* struct ending; what finds no room is not recorded where an app had it, and gone all the same */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LW_ENDINGS_BYTES);
} endings __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LW_LINES_MAX * 4);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct verdict_key);
	__type(value, __u64);
} verdicts __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, LW_LINE_NUMBERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct line_counters);
} line_counters __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 2 * LW_PORTS_MAX);
	__type(key, struct port_key);
	__type(value, struct port_counters);
} port_counters __weak SEC(".maps");

#endif
