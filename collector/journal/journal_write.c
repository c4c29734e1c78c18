// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * journal_write.c - batches of records into the segment that is being written.
 *
 * In:  record buffers, descriptors of empty files. Out: a header and frames in those files.
 * Called by responder/ (one writer a worker) and supervisor/. May not open, name or delete a file: the process that
 * talks with strangers has no right to.
 *
 * Once a segment has begun it uses write (pwrite64), fdatasync, close, and ftruncate after a failed write; zstd's
 * memory comes from malloc with the first frame of a new size.
 */
#include "journal/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "journal/journal_format.h"

#define COMPRESSION_LEVEL 1 /* the data path pays for it; level 3 gains a few percent for twice the time */

struct journal_writer {
	struct journal_header header; /* segment 0 = none is being written */
	int fd;
	off_t length; /* of the file: header and whole frames */
	uint64_t records;
	ZSTD_CCtx *compressor;
	uint8_t *frame; /* head and compressed bytes of the frame in the making */
	size_t frame_capacity;
};

struct journal_writer *journal_writer_new(const char *sensor, uint8_t writer)
{
	struct journal_writer *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	new->fd = -1;
	new->header.writer = writer;
	memcpy(new->header.sensor, sensor, strnlen(sensor, sizeof(new->header.sensor) - 1));
	new->frame_capacity = JOURNAL_FRAME_HEAD_BYTES + ZSTD_compressBound(JOURNAL_FRAME_MAX_BYTES);
	new->frame = malloc(new->frame_capacity);
	new->compressor = ZSTD_createCCtx();
	if (!new->frame || !new->compressor ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(new->compressor, ZSTD_c_compressionLevel, COMPRESSION_LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(new->compressor, ZSTD_c_checksumFlag, 1))) {
		journal_writer_free(new);
		return NULL;
	}
	return new;
}

void journal_writer_free(struct journal_writer *writer)
{
	if (!writer)
		return;
	if (writer->fd >= 0)
		close(writer->fd);
	ZSTD_freeCCtx(writer->compressor);
	free(writer->frame);
	free(writer);
}

/* Writes all of bytes behind what is there, or makes the file what it was: 0 or negative errno. */
static int append_bytes(struct journal_writer *writer, const uint8_t *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t written = pwrite(writer->fd, bytes + done, length - done, writer->length + (off_t)done);

		if (written > 0) {
			done += (size_t)written;
		} else if (written == 0 || errno != EINTR) {
			int error = written ? errno : EIO;

			/* Where even this fails, the next append overwrites the rest; the reader takes it for damage.
			 */
			if (done && ftruncate(writer->fd, writer->length))
				return -EIO;
			return -error;
		}
	}
	writer->length += (off_t)length;
	return 0;
}

int journal_writer_start(struct journal_writer *writer, int fd, uint64_t segment, uint64_t now_ns)
{
	uint8_t bytes[JOURNAL_HEADER_BYTES];
	int result;

	if (writer->header.segment)
		return -EBUSY;
	if (!segment || segment > JOURNAL_SEGMENT_MAX)
		return -EINVAL;
	writer->fd = fd;
	writer->length = 0;
	writer->records = 0;
	writer->header.segment = segment;
	writer->header.created_at_ns = now_ns;
	journal_header_encode(&writer->header, bytes);
	result = append_bytes(writer, bytes, sizeof(bytes));
	if (result) {
		close(fd);
		writer->fd = -1;
		writer->header.segment = 0;
	}
	return result;
}

uint64_t journal_writer_segment(const struct journal_writer *writer)
{
	return writer->header.segment;
}

uint64_t journal_writer_bytes(const struct journal_writer *writer)
{
	return (uint64_t)writer->length;
}

uint64_t journal_writer_records(const struct journal_writer *writer)
{
	return writer->records;
}

int journal_writer_append(struct journal_writer *writer, struct record_buffer *buffer, uint32_t minute)
{
	struct journal_frame_head head = { .records = buffer->records, .minute = minute };
	size_t compressed;
	int result;

	if (!buffer->length)
		return 0;
	if (!writer->header.segment)
		return -EBADF;
	if (buffer->length > JOURNAL_FRAME_MAX_BYTES)
		return -EMSGSIZE;
	compressed = ZSTD_compress2(writer->compressor, writer->frame + JOURNAL_FRAME_HEAD_BYTES,
				    writer->frame_capacity - JOURNAL_FRAME_HEAD_BYTES, buffer->bytes, buffer->length);
	if (ZSTD_isError(compressed))
		return -ENOMEM;
	head.raw_bytes = (uint32_t)buffer->length;
	head.compressed_bytes = (uint32_t)compressed;
	journal_frame_head_encode(&head, writer->frame);
	result = append_bytes(writer, writer->frame, JOURNAL_FRAME_HEAD_BYTES + compressed);
	if (result)
		return result;
	writer->records += buffer->records;
	record_buffer_reset(buffer);
	return 0;
}

int journal_writer_commit(struct journal_writer *writer)
{
	if (!writer->header.segment)
		return -EBADF;
	return fdatasync(writer->fd) ? -errno : 0;
}

int journal_writer_finish(struct journal_writer *writer)
{
	int result = journal_writer_commit(writer);

	if (result == -EBADF && !writer->header.segment)
		return result;
	if (close(writer->fd) && !result)
		result = -errno;
	writer->fd = -1;
	writer->header.segment = 0;
	return result;
}
