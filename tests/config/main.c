// SPDX-License-Identifier: Apache-2.0
/* The configuration's tests: what is accepted, what is refused and how, and damaged files. */
#include "tests/harness.h"

HARNESS_MAIN
