// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimic_tls.c - a TLS ClientHello: kept, then the connection breaks off as by a network fault.
 *
 * In:  TLS records. Out: the payload, an abort once the first record is whole. Called by conversation.c, and by SMTP
 * after STARTTLS. A certificate can't be imitated: a fault tells the visitor less than a wrong one.
 */
#include "protocols/mimic.h"

#define RECORD_HEADER_BYTES 5

struct tls_state {
	uint64_t seen;
	uint16_t record_bytes; /* of the first record, from its header */
};

_Static_assert(sizeof(struct tls_state) <= MIMIC_STATE_BYTES, "state must fit");

/* RFC 8446, section 5.1: handshake (22), legacy version 03 00 to 03 04. */
static enum sniff tls_sniff(struct slice prefix)
{
	if (prefix.bytes[0] != 0x16)
		return SNIFF_NO;
	if (prefix.length < 2)
		return SNIFF_MORE;
	if (prefix.bytes[1] != 3)
		return SNIFF_NO;
	if (prefix.length < 3)
		return SNIFF_MORE;
	return prefix.bytes[2] <= 4 ? SNIFF_YES : SNIFF_NO;
}

static size_t tls_input(struct turn *turn, struct slice bytes)
{
	struct tls_state *state = turn_state(turn);

	turn_keep(turn, bytes);
	for (size_t i = 0; i < bytes.length && state->seen + i < RECORD_HEADER_BYTES; i++) {
		if (state->seen + i >= 3)
			state->record_bytes = (uint16_t)(state->record_bytes << 8 | bytes.bytes[i]);
	}
	state->seen += bytes.length;
	if (state->seen >= RECORD_HEADER_BYTES && state->seen >= (uint64_t)state->record_bytes + RECORD_HEADER_BYTES)
		turn_abort(turn);
	return bytes.length;
}

const struct mimic_ops mimic_tls = {
	.name = "tls",
	.sniff = tls_sniff,
	.input = tls_input,
};
