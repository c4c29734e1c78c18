// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * journal_segments.c - what was appended is read back; tails that a crash cut are dropped, damage is told; numbers are
 * used once.
 *
 * In:  segments made here, in a temporary folder. Out: cmocka's verdicts. Called by tests/run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "journal/journal.h"
#include "journal/journal_format.h"

#define FRAMES 3
#define PER_FRAME 50
#define NOW_NS UINT64_C(1795000000000000000)

static char folder[64];
static char journal[96];

#define PART_BYTES 40

/* The content of a part follows from its number. */
static void fill_part(uint64_t number, uint8_t bytes[PART_BYTES])
{
	for (size_t at = 0; at < PART_BYTES; at++)
		bytes[at] = (uint8_t)(number * 31 + at * at * 17);
}

static void append_parts(struct record_buffer *buffer, uint64_t first)
{
	for (uint64_t i = 0; i < PER_FRAME; i++) {
		uint8_t bytes[PART_BYTES];
		struct record_mail_part part = { .mail = first + i, .bytes = slice_of(bytes, sizeof(bytes)) };

		fill_part(first + i, bytes);
		assert_int_equal(record_append_mail_part(buffer, &part), 0);
	}
}

/* A finished segment of FRAMES frames; ends[] = the length of the file after the header and each frame. */
static uint64_t make_segment(struct journal_directory *directory, off_t ends[FRAMES + 1])
{
	struct journal_writer *writer = journal_writer_new("sensor-1", 3);
	struct record_buffer buffer;
	uint64_t segment;
	int fd = journal_directory_create(directory, &segment);

	assert_true(fd >= 0);
	assert_int_equal(record_buffer_open(&buffer, 1 << 16), 0);
	assert_int_equal(journal_writer_start(writer, fd, segment, NOW_NS), 0);
	assert_int_equal(journal_writer_segment(writer), segment);
	ends[0] = (off_t)journal_writer_bytes(writer);
	for (unsigned i = 0; i < FRAMES; i++) {
		append_parts(&buffer, i * PER_FRAME);
		assert_int_equal(journal_writer_append(writer, &buffer, 100 + i), 0);
		assert_int_equal(buffer.length, 0);
		ends[i + 1] = (off_t)journal_writer_bytes(writer);
	}
	assert_int_equal(journal_writer_records(writer), FRAMES * PER_FRAME);
	assert_int_equal(journal_writer_commit(writer), 0);
	assert_int_equal(journal_writer_finish(writer), 0);
	assert_int_equal(journal_writer_segment(writer), 0);
	journal_writer_free(writer);
	record_buffer_close(&buffer);
	assert_int_equal(journal_directory_finish(directory, segment), 0);
	return segment;
}

struct reading {
	unsigned frames, damaged;
	uint64_t records, next_mail;
	bool cut;
};

/* Reads a whole segment; every frame that comes must be one of make_segment's, whole. */
static struct reading read_segment(uint64_t segment)
{
	struct journal_reader *reader;
	struct journal_header header;
	struct reading reading = { 0 };
	uint32_t count, minute;
	struct slice bytes;
	char path[256];
	int result;

	assert_int_equal(journal_segment_path(journal, segment, path, sizeof(path)), 0);
	assert_int_equal(journal_reader_open(path, &reader, &header), 0);
	assert_int_equal(header.segment, segment);
	assert_string_equal(header.sensor, "sensor-1");
	assert_int_equal(header.writer, 3);
	assert_true(header.created_at_ns == NOW_NS);
	while ((result = journal_reader_next(reader, &bytes, &count, &minute)) != 0) {
		uint8_t expected[PART_BYTES];
		struct record record;

		if (result == -EBADMSG) {
			reading.damaged++;
			assert_true(reading.damaged < 10);
			continue;
		}
		assert_int_equal(result, 1);
		assert_int_equal(count, PER_FRAME);
		reading.next_mail = (minute - 100) * PER_FRAME;
		while ((result = record_next(&bytes, &record)) == 1) {
			fill_part(reading.next_mail, expected);
			assert_int_equal(record.mail_part.mail, reading.next_mail++);
			assert_int_equal(record.mail_part.bytes.length, PART_BYTES);
			assert_memory_equal(record.mail_part.bytes.bytes, expected, PART_BYTES);
			reading.records++;
		}
		assert_int_equal(result, 0);
		reading.frames++;
	}
	reading.cut = journal_reader_cut(reader);
	journal_reader_close(reader);
	return reading;
}

static struct journal_directory *open_directory(void)
{
	struct journal_directory *directory;

