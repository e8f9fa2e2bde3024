# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # what site.bash has
# Kamailio as the PBX, and SIPp as everybody else. SIPp has no TLS: socat does that for it, on
# its own side of the cable.

scenarios=$KTAP_TOP/tests/pbx/sipp
# a phone says that it is where nobody reaches it
declare -A sip_nowhere=([4]=10.1.1.1 [6]="[2001:db8:ffff::1]")

# sip_is WHO: what SIPp says of itself in Via and Contact, and where it runs. The application and
# the caller are programs on the PBX's own host, beside Kamailio; pbx stands in its place. No UDP:
# a busy machine retransmits, and SIPp takes that for a mistake.
sip_is() {
	local here=$trunk_host:5061 there="on_peer sipp -t t1 -i 127.0.0.1"
	case $1 in
	trunk) via="TLS $here" contact="$here;transport=tls" place=$there ;;
	phone)
		here=${sip_nowhere[4]}:5061
		[[ $phone_address != *:* ]] || here=${sip_nowhere[6]}:5061
		via="TLS $here" contact="$here;transport=tls" place=$there
		;;
	application | caller)
		here=127.0.0.1:5070
		[ "$1" = application ] || here=127.0.0.1:5071
		via="TCP $here" contact="$here;transport=tcp"
		place="site_in host/pbx sipp -t t1 -i 127.0.0.1 -p ${here#*:}"
		;;
	pbx)
		here=$pbx_host:5061 via="TCP $pbx_host:5061" contact=$here
		place="site_in host/pbx sipp -t tn -max_socket 1000 -i $pbx_host"
		;;
	esac
}

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
			remote = $(site_remote trunk)
			level = medium+remote
			sip-domains = "example.test"
		}
		line "phones" {
			function = sip-phone
			port = 5061
			remote = $(site_remote phone)
			level = medium
		}
	END
}

sip_start_kamailio() {
	mkdir "$KTAP_DIR/kamailio"
	site_start kamailio host/pbx kamailio -f "$KTAP_TOP/tests/pbx/kamailio.cfg" -DD -E \
		-m 64 -M 8 -Y "$KTAP_DIR/kamailio" -w "$KTAP_DIR/kamailio"
	site_wait kamailio site_listens here "[$ip6${site_numbers[pbx]}]:5061"
}

# sip_forward PORT ADDRESS: what connects to 127.0.0.1:PORT there is taken to ADDRESS
sip_forward() {
	on_peer socat "TCP-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork" "$2" 2>"$KTAP_DIR/tls-client.log" &
	ktap_until 10 site_listens there "127.0.0.1:$1"
}

# tls_client PORT HOST[:PORT] [CERTIFICATE]: it talks TLS with the PBX, from that address
tls_client() {
	local options="bind=$2,cafile=$pki/root.pem,snihost=pbx.example.test,commonname=pbx.example.test"
	[ -z "${3:-}" ] || options+=",cert=$pki/$3.pem,key=$pki/$3.key"
	sip_forward "$1" "OPENSSL:$pbx_host:5061,reuseaddr,$options"
}

# tls_server PORT CERTIFICATE: TLS for the server on 127.0.0.1:PORT, at the trunk's address
tls_server() {
	local family=ip4
	[[ $trunk_address != *:* ]] || family=ip6
	on_peer socat "OPENSSL-LISTEN:5061,pf=$family,bind=$trunk_host,reuseaddr,fork,\
cert=$pki/$2.pem,key=$pki/$2.key,cafile=$pki/root.pem,verify=1" "TCP:127.0.0.1:$1" \
		2>"$KTAP_DIR/tls-server.log" &
	ktap_until 10 site_listens there "$trunk_host:5061"
}

# sip WHO SCENARIO USER OPTION...: SIPp, whose messages are then in $KTAP_DIR/WHO-SCENARIO.messages
sip() {
	local scenario=$2 user=$3 files=$KTAP_DIR/$1-$2 via contact place
	sip_is "$1"
	shift 3
	$place -sf "$scenarios/$scenario.xml" -key user "$user" -key pbx "$pbx_host" \
		-key via "SIP/2.0/$via" -key contact "$contact" \
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

# sip_starts_trunk SCENARIO OPTION...: the trunk as a TLS server that answers calls, in the background
sip_starts_trunk() {
	local scenario=$1
	shift
	tls_server 6010 good
	sip_works trunk "$scenario" 555 -p 6010 "$@" &
	ktap_until 10 site_listens there 127.0.0.1:6010
}

# sip_trunk_number: what the application and phones call, as kamailio.cfg tells the trunks apart
sip_trunk_number() { [[ $trunk_address = *:* ]] && echo 6555 || echo 555; }

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
