/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the benchmark's two sides agree on. */
#ifndef TESTS_LINES_LOOKUP_H
#define TESTS_LINES_LOOKUP_H

#define LOOKUP_PEERS 256 /* looked up in one run */
#define LOOKUP_PORT 5061

#endif
