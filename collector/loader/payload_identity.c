// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * payload_identity.c - which payload this is (SHA-256), and whether the database has it already.
 *
 * In:  payload bytes. Out: their identity. Called by load_access.c, off the packet path.
 *
 * Most payloads are the same few greetings of scanners. A table of the identities seen lately, one place a hash, saves
 * sending them and the database merging them.
 */
#include "loader/payload_identity.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define PLACES (1u << 18) /* 8 MiB */

struct payload_identities {
	EVP_MD *digest;
	EVP_MD_CTX *context;
	uint8_t seen[PLACES][PAYLOAD_SHA256_BYTES]; /* all zero = free; nothing hashes to that */
};

struct payload_identities *payload_identities_new(void)
{
	struct payload_identities *identities = calloc(1, sizeof(*identities));

	if (!identities)
		return NULL;
	identities->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
	identities->context = EVP_MD_CTX_new();
	if (!identities->digest || !identities->context) {
		payload_identities_free(identities);
		return NULL;
	}
	return identities;
}

void payload_identities_free(struct payload_identities *identities)
{
	if (!identities)
		return;
	EVP_MD_CTX_free(identities->context);
	EVP_MD_free(identities->digest);
	free(identities);
}

int payload_identify(struct payload_identities *identities, struct slice bytes, uint8_t sha256[PAYLOAD_SHA256_BYTES])
{
	if (!EVP_DigestInit_ex2(identities->context, identities->digest, NULL) ||
	    !EVP_DigestUpdate(identities->context, bytes.bytes, bytes.length) ||
	    !EVP_DigestFinal_ex(identities->context, sha256, NULL))
		return -ENOMEM;
	return 0;
}

bool payload_remembered(struct payload_identities *identities, const uint8_t sha256[PAYLOAD_SHA256_BYTES])
{
	uint32_t place;

	memcpy(&place, sha256, sizeof(place));
	place %= PLACES;
	if (!memcmp(identities->seen[place], sha256, PAYLOAD_SHA256_BYTES))
		return true;
	memcpy(identities->seen[place], sha256, PAYLOAD_SHA256_BYTES);
	return false;
}

void payload_forget(struct payload_identities *identities)
{
	memset(identities->seen, 0, sizeof(identities->seen));
}
