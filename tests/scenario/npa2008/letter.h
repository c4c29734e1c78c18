/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * letter.h - one mail: its envelope, its bytes, and what is true of it.
 *
 * In:  recipients, a size, the mark of a probe or none. Out: a mail as spammers of 2007 wrote it.
 */
#ifndef NPA2008_LETTER_H
#define NPA2008_LETTER_H

#include "books.h"
#include "frame.h"
#include "random.h"

#define LETTER_BYTES_MAX (64u << 10)
#define LETTER_ADDRESS_BYTES 256

struct letter {
	char helo[200], mail_from[LETTER_ADDRESS_BYTES];
	char recipients[LETTER_RECIPIENTS][LETTER_ADDRESS_BYTES];
	bool suspect[LETTER_RECIPIENTS];
	size_t recipient_count;
	char subject[400]; /* decoded: what the sender meant */
	bool subject_hostile;
	const char *found_in, *encoding; /* of a probe; else NULL */
	uint8_t bytes[LETTER_BYTES_MAX + 2048];
	size_t size; /* as the sender wrote it */
};

/* Fills in what the recipients' side has not: sender, greeting, header and body of about size bytes. decoy: who must
 * not be named. */
void letter_write(struct letter *letter, struct random *random, const struct endpoint *decoy, size_t size);

/* The same as a probe: the mark of the decoy stands in found_in, in that encoding. The mailbox is the recipient
 * already. */
void letter_write_probe(struct letter *letter, struct random *random, const struct endpoint *decoy, size_t size,
			const char *found_in, const char *encoding);

/* The bytes as they go over the wire: dots stuffed, the final one behind them. Returns the length; wire has room for
 * twice the size. */
size_t letter_stuff(const struct letter *letter, uint8_t *wire);

#endif
