/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a configuration may name in the target "config": they exist in memory only. */
#ifndef TESTS_FUZZ_CONFIG_H
#define TESTS_FUZZ_CONFIG_H

#define CONFIG_CERTIFICATE "/proc/self/fd/100"
#define CONFIG_KEY "/proc/self/fd/101"
#define CONFIG_TRUST "/proc/self/fd/102"
#define CONFIG_LINES "/proc/self/fd/103"

#endif
