// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exchanger_fuzz.c - libFuzzer's way into the lines of the file of exchangers, and into names that strangers chose.
 *
 * In:  any bytes as a line. Out: a crash, or nothing. Built with clang -fsanitize=fuzzer,address,undefined. Holds
 * besides: what is taken has a domain, an exchanger and a date; a name that may be asked has nothing but letters,
 * digits, hyphens and dots.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "enrichment/exchanger_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exchanger_row row;
	const char *expected = NULL;
	int got = exchanger_row_parse(slice_of(data, size), &row, &expected);

	if (got > 0 &&
	    (!*row.domain || !*row.exchanger || strlen(row.date) != 10 || row.address_count > EXCHANGER_ADDRESSES))
		abort();
	if (got < 0 && !expected)
		abort();
	if (name_refused(slice_of(data, size)))
		return 0;
	for (size_t i = 0; i < size; i++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", data[i]) || !data[i])
			abort();
	}
	return 0;
}
