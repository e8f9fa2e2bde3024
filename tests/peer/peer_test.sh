#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The test peer and the plain app, each against something that is not ours.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
pki=$KTAP_DIR/pki

prepare() { "$KTAP_BUILD/tests/pki/mkpki" "$KTAP_DIR/pki"; }

# serve OPTION...: openssl s_server that demands a certificate; $server is its address.
# -rev answers each line of text with its letters in reverse.
serve() {
	# here: the one before has left its own, and the background gets to it late
	: >"$KTAP_DIR/server.out"
	openssl s_server -accept 127.0.0.1:0 -cert "$pki/server.pem" -cert_chain "$pki/server.pem" \
		-key "$pki/server.key" -CAfile "$pki/root.pem" -Verify 3 -verify_return_error -rev \
		"$@" >>"$KTAP_DIR/server.out" 2>&1 &
	ktap_until 10 grep -zqP 'ACCEPT [\d.:]+\n' "$KTAP_DIR/server.out"
	server=$(sed -n 's/^ACCEPT //p' "$KTAP_DIR/server.out")
}

# start_app OPTION... MODE: $app is its address
start_app() {
	: >"$KTAP_DIR/app.log"
	"$KTAP_BUILD/tests/app/app" --log "$KTAP_DIR/app.log" "$@" &
	ktap_until 10 grep -q '"ready"' "$KTAP_DIR/app.log"
	app=$(sed -n 's/.*"listen","address":"\([^"]*\)".*/\1/p' "$KTAP_DIR/app.log")
}

# peer STATUS ARGUMENT...: has to end with the status; its report is in $report
peer() {
	local want=$1 rc=0
	shift
	report=$("$KTAP_BUILD/tests/peer/peer" "$@") || rc=$?
	echo "$report"
	ktap_equal "$want" "$rc" "status of peer $*"
}

# field KEY [REPORT]: a value out of the report
field() { sed -n "s/.*\"$1\":\"\\?\\([^\",}]*\\).*/\\1/p" <<<"${2:-$report}"; }

# app_field EVENT KEY: a value out of the app's report of a connection
app_field() { field "$2" "$(grep "\"$1\"" "$KTAP_DIR/app.log")"; }

refusals() {
	local row
	for row in expired:certificate_expired unknown-ca:unknown_ca self-signed:unknown_ca \
		not-yet-valid:bad_certificate expired-intermediate:certificate_expired \
		wrong-eku:unsupported_certificate; do
		peer 1 --cert "$pki/${row%:*}.pem" --tls "$1" "$server" settle:5000
		ktap_equal "${row#*:}" "$(field alert)" "${row%:*}"
		ktap_equal fin "$(field transport)" "${row%:*}"
	done
}

test_refusals_tls12() { serve && refusals 1.2 && ktap_equal false "$(field handshake)"; }
test_refusals_tls13() { serve && refusals 1.3 && ktap_equal true "$(field handshake)"; }

test_no_certificate() {
	serve
	peer 1 --tls 1.3 "$server" settle:5000
	ktap_equal certificate_required "$(field alert)"
	peer 1 --tls 1.2 "$server"
	ktap_equal handshake_failure "$(field alert)"
}

test_old_versions() {
	serve -tls1_2
	local version
	for version in 1.0 1.1 1.3; do
		peer 1 --cert "$pki/good.pem" --tls "$version" "$server"
		ktap_equal protocol_version "$(field alert)" "TLS $version"
	done
	peer 0 --cert "$pki/good.pem" --tls 1.0-1.3 "$server" $'text:abc\n' $'expect:cba\n'
	ktap_equal TLSv1.2 "$(field version)"
}

# what a careless server accepts, our peer must be able to offer
test_weak_offers() {
	serve -cipher DEFAULT:@SECLEVEL=0 -legacy_renegotiation
	peer 0 --cert "$pki/rsa512.pem" --tls 1.2 "$server" $'text:abc\n' $'expect:cba\n'
	peer 0 --cert "$pki/rsa1024.pem" --tls 1.3 "$server" $'text:abc\n' $'expect:cba\n'
	peer 0 --cert "$pki/good.pem" --tls 1.0 "$server" $'text:abc\n' $'expect:cba\n'
	ktap_equal TLSv1 "$(field version)"
}

test_chosen_cipher() {
	serve
	peer 0 --cert "$pki/good-rsa.pem" --tls 1.2 --ciphers ECDHE-ECDSA-CHACHA20-POLY1305 \
		"$server" $'text:abc\n' $'expect:cba\n'
	ktap_equal ECDHE-ECDSA-CHACHA20-POLY1305 "$(field cipher)"
	peer 0 --cert "$pki/good-ed25519.pem" --suites TLS_AES_128_GCM_SHA256 \
		"$server" $'text:abc\n' $'expect:cba\n'
	ktap_equal TLS_AES_128_GCM_SHA256 "$(field cipher)"
}

test_server_is_checked() {
	serve
	local good=(--cert "$pki/good.pem")
	peer 0 "${good[@]}" --ca "$pki/root.pem" --sni pbx.example.test "$server" settle:100
	peer 3 "${good[@]}" --ca "$pki/other-root.pem" "$server"
	ktap_equal unknown_ca "$(field alert_sent)"
	peer 3 "${good[@]}" --ca "$pki/root.pem" --sni other.example.test "$server"
	ktap_equal "hostname mismatch" "$(field verify)"
}