	assert_int_equal(journal_directory_open(journal, &directory), 0);
	return directory;
}

static void what_was_appended_is_read(void **state)
{
	struct journal_directory *directory = open_directory();
	off_t ends[FRAMES + 1];
	struct reading reading = read_segment(make_segment(directory, ends));

	(void)state;
	assert_int_equal(ends[0], JOURNAL_HEADER_BYTES);
	assert_int_equal(reading.frames, FRAMES);
	assert_int_equal(reading.records, FRAMES * PER_FRAME);
	assert_false(reading.cut);
	journal_directory_close(directory);
}

static void a_tail_cut_anywhere_is_dropped(void **state)
{
	struct journal_directory *directory = open_directory();
	off_t ends[FRAMES + 1];
	uint64_t segment = make_segment(directory, ends);
	char path[256];

	(void)state;
	assert_int_equal(journal_segment_path(journal, segment, path, sizeof(path)), 0);
	for (off_t length = ends[FRAMES] - 1; length >= ends[0]; length--) {
		unsigned whole = length >= ends[2] ? 2 : length >= ends[1] ? 1 : 0;
		struct reading reading;

		assert_int_equal(truncate(path, length), 0);
		reading = read_segment(segment);
		assert_int_equal(reading.frames, whole);
		assert_int_equal(reading.damaged, 0);
		assert_int_equal(reading.cut, length != ends[whole]);
	}
	journal_directory_close(directory);
}

/* A power cut may leave the length of the file, but zeros for its last blocks. */
static void a_tail_of_zeros_is_dropped(void **state)
{
	struct journal_directory *directory = open_directory();
	off_t ends[FRAMES + 1];
	uint64_t segment = make_segment(directory, ends);
	struct reading reading;
	char path[256];

	(void)state;
	assert_int_equal(journal_segment_path(journal, segment, path, sizeof(path)), 0);
	assert_int_equal(truncate(path, ends[2] + 40), 0);
	assert_int_equal(truncate(path, ends[FRAMES]), 0);
	reading = read_segment(segment);
	assert_int_equal(reading.frames, 2);
	assert_int_equal(reading.damaged, 0);
	assert_true(reading.cut);
	assert_int_equal(truncate(path, ends[2]), 0);
	assert_int_equal(truncate(path, ends[2] + 4096), 0);
	reading = read_segment(segment);
	assert_int_equal(reading.frames, 2);
	assert_int_equal(reading.damaged, 0);
	assert_true(reading.cut);
	journal_directory_close(directory);
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x20;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/*
 * A flipped bit anywhere in a frame is found, or it was one of the few that mean nothing in zstd's format: never is a
 * content given out that isn't the one that was written (read_segment compares).
 */
static void damage_is_told(void **state)
{
	struct journal_directory *directory = open_directory();
	off_t ends[FRAMES + 1];
	uint64_t segment = make_segment(directory, ends);
	unsigned meaningless = 0;
	struct reading reading;
	char path[256];

	(void)state;
	assert_int_equal(journal_segment_path(journal, segment, path, sizeof(path)), 0);
	for (off_t at = ends[1]; at < ends[2]; at++) {
		bool in_head = at < ends[1] + JOURNAL_FRAME_HEAD_BYTES;

		flip(path, at);
		reading = read_segment(segment);
		if (reading.damaged) {
			/* A damaged head hides what follows; a damaged content does not. */
			assert_int_equal(reading.damaged, 1);
			assert_int_equal(reading.frames, in_head ? 1 : 2);
		} else {
			assert_false(in_head);
			meaningless++;
		}
		flip(path, at);
	}
	assert_true(meaningless < 10);
	assert_int_equal(read_segment(segment).frames, FRAMES);
	for (off_t at = 0; at < JOURNAL_HEADER_BYTES; at++) {
		struct journal_reader *reader = NULL;
		struct journal_header header;

		flip(path, at);
		assert_int_equal(journal_reader_open(path, &reader, &header), -EBADMSG);
		flip(path, at);
	}
	journal_directory_close(directory);
}

/* A frame that claims to hold more than it may, or unpacks to more than it claims, takes no memory. */
static void a_bomb_is_damage(void **state)
{
	struct journal_directory *directory = open_directory();
	struct journal_frame_head head = { .compressed_bytes = 100,
					   .raw_bytes = JOURNAL_FRAME_MAX_BYTES + 1,
					   .records = 1 };
	uint8_t bytes[JOURNAL_FRAME_HEAD_BYTES];
	off_t ends[FRAMES + 1];
	uint64_t segment = make_segment(directory, ends);
	struct reading reading;
	char path[256];
	int fd;

	(void)state;
	assert_int_equal(journal_segment_path(journal, segment, path, sizeof(path)), 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	journal_frame_head_encode(&head, bytes);
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), ends[0]), sizeof(bytes));
	reading = read_segment(segment);
	assert_int_equal(reading.damaged, 1);
	assert_int_equal(reading.frames, 0);
	head.raw_bytes = 10; /* the content holds more */
	head.compressed_bytes = (uint32_t)(ends[1] - ends[0]) - JOURNAL_FRAME_HEAD_BYTES;
	journal_frame_head_encode(&head, bytes);
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), ends[0]), sizeof(bytes));
	reading = read_segment(segment);
	assert_int_equal(reading.damaged, 1);
	assert_int_equal(reading.frames, 2);
	close(fd);
	journal_directory_close(directory);
}

