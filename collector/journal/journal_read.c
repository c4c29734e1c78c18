// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * journal_read.c - a segment back into batches of records.
 *
 * In:  a file, written by the process that talks with strangers: nothing in it is trusted. Out: frames, checked and
 * unpacked. Called by loader/ and tests. May not change the file. Memory is bounded by JOURNAL_FRAME_MAX_BYTES, twice.
 */
#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "journal/journal_format.h"

/* A power cut leaves the last blocks of a file as zeros; a whole frame ends in a checksum. */
#define TORN_ZEROS 8

struct journal_reader {
	int fd;
	off_t length, offset;
	bool cut;
	ZSTD_DCtx *decompressor;
	uint8_t *compressed, *raw; /* grown to the largest frame seen */
	size_t compressed_capacity, raw_capacity;
};

/* Reads exactly length bytes at offset: 0, -EBADMSG where the file ends before, or negative errno. */
static int read_at(int fd, off_t offset, uint8_t *to, size_t length)
{
	while (length) {
		ssize_t got = pread(fd, to, length, offset);

		if (got == 0)
			return -EBADMSG;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0) {
			to += got;
			offset += got;
			length -= (size_t)got;
		}
	}
	return 0;
}

static int grow(uint8_t **memory, size_t *capacity, size_t wanted)
{
	uint8_t *grown;

	if (wanted <= *capacity)
		return 0;
	grown = realloc(*memory, wanted);
	if (!grown)
		return -ENOMEM;
	*memory = grown;
	*capacity = wanted;
	return 0;
}

int journal_reader_open(const char *path, struct journal_reader **reader, struct journal_header *header)
{
	uint8_t bytes[JOURNAL_HEADER_BYTES];
	struct journal_reader *new = calloc(1, sizeof(*new));
	struct stat status;
	int result = -ENOMEM;

	if (!new)
		return result;
	new->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (new->fd < 0 || fstat(new->fd, &status)) {
		result = -errno;
		goto fail;
	}
	result = read_at(new->fd, 0, bytes, sizeof(bytes));
	if (!result)
		result = journal_header_decode(bytes, header);
	if (result)
		goto fail;
	new->length = status.st_size;
	new->offset = JOURNAL_HEADER_BYTES;
	new->decompressor = ZSTD_createDCtx();
	if (!new->decompressor) {
		result = -ENOMEM;
		goto fail;
	}
	*reader = new;
	return 0;
fail:
	journal_reader_close(new);
	return result;
}

void journal_reader_close(struct journal_reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	ZSTD_freeDCtx(reader->decompressor);
	free(reader->compressed);
	free(reader->raw);
	free(reader);
}

bool journal_reader_cut(const struct journal_reader *reader)
{
	return reader->cut;
}

/* Nothing behind this point can be read: the end of the segment. */
static int end_as_cut(struct journal_reader *reader)
{
	reader->cut = true;
	reader->offset = reader->length;
	return 0;
}

/* Damage at the end of the file is what a power cut leaves, and was never committed; elsewhere it is damage. */
static bool torn_at_the_end(const struct journal_reader *reader, off_t frame_end)
{
	static const uint8_t zeros[TORN_ZEROS];
	uint8_t tail[TORN_ZEROS];

	return frame_end >= reader->length && reader->length - reader->offset >= TORN_ZEROS &&
	       !read_at(reader->fd, reader->length - TORN_ZEROS, tail, sizeof(tail)) &&
	       !memcmp(tail, zeros, sizeof(zeros));
}

static int unpack(struct journal_reader *reader, const struct journal_frame_head *head, struct slice *records)
{
	size_t length;
	int result;

	result = grow(&reader->compressed, &reader->compressed_capacity, head->compressed_bytes);
	if (!result)
		result = grow(&reader->raw, &reader->raw_capacity, head->raw_bytes);
	if (!result)
		result = read_at(reader->fd, reader->offset + JOURNAL_FRAME_HEAD_BYTES, reader->compressed,
				 head->compressed_bytes);
	if (result)
		return result;
	length = ZSTD_decompressDCtx(reader->decompressor, reader->raw, head->raw_bytes, reader->compressed,
				     head->compressed_bytes);
	if (ZSTD_isError(length) || length != head->raw_bytes)
		return -EBADMSG;
	*records = slice_of(reader->raw, length);
	return 0;
}

int journal_reader_next(struct journal_reader *reader, struct slice *records, uint32_t *count, uint32_t *minute)
{
	uint8_t bytes[JOURNAL_FRAME_HEAD_BYTES];
	struct journal_frame_head head;
	off_t left = reader->length - reader->offset, end;
	int result;

	*records = slice_of(NULL, 0);
	*count = 0;
	*minute = 0;
	if (left <= 0)
		return 0;
	if (left < JOURNAL_FRAME_HEAD_BYTES)
		return end_as_cut(reader);
	result = read_at(reader->fd, reader->offset, bytes, sizeof(bytes));
	if (result)
		return result;
	if (journal_frame_head_decode(bytes, &head)) {
		if (torn_at_the_end(reader, reader->length))
			return end_as_cut(reader);
		reader->offset = reader->length;
		return -EBADMSG;
	}
	end = reader->offset + JOURNAL_FRAME_HEAD_BYTES + (off_t)head.compressed_bytes;
	if (end > reader->length)
		return end_as_cut(reader);
	result = unpack(reader, &head, records);
	if (result == -EBADMSG && torn_at_the_end(reader, end))
		return end_as_cut(reader);
	if (result && result != -EBADMSG)
		return result;
	*count = head.records;
	*minute = head.minute;
	reader->offset = end;
	return result ? result : 1;
}
