# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # what site.bash has
# Kamailio as the PBX, and SIPp as everybody else. SIPp has no TLS: socat does that for it, on
# its own side of the cable.

scenarios=$KTAP_TOP/tests/pbx/sipp
# what SIPp says of itself in Via and Contact, and where it runs. The application and the caller
# are programs on the PBX's own host, beside Kamailio; pbx stands in its place. No UDP: a busy
# machine retransmits, and SIPp takes that for a mistake.
declare -A sip_via=(
	[trunk]="SIP/2.0/TLS $trunk_address:5061" [phone]="SIP/2.0/TLS 10.1.1.1:5061"
	[application]="SIP/2.0/TCP 127.0.0.1:5070" [caller]="SIP/2.0/TCP 127.0.0.1:5071"
	[pbx]="SIP/2.0/TCP $pbx_address:5061"
)
declare -A sip_contact=(
	[trunk]="$trunk_address:5061;transport=tls" [phone]="10.1.1.1:5061;transport=tls"
	[application]="127.0.0.1:5070;transport=tcp" [caller]="127.0.0.1:5071;transport=tcp"
	[pbx]="$pbx_address:5061"
)
declare -A sip_place=(
	[trunk]="on_peer sipp -t t1 -i 127.0.0.1" [phone]="on_peer sipp -t t1 -i 127.0.0.1"
	[application]="site_in host/pbx sipp -t t1 -i 127.0.0.1 -p 5070"
	[caller]="site_in host/pbx sipp -t t1 -i 127.0.0.1 -p 5071"
	[pbx]="site_in host/pbx sipp -t tn -max_socket 1000 -i $pbx_address"
)

sip_needs() { site_needs kamailio sipp socat; }

# sip_has: for prepare(), where nothing can be skipped
sip_has() { command -v kamailio sipp socat >/dev/null; }

# the lines of the configuration
sip_lines() {
	cat <<-END
		pbx "kamailio" {
			cgroup = "$(site_pbx_cgroup)"
		}
		line "trunk" {
			function = sip-line
			port = 5061
			direction = both
			remote = $trunk_address
			level = medium+remote
			sip-domains = "example.test"
		}
		line "phones" {
			function = sip-phone
			port = 5061
			remote = $phone_address
			level = medium
		}
	END
}

sip_start_kamailio() {
	mkdir "$KTAP_DIR/kamailio"
	site_start kamailio host/pbx kamailio -f "$KTAP_TOP/tests/pbx/kamailio.cfg" -DD -E \
		-m 64 -M 8 -Y "$KTAP_DIR/kamailio" -w "$KTAP_DIR/kamailio"
	site_wait kamailio site_listens here "$pbx_address:5061"
}

# sip_forward PORT ADDRESS: what connects to 127.0.0.1:PORT there is taken to ADDRESS
sip_forward() {
	on_peer socat "TCP-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork" "$2" 2>"$KTAP_DIR/tls-client.log" &
	ktap_until 10 site_listens there "127.0.0.1:$1"
}

# tls_client PORT ADDRESS[:PORT] [CERTIFICATE]: it talks TLS with the PBX, from that address
tls_client() {
	local options="bind=$2,cafile=$pki/root.pem,snihost=pbx.example.test,commonname=pbx.example.test"
	[ -z "${3:-}" ] || options+=",cert=$pki/$3.pem,key=$pki/$3.key"
	sip_forward "$1" "OPENSSL:$pbx_address:5061,reuseaddr,$options"
}

# tls_server PORT CERTIFICATE: TLS for the server on 127.0.0.1:PORT, at the trunk's address
tls_server() {
	on_peer socat "OPENSSL-LISTEN:5061,bind=$trunk_address,reuseaddr,fork,\
cert=$pki/$2.pem,key=$pki/$2.key,cafile=$pki/root.pem,verify=1" "TCP:127.0.0.1:$1" \
		2>"$KTAP_DIR/tls-server.log" &
	ktap_until 10 site_listens there "$trunk_address:5061"
}

# sip WHO SCENARIO USER OPTION...: SIPp, whose messages are then in $KTAP_DIR/WHO-SCENARIO.messages
sip() {
	local who=$1 scenario=$2 user=$3 files=$KTAP_DIR/$1-$2
	shift 3
	${sip_place[$who]} -sf "$scenarios/$scenario.xml" -key user "$user" \
		-key via "${sip_via[$who]}" -key contact "${sip_contact[$who]}" \
		-nostdin -timeout $((60 * HARNESS_TIME_SCALE)) -timeout_error \
		-trace_msg -message_file "$files.messages" -message_overwrite true \
		-trace_err -error_file "$files.errors" -error_overwrite true "$@" >"$files.log" 2>&1
}

sip_fails() { ! sip "$@"; }

# sip_starts_application SCENARIO OPTION...: what answers calls that come in, in the background
sip_starts_application() {
	local scenario=$1
	shift
	sip_works application "$scenario" 700 "$@" &
	ktap_until 10 site_listens here 127.0.0.1:5070
}

# sip_works WHO SCENARIO USER OPTION...: the same, and says why where it fails
sip_works() {
	local status=0
	sip "$@" || status=$?
	[ $status = 0 ] || {
		tail -n 20 "$KTAP_DIR/$1-$2.errors" || true
		grep -A12 Messages "$KTAP_DIR/$1-$2.log" | head -n 14
		tail -n 5 "$KTAP_DIR"/{tls-*,kamailio,daemon}.log
		tail -n 2 "$KTAP_DIR/audit.jsonl"
	}
	return $status
}

# sip_requests: how many requests Kamailio has got, as its log shows them
sip_requests() {
	grep -c ' from ' "$KTAP_DIR/kamailio.log" || true
}
