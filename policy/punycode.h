/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The A-label of a label that an operator wrote with other than ASCII letters.
 */
#ifndef POLICY_PUNYCODE_H
#define POLICY_PUNYCODE_H

#include <stddef.h>

enum { PUNYCODE_LABEL_MAX = 63 };

/*
 * Encodes a UTF-8 label as "xn--" and its Punycode (RFC 3492). ASCII letters become lower
 * case; other letters are taken as they stand, since a registered U-label is lower case
 * and normalised already (RFC 5891 4.2): one that is not matches nothing.
 * The length without the end, or -EBADMSG: not UTF-8, or longer than a label may be.
 */
int punycode_label(const char *utf8, size_t len, char out[PUNYCODE_LABEL_MAX + 1]);

#endif
