/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The BPF side: programs loaded and attached, maps and links pinned under one folder.
 * The links stay when the daemon ends, however it ends: until the next one starts,
 * governed ports answer with a RST.
 */
#ifndef USERSPACE_DATAPLANE_H
#define USERSPACE_DATAPLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "userspace/config.h"
#include "userspace/endpoint.h"
#include "userspace/handover.h"
#include "userspace/listener.h"
#include "userspace/record.h"

struct dataplane;

#define DATAPLANE_ERROR_LEN 512

/*
 * Loads the programs and takes the pinned maps over where there are any. Holds a lock on
 * the folder as long as it lives. On failure why says what to do.
 * -EBUSY: another daemon uses these pins; -ENOTDIR: not a bpffs; -EPROTO: pins of another
 * version; -errno of the kernel.
 */
int dataplane_open(const struct config *config, struct dataplane **out,
		   char why[DATAPLANE_ERROR_LEN]);

/* Forgets what was a daemon's before this one: sessions but those of apps, relays, counters. */
void dataplane_forget_before(struct dataplane *dataplane);

/*
 * Another configuration is going to be written, beside the one in force. Until dataplane_switch()
 * dataplane_abandon() takes that back; running is the one in force.
 */
void dataplane_begin(struct dataplane *dataplane);
void dataplane_abandon(struct dataplane *dataplane, const struct config *running);

/*
 * Writes the lines beside those that are in force, and tells the configuration what they are called
 * there (first_line). -ENOENT and the like: a namespace cannot be entered.
 */
int dataplane_write_lines(struct dataplane *dataplane, struct config *config);

/*
 * Puts a listening socket in charge of new connections to the port of its slot, and tags
 * it. -errno.
 */
int dataplane_set_listener(struct dataplane *dataplane, const struct listener *listener);

/* Takes one out of its slot. */
void dataplane_unset_listener(struct dataplane *dataplane, const struct listener *listener);

/*
 * Writes the ports of the listeners, which are to be steered, those that the configuration
 * closes, and the outlets that intercepted connections are to be sent to.
 */
int dataplane_write_ports(struct dataplane *dataplane, const struct listeners *listeners,
			  const struct config *config);

/*
 * Whether IPv4 connections to a port become sockets of IPv6 with v4-mapped addresses, as those of
 * a listener for both families are. -ENOENT: a port that is not governed.
 */
int dataplane_map_port(struct dataplane *dataplane, uint32_t netns, uint16_t port, bool mapped);

/*
 * Puts what was written in force, for each namespace at once: at no moment is a line of both
 * configurations claimed by none. -EEXIST: two names of one namespace.
 */
int dataplane_switch(struct dataplane *dataplane, const struct config *config);

/* Forgets what was in force before; after dataplane_switch() and, at the start, dataplane_attach(). */
void dataplane_forget_old(struct dataplane *dataplane, const struct config *config);

/* Looks up anew where outbound connections come from: a route or an address has changed. -errno. */
int dataplane_refresh_sources(struct dataplane *dataplane, const struct config *config);

/*
 * Attaches, or replaces what a daemon before this one left attached: at no moment is a
 * governed port without a program. why as for dataplane_open().
 */
int dataplane_attach(struct dataplane *dataplane, const struct config *config,
		     char why[DATAPLANE_ERROR_LEN]);

/*
 * Attaches the filter of unmatched = block to the PBX's cgroup, where that is there and does
 * not have it. true: it is in force.
 */
bool dataplane_attach_pbx(struct dataplane *dataplane, const struct config *config, size_t pbx);

/* Takes that filter from the PBXs that the configuration does not have, or not so. */
void dataplane_prune_pbx(const struct dataplane *dataplane, const struct config *config);

/* A read-only descriptor of the tags for a worker, borrowed. */
int dataplane_tags_fd(const struct dataplane *dataplane);

/* The same of where intercepted connections were to go. */
int dataplane_targets_fd(const struct dataplane *dataplane);

/* The tag of a socket. -ENOENT: it has none. */
int dataplane_tag(int tags_fd, int socket, struct tag *out);

/*
 * What an adopter looks into and writes, borrowed: namespaces, ports, relays, origins, in the order
 * of enum handover_map.
 */
void dataplane_adopter_maps(const struct dataplane *dataplane, int maps[HANDOVER_MAP_COUNT]);

/* The cookie of a namespace of the configuration; after dataplane_switch(). */
uint64_t dataplane_cookie(const struct dataplane *dataplane, uint32_t netns);

/* Which namespace of the configuration has that cookie. -ENOENT: none. */
int dataplane_netns(const struct dataplane *dataplane, const struct config *config,
		    uint64_t cookie, uint32_t *out);

