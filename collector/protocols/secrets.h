/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secrets.h - keyed hashes, and base64 as clients send it.
 *
 * In:  a key and bytes. Out: 64 or 256 bits; decoded bytes. Called by mimics and turn.c. Pure.
 */
#ifndef OTORI_SECRETS_H
#define OTORI_SECRETS_H

#include "base/slice.h"

/* SipHash-2-4 of bytes under key. */
uint64_t keyed_hash(const uint64_t key[2], struct slice bytes);

/*
 * 256 bits of a secret: four SipHash-2-4 under keys derived from key by counter. Who lacks the key can neither compare
 * nor guess; equal secrets have equal hashes within one sensor.
 */
void secret_hash(const uint64_t key[2], struct slice secret, uint8_t hash[32]);

/*
 * Decodes base64 (RFC 4648, section 4; the padding may be missing) into to[size].
 * Returns the decoded length, or -EINVAL (not base64, or longer than size).
 */
int base64_decode(struct slice text, uint8_t *to, size_t size);

#endif
