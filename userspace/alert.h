/* SPDX-License-Identifier: Apache-2.0 */
/* TLS alerts by the names of RFC 8446 section 6. */
#ifndef USERSPACE_ALERT_H
#define USERSPACE_ALERT_H

#include <stdint.h>

/* "certificate_expired"; "unknown_alert" for one that is not in the registry's list here. */
const char *alert_name(uint8_t description);

#endif
