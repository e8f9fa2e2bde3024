# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests with real peers. The stage is the PBX's host, 192.0.2.1 and 2001:db8:2::1. Everybody
# else is in one more network namespace at the other end of a cable, and in a cgroup that the
# daemon does not govern, as another host would be.

# shellcheck disable=SC2034 # the tests use them
daemon=$KTAP_BUILD/userspace/linewardend
tool=$KTAP_BUILD/tools/linewarden
pki=${STAGE_DIR:-}/pki
declare -A site_numbers=([pbx]=1 [trunk]=10 [admin]=50 [office]=60 [phone]=100 [stranger]=200)
ip4=192.0.2. ip6=2001:db8:2::

# site_use ip4|ip6: whose addresses a test speaks of; the hosts are what URIs have of them
site_use() {
	local -n network=$1
	pbx_address=$network${site_numbers[pbx]} trunk_address=$network${site_numbers[trunk]}
	admin_address=$network${site_numbers[admin]} office_address=$network${site_numbers[office]}
	phone_address=$network${site_numbers[phone]} stranger_address=$network${site_numbers[stranger]}
	pbx_host=$(site_host "$pbx_address") trunk_host=$(site_host "$trunk_address")
	# a registration outlives its test: that of the other family is another phone's
	phone_number=202
	[ "$1" = ip4 ] || phone_number=203
	admin_host=$(site_host "$admin_address") office_host=$(site_host "$office_address")
	phone_host=$(site_host "$phone_address") stranger_host=$(site_host "$stranger_address")
}

# site_host ADDRESS: an IPv6 one in brackets
site_host() { [[ $1 = *:* ]] && echo "[$1]" || echo "$1"; }

# site_also_over_ipv6 TEST...: each of them is one more test
site_also_over_ipv6() {
	local name
	for name; do
		eval "${name}_over_ipv6() { site_use ip6; $name; }"
	done
}

# site_remote NAME: its addresses, for a line
site_remote() { echo "{ $ip4${site_numbers[$1]}, $ip6${site_numbers[$1]} }"; }

# site_regex TEXT: which matches it
# shellcheck disable=SC2001 # bash cannot
site_regex() { sed 's/[].[]/\\&/g' <<<"$1"; }

site_use ip4

# site_needs PROGRAM...: skips the test where one of them is not installed
site_needs() {
	local program
	for program; do
		command -v "$program" >/dev/null ||
			ktap_skip "$program is not installed (packaging/install-packages pbx)"
	done
}

# site_in GROUP COMMAND...: runs it in one of the site's cgroups
site_in() (
	echo "$BASHPID" >"$STAGE_CGROUP/$1/cgroup.procs"
	shift
	exec "$@"
)

# on_peer COMMAND...: runs it in the peers' network
on_peer() {
	site_in peers nsenter --net="/proc/$(cat "$KTAP_DIR/peers.pid")/ns/net" "$@"
}

# site_start NAME GROUP COMMAND...: in the background, for the whole file; finish() ends it
site_start() {
	local name=$1
	shift
	(
		echo "$BASHPID" >"$KTAP_DIR/$name.pid"
		echo "$BASHPID" >"$STAGE_CGROUP/$1/cgroup.procs"
		shift
		exec "$@"
	) >"$KTAP_DIR/$name.log" 2>&1 &
}

# site_wait NAME COMMAND...: until the command succeeds; else shows what the program said
site_wait() {
	local name=$1 end=$((SECONDS + 20 * HARNESS_TIME_SCALE))
	shift
	until [ -s "$KTAP_DIR/$name.pid" ]; do sleep 0.05; done
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -gt $end ] || ! kill -0 "$(cat "$KTAP_DIR/$name.pid")"; then
			cat "$KTAP_DIR/$name.log"
			return 1
		fi
		sleep 0.05
	done
}

# site_listens here|there ADDRESS:PORT
site_listens() {
	local where=
	[ "$1" = here ] || where=on_peer
	$where ss -Hltun | grep -qF " $2 "
}

site_make_network() {
	local number
	site_start peers peers unshare --net sleep infinity
	site_wait peers site_has_namespace
	ip link add pbx type veth peer name peers netns "$(cat "$KTAP_DIR/peers.pid")"
	ip address add "$ip4${site_numbers[pbx]}/24" dev pbx
	ip address add "$ip6${site_numbers[pbx]}/64" dev pbx nodad
	ip link set pbx up
	on_peer ip link set lo up
	on_peer ip link set peers up
	for number in "${site_numbers[@]}"; do
		[ "$number" != "${site_numbers[pbx]}" ] || continue
		on_peer ip address add "$ip4$number/24" dev peers
		on_peer ip address add "$ip6$number/64" dev peers nodad
	done
}

site_has_namespace() {
	[ "$(readlink "/proc/$(cat "$KTAP_DIR/peers.pid")/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

site_make() {
	: "${STAGE_CGROUP:?this test runs as tests/stage PROGRAM}"
	mkdir "$STAGE_CGROUP"/{host,peers} "$STAGE_CGROUP"/host/{agent,pbx}
	[ -e "$pki" ] || "$KTAP_BUILD/tests/pki/mkpki" "$pki"
	site_make_network
}

# site_pbx_cgroup: as the configuration names it
site_pbx_cgroup() {
	echo "${STAGE_CGROUP#"$(findmnt -n -o TARGET -t cgroup2 | head -n 1)"}/host/pbx"
}

# site_start_daemon: shows the certificate $identity; $KTAP_DIR/lines comes after what all have here
site_start_daemon() {
	local ktls=prefer
	[ -z "${LINEWARDEN_VM:-}" ] || ktls=require
	cat - "$KTAP_DIR/lines" >"$KTAP_DIR/linewarden.conf" <<-END
		identity {
			certificate = "$pki/${identity:-server}.pem"
			key = "$pki/${identity:-server}.key"
		}
		trust-store = "$pki/root.pem"
		ktls = $ktls
		user = "nobody"
		group = "root"
		audit-log = "$KTAP_DIR/audit.jsonl"
		pin-path = "$STAGE_PINS"
		run-path = "$KTAP_DIR/run"
		cgroup = "$STAGE_CGROUP/host"
	END
	site_start daemon host/agent "$daemon" --config "$KTAP_DIR/linewarden.conf"
	site_wait daemon "$tool" status --run "$KTAP_DIR/run"
}

# site_end: ends what site_start began, the last one first
site_end() {
	local file
	# shellcheck disable=SC2045 # the names are ours, and the order counts
	for file in $(ls -t "$KTAP_DIR"/*.pid); do
		site_stop "$file"
	done
	# workers end a moment after their main process
	for _ in $(seq 100); do
		site_remove_cgroups && return
		sleep 0.05
	done
}

# the next program on this stage has the same pins: waits for the end
site_stop() {
	local pid end=$((SECONDS + 20))
	pid=$(cat "$1")
	kill "$pid" 2>/dev/null || true
	while kill -0 "$pid" 2>/dev/null; do
		[ $SECONDS -le $end ] || kill -KILL "$pid"
		sleep 0.05
	done
}

site_remove_cgroups() {
	local group
	for group in host/agent host/pbx host peers; do
		[ ! -e "$STAGE_CGROUP/$group" ] || rmdir "$STAGE_CGROUP/$group" || return
	done
}

# site_record EVENT LINE PEER [REGEX]: the audit log has one, of a peer whose HOST:PORT begins so
site_record() {
	grep -Eq "\"event\":\"$1\",\"line\":\"$2\".*\"peer\":\"$(site_regex "$3").*${4:-}" \
		"$KTAP_DIR/audit.jsonl"
}
