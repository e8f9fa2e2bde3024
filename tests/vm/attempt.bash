# SPDX-License-Identifier: Apache-2.0
#
# One guest's life, from its start to its end, whichever runner starts it.

attempt_pids=()

# attempt_run LIMIT: runs a guest for up to LIMIT seconds and sets attempt_end:
#   status    the command ended, and attempt_status is its exit code
#   death     the guest ended and left no exit code
#   time      the limit was reached
#   reader    nobody reads our stdout any more
attempt_run() {
	local guest reader clock ended=

	rm -f "$run_dir/status"
	: >"$run_dir/output"
	: >"$run_dir/console"
	"${run_runner%-ng}_start"
	guest=$attempt_pid
	# The output goes through a file: of a pipe that is read slowly, qemu
	# drops what is left when the guest ends. tail reads up to the end of the
	# file once more after --pid has ended.
	attempt_spawn tail -c +1 -f -s 0.1 --pid="$guest" "$run_dir/output"
	reader=$attempt_pid
	attempt_spawn sleep "$1"
	clock=$attempt_pid

	wait -n -p ended "$guest" "$reader" "$clock" || true
	case $ended in
	"$guest")
		# Either the exit code is there and whole, or it does not count.
		attempt_status=$(cat "$run_dir/status" 2>/dev/null) || true
		[[ $attempt_status =~ ^[0-9]+$ ]] && attempt_end=status || attempt_end=death
		;;
	"$clock") attempt_end="time" ;;
	*) attempt_end=reader ;;
	esac
	attempt_kill "$guest" "$clock"
	wait "$reader" 2>/dev/null || true
	attempt_pids=()
}

# attempt_spawn COMMAND...: starts a child in a process group of its own and sets
# attempt_pid. The kernel kills the child when this shell is gone, even if that
# was killed and cleaned up nothing.
attempt_spawn() {
	setsid setpriv --pdeathsig KILL "$@" &
	attempt_pid=$!
	attempt_pids+=("$attempt_pid")
}

# Kills the children and what they have started.
attempt_kill() {
	kill -KILL -- "${@/#/-}" 2>/dev/null || true
	wait "$@" 2>/dev/null || true
}
