// SPDX-License-Identifier: Apache-2.0
/* What the main process keeps of live sessions, and by what they are judged again. */
#include "tests/harness.h"

HARNESS_MAIN