test_unexpected_answer() {
	serve
	peer 3 --cert "$pki/good.pem" "$server" $'text:abc\n' $'expect:abc\n'
	ktap_equal EBADMSG "$(field error)"
}

test_source_address() {
	serve
	peer 0 --cert "$pki/good.pem" --source 127.0.0.7 "$server" settle:100
	ktap_match '^127\.0\.0\.7:' "$(field local)"
}

test_key_updates() {
	serve # which sleeps for a second at every record that is no data
	peer 0 --cert "$pki/good.pem" "$server" keyupdate:2:request $'text:abc\n' $'expect:cba\n' \
		hold keyupdate:3 $'text:def\n' flush $'expect:fed\n'
	ktap_equal 2 "$(field key_updates_received)"
}

test_data_in_the_flight_of_finished() {
	serve -msg
	"$KTAP_BUILD/tests/peer/peer" --cert "$pki/good.pem" --hold-finished "$server" \
		$'text:abc\n' sleep:1500 $'expect:cba\n' &
	ktap_until 5 grep -q '>>>.*Handshake.*Finished' "$KTAP_DIR/server.out"
	sleep 0.5
	ktap_refuse 1 grep '<<<.*Handshake.*Finished' "$KTAP_DIR/server.out"
	ktap_check wait $!
	ktap_check grep -q '<<<.*Handshake.*Finished' "$KTAP_DIR/server.out"
}

test_close_notify_is_answered() {
	serve
	peer 0 --cert "$pki/good.pem" "$server" $'text:abc\n' $'expect:cba\n' close_notify drain \
		fin-wait
	ktap_equal fin "$(field transport)"
}

test_outside_tls() {
	serve -tls1_2
	peer 0 --plain "$server" plain:$'INVITE sip:pbx SIP/2.0\r\n\r\n' drain
	ktap_match 'fin|rst' "$(field close)"
	peer 0 --plain "$server" garbage:300 drain
	ktap_match 'fin|rst' "$(field close)"
	peer 1 --plain "$server" hello:50 fin drain
	ktap_equal decode_error "$(field alert)"
	peer 0 --plain "$server" hello settle:300
	ktap_match '^[1-9]' "$(field received)" "bytes of the server's flight"
	peer 1 --plain --tls 1.3 "$server" hello drain
	ktap_equal protocol_version "$(field alert)"
	peer 3 --plain --timeout 300 "$server" hello:50 drain
	ktap_equal ETIMEDOUT "$(field error)"
}

test_nobody_listens() {
	peer 1 127.0.0.1:1
	ktap_equal ECONNREFUSED "$(field error)"
}

test_usage() {
	ktap_refuse 2 "$KTAP_BUILD/tests/peer/peer"
	ktap_refuse 2 "$KTAP_BUILD/tests/peer/peer" --tls 1.4 127.0.0.1:1
	ktap_refuse 2 "$KTAP_BUILD/tests/peer/peer" --cert /nowhere.pem 127.0.0.1:1
	start_app sink 127.0.0.1:0
	ktap_refuse 2 "$KTAP_BUILD/tests/peer/peer" --plain "$app" juggle:3
}

test_app_echo() {
	local listen
	for listen in 127.0.0.1:0 '[::1]:0'; do
		start_app echo "$listen"
		peer 0 --plain --seed 7 "$app" echo:1000000:1400 fin drain
		ktap_until 5 grep -q '"end"' "$KTAP_DIR/app.log"
		ktap_equal "$(field local)" "$(app_field accept accept)"
		ktap_equal "$(field local)" "$(app_field accept getpeername)"
		ktap_equal "$(field sent_sha256)" "$(app_field end received_sha256)"
		ktap_equal "$(field received_sha256)" "$(app_field end sent_sha256)"
		ktap_equal 1000000 "$(app_field end received)"
		ktap_equal eof "$(app_field end end)"
	done
}

test_app_blocking() {
	start_app --blocking echo 127.0.0.1:0
	peer 0 --plain "$app" echo:1000 fin drain
}

test_app_sink_and_rst() {
	start_app sink 127.0.0.1:0
	peer 0 --plain "$app" send:5000 sleep:200 rst
	ktap_until 5 grep -q '"end":"rst"' "$KTAP_DIR/app.log"
	ktap_equal "$(field sent_sha256)" "$(app_field end received_sha256)"
}

test_app_source() {
	start_app --bytes 300000 --width 777 --seed 5 source 127.0.0.1:0
	peer 0 --plain "$app" receive:300000 drain
	ktap_equal fin "$(field close)"
	ktap_until 5 grep -q '"end"' "$KTAP_DIR/app.log"
	ktap_equal "$(field received_sha256)" "$(app_field end sent_sha256)"
}

test_app_half_close_first() {
	start_app --bytes 300000 half-close-first 127.0.0.1:0
	peer 0 --plain "$app" drain send:100000 fin
	ktap_equal 300000 "$(field received)"
	ktap_until 5 grep -q '"end":"eof"' "$KTAP_DIR/app.log"
	ktap_equal "$(field sent_sha256)" "$(app_field end received_sha256)"
}

test_app_never_read() {
	start_app never-read 127.0.0.1:0
	peer 3 --plain --timeout 500 "$app" send:50000000
	ktap_equal ETIMEDOUT "$(field error)"
	start_app never-read 127.0.0.1:0
	peer 0 --plain "$app" send:1000 fin sleep:200
	ktap_until 5 grep -q '"end":"eof"' "$KTAP_DIR/app.log"
	ktap_equal 0 "$(app_field end received)"
}

ktap_main "$@"
