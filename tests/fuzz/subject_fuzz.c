// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * subject_fuzz.c - libFuzzer's way into the decoding of subjects.
 *
 * In:  any bytes as a header block. Out: a crash, or nothing. Built with clang -fsanitize=fuzzer,address,undefined.
 * Holds besides: what comes out is valid UTF-8 without control characters.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "loader/subject.h"
#include "loader/text_clean.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct subject_decoder *decoder;
	struct slice text;

	if (!decoder)
		decoder = subject_decoder_new();
	if (!decoder)
		abort();
	if (!subject_decode(decoder, slice_of(data, size), &text))
		return 0;
	while (text.length) {
		size_t length = text_utf8_length(text);

		if (!length || text.bytes[0] < 0x20 || text.bytes[0] == 0x7f)
			abort();
		text.bytes += length;
		text.length -= length;
	}
	return 0;
}
