/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exchanger_file.h - a line of the dated file of mail exchangers, as from passive DNS.
 *
 * In:  a line: domain, exchanger, addresses, date, separated by tabs. Out: struct exchanger_row, or what was expected.
 * Called by exchanger_load.c and the fuzzer. Pure.
 *
 *     example.org<TAB>mx1.example.org<TAB>192.0.2.1,2001:db8::1<TAB>2007-11-01
 *
 * A `#` at the beginning makes a comment; empty lines are none. No address: not known. An exchanger that is a dot: the
 * domain says that it takes no mail (null MX, RFC 7505). The rows of a domain with one date are one whole answer.
 */
#ifndef OTORI_ENRICHMENT_EXCHANGER_FILE_H
#define OTORI_ENRICHMENT_EXCHANGER_FILE_H

#include "enrichment/name_check.h"

/* Addresses of one exchanger, and bytes of a line: more is a bad line. */
#define EXCHANGER_ADDRESSES 64
#define EXCHANGER_LINE_BYTES 8192

struct exchanger_row {
	char domain[NAME_TEXT_BYTES];	 /* lower case, without a final dot */
	char exchanger[NAME_TEXT_BYTES]; /* the same; "." = takes no mail */
	char date[11];			 /* YYYY-MM-DD, a day that there is */
	struct address addresses[EXCHANGER_ADDRESSES];
	size_t address_count;
};

/*
 * Reads a line (without its end; a CR before it is taken for a part of it). 1 = *row is filled, 0 = nothing is in it,
 * -EINVAL = *expected says what was expected.
 */
int exchanger_row_parse(struct slice line, struct exchanger_row *row, const char **expected);

#endif
