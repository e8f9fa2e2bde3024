/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs to begin with, made anew for each build: one file each in a folder for each target. */
#ifndef TESTS_FUZZ_SEED_H
#define TESTS_FUZZ_SEED_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow; room for the largest seed. */
struct seed {
	uint8_t bytes[128 * 1024];
	size_t len;
};

void seed_add(struct seed *seed, const void *bytes, size_t len);
void seed_add_text(struct seed *seed, const char *text);

/* The DER of a certificate. */
void seed_add_certificate(struct seed *seed, X509 *certificate);

/* Begins with a target's head: a struct of bytes. */
void seed_begin(struct seed *seed, const void *head, size_t size);

/* Writes FOLDER/TARGET/NAME, the folder being main()'s argument; ends the program on failure. */
void seed_write(const struct seed *seed, const char *target, const char *name);

/* Calls back with each PEM file of tests/pki's mkpki: its name and its whole text. */
void seed_each_issued(void (*take)(const char *name, const char *text, size_t len));

/* the targets' seeds */
void seed_chain(void);
void seed_store(void);
void seed_name(void);
void seed_config(void);
void seed_message(void);
void seed_ktls(void);

#endif
