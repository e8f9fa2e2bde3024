#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The harnesses and the runner: whether what is bad is called bad.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
samples=$KTAP_BUILD/tests/harness/samples
shell_samples=$KTAP_TOP/tests/harness/samples.sh
runner=$KTAP_TOP/tests/run

# every line of the KTAP in $output against the first word of the test's name
compare_verdicts() {
	local line count=0 word
	while read -r line; do
		case $line in
		"not ok "*) word=fail ;;
		"ok "*"# SKIP no reason") word=skip ;;
		"ok "*) word=pass ;;
		*) continue ;;
		esac
		ktap_match "ok [0-9]+ ([a-z_]+\\.)*${word}_" "$line"
		count=$((count + 1))
	done <<<"$output"
	ktap_equal "$(sed -n 's/^1\.\.//p' <<<"$output")" "$count" "the plan"
}

expect_line() { ktap_check grep -q -- "$1" <<<"$output"; }

no_process() { ! pgrep -f "$1" >/dev/null; }

test_c_harness() {
	local rc=0
	output=$("$samples") || rc=$?
	echo "$output"
	ktap_equal 1 "$rc"
	compare_verdicts
	expect_line '^# .*expected -2 == -22, seen -2 (-ENOENT) == -22 (-EINVAL)'
	expect_line '^# .*: extra 7'
	expect_line '^# .*-EACCES (Permission denied)'
	expect_line '^# reached'
	expect_line 'fail_nothing_checked: checks nothing'
	expect_line 'fail_early_exit: ended before its end'
	expect_line 'fail_crash: killed by SIGABRT'
	expect_line 'fail_time_limit: the time limit is over'
	expect_line '^# teardown of 2'
	expect_line '^# teardown finds 3'
	ktap_equal 4 "$(grep -c '^# teardown of' <<<"$output")" "teardowns"
	expect_line '^finished, the helper lives'
	# where a check failed, not where the test did not come to its end
	ktap_equal "$(grep -c ': a check failed$' <<<"$output")" \
		"$(grep -c '^# explained' <<<"$output")" "explanations"
	ktap_refuse 1 grep 'not reached' <<<"$output"
	ktap_check no_process "$samples"
}

test_c_options() {
	ktap_check "$samples" -t pass_
	ktap_equal pass_leftovers_are_killed "$("$samples" -l -t 'pass_l*killed')"
	ktap_refuse 1 "$samples" -t nothing_has_this_name
	ktap_refuse 2 "$samples" -x
}

test_c_time_scale() {
	local start=$SECONDS
	HARNESS_TIME_SCALE=3 ktap_refuse 1 "$samples" -t fail_time_limit
	ktap_check test $((SECONDS - start)) -ge 2
}

test_shell_harness() {
	local rc=0
	output=$(HARNESS_TIME_SCALE=1 "$shell_samples") || rc=$?
	echo "$output"
	ktap_equal 1 "$rc"
	compare_verdicts
	expect_line "^# samples.sh:[0-9]*: letters: expected 'a', seen 'b'"
	expect_line 'expected status 2, seen 1: false'
	expect_line 'fail_early_exit: ended before its end'
	expect_line '^# checks nothing'
	expect_line 'the time limit (1 s) is over'
	ktap_refuse 1 grep 'not reached' <<<"$output"
	ktap_equal 'finished with what was prepared' "$(tail -n 1 <<<"$output")"
	ktap_check no_process 'sleep 471[12]'
}

test_shell_options() {
	ktap_check "$shell_samples" -t pass_
	ktap_equal pass_checks "$("$shell_samples" -l -t 'pass_*s' | head -1)"
	ktap_refuse 1 "$shell_samples" -t nothing_has_this_name
}

# write_program NAME: a program that prints its standard input, to run as $KTAP_DIR/NAME
write_program() {
	{ echo "#!/bin/sh" && echo "cat <<'END'" && cat && echo END && echo "$2"; } >"$KTAP_DIR/$1"
	chmod +x "$KTAP_DIR/$1"
}

# run_says STATUS LAST-LINE ARGUMENT...
run_says() {
	local want=$1 last=$2 rc=0
	shift 2
	output=$("$runner" "$@" 2>&1) || rc=$?
	echo "$output"
	ktap_equal "$want" "$rc" "status of the run"
	ktap_equal "$last" "$(tail -n 1 <<<"$output")"
}

