# SPDX-License-Identifier: Apache-2.0
#
# Where consoles of guests stay when somebody may want to read them.

console_kept=20

# console_keep WHY: moves this run's console away from its temporary directory.
console_keep() {
	local kept

	mkdir -p "$cache_dir/console"
	kept=$cache_dir/console/$(date +%Y%m%dT%H%M%S)-${run_kernel//\//_}-$$-$run_attempt
	mv "$run_dir/console" "$kept"
	console_file=$kept
	console_prune
}

# Names start with the time, so the glob is in the order of age.
console_prune() {
	local all=("$cache_dir"/console/*)

	[ ${#all[@]} -le $console_kept ] || rm -f "${all[@]:0:${#all[@]}-console_kept}"
}
