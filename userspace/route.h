/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's choice of a way to a peer. */
#ifndef USERSPACE_ROUTE_H
#define USERSPACE_ROUTE_H

#include "userspace/endpoint.h"

/*
 * The address that a connection to a peer would come from, in the caller's network
 * namespace. Nothing is sent. The port is 0. -ENETUNREACH and what else connect() says.
 */
int route_source(const struct endpoint *to, struct endpoint *source);

#endif
