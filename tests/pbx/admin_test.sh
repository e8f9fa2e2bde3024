#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# curl and openssl as administrators, at each Service Security Level. The application has a
# plain web server on the secure port and on the unsecured one of each service.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
# shellcheck source=tests/pbx/site.bash
. "$(dirname "$0")/site.bash"

# service: its secure and its unsecured port
declare -A secure=([disabled]=8441 [unsecure-only]=8442 [unsecure+secure]=8443 [secure-low]=8444
	[secure-medium]=8445 [secure-high]=8446)
declare -A plain=([disabled]=8081 [unsecure-only]=8082 [unsecure+secure]=8083 [secure-low]=8084
	[secure-medium]=8085 [secure-high]=8086)

prepare() {
	local service port places=()
	# whether this fails is asked of the last command alone
	site_make || return
	mkdir "$KTAP_DIR/www" && echo "this is the application" >"$KTAP_DIR/www/index.html"
	for service in "${!secure[@]}"; do
		cat >>"$KTAP_DIR/lines" <<-END
			line "$(tr + . <<<"$service")" {
				function = admin
				port = ${secure[$service]}
				plain-port = ${plain[$service]}
				remote = $(site_remote admin)
				service-security = $service
				level = medium
			}
		END
		for port in "${secure[$service]}" "${plain[$service]}"; do
			places+=("$ip4${site_numbers[pbx]}:$port" "[$ip6${site_numbers[pbx]}]:$port")
		done
	done
	site_start www host/pbx "$KTAP_TOP/tests/pbx/www.py" "$KTAP_DIR/www" "${places[@]}"
	site_wait www site_listens here "${places[-1]}" && identity=server-rsa site_start_daemon
}

finish() { site_end; }

# ask SCHEME SERVICE OPTION...: what the application says, or curl's status
ask() {
	local scheme=$1 port=${secure[$2]}
	[ "$scheme" = https ] || port=${plain[$2]}
	shift 2
	on_peer curl -sS --max-time $((10 * HARNESS_TIME_SCALE)) --interface "$admin_address" \
		--cacert "$pki/root.pem" --resolve "pbx.example.test:$port:$pbx_host" "$@" \
		"$scheme://pbx.example.test:$port/"
}

fails() { ! "$@"; }

answers() { ktap_equal "this is the application" "$(ask "$@")" "$*"; }

with() { echo --cert "$pki/$1.pem" --key "$pki/$1.key"; }

# handshake SERVICE OPTION...: openssl's; what it says is in $said
handshake() {
	local port=${secure[$1]} status=0
	shift
	said=$(on_peer timeout $((10 * HARNESS_TIME_SCALE)) openssl s_client \
		-connect "$pbx_host:$port" -bind "$admin_host" -servername pbx.example.test \
		-CAfile "$pki/root.pem" -verify_return_error "$@" 2>&1 </dev/null) || status=$?
	grep -E "^New,|alert" <<<"$said" || true
	return $status
}

test_disabled() {
	ktap_refuse 7 ask https disabled
	ktap_refuse 7 ask http disabled
}

test_unsecure_only() {
	ktap_refuse 7 ask https unsecure-only
	answers http unsecure-only
}

test_unsecure_and_secure() {
	answers https unsecure+secure
	answers http unsecure+secure
}

test_secure_low() {
	answers https secure-low
	ktap_refuse 7 ask http secure-low
	# without forward secrecy
	ktap_check handshake secure-low -tls1_2 -cipher AES128-GCM-SHA256
}

test_secure_medium() {
	answers https secure-medium
	ktap_refuse 7 ask http secure-medium
	ktap_check fails handshake secure-medium -tls1_2 -cipher AES128-GCM-SHA256
	ktap_check handshake secure-medium -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256
	ktap_check handshake secure-medium -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256
}

test_secure_high_takes_the_right_certificate() {
	# shellcheck disable=SC2046 # options
	answers https secure-high $(with good)
	ktap_refuse 7 ask http secure-high
}

test_secure_high_refuses_the_wrong_certificate() {
	ktap_check fails ask https secure-high
	ktap_check site_record refused secure-high "$admin_host:" '"refusal":"no-certificate"'
	# shellcheck disable=SC2046 # options
	ktap_check fails ask https secure-high $(with unknown-ca)
	ktap_check site_record refused secure-high "$admin_host:" '"refusal":"unknown-ca"'
	# shellcheck disable=SC2046 # options
	ktap_check fails ask https secure-high $(with expired)
	ktap_check site_record refused secure-high "$admin_host:" '"refusal":"expired"'
}

test_secure_high_wants_256_bits() {
	ktap_check fails handshake secure-high -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256
	# shellcheck disable=SC2046 # options
	ktap_check handshake secure-high -tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384 \
		-cert "$pki/good.pem" -key "$pki/good.key" -cert_chain "$pki/good.pem"
}

# in TLS 1.3 this is said of a server that asks for a certificate
test_certificate_is_asked_for_at_high_alone() {
	local service
	for service in unsecure+secure secure-low secure-medium; do
		ktap_check handshake $service
		ktap_check fails grep -q "Requested Signature Algorithms" <<<"$said"
	done
	handshake secure-high || true
	ktap_check grep -q "Requested Signature Algorithms" <<<"$said"
}

site_also_over_ipv6 test_disabled test_unsecure_only test_unsecure_and_secure \
	test_secure_high_takes_the_right_certificate test_secure_high_refuses_the_wrong_certificate

ktap_main "$@"
