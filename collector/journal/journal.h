/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal.h - append-only segments of zstd frames: the only door between the responder and the loader.
 *
 * In:  batches of encoded records (record.h). Out: files in the journal folder; batches read back.
 * Called by responder/ and supervisor/ (write), loader/ (read), supervisor/ (folder). The writer never opens a file: it is
 * given descriptors.
 *
 * Files of the folder (all names are made and changed by the supervisor alone):
 *   NNNNNNNNNNNNNNNN.open   being written (16 hex digits: the segment number, increasing, never used twice)
 *   NNNNNNNNNNNNNNNN.otj    finished: complete, fsynced; the loader may take it
 *   bad/NNNNNNNNNNNNNNNN.otj  set aside: could not be loaded
 * A segment is a header (magic, version, number, sensor, writer, created) and frames: u32 magic, u32 compressed bytes,
 * u32 raw bytes, u32 records, u32 minute (since 1970) in which the records were made, then a zstd frame with content checksum. A tail that was cut short by a crash is dropped by
 * the reader; all frames before it count.
 */
#ifndef OTORI_JOURNAL_H
#define OTORI_JOURNAL_H

#include "base/slice.h"
#include "record/record.h"

#define JOURNAL_SENSOR_BYTES 64
#define JOURNAL_FRAME_MAX_BYTES (8u << 20) /* raw bytes of one frame */

struct journal_writer; /* opaque: journal_write.c */

/* Makes a writer without a segment. NULL where memory is short. */
struct journal_writer *journal_writer_new(const char *sensor, uint8_t writer);
void journal_writer_free(struct journal_writer *writer);

/* Starts a segment on fd (adopted; empty file open for writing). 0 or negative errno. */
int journal_writer_start(struct journal_writer *writer, int fd, uint64_t segment, uint64_t now_ns);
/* The segment being written, 0 = none. */
uint64_t journal_writer_segment(const struct journal_writer *writer);
/* Compressed bytes and records written to it so far. */
uint64_t journal_writer_bytes(const struct journal_writer *writer);
uint64_t journal_writer_records(const struct journal_writer *writer);
/* Writes the buffer as one frame and empties the buffer. 0 or negative errno (the buffer is kept). */
int journal_writer_append(struct journal_writer *writer, struct record_buffer *buffer, uint32_t minute);
/* fdatasync: what was appended before is on disk. */
int journal_writer_commit(struct journal_writer *writer);
/* Commits, closes the descriptor; the supervisor may rename the file. */
int journal_writer_finish(struct journal_writer *writer);

struct journal_reader; /* opaque: journal_read.c */

struct journal_header {
	uint64_t segment;
	uint64_t created_at_ns;
	char sensor[JOURNAL_SENSOR_BYTES];
	uint8_t writer;
};

/* Opens a segment file for reading. 0, negative errno, -EBADMSG where it is none. */
int journal_reader_open(const char *path, struct journal_reader **reader, struct journal_header *header);
/* Reads the next frame; *records borrows memory until the next call. 1 = a frame, 0 = end (also of a cut tail), -EBADMSG = damaged in the middle. */
int journal_reader_next(struct journal_reader *reader, struct slice *records, uint32_t *count, uint32_t *minute);
/* 1 where the file ended within a frame. */
bool journal_reader_cut(const struct journal_reader *reader);
void journal_reader_close(struct journal_reader *reader);

/* The folder. */
struct journal_directory; /* opaque: journal_directory.c; holds an flock, so that two supervisors never share a folder */
int journal_directory_open(const char *path, struct journal_directory **directory);
void journal_directory_close(struct journal_directory *directory);
/* Makes NNNN.open with the next number; returns the descriptor (caller's) or negative errno. */
int journal_directory_create(struct journal_directory *directory, uint64_t *segment);
/* Renames .open to .otj durably (fsync of file and folder). An empty segment (no frame) is removed. */
int journal_directory_finish(struct journal_directory *directory, uint64_t segment);
/* After a crash: finishes every .open file (a cut tail is left for the reader to drop). Returns how many. */
int journal_directory_recover(struct journal_directory *directory);
/* Bytes and files waiting (.otj). */
int journal_directory_backlog(const char *path, uint64_t *files, uint64_t *bytes);

#endif
