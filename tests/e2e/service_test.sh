#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `make install` gives a host, under a systemd of its own: in a guest, with process numbers,
# control groups, a network, a BPF file system and folders that nobody else has, so that nothing of
# it is left: pinned programs go with the last of them.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
# shellcheck source=tests/e2e/operator.bash
. "$(dirname "$0")/operator.bash"
peer=$KTAP_BUILD/tests/peer/peer
app=$KTAP_BUILD/tests/app/app

# of no use here, and slow or not for a guest
masked="systemd-tmpfiles-setup systemd-tmpfiles-setup-dev systemd-udevd systemd-udev-trigger
	systemd-modules-load systemd-journal-flush systemd-sysctl systemd-remount-fs kmod-static-nodes
	networking systemd-random-seed"

# on_host COMMAND...: where that systemd is process 1
on_host() {
	nsenter -t "$(cat "$KTAP_DIR/init")" -m -n -p -C env -i \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin "$@"
}

# near COMMAND...: in its network alone
near() { nsenter -t "$(cat "$KTAP_DIR/init")" -n "$@"; }

write_host_config() {
	cat >/etc/linewarden/linewarden.conf <<-END
		identity {
			certificate = "/etc/linewarden/identity.pem"
			key = "/etc/linewarden/identity.key"
		}
		trust-store = "/etc/linewarden/trusted"
		pbx "pbx" { unit = "pbx.service" }
		line "trunk" {
			function = sip-line port = 5061
			remote = 127.0.3.0/24 level = medium
		}
		line "relayed" {
			function = sip-line port = 5061
			remote = 127.0.4.0/24 level = medium delivery = relay
		}
		line "provider" {
			function = sip-line direction = outbound port = 5062
			remote = 127.0.9.0/24 level = medium
		}
	END
}

# with the example's lines about Linewarden, and another command
write_pbx() {
	sed '/^#/d; s,/usr/sbin/asterisk.*,'"$app --log $KTAP_DIR/app.log echo 127.0.0.1:5061," \
		docs/examples/systemd/asterisk.service.d/linewarden.conf >/etc/systemd/system/pbx.service
}

# the README's steps, in folders of this mount namespace alone
install_host() {
	local dir
	mount --make-rprivate /
	mkdir "$KTAP_DIR/host"
	mount -t tmpfs tmpfs "$KTAP_DIR/host"
	for dir in etc usr/local var; do
		mkdir -p "$KTAP_DIR/host/$dir"/{files,work}
		mount -t overlay -o "lowerdir=/$dir,upperdir=$KTAP_DIR/host/$dir/files,workdir=$KTAP_DIR/host/$dir/work" \
			overlay "/$dir"
	done
	make -s -o all install PREFIX=/usr/local O="$KTAP_BUILD"
	systemd-sysusers
	rm -rf /etc/linewarden
	mkdir -p /etc/linewarden/trusted
	cp "$pki/root.pem" /etc/linewarden/trusted
	cp "$pki/server.pem" /etc/linewarden/identity.pem
	cp "$pki/server.key" /etc/linewarden/identity.key
	chmod 600 /etc/linewarden/identity.key
	write_host_config
	write_pbx
	linewarden verify-config /etc/linewarden/linewarden.conf
	find /etc/systemd/system -name '*.wants' -exec rm -r {} +
	cat >/etc/systemd/system/host.target <<-END
		[Unit]
		Requires=basic.target
		Wants=linewarden-keeper.service linewardend.service
	END
}

# becomes process 1
boot_host() {
	local unit
	umount -l /sys/fs/cgroup
	mount -t cgroup2 cgroup /sys/fs/cgroup
	mount -t bpf bpf /sys/fs/bpf
	ip link set lo up
	install_host
	mount -t tmpfs -o mode=755 tmpfs /run
	mkdir -p /run/lock /run/systemd/system
	for unit in $masked; do
		ln -s /dev/null "/run/systemd/system/$unit.service"
	done
	exec env -i container=guest PATH="$PATH" /lib/systemd/systemd --system --unit=host.target \
		--log-target=console --show-status=no
}

# one by one: of several, systemctl is content with any
host_is_up() { on_host systemctl is-active -q linewarden-keeper && on_host systemctl is-active -q linewardend; }

