// SPDX-License-Identifier: Apache-2.0
#include "tests/harness.h"

HARNESS_MAIN
