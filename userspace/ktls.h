/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel TLS on a connected TCP socket: keys in, records in and out. For data to the peer
 * plain send(MSG_NOSIGNAL | MSG_DONTWAIT) is all that is needed; without MSG_NOSIGNAL, and with
 * splice(), a peer that is gone raises SIGPIPE as ever.
 *
 * ktls_recv(), ktls_send_alert() and ktls_rekey_tx() never block, whatever the socket's flags.
 *
 * Where such a socket differs from plain TCP (seen on Linux 6.1, 6.12 and 7.3):
 *  - A part of a record makes the socket readable on 6.1 although there is nothing to
 *    receive: a level-triggered loop spins until the rest comes. Use edges there.
 *  - After ktls_rekey_rx() poll() is silent about records that came before it: receive until
 *    -EAGAIN without being told to.
 *  - An error of the record layer ends the session. A malformed header is reported once, after
 *    that -EAGAIN; a record that does not decrypt is reported again and again, and also by
 *    everything that sends, so that there is no alert bad_record_mac.
 *  - read() and splice() fail with EIO and EINVAL while a control record is the next one, and
 *    splice() returns 0 for an empty record as it does at the end of the stream.
 */
#ifndef USERSPACE_KTLS_H
#define USERSPACE_KTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/ktls_keys.h"

/* RFC 8446 section 5.1: what a record carries */
enum ktls_record {
	KTLS_RECORD_NONE = 0, /* no record: the end of the stream */
	KTLS_RECORD_ALERT = 21,
	KTLS_RECORD_HANDSHAKE = 22,
	KTLS_RECORD_DATA = 23,
};

/*
 * Attaches the upper-layer protocol "tls". Bytes pass unchanged until keys are installed.
 * To be called as soon as the connection is there: after the peer has half-closed it fails.
 * -ENOENT: the kernel has no TLS (without CAP_NET_ADMIN it will not load the module either).
 * -ENOTCONN: not established. -EEXIST: attached already.
 */
int ktls_attach(int fd);

/*
 * Puts the keys of both directions into the kernel, TX first. On an error the socket may
 * be left with one direction encrypted and must be closed. -errno of setsockopt();
 * -ENOTSUP: the peer takes only short records and this kernel (before 6.19) cannot be told
 * so; -EIO.
 * keys stays as it is: wipe it, or keep it for a rekey where the kernel can do that.
 */
int ktls_install(const struct ktls_crypto *crypto, int fd, const struct ktls_keys *keys);

/*
 * Records of TLS 1.3 are decrypted into the reader's buffer, without a copy, in the expectation
 * that they have no padding; one that has costs a second decryption (net/tls/tls_sw.c,
 * tls_decrypt_sw()). After ktls_install(). -errno of setsockopt(); the session is as it was then.
 */
int ktls_expect_no_pad(int fd);

/* Whether the kernel has keys of both directions: what is written goes out encrypted. */
bool ktls_is_installed(int fd);

/*
 * After the peer's KeyUpdate was read: on to the peer's next key. Any error ends the session.
 * -EBUSY: this kernel cannot rekey (before 6.14). -EINVAL: not TLS 1.3.
 */
int ktls_rekey_rx(const struct ktls_crypto *crypto, int fd, struct ktls_keys *keys);

/*
 * Sends a KeyUpdate (update_not_requested) under the old key, then goes on to the next one.
 * -EAGAIN: nothing was sent, call again when the socket is writable. Any other error ends
 * the session: the peer may be waiting for the new key already.
 */
int ktls_rekey_tx(const struct ktls_crypto *crypto, int fd, struct ktls_keys *keys);

/*
 * Receives from one record (for KTLS_RECORD_DATA: from all those that are there), at most len
 * bytes, len > 0. Returns their number and stores the type; 0 with KTLS_RECORD_NONE is
 * the end of the stream, which after no close_notify is a truncation. buf should hold a
 * whole record (16384): what does not fit of a control record comes with the next call.
 *  -EAGAIN       nothing there
 *  -EBADMSG      a forged, damaged or replayed record, an empty control record, or bytes
 *                while no key is installed
 *  -EMSGSIZE     a record longer than TLS allows
 *  -EINVAL       a record of another TLS version
 *  -EKEYEXPIRED  the peer has changed its key, and ktls_rekey_rx() was not called yet
 *  -ECONNRESET … as of recv(2)
 */
ssize_t ktls_recv(int fd, void *buf, size_t len, enum ktls_record *type);

/*
 * RFC 8446 section 6; close_notify is (1, 0). The kernel sends none by itself. Not before
 * ktls_install(): it would go out in the clear. -EAGAIN: nothing was sent. Other: as of
 * send(2), and -EBADMSG after a record did not decrypt.
 */
int ktls_send_alert(int fd, uint8_t level, uint8_t description);

#endif
