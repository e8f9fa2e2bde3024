#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `linewarden exec` against a stand-in for the keeper: what it refuses and says, and that the
# command runs as it would without it, but for its filter.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
# shellcheck source=tests/e2e/operator.bash
. "$(dirname "$0")/../e2e/operator.bash"

bin=${KTAP_DIR:-}/bin run=${KTAP_DIR:-}/run told='' keepers=0

# where everybody may go: some of the tests are not root
prepare() {
	bin=$KTAP_DIR/bin run=$KTAP_DIR/run
	chmod 711 "$KTAP_DIR"
	mkdir -m 755 "$bin" "$run"
	mkdir -m 777 "$KTAP_DIR/open"
	cp "$tool" "$KTAP_BUILD"/tests/adopt/{fake_keeper,probe} "$bin"
}

# keeper BEHAVIOUR [RUN_PATH]: what it sees is in $told
keeper() {
	told=$KTAP_DIR/told.$$.$((++keepers))
	"$bin/fake_keeper" "${2:-$run}" "$1" >"$told" 2>&1 &
	ktap_until 5 grep -qx ready "$told"
}

# saw LINE...: all that the keeper has told, until the last app went
saw() {
	ktap_until 5 grep -qx gone "$told"
	ktap_equal "$(printf '%s\n' ready "$@" gone)" "$(cat "$told")" "what the keeper saw"
}

wrap() { "$bin/linewarden" exec --run "$run" "$@"; }

# refuses STATUS REGEX COMMAND...: and has started nothing; the command that must not run is last
refuses() {
	rm -f "$KTAP_DIR/open/ran"
	says "$@" touch "$KTAP_DIR/open/ran"
	ktap_refuse 1 test -e "$KTAP_DIR/open/ran"
}

# field NAME: of the status of a process, on its standard input, with single blanks
field() { sed -n "s/^$1:[[:space:]]*//p" | tr -s '[:space:]' ' ' | sed 's/ $//'; }

nobody() { setpriv --reuid nobody --regid nogroup "$@"; }

test_usage() {
	says 0 'usage: linewarden exec ' "$tool" exec --help
	says 0 'usage: linewarden exec ' "$tool" exec -h
	ktap_match '--otherwise-relay' "$output"
	says 0 ' exec ' "$tool" --help
	says 2 'which COMMAND' "$tool" exec
	says 2 'which COMMAND' "$tool" exec --unit pbx --
	says 2 'nonsense' "$tool" exec --nonsense true
	says 2 'run' "$tool" exec --run
}

test_accept_goes_through_the_keeper() {
	told=$KTAP_DIR/told.$$.$((++keepers))
	keeper ok
	says 0 '^accepted$' wrap -- "$bin/probe" accept
	saw 'wrap probe' 'call bind' 'call listen' 'call accept'
	keeper ok
	says 0 '^accepted$' wrap --unit asterisk.service "$bin/probe" accept4
	saw 'wrap asterisk.service' 'call bind' 'call listen' 'call accept4'
}

test_connect_goes_through_the_keeper_where_it_is_asked_for() {
	local option
	for option in --connect -C; do
		keeper ok
		says 0 '^accepted$' wrap "$option" -- "$bin/probe" accept
		saw 'wrap probe' 'call bind' 'call listen' 'call connect' 'call accept'
	done
}

test_name_is_printable_and_short() {
	keeper ok
	wrap -u $'b\e[2Jell' true
	saw 'wrap b\x1b[2Jell'
	keeper ok
	wrap -u "$(printf 'x%.0s' {1..200})" true
	saw "wrap $(printf 'x%.0s' {1..60})..."
}

# children of the app, and what they execute
test_filter_is_inherited() {
	keeper ok
	says 0 '^accepted$' wrap sh -c "sh -c '$bin/probe accept; true'; true"
	saw 'wrap sh' 'call bind' 'call listen' 'call accept'
}

test_signal_interrupts_a_held_accept() {
	keeper hold
	says 0 '^EINTR$' wrap "$bin/probe" signal
	saw 'wrap probe' 'call bind' 'call listen' 'call accept'
}

test_io_uring_does_not_exist() {
	ktap_refuse 1 grep -qx ENOSYS <<<"$("$bin/probe" io_uring)"
	keeper ok
	says 0 '^ENOSYS$' wrap "$bin/probe" io_uring
	saw 'wrap probe'
}

# is_killed KIND: a system call of another architecture; 159 is 128 and SIGSYS
is_killed() {
	[ "$(uname -m)" = x86_64 ] || ktap_skip "$1 is of x86-64"
	says 0 'went on' "$bin/probe" "$1"
	keeper ok
	says 159 '' wrap "$bin/probe" "$1"
	saw 'wrap probe'
}

test_i386_is_killed() {
	"$bin/probe" i386 >/dev/null 2>&1 || ktap_skip 'this kernel has no system calls of i386'
	is_killed i386
}

