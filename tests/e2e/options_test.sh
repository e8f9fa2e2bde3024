#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What linewarden and linewardend do without a daemon that runs: every option of theirs,
# every mistake an operator can make with them. None of it depends on the kernel.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
# shellcheck source=tests/e2e/operator.bash
. "$(dirname "$0")/operator.bash"

prepare() { make_pki; }

test_help() {
	local command
	says 0 '^usage: linewarden COMMAND' "$tool" --help
	says 0 '^usage: linewarden COMMAND' "$tool" -h
	says 0 '^usage: linewarden COMMAND' "$tool" help
	for command in status sessions watch kill verify-config check explain tcs exec detach; do
		ktap_match " $command " "$output"
		ktap_check "$tool" "$command" --help >/dev/null
		ktap_match "usage: linewarden $command" "$("$tool" "$command" -h)"
	done
	says 0 '^linewarden [0-9]' "$tool" --version
	says 0 '^linewarden [0-9]' "$tool" -V
	says 0 'usage: linewardend' "$daemon" --help
	says 0 'usage: linewardend' "$daemon" -h
	says 0 '^linewardend [0-9]' "$daemon" --version
	says 0 '^linewardend [0-9]' "$daemon" -V
}

test_usage_mistakes() {
	local command
	says 2 'usage' "$tool"
	says 2 "no command 'sesions'" "$tool" sesions
	for command in status sessions watch detach; do
		says 2 "one argument too many" "$tool" "$command" more
	done
	for command in status sessions watch kill verify-config check explain tcs exec detach; do
		says 2 'nonsense' "$tool" "$command" --nonsense
	done
	says 2 'FILE' "$tool" verify-config
	says 2 'usage' "$daemon" --nonsense
	says 2 'usage' "$daemon" more
}

test_conditions_that_are_none() {
	local command
	for command in sessions watch; do
		says 2 "linewarden $command: --line: ''" "$tool" "$command" --line ''
		says 2 "--function: 'sip' is no function" "$tool" "$command" --function sip
		says 2 "--peer: '192.0.2.1/24' " "$tool" "$command" --peer 192.0.2.1/24
		says 2 "--fingerprint: 'xyz' " "$tool" "$command" --fingerprint xyz
		says 2 "--delivery: 'auto' is no delivery" "$tool" "$command" --delivery auto
		says 2 "--direction: 'both' is no direction" "$tool" "$command" --direction both
	done
	says 2 line "$tool" status --line trunk
}

test_no_daemon() {
	says 1 'does not run here' "$tool" watch --run "$KTAP_DIR/nowhere"
	says 1 'does not run here' "$tool" status --run "$KTAP_DIR/nowhere"
	says 1 'does not run here' "$tool" sessions --run "$KTAP_DIR/nowhere"
}

test_verify_config() {
	local config=$KTAP_DIR/good.conf
	write_config "$config"
	says 0 'PORT +REMOTE +LINE' "$tool" verify-config "$config"
	ktap_match '5061 +127.0.3.0/24 +trunk +sip-line +server +required +medium' "$output"
	ktap_match '5061 +127.0.7.0/24 +phones +sip-phone +server +requested +low' "$output"
	says 0 '"valid": true' "$tool" verify-config --json "$config"
	says 0 '"valid": true' "$tool" verify-config -j "$config"
}

test_verify_config_names_the_mistake() {
	local config=$KTAP_DIR/bad.conf at
	write_config "$config"
	sed -i 's/level = low/level = lower/' "$config"
	at=$config:$(grep -n lower "$config" | cut -d: -f1)
	says 1 "^$at: .*'lower'" "$tool" verify-config "$config"
	says 1 '"valid": false' "$tool" verify-config --json "$config"
	ktap_match "$at: " "$output"
	says 1 "$at: " "$daemon" --config "$config"
	says 1 "$at: " "$daemon" -c "$config"
	says 1 '/nowhere.conf' "$tool" verify-config /nowhere.conf
}

test_check() {
	write_config "$KTAP_DIR/linewarden.conf"
	local trust=(--trust "$pki/root.pem" --purpose client)
	says 0 'trust-chain' "$tool" check "${trust[@]}" --chain "$pki/good.pem" --level medium
	says 1 'trust-chain' "$tool" check "${trust[@]}" --chain "$pki/unknown-ca.pem" --level medium
	says 0 'MEDIUM\+R' "$tool" check "${trust[@]}" --chain "$pki/good.pem" --sip example.test \
		--dns good.example.test --own "$pki/server.pem"
	says 1 'expired' "$tool" check "${trust[@]}" --chain "$pki/expired.pem" --checks in-date
	says 0 . "$tool" check "${trust[@]}" --chain "$pki/expired.pem" --checks in-date \
		--at 1740000000
	says 0 . "$tool" check --chain "$pki/good.pem" --purpose client --line trunk \
		--config "$KTAP_DIR/linewarden.conf"
	says 1 . "$tool" check "${trust[@]}" --chain "$pki/no-key-usage.pem" --level medium
	says 0 . "$tool" check "${trust[@]}" --chain "$pki/no-key-usage.pem" --level medium \
		--option accept-missing-key-usage
	says 1 . "$tool" check "${trust[@]}" --chain "$pki/good.pem" --level medium+remote \
		--ip 192.0.2.1
	says 0 '"' "$tool" check "${trust[@]}" --chain "$pki/good.pem" --level medium --json
	says 2 '/nowhere' "$tool" check "${trust[@]}" --chain /nowhere --level medium
}

test_kernel_tls_is_required() {
	local config=$KTAP_DIR/require.conf
	! has_kernel_tls || ktap_skip "this kernel has TLS"
	write_config "$config" require
	sed -i 's,^pin-path.*,pin-path = "/sys/fs/bpf/require",' "$config"
	says 1 'this kernel has no TLS .*CONFIG_TLS.*ktls = prefer' "$daemon" --config "$config"
	ktap_refuse 1 test -e /sys/fs/bpf/require
}

ktap_main "$@"
