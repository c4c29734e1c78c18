// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record_fuzz.c - libFuzzer's way into the reader of records and of a segment's header and frame heads.
 *
 * In:  any bytes. Out: a crash, or nothing. Built with clang -fsanitize=fuzzer,address,undefined.
 * Holds besides: what was read and is written again is read as the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "journal/journal_format.h"
#include "record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int append(struct record_buffer *buffer, const struct record *record)
{
	switch (record->kind) {
	case RECORD_ACCESS:
		return record_append_access(buffer, &record->access);
	case RECORD_HOP:
		return record_append_hop(buffer, &record->hop);
	case RECORD_CREDENTIAL:
		return record_append_credential(buffer, &record->credential);
	case RECORD_MAIL_PART:
		return record_append_mail_part(buffer, &record->mail_part);
	case RECORD_MAIL:
		return record_append_mail(buffer, &record->mail);
	case RECORD_MAIL_RECIPIENT:
		return record_append_mail_recipient(buffer, &record->mail_recipient);
	case RECORD_SYN_SAMPLE:
		return record_append_syn_sample(buffer, &record->syn_sample);
	case RECORD_SYN_SOURCE:
		return record_append_syn_source(buffer, &record->syn_source);
	case RECORD_LEDGER:
		return record_append_ledger(buffer, &record->ledger);
	case RECORD_OBSERVATION:
		return record_append_observation(buffer, &record->observation);
	case RECORD_VIOLATION:
		return record_append_violation(buffer, &record->violation);
	}
	return -1;
}

/* Written, read and written again: the same bytes, as long as what was read first. */
static void check_again(const struct record *record, size_t taken)
{
	struct record_buffer first, second;
	struct record again;
	struct slice left;

	if (record_buffer_open(&first, taken) || record_buffer_open(&second, taken))
		abort();
	if (append(&first, record))
		abort(); /* a record takes no more room than it was read from */
	left = slice_of(first.bytes, first.length);
	if (record_next(&left, &again) != 1 || left.length || append(&second, &again))
		abort();
	if (first.length != second.length || memcmp(first.bytes, second.bytes, first.length))
		abort();
	record_buffer_close(&first);
	record_buffer_close(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice left = slice_of(data, size);
	struct journal_frame_head head;
	struct journal_header header;
	struct record record;
	size_t before = size;

	while (record_next(&left, &record) == 1) {
		if (left.length >= before)
			abort();
		check_again(&record, before - left.length);
		before = left.length;
	}
	if (size >= JOURNAL_HEADER_BYTES && !journal_header_decode(data, &header) &&
	    !journal_sensor_valid(header.sensor))
		abort();
	if (size >= JOURNAL_FRAME_HEAD_BYTES && !journal_frame_head_decode(data, &head) &&
	    head.raw_bytes > JOURNAL_FRAME_MAX_BYTES)
		abort();
	return 0;
}