test_x32_is_killed() { is_killed x32; }

test_no_descriptor_leaks() {
	local list
	# shellcheck disable=SC2016 # the inner shell's
	list='for fd in /proc/$$/fd/*; do echo "${fd##*/} $(readlink "$fd")"; done'
	output=$(sh -c "$list" 9</dev/zero | sed 's/pipe:.*/pipe/')
	ktap_match '9 /dev/zero' "$output"
	keeper ok
	ktap_equal "$output" "$(wrap sh -c "$list" 9</dev/zero | sed 's/pipe:.*/pipe/')"
	saw 'wrap sh'
}

test_command_is_as_without() {
	keeper ok
	# shellcheck disable=SC2016 # the inner shell's
	ktap_equal "--unit|a  b||*|v" \
		"$(A=v wrap sh -c 'printf "%s|" "$@"; printf "%s" "$A"' - --unit 'a  b' '' '*')"
	keeper ok
	ktap_refuse 42 wrap -- sh -c 'exit 42'
	keeper ok
	# shellcheck disable=SC2016
	ktap_refuse 143 wrap sh -c 'kill -TERM $$'
	keeper ok
	# the pid is the app's: what a service manager started is what it watches
	# shellcheck disable=SC2016
	ktap_equal same "$(sh -c 'pid=$$; export pid; exec "$@"' - "$bin/linewarden" exec --run "$run" \
		sh -c '[ $pid = $$ ] && echo same')"
	keeper ok
	# signals that are ignored stay so, blocked ones too
	ktap_equal "$(trap '' HUP; env cat /proc/self/status | field 'Sig[BI][lg][kn]')" \
		"$(trap '' HUP; wrap env cat /proc/self/status | field 'Sig[BI][lg][kn]')"
}

test_command_cannot_be_executed() {
	keeper ok
	says 127 "'linewarden-nothing': No such file" wrap -- linewarden-nothing
	saw 'wrap linewarden-nothing'
	keeper ok
	says 126 "'/etc/passwd': Permission denied" wrap -- /etc/passwd
	saw 'wrap passwd'
}

test_privileged_helpers_go_on_working() {
	keeper ok
	output=$(wrap cat /proc/self/status)
	ktap_equal 0 "$(field NoNewPrivs <<<"$output")"
	ktap_equal 2 "$(field Seccomp <<<"$output")"
}

test_without_privileges() {
	keeper ok
	output=$(nobody --groups root "$bin/linewarden" exec --run "$run" cat /proc/self/status)
	ktap_equal 1 "$(field NoNewPrivs <<<"$output")" 'no_new_privs'
	ktap_equal 2 "$(field Seccomp <<<"$output")"
	saw 'wrap cat'
	keeper ok
	output=$(setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
		"$bin/linewarden" exec --run "$run" cat /proc/self/status)
	ktap_equal 1 "$(field NoNewPrivs <<<"$output")" 'no_new_privs of root without CAP_SYS_ADMIN'
	saw 'wrap cat'
}

test_user_drops_for_good() {
	local uid gid name
	uid=$(id -u nobody) gid=$(id -g nobody)
	keeper ok
	output=$(setpriv --groups 4,5,6 --inh-caps +net_raw \
		"$bin/linewarden" exec --run "$run" --user nobody sh -c 'cat /proc/self/status; env')
	ktap_equal "$uid $uid $uid $uid" "$(field Uid <<<"$output")"
	ktap_equal "$gid $gid $gid $gid" "$(field Gid <<<"$output")"
	ktap_equal "$gid" "$(field Groups <<<"$output")"
	for name in CapInh CapPrm CapEff CapAmb; do
		ktap_equal 0000000000000000 "$(field "$name" <<<"$output")" "$name"
	done
	ktap_equal 0 "$(field NoNewPrivs <<<"$output")"
	ktap_match $'\nHOME='"$(getent passwd nobody | cut -d: -f6)"$'(\n|$)' "$output"
	ktap_match $'\nUSER=nobody(\n|$)' "$output"
	ktap_match $'\nLOGNAME=nobody(\n|$)' "$output"
	keeper ok
	says 127 'Operation not permitted|setresuid failed' wrap --user nobody -- setpriv --reuid 0 true
	keeper ok
	says 0 '^accepted$' wrap --user nobody -- "$bin/probe" accept
	saw 'wrap probe' 'call bind' 'call listen' 'call accept'
}

# capabilities that were told to survive a change of user
test_user_drops_kept_capabilities() {
	local name
	keeper ok
	output=$(setpriv --securebits +no_setuid_fixup --inh-caps +net_raw --ambient-caps +net_raw \
		"$bin/linewarden" exec --run "$run" --user nobody cat /proc/self/status)
	for name in CapInh CapPrm CapEff CapAmb; do
		ktap_equal 0000000000000000 "$(field "$name" <<<"$output")" "$name"
	done
}

