#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `linewarden tcs`, and what becomes of a trust store that has a bad file in it.

# shellcheck source=tests/harness.sh
. "$(dirname "$0")/../harness.sh"
# shellcheck source=tests/e2e/operator.bash
. "$(dirname "$0")/../e2e/operator.bash"

prepare() { make_pki; }

# fingerprint FILE: the SHA-256 of the first certificate in it, as openssl writes it
fingerprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 | cut -d= -f2; }

# file_of FILE: the name that `tcs add` gives to the first certificate in it
file_of() { fingerprint "$1" | tr -d : | cut -c1-16 | tr A-F a-f | sed 's/$/.pem/'; }

# make_store [FILE...]: a new folder $store with the first certificates of these
make_store() {
	local from
	store=$(mktemp -d "$KTAP_DIR/store.XXXXXX")
	for from; do openssl x509 -in "$from" -out "$store/${from##*/}"; done
}

# make_crl FILE [FORM [ISSUER [REVOKED]]]: a revocation list, of the root as a rule
make_crl() {
	local ca=$KTAP_DIR/ca issuer=$pki/${3:-root}
	mkdir -p "$ca"
	: >"$ca/index"
	[ -z "${4:-}" ] || printf 'R\t450101000000Z\t250601000000Z\t%s\tunknown\t/CN=x\n' \
		"$(openssl x509 -in "$4" -noout -serial | cut -d= -f2)" >"$ca/index"
	printf '[ca]\ndefault_ca = it\n[it]\ndatabase = %s/index\ndefault_md = sha256\n' "$ca" >"$ca/conf"
	openssl ca -gencrl -config "$ca/conf" -cert "$issuer.pem" -keyfile "$issuer.key" \
		-crldays 90 2>/dev/null | openssl crl -outform "${2:-PEM}" -out "$1"
}

tcs() { local command=$1 && shift && "$tool" tcs "$command" --store "$store" "$@"; }

test_list() {
	make_store "$pki/root.pem" "$pki/good-rsa.pem" "$pki/self-signed.pem" "$pki/intermediate.pem" \
		"$pki/expired.pem"
	cp "$pki/good.key" "$store/oops.key"
	make_crl "$store/root.crl"
	says 0 '^FILE +SUBJECT +SHA-256 +KEY +ROLE +DAYS LEFT' tcs list
	ktap_match 'root.pem +CN=root,O=Linewarden tests +[0-9a-f]{16} +EC 256 +CA, self-signed +[0-9]+' \
		"$output"
	ktap_match 'intermediate.pem +CN=intermediate,[^,]* [0-9a-f]{16} +EC 256 +CA +[0-9]+' "$output"
	ktap_match 'good-rsa.pem .* RSA 2048 +- +[0-9]+' "$output"
	ktap_match 'self-signed.pem .* EC 256 +self-signed +[0-9]+' "$output"
	ktap_match 'expired.pem .* expired' "$output"
	ktap_match 'root.crl +CN=root,O=Linewarden tests +[0-9a-f]{16} +0 +(89|90)' "$output"
	ktap_match 'cannot be used:.*oops.key: PEM block 1 is a PRIVATE KEY' "$output"
	ktap_match 'read it at its start' "$output"
	says 0 '"cause": "PEM block 1 is a PRIVATE KEY, not a certificate"' tcs list --json
	ktap_match "\"sha256\": \"$(fingerprint "$pki/root.pem" | tr -d : | tr A-F a-f)\"" "$output"
	ktap_match '"next_update": [0-9]+' "$output"
	says 0 '"crls": \[' "$tool" tcs list -j -s "$store"
}

test_list_of_nothing() {
	make_store
	says 0 '^no certificates' tcs list
	store=$KTAP_DIR/nowhere
	says 1 'nowhere: No such file.*make the folder' tcs list
}

test_list_of_one_file() {
	store=$pki/good.pem
	says 0 'good.pem +CN=intermediate' tcs list
	says 1 'one file, not a folder' tcs add "$pki/root.pem"
	says 1 'one file, not a folder' tcs remove good.pem
}

