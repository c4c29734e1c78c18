/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - is a mail a probe: does it carry the address and port of the decoy that it came through, and where?
 *
 * In:  the parts of a mail, in any order. Out: struct probe_finding. Called by protocols/smtp_data.c and tests; the
 * body goes through scan.h, piece by piece. Pure: no I/O, no memory but the caller's.
 */
#ifndef OTORI_PROBE_H
#define OTORI_PROBE_H

#include "probe/scan.h"

/* The first place (in the order of RECORD_PROBE_PLACES) that holds a token, and its spelling there; 0 = none so far. */
struct probe_finding {
	uint8_t place;	  /* enum probe_place */
	uint8_t encoding; /* enum probe_encoding */
};

/* A token was seen in this place (encoding 0: none). */
void probe_note(struct probe_finding *finding, enum probe_place place, uint8_t encoding);

/* Could a token in this place still change the finding? */
bool probe_wants(const struct probe_finding *finding, enum probe_place place);

/* The whole text of a place: HELO, an address. */
void probe_text(struct scan_decoy *decoy, struct probe_finding *finding, enum probe_place place, struct slice text);

/*
 * A header block: subject, message_id, header. Encoded words (RFC 2047) are decoded. Lines that are no field count as
 * body: mails without an empty line are sent too. scratch is at least as long as the block.
 */
void probe_header(struct scan_decoy *decoy, struct probe_finding *finding, struct slice header, uint8_t *scratch);

#endif
