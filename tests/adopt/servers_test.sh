#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real servers on this host's kernel alone: in an emulated machine some of them need a minute to
# start, and a session's kind makes no difference to them.
set -euo pipefail

cd "$(dirname "$0")/../.."
exec tests/stage "${O:-build}/tests/adopt/servers_test" "$@"