test_add() {
	make_store
	says 0 "$(file_of "$pki/root.pem"): certificate of CN=root" tcs add "$pki/root.pem"
	ktap_match 'linewarden reload' "$output"
	ktap_equal "644 $(file_of "$pki/root.pem")" "$(cd "$store" && stat -c '%a %n' -- *)"
	ktap_equal "$(fingerprint "$pki/root.pem")" "$(fingerprint "$store/$(file_of "$pki/root.pem")")"
	# no temporary file either
	ktap_equal 1 "$(find "$store" -type f | wc -l)"
}

test_add_ignores_the_umask() {
	make_store
	(umask 077 && tcs add "$pki/root.pem")
	ktap_equal 644 "$(stat -c %a "$store"/*)"
}

test_add_splits() {
	make_store
	cat "$pki/root.pem" "$pki/other-root.pem" >"$KTAP_DIR/two.pem"
	make_crl "$KTAP_DIR/list.pem"
	cat "$KTAP_DIR/list.pem" >>"$KTAP_DIR/two.pem"
	says 0 'CN=root.*CN=other-root.*crl.pem: revocation list of CN=root' tcs add "$KTAP_DIR/two.pem"
	ktap_equal 3 "$(find "$store" -type f | wc -l)"
	ktap_check openssl crl -in "$store"/*.crl.pem -noout
	says 0 '2 certificates, 1 CRL' verify_store
}

test_add_der() {
	make_store
	openssl x509 -in "$pki/root.pem" -outform DER -out "$KTAP_DIR/root.der"
	make_crl "$KTAP_DIR/root.crl" DER
	says 0 'certificate of CN=root.*revocation list of' tcs add "$KTAP_DIR/root.der" "$KTAP_DIR/root.crl"
	ktap_equal 2 "$(grep -l -e '^-----BEGIN' "$store"/* | wc -l)"
}

test_add_refuses() {
	local before
	make_store "$pki/root.pem"
	before=$(ls -a "$store")
	says 1 'CN=root.* is in the store already, as root.pem' tcs add "$pki/root.pem"
	says 1 'is a PRIVATE KEY.*not added' tcs add "$pki/good.key"
	cat "$pki/other-root.pem" "$pki/good.key" >"$KTAP_DIR/both.pem"
	says 1 'is a PRIVATE KEY.*not added' tcs add "$KTAP_DIR/both.pem"
	openssl pkey -in "$pki/good.key" -outform DER -out "$KTAP_DIR/key.der"
	says 1 'not added' tcs add "$KTAP_DIR/key.der"
	says 1 'no certificate; not added' tcs add "$0"
	says 1 '/nowhere: No such file.*not added' tcs add /nowhere
	says 1 'it is a folder; not added' tcs add "$pki"
	ktap_equal "$before" "$(ls -a "$store")"
}

# what can be added is, and the status tells that not all was
test_add_goes_on() {
	make_store
	says 1 'PRIVATE KEY.*CN=root' tcs add "$pki/good.key" "$pki/root.pem"
	says 1 'already, as .*CN=other-root' tcs add "$pki/root.pem" "$pki/other-root.pem"
	says 0 'CN=self-signed' tcs add "$pki/self-signed.pem"
	ktap_equal 3 "$(find "$store" -type f | wc -l)"
	make_store
	says 1 "already, as $(file_of "$pki/root.pem")" tcs add "$pki/root.pem" "$pki/root.pem"
}

# a file of this name that is something else stays
test_add_overwrites_nothing() {
	local name
	make_store
	name=$(file_of "$pki/root.pem")
	echo notes >"$store/$name"
	says 1 "$name: File exists" tcs add "$pki/root.pem"
	ktap_equal notes "$(cat "$store"/*)"
	ktap_equal 1 "$(find "$store" -type f | wc -l)"
}

test_add_says_what_is_expired() {
	make_store
	says 0 'note: expired on 2025-06-01: CN=expired' tcs add "$pki/expired.pem"
}

test_remove() {
	local print
	make_store "$pki/root.pem" "$pki/other-root.pem" "$pki/good.pem"
	print=$(fingerprint "$pki/root.pem")
	says 0 'root.pem: removed: certificate of CN=root' tcs remove "$print"
	ktap_match 'linewarden reload' "$output"
	says 0 'good.pem: removed' tcs remove good.pem
	print=$(fingerprint "$pki/other-root.pem" | tr -d : | cut -c1-8)
	says 0 'other-root.pem: removed' tcs remove "$print"
	ktap_equal '' "$(ls "$store")"
}

test_remove_refuses() {
	local before print
	make_store "$pki/root.pem" "$pki/other-root.pem"
	cp "$store/root.pem" "$store/copy.pem"
	before=$(ls "$store")
	print=$(fingerprint "$pki/root.pem" | tr -d : | cut -c1-12)
	says 1 'more than one file matches.*copy.pem: certificate of CN=root.*root.pem: certificate' \
		tcs remove "$print"
	print=$(fingerprint "$pki/other-root.pem" | tr -d : | cut -c1-7)
	says 1 '8 hexadecimal digits' tcs remove "$print"
	says 1 'nothing in the store matches' tcs remove 0000000000
	says 1 "no file of the store is called '../store" tcs remove "../${store##*/}/root.pem"
	cat "$pki/good.pem" "$pki/self-signed.pem" >"$store/more.pem"
	says 1 'there are 3 certificates' tcs remove more.pem
	says 1 'there are 3 certificates' tcs remove "$(fingerprint "$pki/self-signed.pem")"
	rm "$store/more.pem"
	ktap_equal "$before" "$(ls "$store")"
}

