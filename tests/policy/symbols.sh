#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The policy library decides and does nothing else: what its archive asks of other libraries is
# listed in symbols.allow, and a file, a clock or a socket would not be there.
# shellcheck source-path=SCRIPTDIR/..
. "$(dirname "$0")/../harness.sh"

allowed=$KTAP_TOP/tests/policy/symbols.allow

undefined() {
	local archive=$1
	nm --format=posix "$archive" | awk '$2 == "U" || $2 == "w" { print $1 }' | sort -u >"$KTAP_DIR/undefined"
	nm --format=posix "$archive" | awk 'NF > 2 && $2 != "U" && $2 != "w" { print $1 }' | sort -u >"$KTAP_DIR/defined"
	# sanitizers and fortified calls are the compiler's; stacks are macros over functions that
	# differ from release to release
	comm -23 "$KTAP_DIR/undefined" "$KTAP_DIR/defined" |
		sed -E 's/^__(.*)_chk$/\1/; /^__(asan|ubsan|sanitizer|stack_chk|tsan)/d; s/^OPENSSL_sk_.*/OPENSSL_sk/; /^_GLOBAL_OFFSET_TABLE_$/d' |
		sort -u
}

test_archive_is_there() {
	ktap_check test -s "$KTAP_BUILD/policy/libpolicy.a"
}

test_only_allowed_symbols() {
	undefined "$KTAP_BUILD/policy/libpolicy.a" >"$KTAP_DIR/asked"
	ktap_check test -s "$KTAP_DIR/asked"
	grep -v '^#' "$allowed" | sort -u >"$KTAP_DIR/allowed"
	comm -23 "$KTAP_DIR/asked" "$KTAP_DIR/allowed" >"$KTAP_DIR/extra"
	cat "$KTAP_DIR/extra"
	ktap_check test ! -s "$KTAP_DIR/extra"
}

# a list that allows more than is used would let the next one in unseen
test_nothing_allowed_in_vain() {
	undefined "$KTAP_BUILD/policy/libpolicy.a" >"$KTAP_DIR/asked"
	grep -v '^#' "$allowed" | sort -u >"$KTAP_DIR/allowed"
	# a sanitizer or another compiler may turn one libc call into another
	comm -13 "$KTAP_DIR/asked" "$KTAP_DIR/allowed" | grep -E '^[A-Z]|^[di]2' >"$KTAP_DIR/vain" || true
	cat "$KTAP_DIR/vain"
	ktap_check test ! -s "$KTAP_DIR/vain"
}

ktap_main "$@"
