/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.h - finds a decoy's address and port in bytes that come in pieces: plain, in base64, in quoted-printable.
 *
 * In:  bytes, in any pieces. Out: the best of the spellings that were found. Called by probe.c and
 * protocols/smtp_data.c. Pure: memory is the caller's and fixed, work is bounded per byte, and no cut of the stream
 * changes the outcome.
 *
 * All spellings end in the port. So a text is searched for the port's first two bytes, and for two characters of what
 * it becomes in base64 at each of the three places where it may stand in a group of three: 16 positions at a time. Only
 * what passes is looked at closely, and nothing farther than SCAN_BEFORE_BYTES before it and SCAN_BEHIND_BYTES behind.
 */
#ifndef OTORI_PROBE_SCAN_H
#define OTORI_PROBE_SCAN_H

#include "probe/token.h"

#define SCAN_BEFORE_BYTES 256 /* an IPv6 token in base64, in short lines */
#define SCAN_BEHIND_BYTES 40  /* the longest port in base64 and one more byte, likewise */
#define SCAN_TAIL_BYTES (SCAN_BEFORE_BYTES + SCAN_BEHIND_BYTES)

/* The port in base64 where its first byte is number n of a group of three: the characters that depend on it alone. */
struct scan_needle {
	uint8_t place;	/* of the first of them in a group of four characters */
	uint8_t length; /* 0 = none; only ports below 10 */
	uint8_t anchor; /* the one of them that is searched for, with the next */
	char characters[8];
};

typedef uint8_t scan_vector __attribute__((vector_size(16)));

/* The pairs of bytes that are searched for, in all 16 places: the port's first two, and those of each needle. */
struct scan_pairs {
	scan_vector port[2], a[2], b[2], c[2];
};

struct scan_decoy {
	struct scan_pairs pairs;
	struct token_decoy token;
	struct scan_needle needles[3];
};

/* decoy is all zero, or was filled in before: where the port is the same, most of the work is done. */
void scan_decoy(struct scan_decoy *decoy, const struct address *address, uint16_t port);

/* The first position from from on, and before until, that is worth a look; until = none. */
size_t scan_candidate(const struct scan_decoy *decoy, struct slice text, size_t from, size_t until);
/* What stands at a candidate: PROBE_ENCODING_* or 0. */
uint8_t scan_at(struct scan_decoy *decoy, struct slice text, size_t position);
/* The best of all that a whole text holds: PROBE_ENCODING_* or 0. */
uint8_t scan_text(struct scan_decoy *decoy, struct slice text);

/* The end of what came so far. All zero at the beginning. */
struct scan_tail {
	uint16_t length;
	uint16_t looked_at; /* positions of it that need not be looked at again */
	uint8_t bytes[SCAN_TAIL_BYTES];
};

/*
 * A body on its way: as it is and, from the first '=' on, as quoted-printable (RFC 2045) means it. All zero at the
 * beginning. decoded is in use only where quoted is set.
 */
struct scan_stream {
	uint8_t found;	/* PROBE_ENCODING_* or 0 */
	bool quoted;	/* an '=' has come */
	bool in_escape; /* an '=' came last */
	uint8_t escape; /* and behind it this byte; 0 = nothing yet */
	struct scan_tail plain, decoded;
};

/* The next piece; last = it is the end. */
void scan_input(struct scan_decoy *decoy, struct scan_stream *stream, struct slice bytes, bool last);

#endif
