// SPDX-License-Identifier: Apache-2.0
#include "userspace/carry.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>

bool carry_is_sound(const struct carry *carry)
{
	const struct ktls_cipher *cipher = ktls_cipher_find(carry->version, carry->suite);

	return cipher && carry->record_size && carry->record_size <= KTLS_RECORD_SIZE_MAX &&
	       carry->can_rekey <= 1 && carry->is_client <= 1 &&
	       (!carry->can_rekey || carry->version == TLS1_3_VERSION);
}

void carry_wipe(struct carry *carry)
{
	OPENSSL_cleanse(carry, sizeof(*carry));
}
