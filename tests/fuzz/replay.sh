#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The fuzz targets without a fuzzer: their seeds, and changed ones that are the same in every run.
# shellcheck source-path=SCRIPTDIR/..
. "$(dirname "$0")/../harness.sh"

# so that the input is kept when it is a sanitizer that ends the program
export ASAN_OPTIONS=abort_on_error=1:handle_segv=2 UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1

prepare() { "$KTAP_TOP/tests/fuzz/seeds" "$KTAP_DIR"; }

# replay TARGET MUTATIONS: of each seed
replay() {
	local seeds=$KTAP_DIR/seeds/$1 count

	count=$(find "$seeds" -type f | wc -l)
	ktap_check test "$count" -ge 8
	cd "$KTAP_DIR" || exit
	if ! "$KTAP_BUILD/tests/fuzz/$1" -m "$2" "$seeds" >output 2>&1; then
		cat output
		echo "the input:"
		od -An -v -t x1 "$1.input"
	fi
	ktap_equal "$((count * (1 + $2))) inputs" "$(tail -n 1 output)"
}

test_chain() { replay chain 20; }
test_config() { replay config 100; }
test_ktls() { replay ktls 500; }
test_message() { replay message 50; }
test_name() { replay name 200; }
test_store() { replay store 20; }

ktap_main "$@"
