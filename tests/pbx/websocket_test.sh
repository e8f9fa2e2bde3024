#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Port 443 of an IP Office line, where a WebSocket library is the application and its peer,
# shared with an admin line. The remote address alone tells them apart.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
# shellcheck source=tests/pbx/site.bash
. "$(dirname "$0")/site.bash"
websocket=$KTAP_TOP/tests/pbx/websocket.py
messages=500
[ -z "${LINEWARDEN_VM:-}" ] || messages=50

has_library() { /usr/bin/python3 -c 'import websockets' 2>/dev/null; }

needs_library() {
	has_library ||
		ktap_skip "python3-websockets is not installed (packaging/install-packages pbx)"
}

prepare() {
	has_library || return 0
	# whether this fails is asked of the last command alone
	site_make || return
	cat >"$KTAP_DIR/lines" <<-END
		pbx "application" {
			cgroup = "$(site_pbx_cgroup)"
		}
		line "office" {
			function = ip-office-line
			direction = both
			remote = $(site_remote office)
			level = medium
		}
		line "admin" {
			function = admin
			remote = $(site_remote admin)
			level = medium
		}
	END
	site_start application host/pbx "$websocket" server \
		"$ip4${site_numbers[pbx]},$ip6${site_numbers[pbx]}" 443
	site_wait application site_listens here "$ip4${site_numbers[pbx]}:443" &&
		site_wait application site_listens here "[$ip6${site_numbers[pbx]}]:443" &&
		site_start_daemon
}

finish() { ! has_library || site_end; }

# office ROLE ADDRESS CERTIFICATE OPTION...
office() {
	local role=$1 address=$2 certificate=$3
	shift 3
	on_peer "$websocket" "$role" "$address" 443 --ca "$pki/root.pem" \
		${certificate:+--cert "$pki/$certificate.pem" --key "$pki/$certificate.key"} "$@"
}

fails() { ! "$@"; }

ask_admin() {
	on_peer curl -sS --max-time $((10 * HARNESS_TIME_SCALE)) --interface "$1" \
		--cacert "$pki/root.pem" --resolve "pbx.example.test:443:$pbx_host" \
		https://pbx.example.test/
}

test_client_of_a_line() {
	needs_library
	ktap_equal "$office_address" \
		"$(office client "$pbx_address" good --source "$office_address" --messages $messages)"
}

test_client_without_certificate_is_refused() {
	needs_library
	ktap_refuse 1 office client "$pbx_address" "" --source "$office_address"
	ktap_check site_record refused office "$office_host:" '"no-certificate"'
}

test_admin_on_the_same_port() {
	needs_library
	ktap_equal "this is the application" "$(ask_admin "$admin_address")"
	ktap_check site_record accepted admin "$admin_host:"
	# the line's address asks for a certificate that curl has not got
	ktap_check fails ask_admin "$office_address"
}

# both at once, on the port of one application
test_both_at_once() {
	needs_library
	office client "$pbx_address" good --source "$office_address" --messages $messages &
	local line=$! number
	for number in 1 2 3 4 5; do
		ktap_equal "this is the application" "$(ask_admin "$admin_address")" "request $number"
	done
	ktap_check wait $line
}

test_line_as_client() {
	needs_library
	office server "$office_address" good &
	ktap_until 10 site_listens there "$office_host:443"
	ktap_equal "$pbx_address" \
		"$(site_in host/pbx "$websocket" client "$office_address" 443 --messages $messages)"
}

test_line_as_client_refuses_a_bad_server() {
	needs_library
	office server "$office_address" unknown-ca &
	ktap_until 10 site_listens there "$office_host:443"
	ktap_refuse 1 site_in host/pbx "$websocket" client "$office_address" 443
	ktap_check site_record refused office "$office_host:443" '"unknown-ca"'
}

site_also_over_ipv6 test_client_of_a_line test_admin_on_the_same_port test_line_as_client

ktap_main "$@"
