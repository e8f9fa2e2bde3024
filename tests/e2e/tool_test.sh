#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# linewarden and linewardend as an operator uses them: every command, every option.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
daemon=$KTAP_BUILD/userspace/linewardend
tool=$KTAP_BUILD/tools/linewarden
peer=$KTAP_BUILD/tests/peer/peer

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
		pin-path = "$STAGE_PINS"
		run-path = "$KTAP_DIR/run"
		cgroup = "$STAGE_CGROUP"
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

prepare() {
	pki=$KTAP_DIR/pki
	# the daemon's workers, which are nobody's, need not look into it
	"$KTAP_BUILD/tests/pki/mkpki" "$pki"
	write_config "$KTAP_DIR/linewarden.conf"
	"$daemon" --config "$KTAP_DIR/linewarden.conf" >"$KTAP_DIR/daemon.log" 2>&1 &
	echo $! >"$KTAP_DIR/daemon.pid"
	"$KTAP_BUILD/tests/app/app" --log "$KTAP_DIR/app.log" echo 127.0.0.1:5061 &
	echo $! >"$KTAP_DIR/app.pid"
	for _ in $(seq 200); do
		! "$tool" status --run "$KTAP_DIR/run" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	cat "$KTAP_DIR/daemon.log"
	return 1
}

finish() {
	kill "$(cat "$KTAP_DIR/app.pid")"
	kill "$(cat "$KTAP_DIR/daemon.pid")"
	# the next program on this stage has the same pins
	while kill -0 "$(cat "$KTAP_DIR/daemon.pid")" 2>/dev/null; do sleep 0.05; done
}

pki=${KTAP_DIR:-}/pki

# says STATUS REGEX COMMAND...: has to end so, and to say so on either output
says() {
	local want=$1 regex=$2 rc=0
	shift 2
	output=$("$@" 2>&1) || rc=$?
	ktap_equal "$want" "$rc" "status of $*: $output"
	ktap_match "$regex" "$output" "$*"
}

ask() { local command=$1 && shift && "$tool" "$command" --run "$KTAP_DIR/run" "$@"; }

# open_session: a client in the background that says nothing for a while; $client is its address
open_session() {
	client=127.0.3.1:$((20000 + RANDOM % 10000))
	"$peer" --cert "$pki/good.pem" --source "$client" 127.0.0.1:5061 echo:100 sleep:60000 &
	ktap_until 10 grep -q "\"accept\":\"$client\"" "$KTAP_DIR/app.log"
}

test_help() {
	local command
	says 0 '^usage: linewarden COMMAND' "$tool" --help
	says 0 '^usage: linewarden COMMAND' "$tool" -h
	says 0 '^usage: linewarden COMMAND' "$tool" help
	for command in status sessions verify-config check explain detach; do
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
	for command in status sessions detach; do
		says 2 "one argument too many" "$tool" "$command" more
	done
	for command in status sessions verify-config check explain detach; do
		says 2 'nonsense' "$tool" "$command" --nonsense
	done
	says 2 'FILE' "$tool" verify-config
	says 2 'usage' "$daemon" --nonsense
	says 2 'usage' "$daemon" more
}

test_status() {
	says 0 'LINE +FUNCTION +PORT +LEVEL' ask status
	ktap_match 'trunk +sip-line +5061 +medium' "$output"
	ktap_match 'phones +sip-phone +5061 +low' "$output"
	ktap_match "pid $(cat "$KTAP_DIR/daemon.pid")," "$output"
	says 0 '"line": "trunk"' ask status --json
	ktap_match '"level": "medium"' "$output"
	says 0 '"line": "trunk"' "$tool" status -j -r "$KTAP_DIR/run"
}

test_status_counts() {
	local accepted
	accepted=$(ask status | awk '$1 == "trunk" { print $6 }')
	"$peer" --cert "$pki/good.pem" --source 127.0.3.1 127.0.0.1:5061 echo:10
	ktap_refuse 1 "$peer" --cert "$pki/unknown-ca.pem" --source 127.0.3.1 127.0.0.1:5061 \
		text:x drain
	says 0 "trunk +sip-line +5061 +medium +[0-9]+ +$((accepted + 1)) +0 +.*1 trust-chain" \
		ask status
}

test_sessions() {
	local kernel='user space' ktls=false
	! has_kernel_tls || { kernel=kernel && ktls=true; }
	open_session
	says 0 'LINE +FUNCTION +LEVEL +STATE +PEER' ask sessions
	ktap_match "trunk +sip-line +medium +verified +$client +TLSv1.3 +TLS_[A-Z0-9_]+ +$kernel" \
		"$output"
	says 0 "\"peer\": \"$client\"" ask sessions --json
	ktap_match '"line": "trunk"' "$output"
	ktap_match "\"ktls\": $ktls" "$output"
	says 0 "\"peer\": \"$client\"" "$tool" sessions -j -r "$KTAP_DIR/run"
}

test_explain() {
	local cookie
	open_session
	cookie=$(ask sessions --json | sed -n 's/.*"cookie": \([0-9]*\).*/\1/p' | head -n 1)
	says 0 "$client" "$tool" explain --log "$KTAP_DIR/audit.jsonl" "$cookie"
	ktap_match 'trust-chain' "$output"
	says 0 "$client" "$tool" explain -l "$KTAP_DIR/audit.jsonl"
	says 0 "$client" "$tool" explain --log - "$cookie" <"$KTAP_DIR/audit.jsonl"
	says 1 . "$tool" explain --log /nowhere
}

test_no_daemon() {
	says 1 'does not run here' "$tool" status --run "$KTAP_DIR/nowhere"
	says 1 'does not run here' "$tool" sessions --run "$KTAP_DIR/nowhere"
}

# root and the group, nobody else
test_control_socket() {
	ktap_equal '660 root root' "$(stat -c '%a %U %G' "$KTAP_DIR/run/control")"
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
	local trust=(--trust "$pki/root.pem" --purpose client)
	says 0 'trust-chain' "$tool" check "${trust[@]}" --chain "$pki/good.pem" --level medium
	says 1 'trust-chain' "$tool" check "${trust[@]}" --chain "$pki/unknown-ca.pem" --level medium
	says 0 'high\+remote' "$tool" check "${trust[@]}" --chain "$pki/good.pem" --sip example.test \
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

test_detach() {
	says 0 'nothing is pinned' "$tool" detach --pins "$STAGE_PINS-nowhere"
	says 1 'stop it first' "$tool" detach --pins "$STAGE_PINS"
	says 1 'stop it first' "$tool" detach -p "$STAGE_PINS"
}

test_audit_log_is_opened_anew() {
	local before
	mv "$KTAP_DIR/audit.jsonl" "$KTAP_DIR/audit.jsonl.1"
	kill -USR1 "$(cat "$KTAP_DIR/daemon.pid")"
	ktap_until 5 test -e "$KTAP_DIR/audit.jsonl"
	before=$(wc -l <"$KTAP_DIR/audit.jsonl.1")
	"$peer" --cert "$pki/good.pem" --source 127.0.3.1 127.0.0.1:5061 echo:10
	ktap_until 5 grep -q '"event":"accepted"' "$KTAP_DIR/audit.jsonl"
	ktap_equal "$before" "$(wc -l <"$KTAP_DIR/audit.jsonl.1")"
	ktap_equal 600 "$(stat -c %a "$KTAP_DIR/audit.jsonl")"
	cat "$KTAP_DIR/audit.jsonl" >>"$KTAP_DIR/audit.jsonl.1"
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
