/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal.h - append-only segments of zstd frames: the only door between the responder and the loader.
 *
 * In:  batches of encoded records (record.h). Out: files in the journal folder; batches read back.
 * Called by responder/ and supervisor/ (write), loader/ (read), supervisor/ (folder). The writer never opens a file: it
 * is given descriptors.
 *
 * Files of the folder (all names are made and changed by the supervisor alone):
 *   NNNNNNNNNNNNNNNN.open   being written (16 hex digits: the segment number, increasing, never used twice)
 *   NNNNNNNNNNNNNNNN.otj    finished: complete, fsynced; the loader may take it
 *   bad/NNNNNNNNNNNNNNNN.otj  set aside: could not be loaded
 *   number                  highest segment number that was ever used, so that none is used twice
 * A segment is a header and frames; integers are little endian.
 *   header  u32 magic, u16 version, u8 writer, u8 0, u64 segment, u64 created (ns, UTC), char sensor[64] (ended by
 * zeros), u32 0, u32 check frame   u32 magic, u32 compressed bytes, u32 raw bytes, u32 records, u32 minute (since 1970)
 * in which the records were made, u32 check; then a zstd frame with content checksum check is the FNV-1a hash of the
 * bytes before it in the header or frame head. A tail that was cut short by a crash is dropped by the reader; all
 * frames before it count.
 */
#ifndef OTORI_JOURNAL_H
#define OTORI_JOURNAL_H

#include "base/slice.h"
#include "record/record.h"

#define JOURNAL_SENSOR_BYTES 64
#define JOURNAL_FRAME_MAX_BYTES (8u << 20)	      /* raw bytes of one frame */
#define JOURNAL_SEGMENT_MAX ((UINT64_C(1) << 39) - 1) /* ids are segment << 24 | place, and bigint is signed */

#define JOURNAL_WRITER_SUPERVISOR 255 /* journal_header.writer; below: number of the responder's worker */

/* The layout of the file; journal_format.c. */
#define JOURNAL_HEADER_BYTES 96
#define JOURNAL_FRAME_HEAD_BYTES 24
#define JOURNAL_VERSION 1

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
/*
 * Writes the buffer as one frame and empties the buffer; an empty buffer writes nothing. 0 or negative errno (the
 * buffer is kept, and the file is as before): -EMSGSIZE over JOURNAL_FRAME_MAX_BYTES, -EBADF without a segment,
 * -ENOSPC, -EIO, ...
 */
int journal_writer_append(struct journal_writer *writer, struct record_buffer *buffer, uint32_t minute);
/* fdatasync: what was appended before is on disk. */
int journal_writer_commit(struct journal_writer *writer);
/* Commits, closes the descriptor (also where the commit failed); the supervisor may rename the file. */
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
/*
 * Reads the next frame; *records borrows memory until the next call. 1 = a frame, 0 = end (also of a cut tail),
 * -EBADMSG = damaged in the middle: *count and *minute are then what the frame's head says and the next call goes on
 * with the frame behind it; where the head itself is damaged they are 0 and the next call gives 0.
 */
int journal_reader_next(struct journal_reader *reader, struct slice *records, uint32_t *count, uint32_t *minute);
/* 1 where the file ended within a frame. */
bool journal_reader_cut(const struct journal_reader *reader);
void journal_reader_close(struct journal_reader *reader);

/* The folder. */
struct journal_directory; /* opaque: journal_directory.c; holds an flock, so that two supervisors never share a folder
			   */
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
/* Files that were set aside. 0 or negative errno; no bad/ is no error. */
int journal_directory_aside(const char *path, uint64_t *files);

/* For the loader, which does not hold the lock. */

/* The finished segments in order of their numbers. *segments is the caller's to free. 0 or negative errno. */
int journal_directory_list(const char *path, uint64_t **segments, size_t *count);
/* The path of a finished segment into text[bytes]. 0 or -ENAMETOOLONG. */
int journal_segment_path(const char *path, uint64_t segment, char *text, size_t bytes);
/* Deletes a finished segment: its rows are committed. A segment that is gone already is no error. */
int journal_segment_remove(const char *path, uint64_t segment);
/* Moves a finished segment to bad/ (made if missing), durably. */
int journal_segment_set_aside(const char *path, uint64_t segment);

#endif
