# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests of the commands: a configuration of two lines, and comparing what is said.

# shellcheck disable=SC2034 # the tests use them
daemon=$KTAP_BUILD/userspace/linewardend
tool=$KTAP_BUILD/tools/linewarden
pki=${STAGE_DIR:-${KTAP_DIR:-}}/pki

# for prepare(), before which there is no $KTAP_DIR
make_pki() {
	pki=${STAGE_DIR:-$KTAP_DIR}/pki
	[ -e "$pki" ] || "$KTAP_BUILD/tests/pki/mkpki" "$pki"
}

has_kernel_tls() {
	[ -n "${LINEWARDEN_VM:-}" ] || {
		modprobe -q tls
		grep -qw tls /proc/sys/net/ipv4/tcp_available_ulp
	} 2>/dev/null
}

# write_config FILE [KTLS]
write_config() {
	local ktls=prefer
	! has_kernel_tls || ktls=require
	cat >"$1" <<-END
		identity {
			certificate = "$pki/server.pem"
			key = "$pki/server.key"
		}
		trust-store = "$pki/root.pem"
		ktls = ${2:-$ktls}
		user = "nobody"
		group = "root"
		audit-log = "$KTAP_DIR/audit.jsonl"
		pin-path = "${STAGE_PINS:-/sys/fs/bpf/linewarden-test}"
		run-path = "$KTAP_DIR/run"
		${STAGE_CGROUP:+cgroup = "$STAGE_CGROUP"}
		line "trunk" {
			function = sip-line
			port = 5061
			remote = { "127.0.3.0/24", "2001:db8:3::/48" }
			level = medium
		}
		line "phones" {
			function = sip-phone
			port = 5061
			remote = { "127.0.7.0/24" }
			level = low
		}
	END
}

# says STATUS REGEX COMMAND...: has to end so, and to say so on either output
says() {
	local want=$1 regex=$2 rc=0
	shift 2
	output=$("$@" 2>&1) || rc=$?
	ktap_equal "$want" "$rc" "status of $*: $output"
	ktap_match "$regex" "$output" "$*"
}