/*
 * Of the sessions whose sockets apps or carriers have: each one's struct ending, in the order of the kernel,
 * also those of a time without a daemon. libbpf's, ring_buffer__free() it; NULL: -errno in errno.
 */
struct ring_buffer *dataplane_endings(const struct dataplane *dataplane,
				      int (*ended)(void *arg, void *ending, size_t size),
				      void *arg);

/* Where the app of an intercepted connection meant to go. -ENOENT: it is none. */
int dataplane_target(int targets_fd, int socket, struct destination *out);

/*
 * Tags a socket that is going to be connected for a line, as in its handshake. in_place: the app is
 * to have it itself. -errno.
 */
int dataplane_depart(struct dataplane *dataplane, int socket, uint64_t cookie,
		     const struct config *config, uint32_t number, bool in_place);

/*
 * Gives a socket in its handshake another line, that of the configuration in force; line NULL: none
 * claims it any more, and it is blocked. -EPERM in another state.
 */
int dataplane_retag(struct dataplane *dataplane, int socket, const struct config *config,
		    const struct config_line *line);

/* The same of where an intercepted connection was to go. -ENOENT: it is none. */
int dataplane_retarget(struct dataplane *dataplane, int socket, uint32_t number);

/* Opens the gate of a socket for good: handshake becomes verified. -EPERM in another state. */
int dataplane_verify(struct dataplane *dataplane, int socket);

/* The session's entry for the operator, and its end. -errno. */
int dataplane_session_add(struct dataplane *dataplane, uint64_t cookie,
			  const struct session *session);
/* -ENOENT: there is none, and somebody else has told of its end. */
int dataplane_session_remove(struct dataplane *dataplane, uint64_t cookie);

/* Changes an entry that is there. -ENOENT: it has ended, and stays so. */
int dataplane_session_update(struct dataplane *dataplane, uint64_t cookie,
			     const struct session *session);

/*
 * Closes the gate of a session for good, by its entry; in its network namespace. -ENOENT: its
 * socket is not there.
 */
int dataplane_revoke(struct dataplane *dataplane, uint64_t cookie, uint32_t scope);

/*
 * Which line of the configuration claims the address of a session's peer, as the kernel would
 * find it for a new connection; 0: none.
 */
uint32_t dataplane_claims(const struct dataplane *dataplane, uint32_t netns,
			  const struct session *session);

/* A live session. -ENOENT. */
int dataplane_session(const struct dataplane *dataplane, uint64_t cookie, struct session *out);

/* Forgets every relay entry of a worker that is gone. */
void dataplane_relays_forget(struct dataplane *dataplane, uint32_t worker);

/* Calls visit for every session; the number of them. */
unsigned int dataplane_sessions(const struct dataplane *dataplane,
				void (*visit)(uint64_t cookie, const struct session *session,
					      void *arg),
				void *arg);

/* Lets one connection of a worker, by its exact source, through to the app. -errno. */
int dataplane_relay_add(struct dataplane *dataplane, uint32_t netns,
			const struct endpoint *source, uint16_t port,
			const struct endpoint *client, uint32_t worker);

/* Whether there is still an entry: the app's side has not been there yet. */
bool dataplane_relay_has(struct dataplane *dataplane, uint32_t netns,
			 const struct endpoint *source, uint16_t port);

/* Forgets every entry of a worker with that source; one that was used is gone already. */
void dataplane_relay_remove(struct dataplane *dataplane, const struct endpoint *source,
			    uint32_t worker);

/* Counts a verdict of a line. */
void dataplane_count_verdict(struct dataplane *dataplane, const struct record *record);

/* After a switch: the counters of lines and ports that are there still go on. */
void dataplane_carry_counters(struct dataplane *dataplane, const struct config *before,
			      const struct config *now);

/* Counters summed over the CPUs; zero where nothing was counted. */
struct line_counters dataplane_line_counters(const struct dataplane *dataplane, uint32_t line);
struct port_counters dataplane_port_counters(const struct dataplane *dataplane,
					     const struct listener_port *port);
uint64_t dataplane_verdicts(const struct dataplane *dataplane, const struct config_line *line,
			    const char *reason);

/* Lets go; what is pinned stays. NULL is fine. */
void dataplane_close(struct dataplane *dataplane);

/*
 * Takes every pin below path away: governed ports are the app's own again, unprotected.
 * 0; -EBUSY: a daemon uses them; -ENOENT: there are none; -EMEDIUMTYPE: not pins of ours; -errno.
 */
int dataplane_detach(const char *path);

#endif
