# SPDX-License-Identifier: Apache-2.0
#
# Debian packages from a private apt: own sources, own lists, own downloads. It
# reads the machine's apt configuration (a proxy may be set there) but none of
# its sources, pins, keys or hooks, and writes nothing outside the cache.
# apt itself checks the archive's signature and every package's hash.

apt_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# apt_open NAME SUITE...: a private apt that knows just these suites, with fresh
# lists. The calls below work on the one that was opened last.
apt_open() {
	local name=$1 suite mirror
	shift

	tool_need apt-get apt-cache dpkg
	[ -r "$apt_keyring" ] || die "missing $apt_keyring: install the Debian package debian-archive-keyring"
	apt_dir=$cache_dir/apt/$name
	mkdir -p "$apt_dir"/state/lists/partial "$apt_dir"/cache/archives/partial
	: >"$apt_dir/status"
	apt_configuration >"$apt_dir/apt.conf"
	mirror=$(apt_mirror)
	for suite; do
		printf 'deb [arch=amd64 signed-by=%s] %s %s main\n' \
			"$apt_keyring" "$(apt_suite_uri "$mirror" "$suite")" "$suite"
	done >"$apt_dir/sources.list"
	note "reading the package lists of $* at $mirror"
	apt_run apt-get update >&2 || die "apt-get update failed for $* at $mirror"
}

# apt shows progress on a terminal, and a line per file elsewhere.
apt_run() {
	local program=$1
	shift
	"$program" -c "$apt_dir/apt.conf" ${message_quiet:+-q=2} "$@"
}

# Given with -c, which apt reads last. That is what lets #clear drop the hooks
# that the machine's own configuration has set.
apt_configuration() {
	cat <<-EOF
	#clear APT::Update;
	#clear DPkg;
	Dir::State "$apt_dir/state";
	Dir::State::status "$apt_dir/status";
	Dir::Cache "$apt_dir/cache";
	Dir::Etc::sourcelist "$apt_dir/sources.list";
	Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::Etc::trusted "/dev/null";
	Dir::Etc::trustedparts "/dev/null";
	// The _apt user cannot write below a home directory.
	APT::Sandbox::User "$(id -un)";
	APT::Architecture "amd64";
	APT::Architectures { "amd64"; };
	APT::Get::AllowUnauthenticated "false";
	Acquire::Retries "3";
	Acquire::AllowInsecureRepositories "false";
	Acquire::Languages "none";
	EOF
}

# The Debian mirror that the machine's own sources name, else the default one.
apt_mirror() {
	local uri

	# shellcheck disable=SC2016 # apt expands it
	uri=${LINEWARDEN_VM_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		grep -m 1 '/debian/*$')} || true
	uri=${uri:-http://deb.debian.org/debian}
	printf '%s\n' "${uri%/}"
}

# Security suites live beside the main archive, on a mirror too.
apt_suite_uri() {
	case $2 in
	*-security) printf '%s-security\n' "$1" ;;
	*) printf '%s\n' "$1" ;;
	esac
}

# apt_newest PATTERN: the highest package name that matches the whole of the
# extended regular expression. Kernels carry their version in their name.
apt_newest() {
	apt_run apt-cache pkgnames | grep -Ex "$1" | sort -V | tail -n 1
}

# apt_depends PACKAGE PATTERN: those of its direct dependencies that match.
apt_depends() {
	apt_run apt-cache depends --no-recommends --no-suggests "$1" |
		sed -n 's/^ *Depends: //p' | grep -Ex "$2" || true
}

# apt_unpack DIR PACKAGE...: downloads and unpacks, without installing.
apt_unpack() {
	local dir=$1 package debs
	shift

	debs=$(mktemp -d "$apt_dir/debs.XXXXXX")
	note "downloading $*"
	(cd "$debs" && apt_run apt-get download "$@") >&2 || die "cannot download $*"
	for package in "$debs"/*.deb; do
		note "unpacking ${package##*/}"
		dpkg -x "$package" "$dir"
	done
	rm -rf "$debs"
}