prepare() {
	[ -n "${LINEWARDEN_VM:-}" ] || return 0
	make_pki
	local cgroup=${STAGE_CGROUP:-/sys/fs/cgroup}/host
	export pki masked KTAP_DIR KTAP_BUILD app
	export -f boot_host install_host write_host_config write_pbx
	mkdir "$cgroup"
	# shellcheck disable=SC2016 # it is the other shell's
	bash -c 'echo $$ >"$1/cgroup.procs" && exec unshare --mount --net --cgroup --pid --fork --mount-proc \
		bash -euc boot_host' - "$cgroup" >"$KTAP_DIR/host.log" 2>&1 &
	echo $! >"$KTAP_DIR/unshare"
	for _ in $(seq 300); do
		kill -0 "$(cat "$KTAP_DIR/unshare")" 2>/dev/null || break
		! pgrep -P "$(cat "$KTAP_DIR/unshare")" >"$KTAP_DIR/init" || ! host_is_up 2>/dev/null ||
			return 0
		sleep 0.2
	done
	cat "$KTAP_DIR/host.log"
	[ ! -s "$KTAP_DIR/init" ] || on_host journalctl --no-pager -n 50
	return 1
}

# process 1 takes all of its namespace with it
finish() {
	[ ! -s "$KTAP_DIR/init" ] || kill -KILL "$(cat "$KTAP_DIR/init")"
}

need_host() { [ -s "$KTAP_DIR/init" ] || ktap_skip "no guest of its own for a systemd"; }

main_pid() { on_host systemctl show -p MainPID --value "$1"; }

# call SOURCE STEP...: a good client
call() {
	local source=$1 && shift
	near "$peer" --cert "$pki/good.pem" --source "$source" --timeout 60000 127.0.0.1:5061 "$@"
}

start_pbx() {
	on_host systemctl start pbx
	ktap_until 10 grep -q '"event":"ready"' "$KTAP_DIR/app.log"
}

# both ways of delivery, with a client each that lives on; $adopted and $relayed are theirs
open_sessions() {
	start_pbx
	call 127.0.3.1 echo:1000 "sleep:$1" echo:1000 >"$KTAP_DIR/adopted" &
	adopted=$!
	call 127.0.4.1 echo:1000 "sleep:$1" echo:1000 >"$KTAP_DIR/relayed" &
	relayed=$!
	ktap_until 10 sessions_are 2
}

sessions_are() { [ "$(on_host linewarden sessions --json | grep -c '"cookie"')" = "$1" ]; }

check_sessions_went_on() {
	local pid
	for pid in "$adopted" "$relayed"; do
		ktap_check wait "$pid"
	done
	ktap_match '"received":2000' "$(cat "$KTAP_DIR/adopted")"
	ktap_match '"received":2000' "$(cat "$KTAP_DIR/relayed")"
}

