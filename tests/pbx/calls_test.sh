#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Many calls through Kamailio behind Linewarden, in both directions: 500, and 100 over IPv6; 50 in
# an emulated guest. Not one of them may fail.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
# shellcheck source=tests/pbx/site.bash
. "$(dirname "$0")/site.bash"
# shellcheck source=tests/pbx/sip.bash
. "$(dirname "$0")/sip.bash"

calls=500 rate=25
[ -z "${LINEWARDEN_VM:-}" ] || calls=50 rate=5

prepare() {
	sip_has || return 0
	site_make || return
	sip_lines >"$KTAP_DIR/lines"
	sip_start_kamailio && site_start_daemon
}

finish() { ! sip_has || site_end; }

# count_calls WHO SCENARIO: says how many calls SIPp made, and checks that none failed
count_calls() {
	local log=$KTAP_DIR/$1-$2.log good bad
	good=$(awk '/Successful call/ { n = $NF } END { print n }' "$log")
	bad=$(awk '/Failed call/ { n = $NF } END { print n }' "$log")
	echo "$good calls, $bad failed, $SECONDS s"
	ktap_equal "$calls 0" "$good $bad"
}

# count_records EVENT LINE
count_records() { grep -c "\"event\":\"$1\",\"line\":\"$2\"" "$KTAP_DIR/audit.jsonl" || true; }

ktap_limit test_inbound_calls_on_one_connection 90
test_inbound_calls_on_one_connection() {
	sip_needs
	tls_client 6000 "$trunk_host" good
	sip_starts_application answer -m $calls
	local application=$!
	ktap_check sip_works trunk call 555 -key callee 700 -m $calls -r $rate 127.0.0.1:6000
	ktap_check wait $application
	count_calls trunk call
}

# a TLS handshake for each
ktap_limit test_inbound_calls_on_a_connection_each 90
test_inbound_calls_on_a_connection_each() {
	sip_needs
	local before
	before=$(count_records accepted trunk)
	tls_client 6000 "$trunk_host" good
	sip_starts_application answer -m $calls
	local application=$!
	ktap_check sip_works trunk call 555 -t tn -max_socket 1000 -key callee 700 -m $calls -r $rate 127.0.0.1:6000
	ktap_check wait $application
	count_calls trunk call
	ktap_equal $calls $(($(count_records accepted trunk) - before)) "sessions accepted"
}

# Kamailio keeps its connection to the trunk
ktap_limit test_outbound_calls 90
test_outbound_calls() {
	sip_needs
	sip_starts_trunk answer -m $calls
	local trunk=$!
	ktap_check sip_works caller call 700 -key callee "$(sip_trunk_number)" -m $calls -r $rate 127.0.0.1:5060
	ktap_check wait $trunk
	count_calls caller call
}

# a TLS handshake for each; Kamailio would not connect so often
ktap_limit test_outbound_calls_on_a_connection_each 90
test_outbound_calls_on_a_connection_each() {
	sip_needs
	local before
	before=$(count_records accepted trunk)
	sip_starts_trunk answer -m $calls
	local trunk=$!
	ktap_check sip_works pbx call 700 -key callee "$(sip_trunk_number)" -m $calls -r $rate "$trunk_host:5061"
	ktap_check wait $trunk
	count_calls pbx call
	ktap_equal $calls $(($(count_records accepted trunk) - before)) "sessions accepted"
}

# fewer over IPv6; those of sip_test.sh have to do in a guest
if [ -z "${LINEWARDEN_VM:-}" ]; then
	test_inbound_calls_over_ipv6() {
		site_use ip6
		calls=$((calls / 5)) test_inbound_calls_on_a_connection_each
	}

	test_outbound_calls_over_ipv6() {
		site_use ip6
		calls=$((calls / 5)) test_outbound_calls_on_a_connection_each
	}
fi

ktap_main "$@"
