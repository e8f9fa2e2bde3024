/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main process's side of adoption: which apps are wrapped and where they listen, the verified
 * clients that are on their way to them, and the ends of the sessions that they have.
 */
#ifndef USERSPACE_ADOPTION_H
#define USERSPACE_ADOPTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "userspace/endpoint.h"

struct adoption;
struct agent;
struct given;

/* Listens for adopters at run-path/adopt. -errno. */
int adoption_start(struct agent *agent, struct adoption **out);

/* Lets go of all: what adopters have is theirs. NULL is fine. */
void adoption_stop(struct adoption *adoption);

/*
 * The ports are written anew: says of each whether an app listens there for both families. Before
 * they are put in force.
 */
void adoption_map_ports(const struct adoption *adoption);

/* The configuration is another one: adopters hear how long a connect() is held now. */
void adoption_tell_connects(struct adoption *adoption);

/* Whether a wrapped app listens at that address of a namespace (its number in the configuration). */
bool adoption_has(const struct adoption *adoption, uint32_t netns, const struct endpoint *local);

/* Whether as many wait for that app already as may: it does not come to take them. */
bool adoption_is_full(const struct adoption *adoption, uint32_t netns,
		      const struct endpoint *local);

/*
 * Takes hold of the socket of a worker's client, which stays the caller's, too: all that may fail,
 * before the gate is opened. -ENOMEM; -errno of dup(). The app is given it when its worker says
 * that it has let go of it, or has not for ten seconds.
 */
int adoption_hold(struct adoption *adoption, uint32_t worker, uint32_t netns,
		  const struct endpoint *local, uint64_t cookie, int client, struct given **out);

/* It is not to be given: the gate stays shut. NULL is fine. */
void adoption_drop(struct given *client);

/*
 * That worker has let go of the client (cookie 0: has ended, and so of all that it had). Gives it,
 * verified, to the app that listens where it dialled, now or within two seconds; else it is reset,
 * and its session ended. One that is not held for that worker is nobody's.
 */
void adoption_let_go(struct adoption *adoption, uint32_t worker, uint64_t cookie);

struct wrapped;

/*
 * To the adopter of a wrapped app, about a call of its connect(): a verified socket, which stays the
 * caller's; or -1, and -errno of the call, or 0 where it is to go on as it would without us. One
 * that cannot be told is lost.
 */
void adoption_answer(struct wrapped *app, uint64_t call, int socket, int error);

/* The wrapped apps; a new reference, NULL when out of memory. */
json_t *adoption_to_json(const struct adoption *adoption);

#endif
