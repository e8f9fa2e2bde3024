#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `linewarden verify-config` shows of everything that a configuration can have.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
# shellcheck source=tests/e2e/operator.bash
. "$(dirname "$0")/../e2e/operator.bash"

prepare() { make_pki; }

# write_wide FILE: settings, a PBX, and lines of all kinds
write_wide() {
	write_config "$1"
	sed -i '/^line/,$d' "$1"
	mkdir -p "$KTAP_DIR/lines.d"
	cat >>"$1" <<-END
		management-interfaces = high
		telephony-endpoints = medium
		state-path = "$KTAP_DIR/state"
		include = { "$KTAP_DIR/lines.d" }
		pbx asterisk { unit = "asterisk.service" unmatched = block }
		line trunk {
			function = sip-line
			direction = both
			remote = 192.0.2.0/24
			remote-port = 5071
			sip-domains = example.com
			exceptions = { accept-server-auth-client, strict-purpose }
		}
		line phones { function = sip-phone namespace = blue resumption = no }
		line web { function = admin service-security = secure-high plain-port = 80 }
		line old { function = admin service-security = disabled port = 8443 remote = 10.0.0.0/8 }
	END
}

verify() { "$tool" verify-config "$@"; }

test_table() {
	local config=$KTAP_DIR/wide.conf
	write_wide "$config"
	echo 'line more { function = ip-office-line remote = 198.51.100.7 level = low }' \
		>"$KTAP_DIR/lines.d/more.conf"
	says 0 '^PORT +REMOTE +LINE +FUNCTION +ROLE +CERTIFICATE +LEVEL +DELIVERY +NOTES' verify "$config"
	ktap_match '5061 +192.0.2.0/24 +trunk +sip-line +server +required +medium +auto +exceptions' \
		"$output"
	ktap_match '5071 +192.0.2.0/24 +trunk +sip-line +client +required +medium +relay +to example.com' \
		"$output"
	ktap_match '5061 +::/0 +phones +sip-phone +server +requested +medium +auto +in blue, no resum' \
		"$output"
	ktap_match '443 +0.0.0.0/0 +web +admin +server +required +high +auto +secure-high' "$output"
	ktap_match '443 +198.51.100.7/32 +more +ip-office-line +server +required +low +auto' "$output"
	ktap_match '8443 +10.0.0.0/8 +old +admin +server +- +- +closed +disabled' "$output"
	ktap_match 'exceptions of trunk as server: accept-server-auth-client, strict-purpose' "$output"
	ktap_match 'exceptions of trunk as client: strict-purpose' "$output"
	ktap_match 'closed ports: 80, 8443' "$output"
	ktap_match 'pbx asterisk: /system.slice/asterisk.service, unmatched connections are blocked' \
		"$output"
	ktap_match 'identity: CN=.*, offered with [0-9]+ certificate' "$output"
	ktap_refuse 1 grep -q 'OBSERVE' <<<"$output"
}

test_observe_is_loud() {
	write_wide "$KTAP_DIR/observe.conf"
	sed -i 's/resumption = no/mode = observe/' "$KTAP_DIR/observe.conf"
	says 0 'OBSERVE MODE: nothing is refused, only recorded, on phones' verify "$KTAP_DIR/observe.conf"
	ktap_match 'phones .* OBSERVE, in blue' "$output"
}

test_json() {
	local config=$KTAP_DIR/wide.conf answer
	write_wide "$config"
	answer=$(verify --json "$config")
	check() {
		/usr/bin/python3 -c "
import json, sys
c = json.load(sys.stdin)
lines = {(l['line'], l['role']): l for l in c['lines']}
sys.exit(not ($1))" <<<"$answer"
	}
	ktap_check check 'c["valid"] and c["settings"]["management-interfaces"] == "high"'
	ktap_check check 'lines["trunk", "client"]["port"] == 5071'
	ktap_check check 'lines["trunk", "client"]["server_name"] == "example.com"'
	ktap_check check 'lines["trunk", "server"]["options"] == ["accept-server-auth-client", "strict-purpose"]'
	ktap_check check 'lines["phones", "server"]["namespace"] == "blue"'
	ktap_check check 'not lines["phones", "server"]["resumption"]'
	ktap_check check 'lines["web", "server"]["ciphers"] == "high"'
	ktap_check check 'lines["web", "server"]["service_security"] == "secure-high"'
	ktap_check check 'lines["old", "server"]["delivery"] == "closed"'
	ktap_check check '[p["port"] for p in c["closed_ports"]] == [80, 8443]'
	ktap_check check 'c["pbx"][0]["unmatched"] == "block"'
	ktap_check check 'c["files"][0].endswith("wide.conf")'
	ktap_check check '"subject" in c["identities"]["identity"]'
}

test_before_r11_1_3() {
	local config=$KTAP_DIR/upgraded.conf
	write_wide "$config"
	echo 'upgraded-host = yes' >>"$config"
	says 0 'trunk .* medium \(before R11.1.3\) +relay' verify "$config"
	ktap_refuse 1 test -e "$KTAP_DIR/state"
	mkdir "$KTAP_DIR/state"
	echo '{"version": 1, "settings": {"telephony-endpoints": {"level": "high", "changed": false},
		"management-interfaces": {"level": "high", "changed": false}}, "lines": {}}' \
		>"$KTAP_DIR/state/upgrade.json"
	says 0 'trunk .* medium +relay' verify "$config"
	ktap_match 'web .* high \(before R11.1.3\)' "$output"
	says 1 'no-key-usage|key-usage' "$tool" check --config "$config" --line trunk --purpose client \
		--chain "$pki/no-key-usage.pem"
	echo nonsense >"$KTAP_DIR/state/upgrade.json"
	says 1 'upgrade.json: it is damaged' verify "$config"
	says 1 '"error": ".*upgrade.json: it is damaged' verify --json "$config"
	says 2 'it is damaged' "$tool" check --config "$config" --line trunk --chain "$pki/good.pem"
}

# a line of both directions: the purpose says which of the two
test_check_takes_the_direction() {
	local config=$KTAP_DIR/directions.conf
	write_wide "$config"
	sed -i 's/, strict-purpose//' "$config"
	says 0 . "$tool" check --config "$config" --line trunk --chain "$pki/server.pem" --purpose server
	says 2 'not this --purpose' "$tool" check --config "$config" --line phones --purpose server \
		--chain "$pki/server.pem"
	says 2 'has no line' "$tool" check --config "$config" --line nowhere --chain "$pki/server.pem"
}

test_warnings() {
	write_wide "$KTAP_DIR/warning.conf"
	echo 'crl = require' >>"$KTAP_DIR/warning.conf"
	says 0 "warning: .*line 'trunk': crl = require, and the trust store has no revocation list" \
		verify "$KTAP_DIR/warning.conf"
	says 0 '"warnings": \[' verify --json "$KTAP_DIR/warning.conf"
}

ktap_main "$@"