# a file that cannot be used goes by its name, also by one that a terminal would not show
test_remove_of_what_cannot_be_used() {
	make_store "$pki/root.pem"
	cp "$pki/good.key" "$store/$(printf 'a\033b.key')"
	says 0 'a\\x1bb.key: PEM block' tcs list
	says 0 'removed: a file that could not be used' tcs remove 'a\x1bb.key'
	ktap_equal root.pem "$(ls "$store")"
}

# write_store_config FILE: the configuration with $store as its trust store
write_store_config() {
	write_config "$1"
	sed -i "s,^trust-store.*,trust-store = \"$store\"," "$1"
}

verify_store() {
	write_store_config "$KTAP_DIR/store.conf"
	"$tool" verify-config "$@" "$KTAP_DIR/store.conf"
}

test_store_of_the_configuration() {
	local config=$KTAP_DIR/tcs.conf
	make_store
	write_store_config "$config"
	says 0 'CN=root' "$tool" tcs add --config "$config" "$pki/root.pem"
	says 0 'CN=root' "$tool" tcs list -c "$config"
	says 0 'removed' "$tool" tcs remove -c "$config" "$(file_of "$pki/root.pem")"
	sed -i '/^trust-store/d' "$config"
	says 1 'names no trust-store' "$tool" tcs list -c "$config"
	says 1 '/nowhere.conf: No such file' "$tool" tcs list -c /nowhere.conf
}

test_usage() {
	says 0 'usage: linewarden tcs list' "$tool" tcs --help
	says 2 'list, add or remove is missing' "$tool" tcs
	says 2 'there are list, add and remove' "$tool" tcs show
	says 2 'no more arguments' "$tool" tcs list more
	says 2 'FILE to add is missing' "$tool" tcs add
	says 2 'to remove is missing' "$tool" tcs remove
	says 2 'only one of' "$tool" tcs list --config /x --store /x
	says 2 'belongs to list' "$tool" tcs add --json "$pki/root.pem"
	says 2 'nonsense' "$tool" tcs --nonsense
}

test_verify_config_names_the_troubles() {
	make_store "$pki/root.pem" "$pki/expired.pem"
	echo nothing >"$store/notes.txt"
	cp "$store/root.pem" "$store/s.pem"
	says 0 '2 certificates, 0 CRLs, 1 file that cannot be used, 1 expired, 1 duplicate' verify_store
	ktap_match 'notes.txt: no certificate' "$output"
	ktap_match 'expired.pem: expired on 2025-06-01' "$output"
	ktap_match 's.pem: the same certificate is in root.pem already' "$output"
	says 0 '"unusable": 1' verify_store --json
	ktap_match '"kind": "expired"' "$output"
}