static uint64_t newest(void)
{
	uint64_t *segments, last;
	size_t count;

	assert_int_equal(journal_directory_list(journal, &segments, &count), 0);
	last = count ? segments[count - 1] : 0;
	for (size_t i = 1; i < count; i++)
		assert_true(segments[i - 1] < segments[i]);
	free(segments);
	return last;
}

static void numbers_are_never_used_twice(void **state)
{
	struct journal_directory *directory = open_directory();
	off_t ends[FRAMES + 1];
	uint64_t first = make_segment(directory, ends), second = make_segment(directory, ends), next, files;
	struct timespec now;
	char command[128];

	(void)state;
	assert_true(second > first);
	assert_int_equal(newest(), second);
	/* All files are deleted: the number is remembered. */
	assert_int_equal(journal_segment_remove(journal, first), 0);
	assert_int_equal(journal_segment_remove(journal, second), 0);
	assert_int_equal(journal_segment_remove(journal, second), 0);
	journal_directory_close(directory);
	directory = open_directory();
	next = make_segment(directory, ends);
	assert_true(next > second);
	/* The number is deleted, the segment set aside. */
	assert_int_equal(journal_directory_aside(journal, &files), 0);
	assert_int_equal(files, 0);
	assert_int_equal(journal_segment_set_aside(journal, next), 0);
	assert_int_equal(journal_directory_aside(journal, &files), 0);
	assert_int_equal(files, 1);
	journal_directory_close(directory);
	snprintf(command, sizeof(command), "rm %s/number", journal);
	assert_int_equal(system(command), 0);
	directory = open_directory();
	first = make_segment(directory, ends);
	assert_true(first > next);
	journal_directory_close(directory);
	/* The whole folder is deleted: numbers begin elsewhere. */
	snprintf(command, sizeof(command), "rm -r %s", journal);
	assert_int_equal(system(command), 0);
	clock_gettime(CLOCK_REALTIME, &now);
	directory = open_directory();
	next = make_segment(directory, ends);
	assert_true(next > (uint64_t)now.tv_sec * 1000000000 >> 24 && next <= JOURNAL_SEGMENT_MAX);
	assert_true(next > first + 100 || next < first - 100);
	journal_directory_close(directory);
}

static void a_crash_leaves_what_was_written(void **state)
{
	struct journal_directory *directory = open_directory();
	struct journal_writer *writer = journal_writer_new("sensor-1", 3);
	struct record_buffer buffer;
	uint64_t full, empty, header_only, files, bytes;
	int fd, recovered;

	(void)state;
	while (journal_directory_backlog(journal, &files, &bytes) == 0 && files)
		assert_int_equal(journal_segment_remove(journal, newest()), 0);
	assert_int_equal(record_buffer_open(&buffer, 1 << 16), 0);
	fd = journal_directory_create(directory, &full);
	assert_true(fd >= 0);
	assert_int_equal(journal_writer_start(writer, fd, full, NOW_NS), 0);
	append_parts(&buffer, 0);
	assert_int_equal(journal_writer_append(writer, &buffer, 100), 0);
	journal_writer_free(writer); /* as a kill does: no commit, no finish */
	close(journal_directory_create(directory, &empty));
	writer = journal_writer_new("sensor-1", 3);
	fd = journal_directory_create(directory, &header_only);
	assert_int_equal(journal_writer_start(writer, fd, header_only, NOW_NS), 0);
	journal_writer_free(writer);
	journal_directory_close(directory);
	assert_int_equal(journal_directory_backlog(journal, &files, &bytes), 0);
	assert_int_equal(files, 0);
	directory = open_directory();
	recovered = journal_directory_recover(directory);
	assert_int_equal(recovered, 3);
	assert_int_equal(journal_directory_backlog(journal, &files, &bytes), 0);
	assert_int_equal(files, 1);
	assert_true(bytes > JOURNAL_HEADER_BYTES);
	assert_int_equal(read_segment(full).records, PER_FRAME);
	assert_int_equal(journal_directory_recover(directory), 0);
	record_buffer_close(&buffer);
	journal_directory_close(directory);
}