test_units_are_sound() {
	local dir=$KTAP_DIR/units unit
	mkdir "$dir"
	for unit in packaging/*.service; do
		sed "s,@sbindir@/linewarden,$KTAP_BUILD/userspace/linewarden," "$unit" >"$dir/${unit##*/}"
	done
	sed -i "s,^ExecReload=.*,ExecReload=$tool reload," "$dir/linewardend.service"
	says 0 '^$' systemd-analyze verify --man=no "$dir"/*.service
}

test_it_starts() {
	need_host
	says 0 'encrypts +the kernel' on_host linewarden status
	ktap_match 'workers +[0-9]+ of [0-9]+ run, 0 restarts' "$output"
	ktap_match 'carriers +[1-9]' "$output"
	ktap_equal 0 "$(on_host systemctl show -p NRestarts --value linewardend)"
	ktap_equal 0 "$(on_host systemctl show -p NRestarts --value linewarden-keeper)"
	ktap_equal 'root 600' "$(on_host stat -c '%U %a' /var/log/linewarden/audit.jsonl)"
}

test_a_service_adopts() {
	need_host
	start_pbx
	ktap_check call 127.0.3.1 echo:1000
	ktap_match '"delivery":"adopt"' "$(on_host grep '"accepted"' /var/log/linewarden/audit.jsonl)"
	ktap_match 'pbx\.service \(pid' "$(on_host linewarden status)"
}

test_a_stranger_is_refused() {
	need_host
	ktap_refuse 1 near "$peer" --cert "$pki/expired.pem" --source 127.0.3.1 127.0.0.1:5061 echo:10
	ktap_match '"reason":"[^"]*expired' "$(on_host tail -n 1 /var/log/linewarden/audit.jsonl)"
}

test_what_leaves_is_encrypted() {
	need_host
	awk '/BEGIN/ { n++ } n > 1' "$pki/server.pem" >"$KTAP_DIR/chain.pem"
	near openssl s_server -quiet -accept 127.0.9.1:5062 -cert "$pki/server.pem" -key "$pki/server.key" \
		-cert_chain "$KTAP_DIR/chain.pem" -rev &
	# it is intercepted in the control groups of that host, which this test is not in
	ktap_until 10 on_host systemd-run --quiet --wait --pipe "$peer" --plain 127.0.9.1:5062 \
		$'text:abc\n' $'expect:cba\n'
}

test_reload() {
	need_host
	local main
	main=$(main_pid linewardend)
	on_host sed -i 's/remote = 127.0.4.0/remote = 127.0.5.0/' /etc/linewarden/linewarden.conf
	says 0 '' on_host systemctl reload linewardend
	ktap_refuse 1 call 127.0.4.1 echo:10
	on_host sed -i 's/remote = 127.0.5.0/remote = 127.0.4.0/' /etc/linewarden/linewarden.conf
	says 0 '' on_host systemctl reload linewardend
	ktap_equal "$main" "$(main_pid linewardend)"
	on_host sed -i 's/level/levle/' /etc/linewarden/linewarden.conf
	says 1 'levle|failed' on_host systemctl reload linewardend
	on_host sed -i 's/levle/level/' /etc/linewarden/linewarden.conf
	start_pbx
	ktap_check call 127.0.3.1 echo:10
}

test_restart_is_not_felt() {
	need_host
	open_sessions $((4000 * HARNESS_TIME_SCALE))
	says 0 '' on_host systemctl restart linewardend
	ktap_until 5 sessions_are 2
	check_sessions_went_on
}

test_keeper_restart_is_not_felt() {
	need_host
	open_sessions $((4000 * HARNESS_TIME_SCALE))
	says 0 '' on_host systemctl restart linewarden-keeper
	ktap_check call 127.0.3.2 echo:10
	check_sessions_went_on
}

ktap_limit test_a_hang_is_ended 60
test_a_hang_is_ended() {
	need_host
	local main
	main=$(main_pid linewardend)
	on_host kill -STOP "$main"
	for _ in $(seq 400); do
		[ "$(main_pid linewardend)" = "$main" ] || break
		sleep 0.1
	done
	ktap_until 20 host_is_up
	[ "$(main_pid linewardend)" != "$main" ]
	start_pbx
	ktap_until 5 call 127.0.3.1 echo:10
}

test_a_denied_peer_stays_denied() {
	need_host
	local fingerprint
	start_pbx
	fingerprint=$(openssl x509 -in "$pki/good.pem" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g')
	says 0 'in force' on_host linewarden revoke --fingerprint "$fingerprint" --reason stolen
	ktap_refuse 1 call 127.0.3.1 echo:10
	says 0 '' on_host systemctl restart linewardend
	ktap_refuse 1 call 127.0.3.1 echo:10
	says 0 '' on_host linewarden revoke --remove "$fingerprint"
	ktap_check call 127.0.3.1 echo:10
}

# setns(2), and a name that the unit lets it see
test_a_network_namespace_has_lines() {
	need_host
	on_host ip netns add inside
	on_host ip -n inside link set lo up
	on_host tee -a /etc/linewarden/linewarden.conf >/dev/null <<-END
		line "inside" {
			function = sip-line port = 5071 namespace = inside
			remote = 127.0.3.0/24 level = medium
		}
	END
	says 0 '' on_host systemctl restart linewardend
	on_host ip netns exec inside "$app" --log "$KTAP_DIR/inside.log" echo 127.0.0.1:5071 &
	ktap_until 10 grep -q '"event":"ready"' "$KTAP_DIR/inside.log"
	ktap_until 5 on_host ip netns exec inside "$peer" --cert "$pki/good.pem" --source 127.0.3.1 \
		127.0.0.1:5071 echo:10
}

test_stopped_it_lets_nobody_in() {
	need_host
	start_pbx
	says 0 '' on_host systemctl stop linewardend
	ktap_refuse 1 call 127.0.3.1 echo:10
	ktap_refuse 1 near "$peer" --plain --source 127.0.3.1 127.0.0.1:5061 echo:10
	says 0 'unprotected' on_host linewarden detach
	says 0 '' on_host systemctl start linewardend
	ktap_until 5 call 127.0.3.1 echo:10
}

# nothing that it wants was kept from it
test_the_journal_has_no_complaint() {
	need_host
	on_host journalctl --no-pager -u linewardend -u linewarden-keeper >"$KTAP_DIR/journal"
	ktap_check test -s "$KTAP_DIR/journal"
	ktap_equal '' "$(grep -iE 'cannot|not permitted|read-only|denied' "$KTAP_DIR/journal" |
		grep -v 'the deny list')"
}

ktap_main "$@"