test_user_refusals() {
	keeper ok
	refuses 1 "no user 'linewarden-nobody'" wrap --user linewarden-nobody --
	refuses 1 "'root' is root" wrap --user root --
	# none of these has asked the keeper, and this one has
	refuses 1 "cannot become 'daemon': Operation not permitted; it takes root" \
		nobody --groups root "$bin/linewarden" exec --run "$run" --user daemon --
	saw 'wrap touch'
}

test_cgroup_is_made() {
	local hierarchy cgroup=/linewarden-exec-$$
	hierarchy=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)
	[ -n "$hierarchy" ] || ktap_skip 'no cgroup2 hierarchy is mounted'
	keeper ok
	says 0 "^0::$cgroup/inner\$" wrap --cgroup "$cgroup/inner" -- grep '^0::' /proc/self/cgroup
	saw 'wrap grep'
	ktap_until 5 rmdir "$hierarchy$cgroup/inner"
	rmdir "$hierarchy$cgroup"
	refuses 1 'from the root of the hierarchy' wrap --cgroup pbx --
	refuses 1 'from the root of the hierarchy' wrap --cgroup /pbx/../other --
}

test_keeper_does_not_run() {
	refuses 1 'nowhere/keeper: No such file .*systemctl start linewarden-keeper.*--run' \
		"$bin/linewarden" exec --run "$KTAP_DIR/nowhere" --
	keeper ok
	kill $!
	wait $! || true
	refuses 1 'run/keeper: Connection refused; .*systemctl start linewarden-keeper' wrap --
}

test_not_permitted() {
	keeper ok
	refuses 1 'run/keeper: Permission denied; root and the configured group' \
		nobody --clear-groups "$bin/linewarden" exec --run "$run" --
	ktap_equal ready "$(cat "$told")"
}

test_keeper_refuses() {
	keeper -28
	refuses 1 'the keeper refuses: No space left on device: .journalctl' wrap --
	saw 'wrap touch'
	keeper -2
	refuses 1 'the keeper refuses: No such file .*daemon: .systemctl start linewardend' wrap --
	saw 'wrap touch'
}

test_keeper_hangs_up() {
	keeper hangup
	refuses 1 'the keeper: Broken pipe; it hung up: .journalctl' wrap --
}

test_keeper_talks_nonsense() {
	keeper nonsense
	refuses 1 'the keeper: Bad message; is it of another version' wrap --
	saw 'wrap touch'
}

test_keeper_is_silent() {
	keeper silent
	refuses 1 'the keeper: Connection timed out; it does not answer: .systemctl restart' wrap --
	saw 'wrap touch'
	keeper silent
	refuses 1 'the keeper: Connection timed out' wrap --otherwise-relay --
	saw 'wrap touch'
}
ktap_limit test_keeper_is_silent 60

test_keeper_is_deaf() {
	keeper deaf
	refuses 1 'run/keeper: .*does not answer: .systemctl restart' wrap --
	says 0 '^linewarden exec: warning: .*does not answer.*by relay.on$' \
		wrap --otherwise-relay -- printf on
}
ktap_limit test_keeper_is_deaf 60

test_otherwise_relay() {
	local errors=$KTAP_DIR/errors
	output=$("$bin/linewarden" exec --run "$KTAP_DIR/nowhere" --otherwise-relay \
		cat /proc/self/status 2>"$errors")
	ktap_equal "$(field Seccomp </proc/self/status)" "$(field Seccomp <<<"$output")"
	ktap_equal 0 "$(field NoNewPrivs <<<"$output")"
	ktap_equal 1 "$(wc -l <"$errors")" 'lines of warning'
	ktap_match '^linewarden exec: warning: .*keeper: No such file.*not wrapped.*by relay$' \
		"$(cat "$errors")"
	says 7 'warning' "$bin/linewarden" exec --run "$KTAP_DIR/nowhere" --otherwise-relay sh -c 'exit 7'
	output=$("$bin/linewarden" exec --run "$KTAP_DIR/nowhere" --otherwise-relay --user nobody \
		id -un 2>/dev/null)
	ktap_equal nobody "$output"
	# who may not ask has another user than was meant, or is not of the group: still not nothing
	keeper ok
	says 0 'warning: .*Permission denied.*by relay.on$' nobody --clear-groups \
		"$bin/linewarden" exec --run "$run" --otherwise-relay printf on
	ktap_equal ready "$(cat "$told")"
}

test_otherwise_relay_is_for_no_keeper_alone() {
	keeper -1
	refuses 1 'the keeper refuses: Operation not permitted' wrap --otherwise-relay --
	saw 'wrap touch'
}

test_wrapped_twice() {
	local other=$KTAP_DIR/other
	mkdir -m 755 "$other"
	keeper ok "$other"
	keeper ok
	refuses 1 'Device or resource busy; .*wrapped twice.*container runtime' \
		wrap -- "$bin/linewarden" exec --run "$other" --otherwise-relay --
	saw 'wrap linewarden'
}

ktap_main "$@"
