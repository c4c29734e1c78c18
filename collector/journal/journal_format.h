/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal_format.h - header of a segment and head of a frame, as bytes (the layout is told in journal.h).
 *
 * In:  the figures, or the bytes. Out: the bytes, or the figures. Called by journal_write.c, journal_read.c and tests.
 * May not do I/O or allocate.
 */
#ifndef OTORI_JOURNAL_FORMAT_H
#define OTORI_JOURNAL_FORMAT_H

#include "journal/journal.h"

struct journal_frame_head {
	uint32_t compressed_bytes, raw_bytes, records, minute;
};

/* FNV-1a over bytes: finds damage, not malice. */
uint32_t journal_check(const uint8_t *bytes, size_t length);

void journal_header_encode(const struct journal_header *header, uint8_t bytes[JOURNAL_HEADER_BYTES]);
/* 0, or -EBADMSG: no segment, another version, damaged, or a sensor's name that is none. */
int journal_header_decode(const uint8_t bytes[JOURNAL_HEADER_BYTES], struct journal_header *header);

void journal_frame_head_encode(const struct journal_frame_head *head, uint8_t bytes[JOURNAL_FRAME_HEAD_BYTES]);
/* 0, or -EBADMSG: damaged, or lengths over the limit. */
int journal_frame_head_decode(const uint8_t bytes[JOURNAL_FRAME_HEAD_BYTES], struct journal_frame_head *head);

/* 1 to 63 characters of a-z 0-9 . _ - (ANALYSIS). */
bool journal_sensor_valid(const char *sensor);

#endif
