// SPDX-License-Identifier: Apache-2.0
#include "userspace/ktls_wire.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Bytes of the whole record, as far as that can be told yet. */
static size_t record_size(const struct ktls_wire *wire)
{
	if (wire->seen < KTLS_WIRE_HEADER)
		return KTLS_WIRE_HEADER;
	return KTLS_WIRE_HEADER + (size_t)(wire->head[3] << 8 | wire->head[4]);
}

bool ktls_wire_in_record(const struct ktls_wire *wire)
{
	return wire->seen && wire->seen < record_size(wire);
}

/* Takes the rest of the header or of the body, and returns how much that was. */
static size_t pass_part(struct ktls_wire *wire, const uint8_t *bytes, size_t len)
{
	size_t n = min_size(len, record_size(wire) - wire->seen);

	if (wire->seen < KTLS_WIRE_HEAD)
		memcpy(wire->head + wire->seen, bytes, min_size(n, KTLS_WIRE_HEAD - wire->seen));
	wire->seen += n;
	return n;
}

void ktls_wire_pass(struct ktls_wire *wire, const uint8_t *bytes, size_t len)
{
	while (len) {
		/* Not at the record's end, as the last one's nonce is asked for later. */
		if (!ktls_wire_in_record(wire))
			wire->seen = 0;

		size_t n = pass_part(wire, bytes, len);

		bytes += n;
		len -= n;
		if (!ktls_wire_in_record(wire))
			wire->records++;
	}
}

int ktls_wire_nonce(const struct ktls_wire *wire, uint64_t *nonce)
{
	uint64_t be;

	if (wire->seen < KTLS_WIRE_HEAD)
		return -EPROTO;
	memcpy(&be, wire->head + KTLS_WIRE_HEADER, sizeof(be));
	*nonce = be64toh(be);
	return 0;
}
