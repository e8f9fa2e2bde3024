#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Kamailio without TLS behind Linewarden; phones and a trunk that talk TLS with it.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
# shellcheck source=tests/pbx/site.bash
. "$(dirname "$0")/site.bash"
# shellcheck source=tests/pbx/sip.bash
. "$(dirname "$0")/sip.bash"

prepare() {
	sip_has || return 0
	# whether this fails is asked of the last command alone
	site_make || return
	sip_lines >"$KTAP_DIR/lines"
	sip_start_kamailio && site_start_daemon
}

finish() { ! sip_has || site_end; }

# is_refused WHO CHECK: a request fails, and nothing of it has come to the PBX
is_refused() {
	local before
	local -n host=$1_host
	before=$(sip_requests)
	ktap_check sip_fails "$1" options 299 -m 1 127.0.0.1:6000
	ktap_until 5 site_record refused "$1s?" "$host:" "\"check\":\"$2\",\"outcome\":\"failed\""
	ktap_equal "$before" "$(sip_requests)" "requests that Kamailio has seen"
}

test_phone_without_certificate_registers() {
	sip_needs
	tls_client 6000 "$phone_host"
	ktap_check sip_works phone register 201 -m 1 127.0.0.1:6000
	ktap_check site_record accepted phones "$phone_host:"
}

test_options() {
	sip_needs
	tls_client 6000 "$phone_host"
	ktap_check sip_works phone options 201 -m 1 127.0.0.1:6000
}

test_phone_with_bad_certificate_is_refused() {
	sip_needs
	tls_client 6000 "$phone_host" unknown-ca
	is_refused phone trust-chain
}

test_trunk_without_certificate_is_refused() {
	sip_needs
	tls_client 6000 "$trunk_host"
	is_refused trunk certificate-present
}

test_trunk_of_another_domain_is_refused() {
	sip_needs
	tls_client 6000 "$trunk_host" wrong-domain
	is_refused trunk sip-domain
}

# a peer of no line does not even get a handshake
test_stranger_is_reset() {
	sip_needs
	tls_client 6000 "$stranger_host" good
	local before
	before=$(sip_requests)
	ktap_check sip_fails trunk options 299 -m 1 127.0.0.1:6000
	ktap_equal "$before" "$(sip_requests)"
}

# plain SIP on the port that the PBX itself listens on: nobody but Linewarden gets there
test_plain_sip_is_refused() {
	sip_needs
	local before
	before=$(sip_requests)
	sip_forward 6000 "TCP:$pbx_host:5061,bind=$trunk_host"
	ktap_check sip_fails trunk options 299 -m 1 127.0.0.1:6000
	ktap_equal "$before" "$(sip_requests)"
}

test_pbx_sees_the_real_address() {
	sip_needs
	tls_client 6000 "$phone_host:40123"
	ktap_check sip_works phone options 201 -m 1 127.0.0.1:6000
	ktap_check grep -q "OPTIONS from $phone_address:40123" "$KTAP_DIR/kamailio.log"
	# and it says so to the peer
	ktap_match "Via: SIP/2.0/TLS [^
]*rport=40123;received=$phone_address" "$(cat "$KTAP_DIR/phone-options.messages")"
}

test_trunk_calls_the_application() {
	sip_needs
	tls_client 6000 "$trunk_host" good
	sip_starts_application answer -m 1
	local application=$!
	ktap_check sip_works trunk call 555 -key callee 700 -m 1 127.0.0.1:6000
	ktap_check wait $application
	# what the trunk has to know to come back over TLS
	ktap_match "Record-Route: <sip:$(site_regex "$pbx_host"):5061;transport=tls" \
		"$(cat "$KTAP_DIR/trunk-call.messages")"
}

test_application_hangs_up() {
	sip_needs
	tls_client 6000 "$trunk_host" good
	sip_starts_application answer_and_bye -m 1
	local application=$!
	ktap_check sip_works trunk call_until_bye 555 -key callee 700 -m 1 127.0.0.1:6000
	ktap_check wait $application
}

# the phone's Contact names an address that nobody can reach: the call goes to the connection
# that it registered over, and so does the trunk's BYE
test_trunk_calls_a_phone() {
	sip_needs
	tls_client 6000 "$trunk_host" good
	tls_client 6001 "$phone_host"
	# of the same test over the other family, it would say that this phone is registered
	rm -f "$KTAP_DIR/phone-register_and_answer.messages"
	sip_works phone register_and_answer "$phone_number" -oocsf "$scenarios/answer.xml" -m 2 127.0.0.1:6001 &
	local phone=$!
	ktap_until 10 grep -q "200 OK" "$KTAP_DIR/phone-register_and_answer.messages"
	ktap_check sip_works trunk call 555 -key callee "$phone_number" -m 1 127.0.0.1:6000
	ktap_check wait $phone
}

test_application_calls_the_trunk() {
	sip_needs
	sip_starts_trunk answer -m 1
	local trunk=$!
	ktap_check sip_works caller call 700 -key callee "$(sip_trunk_number)" -m 1 127.0.0.1:5060
	ktap_check wait $trunk
	ktap_check site_record accepted trunk "$trunk_host:5061"
	# what the PBX says of itself is what the trunk sees
	ktap_match "Via: SIP/2.0/TCP $(site_regex "$pbx_host"):5061;" "$(cat "$KTAP_DIR/trunk-answer.messages")"
	ktap_match "Record-Route: <sip:$(site_regex "$pbx_host"):5061;transport=tls" \
		"$(cat "$KTAP_DIR/trunk-answer.messages")"
}

test_trunk_hangs_up() {
	sip_needs
	sip_starts_trunk answer_and_bye -m 1
	local trunk=$!
	ktap_check sip_works caller call_until_bye 700 -key callee "$(sip_trunk_number)" -m 1 127.0.0.1:5060
	ktap_check wait $trunk
}

# both ends of the call talk TLS, and Kamailio in the middle does not
test_phone_calls_the_trunk() {
	sip_needs
	tls_client 6001 "$phone_host"
	sip_starts_trunk answer -m 1
	local trunk=$!
	ktap_check sip_works phone call 201 -key callee "9$(sip_trunk_number)" -m 1 127.0.0.1:6001
	ktap_check wait $trunk
}

# calls_a_wrong_trunk CERTIFICATE REFUSAL: the call fails, and nothing of it gets there
calls_a_wrong_trunk() {
	tls_server 6010 "$1"
	on_peer socat -u TCP-LISTEN:6010,bind=127.0.0.1,reuseaddr,fork \
		"OPEN:$KTAP_DIR/received,creat,append" &
	ktap_until 10 site_listens there 127.0.0.1:6010
	ktap_check sip_fails caller call 700 -key callee "$(sip_trunk_number)" -m 1 127.0.0.1:5060
	ktap_until 5 site_record refused trunk "$trunk_host:5061" "\"refusal\":\"$2\""
	ktap_check [ ! -s "$KTAP_DIR/received" ]
}

test_trunk_of_an_unknown_authority_gets_no_call() {
	sip_needs
	calls_a_wrong_trunk unknown-ca unknown-ca
}

test_trunk_of_another_domain_gets_no_call() {
	sip_needs
	calls_a_wrong_trunk wrong-domain wrong-name
}

site_also_over_ipv6 test_phone_without_certificate_registers test_pbx_sees_the_real_address \
	test_phone_with_bad_certificate_is_refused test_stranger_is_reset test_plain_sip_is_refused \
	test_trunk_calls_the_application test_trunk_calls_a_phone test_application_calls_the_trunk

ktap_main "$@"
