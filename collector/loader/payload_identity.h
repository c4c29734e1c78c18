/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * payload_identity.h - which payload this is (SHA-256), and whether the database has it already.
 *
 * In:  payload bytes. Out: their identity. Called by load_access.c, off the packet path.
 */
#ifndef OTORI_PAYLOAD_IDENTITY_H
#define OTORI_PAYLOAD_IDENTITY_H

#include "base/slice.h"

#define PAYLOAD_SHA256_BYTES 32

struct payload_identities; /* opaque: the hash's context, and the identities seen lately */

struct payload_identities *payload_identities_new(void);
void payload_identities_free(struct payload_identities *identities);

/* SHA-256 over bytes. 0, or -ENOMEM where libcrypto can't. */
int payload_identify(struct payload_identities *identities, struct slice bytes, uint8_t sha256[PAYLOAD_SHA256_BYTES]);

/*
 * True where this identity was remembered since the last payload_forget, and so need not be sent again; else it is
 * remembered now. It may be forgotten at any time: what is sent twice is merged by the database.
 */
bool payload_remembered(struct payload_identities *identities, const uint8_t sha256[PAYLOAD_SHA256_BYTES]);

/* To be called when a transaction was rolled back, or the sensor or the database is another one. */
void payload_forget(struct payload_identities *identities);

#endif
