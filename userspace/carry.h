/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another process needs, besides the two sockets, to go on relaying a session that the kernel
 * encrypts. Plain bytes, with secrets among them: it is cleansed by all who have had it.
 */
#ifndef USERSPACE_CARRY_H
#define USERSPACE_CARRY_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/ktls_capture.h"
#include "userspace/ktls_cipher.h"

struct carry {
	uint16_t version, suite; /* as of struct ktls_cipher */
	uint16_t record_size; /* as of struct stream, and so the others that it has, too */
	uint8_t can_rekey; /* 0 or 1: the traffic secrets are in here */
	uint8_t is_client; /* 0 or 1: this side was, and may be sent tickets */
	uint64_t records, records_max;
	uint64_t bytes_in, bytes_out; /* that were relayed so far */
	uint8_t tx[KTLS_SECRET_MAX], rx[KTLS_SECRET_MAX];
};

/* Whether it is one: whatever a worker says is checked, also by main, which passes it on. */
bool carry_is_sound(const struct carry *carry);

/* Fit for _cleanup_(). */
void carry_wipe(struct carry *carry);

#endif