static void a_folder_has_one_keeper(void **state)
{
	struct journal_directory *directory = open_directory(), *second = NULL;

	(void)state;
	assert_int_equal(journal_directory_open(journal, &second), -EBUSY);
	journal_directory_close(directory);
	assert_int_equal(journal_directory_open(journal, &second), 0);
	journal_directory_close(second);
	assert_int_equal(journal_directory_open("/proc/none/journal", &second), -ENOENT);
}

/* The disk is full in the midst of a frame: the file is as before, and the buffer is kept. */
static void a_failed_append_leaves_no_half(void **state)
{
	struct journal_directory *directory = open_directory();
	struct journal_writer *writer = journal_writer_new("sensor-1", 3);
	struct record_buffer buffer;
	uint64_t segment;
	int fd = journal_directory_create(directory, &segment), status;
	pid_t child;

	(void)state;
	assert_int_equal(record_buffer_open(&buffer, 1 << 16), 0);
	assert_int_equal(journal_writer_start(writer, fd, segment, NOW_NS), 0);
	append_parts(&buffer, 0);
	assert_int_equal(journal_writer_append(writer, &buffer, 100), 0);
	child = fork();
	if (!child) {
		struct rlimit limit = { .rlim_cur = journal_writer_bytes(writer) + 50, .rlim_max = RLIM_INFINITY };
		uint64_t before = journal_writer_bytes(writer);

		signal(SIGXFSZ, SIG_IGN);
		append_parts(&buffer, PER_FRAME);
		if (setrlimit(RLIMIT_FSIZE, &limit) || journal_writer_append(writer, &buffer, 101) != -EFBIG ||
		    journal_writer_bytes(writer) != before || buffer.records != PER_FRAME)
			_exit(1);
		limit.rlim_cur = RLIM_INFINITY;
		if (setrlimit(RLIMIT_FSIZE, &limit) || lseek(fd, 0, SEEK_END) != (off_t)before ||
		    journal_writer_append(writer, &buffer, 101) || journal_writer_finish(writer))
			_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	journal_writer_free(writer);
	assert_int_equal(journal_directory_finish(directory, segment), 0);
	assert_int_equal(read_segment(segment).records, 2 * PER_FRAME);
	record_buffer_close(&buffer);
	journal_directory_close(directory);
}

static void misuse_is_refused(void **state)
{
	struct journal_writer *writer = journal_writer_new("sensor-1", 3);
	struct record_buffer buffer;

	(void)state;
	assert_int_equal(record_buffer_open(&buffer, 1 << 16), 0);
	assert_int_equal(journal_writer_append(writer, &buffer, 1), 0);
	append_parts(&buffer, 0);
	assert_int_equal(journal_writer_append(writer, &buffer, 1), -EBADF);
	assert_int_equal(buffer.records, PER_FRAME);
	assert_int_equal(journal_writer_commit(writer), -EBADF);
	assert_int_equal(journal_writer_finish(writer), -EBADF);
	assert_int_equal(journal_writer_start(writer, 0, JOURNAL_SEGMENT_MAX + 1, 0), -EINVAL);
	assert_int_equal(journal_writer_start(writer, 0, 0, 0), -EINVAL);
	journal_writer_free(writer);
	journal_writer_free(NULL);
	record_buffer_close(&buffer);
	assert_true(journal_sensor_valid("a.b_c-9"));
	assert_false(journal_sensor_valid("") || journal_sensor_valid("A") || journal_sensor_valid("a b"));
	assert_false(journal_sensor_valid("a234567890123456789012345678901234567890123456789012345678901234"));
}

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/otori-unit-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(journal, sizeof(journal), "%s/journal", folder);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_appended_is_read),
		cmocka_unit_test(a_tail_cut_anywhere_is_dropped),
		cmocka_unit_test(a_tail_of_zeros_is_dropped),
		cmocka_unit_test(damage_is_told),
		cmocka_unit_test(a_bomb_is_damage),
		cmocka_unit_test(numbers_are_never_used_twice),
		cmocka_unit_test(a_crash_leaves_what_was_written),
		cmocka_unit_test(a_folder_has_one_keeper),
		cmocka_unit_test(a_failed_append_leaves_no_half),
		cmocka_unit_test(misuse_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
