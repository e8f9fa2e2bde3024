# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Tests in bash, the counterpart of tests/harness.h.
#
#	. "$(dirname "$0")/../harness.sh"
#	prepare() { mkpki "$KTAP_DIR/pki"; }		optional: once, before all tests
#	finish() { kill "$(cat "$KTAP_DIR/pid")"; }	optional: once, after all of them
#	test_name() { ktap_check true; }		one function, one test
#	ktap_limit test_name 90				seconds, instead of 30
#	ktap_main "$@"
#
# Every test runs in a process and process group of its own, under `set -eu` and a time
# limit (times $HARNESS_TIME_SCALE); whatever it leaves running is killed. The file is read
# anew for each, so what is costly belongs into prepare(). $KTAP_DIR is a directory for the
# whole file, removed at the end. Output is KTAP version 1; what a test prints becomes its
# diagnostic lines. $KTAP_BUILD is where the programs were built. A test fails when a check or any other command fails, when it exits
# before its end, runs out of time or checks nothing. Options: -l lists, -t PATTERN filters.

declare -A ktap_limits=()
# an emulated machine is slow
: "${HARNESS_TIME_SCALE:=${LINEWARDEN_VM:+4}}" "${HARNESS_TIME_SCALE:=1}"
export HARNESS_TIME_SCALE

KTAP_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # the tests use it
KTAP_BUILD=$(cd "$KTAP_TOP" && realpath -m "${O:-build}")

# ktap_limit TEST SECONDS
ktap_limit() { ktap_limits[$1]=$2; }

# ends the test as failed; names the line of the test file
ktap_fail() {
	local frame=1
	while [ $frame -lt $((${#BASH_SOURCE[@]} - 1)) ] && [ "${BASH_SOURCE[frame]}" != "$0" ]; do
		frame=$((frame + 1))
	done
	echo "${0##*/}:${BASH_LINENO[frame - 1]}: $*" >&2
	# the exit may be that of a subshell whose status nobody asks for
	touch "$KTAP_VERDICT.failed"
	exit 1
}

# ends the test as one that could not be made here, and says why
ktap_skip() {
	echo "skip $*" >"$KTAP_VERDICT"
	exit 0
}

ktap_count() { printf . >>"$KTAP_VERDICT.checks"; }

# ktap_check COMMAND...: has to succeed
ktap_check() {
	local rc=0
	ktap_count
	"$@" || rc=$?
	[ $rc = 0 ] || ktap_fail "expected to succeed, status $rc: $*"
}

# ktap_refuse STATUS COMMAND...: has to fail with just this status
ktap_refuse() {
	local want=$1 rc=0
	shift
	ktap_count
	"$@" || rc=$?
	[ $rc = "$want" ] || ktap_fail "expected status $want, seen $rc: $*"
}

# ktap_equal EXPECTED SEEN [WHAT]
ktap_equal() {
	ktap_count
	[ "$1" = "$2" ] || ktap_fail "${3:+$3: }expected '$1', seen '$2'"
}

# ktap_match REGEX TEXT [WHAT]
ktap_match() {
	ktap_count
	[[ $2 =~ $1 ]] || ktap_fail "${3:+$3: }expected a match of '$1', seen '$2'"
}

# ktap_until SECONDS COMMAND...: tries until it succeeds, quietly; has to in this time
ktap_until() {
	local end=$((SECONDS + $1 * HARNESS_TIME_SCALE))
	shift
	ktap_count
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -le $end ] || ktap_fail "did not succeed in time: $*"
		sleep 0.05
	done
}

# the tests of this file that match a pattern, in the order of their definition
ktap_list() {
	local name
	shopt -s extdebug
	for name in $(compgen -A function test_); do
		declare -F "$name"
	done | sort -s -n -k2,2 | while read -r name _; do
		# shellcheck disable=SC2254 # a pattern is meant
		case ${name#test_} in *$1*) echo "$name" ;; esac
	done
	shopt -u extdebug
}

# the inside: runs one test in this process
ktap_inside() {
	set -eu
	"$1"
	[ -s "$KTAP_VERDICT.checks" ] || { echo "checks nothing" && exit 1; }
	echo passed >"$KTAP_VERDICT"
	exit 0
}

# the outside: runs test $1 as number $2 and prints its line
ktap_run() {
	local name=${1#test_} limit=$((${ktap_limits[$1]:-30} * HARNESS_TIME_SCALE)) rc=0 verdict
	rm -f "$KTAP_VERDICT" "$KTAP_VERDICT.checks" "$KTAP_VERDICT.failed"
	# timeout makes itself the leader of a new group
	timeout -s KILL "$limit" bash "$0" --inside "$1" </dev/null >"$KTAP_DIR/.output" 2>&1 &
	ktap_running=$!
	wait "$ktap_running" 2>/dev/null || rc=$?
	kill -KILL -- -"$ktap_running" 2>/dev/null
	ktap_running=
	sed 's/^/# /' "$KTAP_DIR/.output"
	verdict=$(cat "$KTAP_VERDICT" 2>/dev/null)
	[ ! -e "$KTAP_VERDICT.failed" ] || verdict=failed
	case $rc:$verdict in
	0:passed) echo "ok $2 $name" ;;
	0:skip*) echo "ok $2 $name # SKIP ${verdict#skip }" ;;
	*)
		case $rc in
		0) echo "# $name: ${verdict:-ended before its end}" ;;
		124 | 137) echo "# $name: killed, or the time limit ($limit s) is over" ;;
		*) echo "# $name: status $rc" ;;
		esac
		echo "not ok $2 $name"
		return 1
		;;
	esac
}

ktap_end() {
	[ -z "$ktap_running" ] || kill -KILL -- -"$ktap_running"
	! declare -F finish >/dev/null || (finish)
	rm -rf "$KTAP_DIR"
}

ktap_main() {
	local tests name pattern='' list='' failed=0 number=0
	if [ "${1:-}" = --inside ]; then
		ktap_inside "$2"
	fi
	while getopts lt: name; do
		case $name in
		l) list=1 ;;
		t) pattern=$OPTARG ;;
		*) exit 2 ;;
		esac
	done
	mapfile -t tests < <(ktap_list "$pattern")
	if [ ${#tests[@]} = 0 ]; then
		echo "$0: no test to run" >&2
		exit 1
	fi
	if [ -n "$list" ]; then
		printf '%s\n' "${tests[@]#test_}"
		exit 0
	fi
	KTAP_DIR=$(mktemp -d "${TMPDIR:-/tmp}/ktap.XXXXXX")
	KTAP_VERDICT=$KTAP_DIR/.verdict
	export KTAP_DIR KTAP_VERDICT
	ktap_running=
	trap ktap_end EXIT
	trap 'exit 143' TERM
	trap 'exit 130' INT
	echo "KTAP version 1"
	echo "1..${#tests[@]}"
	if declare -F prepare >/dev/null && ! (set -eu; prepare) >"$KTAP_DIR/.output" 2>&1; then
		sed 's/^/# prepare: /' "$KTAP_DIR/.output"
		echo "Bail out! prepare failed"
		exit 1
	fi
	for name in "${tests[@]}"; do
		ktap_run "$name" $((++number)) || failed=$((failed + 1))
	done
	[ $failed = 0 ]
	exit
}