test_nothing_usable_is_refused() {
	make_store "$pki/expired.pem"
	says 1 'no certificate in it can be used; the first trouble is expired.pem: expired' verify_store
	rm "$store"/*
	says 1 'there is no certificate in it' verify_store
	rmdir "$store"
	says 1 'No such file or directory' verify_store
}

test_check_goes_on() {
	make_store "$pki/root.pem"
	cp "$pki/good.key" "$store/oops.key"
	says 0 "$store/oops.key: PEM block 1 is a PRIVATE KEY, not a certificate; left out" "$tool" check \
		--trust "$store" --purpose client --chain "$pki/good.pem" --level medium
	says 2 'good.key: PEM block 1' "$tool" check --trust "$pki/good.key" --purpose client \
		--chain "$pki/good.pem" --level medium
}

test_check_revocation() {
	local by_root=$KTAP_DIR/by-root.crl by_intermediate=$KTAP_DIR/by-intermediate.crl
	local listed=$KTAP_DIR/listed.crl
	local check=("$tool" check --trust "$pki/root.pem" --purpose client --level medium
		--chain "$pki/good.pem")
	make_crl "$by_root"
	make_crl "$by_intermediate" DER intermediate
	make_crl "$listed" PEM intermediate "$pki/good.pem"
	says 0 . "${check[@]}"
	says 0 . "${check[@]}" --crl "$by_root" --crl "$by_intermediate"
	says 1 'revoked' "${check[@]}" --crl "$listed"
	says 0 . "${check[@]}" --crl "$listed" --crl-setting off
	says 1 . "${check[@]}" --crl-setting require
	says 1 . "${check[@]}" --crl-setting require --crl "$by_root"
	says 0 . "${check[@]}" --crl-setting require --crl "$by_root" --crl "$by_intermediate"
	says 2 'root.pem: there is a certificate in it' "${check[@]}" --crl "$pki/root.pem"
	says 2 '/nowhere: No such file' "${check[@]}" --crl /nowhere
	says 2 "off, prefer or require, not 'no'" "${check[@]}" --crl-setting no
}

# with --line its setting is in force, unless another is asked for
test_check_revocation_of_a_line() {
	local config=$KTAP_DIR/crl.conf
	local check=("$tool" check --config "$config" --line trunk --chain "$pki/good.pem")
	write_config "$config"
	says 0 . "${check[@]}"
	echo 'crl = require' >>"$config"
	says 1 . "${check[@]}"
	says 0 . "${check[@]}" --crl-setting prefer
	says 0 '"crl": "require"' "$tool" verify-config --json "$config"
	make_crl "$KTAP_DIR/listed.crl" PEM intermediate "$pki/good.pem"
	says 1 'revoked' "${check[@]}" --crl-setting prefer --crl "$KTAP_DIR/listed.crl"
}

test_revocation_list_in_the_store() {
	local config=$KTAP_DIR/stored-crl.conf
	make_store "$pki/root.pem"
	make_crl "$store/listed.crl" DER intermediate "$pki/good.pem"
	write_store_config "$config"
	says 1 'revoked' "$tool" check --config "$config" --line trunk --chain "$pki/good.pem"
	echo 'crl = off' >>"$config"
	says 0 . "$tool" check --config "$config" --line trunk --chain "$pki/good.pem"
}

# make_ending NAME DAYS: issues a certificate of the PKI anew, into the file $ending
make_ending() {
	[ -e "$KTAP_DIR/again" ] || cp -r "$pki" "$KTAP_DIR/again"
	"$KTAP_BUILD/tests/pki/mkpki" "$KTAP_DIR/again" "$1" $((86400 * $2 + 3600))
	ending=$KTAP_DIR/again/$1.pem
}

test_verify_config_names_what_ends_soon() {
	make_ending good 59
	make_store "$pki/root.pem" "$ending"
	says 0 'within 60 days of their end, or past it: 1' verify_store
	ktap_match 'trust store: good.pem: ends in 59 days, on 20[0-9-]+: CN=good' "$output"
	says 0 '"days": 59' verify_store --json
	says 0 'good.pem +CN=good.* 59' tcs list
	make_ending good 60
	make_store "$pki/root.pem" "$ending"
	says 0 . verify_store
	ktap_refuse 1 grep -q 'of their end' <<<"$output"
	write_store_config "$KTAP_DIR/soon.conf"
	echo 'expiry-warning = 61' >>"$KTAP_DIR/soon.conf"
	says 0 'within 61 days of their end, or past it: 1' "$tool" verify-config "$KTAP_DIR/soon.conf"
}

ktap_main "$@"
