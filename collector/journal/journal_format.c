// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * journal_format.c - header of a segment and head of a frame, as bytes (the layout is told in journal.h).
 *
 * In:  the figures, or the bytes. Out: the bytes, or the figures. Called by journal_write.c, journal_read.c and tests.
 * May not do I/O or allocate.
 */
#include "journal/journal_format.h"

#include <endian.h>
#include <errno.h>

#define HEADER_MAGIC 0x314a544fu /* "OTJ1" */
#define FRAME_MAGIC 0x314d5246u	 /* "FRM1" */

struct header_bytes {
	uint32_t magic;
	uint16_t version;
	uint8_t writer, zero;
	uint64_t segment, created_at_ns;
	char sensor[JOURNAL_SENSOR_BYTES];
	uint32_t reserved, check;
};

struct frame_head_bytes {
	uint32_t magic, compressed_bytes, raw_bytes, records, minute, check;
};

_Static_assert(sizeof(struct header_bytes) == JOURNAL_HEADER_BYTES, "the layout of a segment's header is fixed");
_Static_assert(sizeof(struct frame_head_bytes) == JOURNAL_FRAME_HEAD_BYTES, "the layout of a frame's head is fixed");

uint32_t journal_check(const uint8_t *bytes, size_t length)
{
	uint32_t hash = 0x811c9dc5u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 0x01000193u;
	return hash;
}

bool journal_sensor_valid(const char *sensor)
{
	size_t length = strnlen(sensor, JOURNAL_SENSOR_BYTES);

	return length > 0 && length < JOURNAL_SENSOR_BYTES &&
	       strspn(sensor, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

void journal_header_encode(const struct journal_header *header, uint8_t bytes[JOURNAL_HEADER_BYTES])
{
	struct header_bytes out = {
		.magic = htole32(HEADER_MAGIC),
		.version = htole16(JOURNAL_VERSION),
		.writer = header->writer,
		.segment = htole64(header->segment),
		.created_at_ns = htole64(header->created_at_ns),
	};

	memcpy(out.sensor, header->sensor, strnlen(header->sensor, JOURNAL_SENSOR_BYTES - 1));
	memcpy(bytes, &out, sizeof(out));
	out.check = htole32(journal_check(bytes, offsetof(struct header_bytes, check)));
	memcpy(bytes, &out, sizeof(out));
}

int journal_header_decode(const uint8_t bytes[JOURNAL_HEADER_BYTES], struct journal_header *header)
{
	struct header_bytes in;

	memcpy(&in, bytes, sizeof(in));
	if (le32toh(in.magic) != HEADER_MAGIC || le16toh(in.version) != JOURNAL_VERSION ||
	    le32toh(in.check) != journal_check(bytes, offsetof(struct header_bytes, check)))
		return -EBADMSG;
	memset(header, 0, sizeof(*header));
	header->segment = le64toh(in.segment);
	header->created_at_ns = le64toh(in.created_at_ns);
	header->writer = in.writer;
	memcpy(header->sensor, in.sensor, sizeof(header->sensor) - 1);
	if (!journal_sensor_valid(header->sensor) || !header->segment || header->segment > JOURNAL_SEGMENT_MAX)
		return -EBADMSG;
	return 0;
}

void journal_frame_head_encode(const struct journal_frame_head *head, uint8_t bytes[JOURNAL_FRAME_HEAD_BYTES])
{
	struct frame_head_bytes out = {
		.magic = htole32(FRAME_MAGIC),
		.compressed_bytes = htole32(head->compressed_bytes),
		.raw_bytes = htole32(head->raw_bytes),
		.records = htole32(head->records),
		.minute = htole32(head->minute),
	};

	memcpy(bytes, &out, sizeof(out));
	out.check = htole32(journal_check(bytes, offsetof(struct frame_head_bytes, check)));
	memcpy(bytes, &out, sizeof(out));
}

int journal_frame_head_decode(const uint8_t bytes[JOURNAL_FRAME_HEAD_BYTES], struct journal_frame_head *head)
{
	struct frame_head_bytes in;

	memcpy(&in, bytes, sizeof(in));
	if (le32toh(in.magic) != FRAME_MAGIC ||
	    le32toh(in.check) != journal_check(bytes, offsetof(struct frame_head_bytes, check)))
		return -EBADMSG;
	head->compressed_bytes = le32toh(in.compressed_bytes);
	head->raw_bytes = le32toh(in.raw_bytes);
	head->records = le32toh(in.records);
	head->minute = le32toh(in.minute);
	/* Without compression zstd adds less than 1 in 256 and a few bytes; a frame never holds more than the limit. */
	if (head->raw_bytes > JOURNAL_FRAME_MAX_BYTES ||
	    head->compressed_bytes > JOURNAL_FRAME_MAX_BYTES + (JOURNAL_FRAME_MAX_BYTES >> 8) + 64)
		return -EBADMSG;
	return 0;
}
