# SPDX-License-Identifier: Apache-2.0
#
# The cache of fetched kernels. Everything in it can be fetched or built again,
# so removing the directory is always safe while no guest runs.
#
#   apt/NAME/        private apt state: lists and downloads, one per set of suites
#   kernel/NAME/     an assembled kernel, see kernel.bash
#   virtme-ng/       an unpacked virtme-ng, see virtme.bash
#   console/         consoles of guests that failed
#   lock/            one lock file per entry

cache_dir=${LINEWARDEN_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/linewarden/vm}

# The guest finds the cache by its path, and apt wants absolute directories.
mkdir -p "$cache_dir" || die "cannot create the cache $cache_dir (LINEWARDEN_VM_CACHE sets another)"
cache_dir=$(realpath "$cache_dir")

# cache_build ENTRY FORMAT BUILDER [ARG...]: makes sure that $cache_dir/ENTRY is
# there and was built by this FORMAT of its builder. The builder is called as
# BUILDER DIR [ARG...] with an empty DIR, which becomes the entry in one rename:
# a half-built entry is never seen, and one that was interrupted is swept away.
#
# Call it as a plain command, not in a condition or before ||: there the shell
# would go on after a builder's step that failed.
cache_build() {
	local entry=$1 format=$2 builder=$3
	local dest=$cache_dir/$entry lock=$cache_dir/lock/${entry//\//-}
	shift 3

	cache_fresh "$dest" "$format" && return
	mkdir -p "$cache_dir/lock" "$(dirname "$dest")"
	(
		# The builder's children inherit the lock: one that outlives this
		# shell may still be writing to the entry.
		exec 9>"$lock"
		if ! flock -n 9; then
			note "waiting for another run that builds $entry"
			flock 9
		fi
		cache_fresh "$dest" "$format" && exit
		rm -rf "$dest".new
		mkdir "$dest".new
		"$builder" "$dest".new "$@"
		printf '%s\n' "$format" >"$dest".new/format
		rm -rf "$dest"
		mv -T "$dest".new "$dest"
	)
}

cache_fresh() {
	[ "$(cat "$1/format" 2>/dev/null)" = "$2" ]
}
