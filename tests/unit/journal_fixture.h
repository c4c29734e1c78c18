/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal_fixture.h - journals made by hand, and the loader that brings them into a test's private PostgreSQL.
 *
 * In:  records. Out: segments in the temporary folder of the cluster, rows. Included by the tests loader_*.c.
 */
#ifndef OTORI_JOURNAL_FIXTURE_H
#define OTORI_JOURNAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/journal.h"
#include "loader/loader.h"
#include "postgres_fixture.h"

#define NS UINT64_C(1000000000)
#define DAY_2007 (UINT64_C(1195344000) * NS) /* 2007-11-18 00:00 UTC */
#define MINUTE_2007 (UINT32_C(1195344000) / 60)

static struct postgres postgres;

/* A journal of one sensor, in a folder of its own. */
struct journal {
	char path[128];
	const char *sensor;
	struct journal_directory *directory;
	struct record_buffer buffer;
};

static inline void ask_is(const char *expected, const char *format, const char *sensor)
{
	char question[1024];

	snprintf(question, sizeof(question), format, sensor, sensor, sensor);
	assert_string_equal(postgres_fixture_ask(&postgres, question), expected);
}

static inline void journal_open(struct journal *journal, const char *sensor)
{
	journal->sensor = sensor;
	snprintf(journal->path, sizeof(journal->path), "%s/journal-%s", postgres.folder, sensor);
	assert_int_equal(journal_directory_open(journal->path, &journal->directory), 0);
	assert_int_equal(record_buffer_open(&journal->buffer, 4 << 20), 0);
}

static inline void journal_close(struct journal *journal)
{
	journal_directory_close(journal->directory);
	record_buffer_close(&journal->buffer);
}

/* Writes what is in the buffer as one segment of frames (one, or one for each minute); returns its number. */
static inline uint64_t journal_put(struct journal *journal, uint8_t writer, unsigned frames)
{
	struct journal_writer *out = journal_writer_new(journal->sensor, writer);
	struct record_buffer copy = journal->buffer;
	uint64_t segment;
	int fd = journal_directory_create(journal->directory, &segment);

	assert_true(fd >= 0);
	assert_int_equal(journal_writer_start(out, fd, segment, DAY_2007), 0);
	for (unsigned i = 0; i < frames; i++) {
		copy = journal->buffer;
		assert_int_equal(journal_writer_append(out, i + 1 < frames ? &copy : &journal->buffer, MINUTE_2007 + i),
				 0);
	}
	assert_int_equal(journal_writer_finish(out), 0);
	journal_writer_free(out);
	assert_int_equal(journal_directory_finish(journal->directory, segment), 0);
	return segment;
}

static inline struct loader_totals drain(struct journal *journal)
{
	struct loader_settings settings = { .journal = journal->path, .conninfo = postgres.loader, .quiet = true };
	struct loader_totals totals;

	assert_int_equal(loader_drain(&settings, &totals), 0);
	return totals;
}

static inline void copy_file(const char *from, const char *to)
{
	char command[600];

	snprintf(command, sizeof(command), "cp -p %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static inline bool in_bad(const struct journal *journal, uint64_t segment)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/bad/%016llx.otj", journal->path, (unsigned long long)segment);
	return !access(path, F_OK);
}

static inline unsigned files_waiting(const struct journal *journal)
{
	uint64_t files, bytes;

	assert_int_equal(journal_directory_backlog(journal->path, &files, &bytes), 0);
	return (unsigned)files;
}

/* Waits up to 20 s for the answer to become what is expected. */
static inline void ask_until(const char *expected, const char *format, const char *sensor)
{
	char question[1024];

	snprintf(question, sizeof(question), format, sensor);
	for (int i = 0; i < 400 && strcmp(postgres_fixture_ask(&postgres, question), expected); i++)
		usleep(50000);
	assert_string_equal(postgres_fixture_ask(&postgres, question), expected);
}

/* A thread: the loader until its stop is set. */
static inline void *run_loader(void *context)
{
	struct loader_totals totals;

	return loader_run(context, &totals) ? context : NULL;
}

#endif
