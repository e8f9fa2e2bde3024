#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tests in bash that go every way a test can go: see samples.c.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"

prepare() { echo prepared >"$KTAP_DIR/file"; }
finish() { echo "finished with what was $(cat "$KTAP_DIR/file")"; }

test_pass_checks() {
	ktap_check test -f "$KTAP_DIR/file"
	ktap_refuse 1 false
	ktap_equal a a
	ktap_match '^a.c$' abc
	ktap_until 5 true
}

test_fail_check() {
	ktap_equal a b letters
	echo "not reached"
}

test_fail_until() { ktap_until 0 false; }
test_fail_wrong_status() { ktap_refuse 2 false; }
test_fail_command() {
	ktap_check true
	false
	echo "not reached"
}
# shellcheck disable=SC2154 # just that
test_fail_unset_variable() {
	ktap_check true
	echo "$unset"
}
test_fail_early_exit() {
	ktap_check true
	exit 0
}
test_fail_nothing_checked() { :; }
test_fail_in_subshell() { echo "status $(ktap_check false)"; }
test_skip_with_reason() { ktap_skip "no reason"; }
test_fail_time_limit() {
	ktap_check true
	sleep 4711
}
ktap_limit test_fail_time_limit 1
test_pass_leftovers_are_killed() {
	ktap_check true
	sleep 4712 &
}

ktap_main "$@"