test_run_counts() {
	write_program good '' <<-END
		KTAP version 1
		1..3
		ok 1 first
		# a note of no interest
		ok 2 second # SKIP no kernel for it
		ok 3 third # SKIP no kernel for it
	END
	write_program bad 'exit 1' <<-END
		KTAP version 1
		1..2
		# why it fails
		not ok 1 first
		ok 2 second
	END
	run_says 0 "1 passed, 0 failed, 2 skipped" "$KTAP_DIR/good"
	ktap_equal 1 "$(grep -c 'no kernel for it' <<<"$output")" "the reason stands once"
	run_says 1 "2 passed, 1 failed, 2 skipped" "$KTAP_DIR/good" "$KTAP_DIR/bad"
	expect_line 'FAILED first'
	expect_line 'why it fails'
	ktap_refuse 1 grep 'no interest' <<<"$output"
}

test_run_distrusts() {
	write_program silent '' </dev/null
	write_program dying 'kill -9 $$' <<<$'KTAP version 1\n1..2\nok 1 first'
	write_program short '' <<<$'KTAP version 1\n1..2\nok 1 first'
	write_program long '' <<<$'KTAP version 1\n1..1\nok 1 first\nok 2 second'
	write_program unplanned '' <<<$'KTAP version 1\nok 1 first'
	write_program late-failure 'exit 3' <<<$'KTAP version 1\n1..1\nok 1 first'
	write_program empty '' <<<$'KTAP version 1\n1..0'
	write_program slow 'sleep 4713' <<<$'KTAP version 1\n1..1\nok 1 first'
	write_program skipping '' <<<$'KTAP version 1\n1..1\nok 1 first # SKIP so'
	run_says 1 "0 passed, 1 failed, 0 skipped" "$KTAP_DIR/silent"
	run_says 1 "1 passed, 1 failed, 0 skipped" "$KTAP_DIR/dying"
	expect_line 'killed by signal 9'
	run_says 1 "1 passed, 1 failed, 0 skipped" "$KTAP_DIR/short"
	run_says 1 "2 passed, 1 failed, 0 skipped" "$KTAP_DIR/long"
	run_says 1 "1 passed, 1 failed, 0 skipped" "$KTAP_DIR/unplanned"
	run_says 1 "1 passed, 1 failed, 0 skipped" "$KTAP_DIR/late-failure"
	run_says 1 "0 passed, 1 failed, 0 skipped" "$KTAP_DIR/empty"
	run_says 1 "0 passed, 1 failed, 0 skipped" "$KTAP_DIR/not-there"
	run_says 1 "1 passed, 1 failed, 0 skipped" --timeout 1 "$KTAP_DIR/slow"
	ktap_check no_process 'sleep 4713'
	run_says 1 "0 passed, 0 failed, 1 skipped" "$KTAP_DIR/skipping"
}
ktap_limit test_run_distrusts 60

test_run_nested() {
	write_program good '' <<<$'KTAP version 1\n1..2\nok 1 first\nok 2 second # SKIP so'
	write_program bad '' <<<$'KTAP version 1\n1..1\n# why\nnot ok 1 first'
	write_program dying 'kill -9 $$' <<<$'KTAP version 1\n1..1\nok 1 first'
	write_program lasting 'sleep 0.2' <<<$'KTAP version 1\n1..1\nok 1 first'
	local inside="$runner --raw $KTAP_DIR/good"
	run_says 0 "1 passed, 0 failed, 1 skipped" "kernel 6.1=$inside"
	run_says 1 "1 passed, 1 failed, 1 skipped" "kernel 6.1=$inside $KTAP_DIR/bad"
	expect_line "FAILED kernel 6.1 .*/bad first"
	expect_line '^ *why'
	run_says 1 "2 passed, 1 failed, 1 skipped" "kernel 6.1=$inside $KTAP_DIR/dying"
	run_says 1 "1 passed, 1 failed, 1 skipped" "kernel 6.1=$inside $KTAP_DIR/not-there"
	# what took long is named
	run_says 0 "2 passed, 0 failed, 1 skipped" "kernel 6.1=$inside $KTAP_DIR/lasting"
	expect_line '^ *[0-9]*\.[0-9] s  .*/lasting$'
	# the machine stops in the middle
	run_says 1 "1 passed, 1 failed, 1 skipped" \
		"kernel 6.1=sh -c '$inside $KTAP_DIR/good | head -n 7'"
	expect_line 'planned 2, seen 0'
}
ktap_limit test_run_nested 60

test_run_started_over() {
	write_program restarted '' <<-END
		KTAP version 1
		1..3
		ok 1 first
		not ok 2 second
		# the machine died and starts again
		KTAP version 1
		1..3
		ok 1 first
		ok 2 second
		ok 3 third
	END
	write_program joined '' <<<$'KTAP version 1\n1..1\nnot ok 1 a\nKTAP version 1\n1..1\nok 1 b'
	run_says 0 "3 passed, 0 failed, 0 skipped" "$KTAP_DIR/restarted"
	expect_line 'started over'
	run_says 1 "1 passed, 1 failed, 0 skipped" "$KTAP_DIR/joined"
}

ktap_main "$@"
