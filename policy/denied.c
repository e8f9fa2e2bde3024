// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "policy/denied.h"
#include "policy/evidence.h"
#include "policy/facts.h"

static int denied_compare(const void *a, const void *b)
{
	return memcmp(a, b, DENIED_SHA256);
}

bool denied_has(const struct denied *denied, const uint8_t sha256[DENIED_SHA256])
{
	return denied && denied->count &&
	       bsearch(sha256, denied->sha256, denied->count, DENIED_SHA256, denied_compare);
}

static void denied_note(const struct denied *denied, const uint8_t sha256[DENIED_SHA256],
			struct facts *out)
{
	if (out->denied || !denied_has(denied, sha256))
		return;
	out->denied = true;
	memcpy(out->denied_sha256, sha256, DENIED_SHA256);
}

void denied_look(const struct evidence *evidence, struct facts *out)
{
	const struct denied *denied = evidence->denied;
	uint8_t sha256[DENIED_SHA256];

	out->denied_known = denied && denied->count;
	out->denied = false;
	if (!out->denied_known)
		return;
	denied_note(denied, out->leaf.sha256, out);
	for (int i = 0; i < sk_X509_num(evidence->untrusted) && !out->denied; i++) {
		memset(sha256, 0, sizeof(sha256));
		if (X509_digest(sk_X509_value(evidence->untrusted, i), EVP_sha256(), sha256,
				NULL) != 1)
			out->denied = true;
		denied_note(denied, sha256, out);
	}
	for (unsigned int i = 0; i < out->path.length && out->path.state == PATH_TRUSTED; i++)
		denied_note(denied, out->path.sha256[i], out);
}
