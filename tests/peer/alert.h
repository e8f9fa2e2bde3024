/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PEER_ALERT_H
#define TESTS_PEER_ALERT_H

/* alert_name - the name that RFC 8446 section 6 (or RFC 5246) gives an alert; "unknown" */
const char *alert_name(int description);

#endif
