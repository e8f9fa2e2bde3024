#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The commands that ask a daemon. What needs none is in options_test.sh.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
# shellcheck source=tests/e2e/operator.bash
. "$(dirname "$0")/operator.bash"
peer=$KTAP_BUILD/tests/peer/peer

prepare() {
	make_pki
	write_config "$KTAP_DIR/linewarden.conf"
	# a file that cannot be used keeps nobody out
	mkdir "$KTAP_DIR/trusted"
	cp "$pki/root.pem" "$pki/expired.pem" "$KTAP_DIR/trusted"
	echo notes >"$KTAP_DIR/trusted/notes.txt"
	sed -i "s,^trust-store.*,trust-store = \"$KTAP_DIR/trusted\"," "$KTAP_DIR/linewarden.conf"
	# and one line lets everybody in, and says so
	sed -i 's/level = low/level = low mode = observe/' "$KTAP_DIR/linewarden.conf"
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

ask() { local command=$1 && shift && "$tool" "$command" --run "$KTAP_DIR/run" "$@"; }

# open_session: a client in the background that says nothing for a while; $client is its address
open_session() {
	client=127.0.3.1:$((20000 + RANDOM % 10000))
	"$peer" --cert "$pki/good.pem" --source "$client" 127.0.0.1:5061 echo:100 sleep:60000 &
	ktap_until 10 grep -q "\"accept\":\"$client\"" "$KTAP_DIR/app.log"
}

test_status() {
	says 0 'LINE +FUNCTION +DIRECTION +PORT +LEVEL' ask status
	ktap_match 'trunk +sip-line +inbound +5061 +medium' "$output"
	ktap_match 'phones +sip-phone +inbound +5061 +low' "$output"
	ktap_match 'OBSERVING +line phones \(inbound\): refusals are recorded' "$output"
	ktap_match "pid $(cat "$KTAP_DIR/daemon.pid")," "$output"
	says 0 '"line": "trunk"' ask status --json
	ktap_match '"level": "medium"' "$output"
	says 0 '"line": "trunk"' "$tool" status -j -r "$KTAP_DIR/run"
}

test_trust_store_troubles_are_named() {
	says 0 'trust store +3 certificates, 0 CRLs, 1 file that cannot be used, 1 expired' ask status
	ktap_match 'expiry +1 certificate within 60 days.* expired +trust store: CN=expired' "$output"
	says 0 '"unusable": 1' ask status --json
	ktap_equal 1 "$(grep -c 'trust store: notes.txt: no certificate' "$KTAP_DIR/daemon.log")"
	ktap_equal 1 "$(grep -c 'trust store: expired.pem: expired on 2025-06-01' "$KTAP_DIR/daemon.log")"
}

# the first of the daily records comes with the start
test_expiry_is_recorded() {
	ktap_until 5 grep -q '"event":"expiry"' "$KTAP_DIR/audit.jsonl"
	ktap_equal 1 "$(grep -c '"event":"expiry"' "$KTAP_DIR/audit.jsonl")"
	says 0 'expiry' "$tool" explain --log "$KTAP_DIR/audit.jsonl"
	ktap_match '-[0-9]+ days +trust store: CN=expired' "$output"
}

test_observed_line_lets_everybody_in() {
	"$peer" --cert "$pki/expired.pem" --source 127.0.7.1 127.0.0.1:5061 echo:10
	says 0 'phones +sip-phone +inbound +5061 +low +[0-9]+ +[0-9]+ +1 ' ask status
	ktap_until 5 grep -q '"event":"observed".*"refusal":"expired"' "$KTAP_DIR/audit.jsonl"
	ktap_match 'line phones \(inbound\) observes' "$(cat "$KTAP_DIR/daemon.log")"
}

test_status_counts() {
	local accepted
	accepted=$(ask status | awk '$1 == "trunk" { print $7 }')
	"$peer" --cert "$pki/good.pem" --source 127.0.3.1 127.0.0.1:5061 echo:10
	ktap_refuse 1 "$peer" --cert "$pki/unknown-ca.pem" --source 127.0.3.1 127.0.0.1:5061 \
		text:x drain
	says 0 "trunk +sip-line +inbound +5061 +medium +[0-9]+ +$((accepted + 1)) +0 +0 +.*1 trust-chain" \
		ask status
}

test_sessions() {
	local kernel='user space' ktls=false
	! has_kernel_tls || { kernel=kernel && ktls=true; }
	open_session
	says 0 'LINE +FUNCTION +DIRECTION +LEVEL +STATE +PEER' ask sessions
	ktap_match "trunk +sip-line +inbound +medium +verified +$client +TLSv1.3 +TLS_[A-Z0-9_]+ +$kernel" \
		"$output"
	says 0 "\"peer\": \"$client\"" ask sessions --json
	ktap_match '"line": "trunk"' "$output"
	ktap_match "\"ktls\": $ktls" "$output"
	says 0 "\"peer\": \"$client\"" "$tool" sessions -j -r "$KTAP_DIR/run"
}

# shows COUNT CONDITION...: so many of the sessions that live
shows() {
	local count=$1
	shift
	ktap_equal "$count" "$(ask sessions --json "$@" | grep -c '"cookie"')"
}

test_sessions_that_fit() {
	local sha
	open_session
	sha=$(ask sessions --json --peer "${client%:*}" | sed -n 's/.*"sha256": "\([^"]*\)".*/\1/p' | head -n 1)
	says 0 "trunk .* $client " ask sessions --line trunk --function sip-line --peer 127.0.3.0/24 \
		--fingerprint "${sha:0:9}" --delivery relay --direction inbound
	ktap_match 'CERTIFICATE ENDS IN' "$output"
	shows "$(ask sessions --json | grep -c '"cookie"')" --peer 127.0.0.0/8
	shows 0 --line phones
	shows 0 --function sip-phone
	shows 0 --line trunk --peer 127.0.7.0/24
	shows 0 --fingerprint "${sha:1:9}"
	shows 0 --delivery adopt
	shows 0 --direction outbound
	says 0 'no sessions' ask sessions --line phones
}

# start_watch NAME CONDITION...: in the background, and it hears by then
start_watch() {
	local name=$1
	shift
	ask watch "$@" >"$KTAP_DIR/$name" 2>"$KTAP_DIR/$name.err" &
	echo $! >>"$KTAP_DIR/watch.pids"
	ktap_until 5 grep -q . "$KTAP_DIR/$name"
}

# a client, and whether it was seen
seen_by_json() {
	"$peer" --cert "$pki/good.pem" --source 127.0.3.9 127.0.0.1:5061 echo:10 >/dev/null
	[ -s "$KTAP_DIR/json.all" ]
}

test_watch() {
	local pids
	: >"$KTAP_DIR/watch.pids"
	start_watch all
	start_watch phones --line phones
	# this one has no head
	ask watch --json --peer 127.0.3.0/24 >"$KTAP_DIR/json.all" 2>&1 &
	echo $! >>"$KTAP_DIR/watch.pids"
	ktap_until 10 seen_by_json
	"$peer" --cert "$pki/good.pem" --source 127.0.3.1:29001 127.0.0.1:5061 echo:10
	ktap_refuse 1 "$peer" --cert "$pki/unknown-ca.pem" --source 127.0.3.1:29002 127.0.0.1:5061 \
		text:x drain
	"$peer" --cert "$pki/expired.pem" --source 127.0.7.1:29003 127.0.0.1:5061 echo:10
	ktap_until 5 grep -q '^[^ ]*Z  ended .* 127.0.7.1:29003 ' "$KTAP_DIR/all"
	output=$(cat "$KTAP_DIR/all")
	ktap_match '^TIME +EVENT +LINE +FUNCTION +DIRECTION +LEVEL +DELIVERY +PEER +REASON' "$output"
	ktap_match 'Z  accepted  trunk +sip-line +inbound +medium +relay +127.0.3.1:29001 +every check' \
		"$output"
	ktap_match 'Z  ended     trunk +sip-line +inbound +medium +relay +127.0.3.1:29001 ' "$output"
	ktap_match 'Z  refused   trunk +sip-line +inbound +medium +127.0.3.1:29002 +' "$output"
	ktap_match 'Z  observed  phones +sip-phone +inbound +low +relay +127.0.7.1:29003 +' "$output"
	# no colour but on a terminal
	ktap_refuse 1 grep -q "$(printf '\033')" "$KTAP_DIR/all"
	ktap_equal 3 "$(wc -l <"$KTAP_DIR/phones")"
	grep -vF 127.0.3.9 "$KTAP_DIR/json.all" >"$KTAP_DIR/json"
	ktap_equal 3 "$(wc -l <"$KTAP_DIR/json")"
	ktap_equal 1 "$(grep -c '^{"time":.*"event":"refused".*"peer":"127.0.3.1:29002"' "$KTAP_DIR/json")"
	# the same lines as in the log
	while read -r line; do
		ktap_check grep -qxF "$line" "$KTAP_DIR/audit.jsonl"
	done <"$KTAP_DIR/json"
	pids=$(cat "$KTAP_DIR/watch.pids")
	# shellcheck disable=SC2086 # one each
	kill $pids
}

# they do not take the places of those who ask
test_watchers_have_a_limit() {
	local i pids=()
	for i in $(seq 8); do
		ask watch >"$KTAP_DIR/watch-$i" &
		pids+=($!)
	done
	for i in $(seq 8); do ktap_until 5 grep -q TIME "$KTAP_DIR/watch-$i"; done
	says 1 'too many watch already' ask watch
	says 0 'LINE +FUNCTION' ask status
	kill "${pids[@]}"
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

# root and the group, nobody else
test_control_socket() {
	ktap_equal '660 root root' "$(stat -c '%a %U %G' "$KTAP_DIR/run/control")"
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
}

ktap_main "$@"
