// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe_fuzz.c - libFuzzer's way into the recogniser of probe mails and of relay tests.
 *
 * In:  first byte: decoy and sizes of pieces; then any bytes, as a body, a header block and a dialogue. Out: a crash, or
 * nothing. Holds besides: no cut of a body changes the answer. Built with
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iinclude -Icollector tests/fuzz/probe_fuzz.c \
 *     collector/probe/[a-z]*.c collector/base/slice.c -o build/probe_fuzz
 */
#include <stdlib.h>

#include "probe/probe.h"
#include "probe/smtp_kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *address;
	uint16_t port;
} decoys[] = { { "203.0.113.10", 8080 }, { "203.0.113.10", 25 }, { "2001:db8::10", 1080 }, { "10.1.1.10", 7 } };

static uint8_t scan_pieces(struct scan_decoy *decoy, struct slice bytes, size_t piece)
{
	struct scan_stream stream = { 0 };

	while (bytes.length) {
		size_t length = piece < bytes.length ? piece : bytes.length;

		scan_input(decoy, &stream, slice_of(bytes.bytes, length), false);
		bytes = slice_of(bytes.bytes + length, bytes.length - length);
	}
	scan_input(decoy, &stream, bytes, true);
	return stream.found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_access access = { 0 };
	struct probe_finding finding = { 0 };
	struct scan_decoy decoy = { 0 };
	struct slice bytes;
	uint8_t *scratch;

	if (!size)
		return 0;
	bytes = slice_of(data + 1, size - 1);
	if (address_parse(decoys[data[0] & 3].address, &access.endpoints.decoy))
		abort();
	scan_decoy(&decoy, &access.endpoints.decoy, decoys[data[0] & 3].port);
	if (scan_pieces(&decoy, bytes, SIZE_MAX) != scan_pieces(&decoy, bytes, 1u + (data[0] >> 2) * 9u))
		abort();
	scratch = malloc(size);
	if (!scratch)
		abort();
	probe_header(&decoy, &finding, bytes, scratch);
	free(scratch);
	if (finding.place >= PROBE_PLACE_COUNT || finding.encoding >= PROBE_ENCODING_COUNT || !finding.place != !finding.encoding)
		abort();
	access.payload = bytes;
	if ((unsigned int)smtp_kind(&access) >= SMTP_KIND_COUNT)
		abort();
	return 0;
}
