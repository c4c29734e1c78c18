/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * own_segment.c - the supervisor's own records, on their way into a journal segment of their own: ledger, observation,
 * violations.
 *
 * In:  the ledger, record_buffer own.records. Out: segments of writer 255. Called every second and at the end.
 *
 * The ledger must not emit anything twice, or not at all, where the supervisor is killed between "appended" and
 * "remembered". So what will be remembered is written first, beside what is still valid, with the place in the segment
 * where the records will stand; after the append it takes the other's place. A start that finds it waiting looks
 * whether the records got there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/supervisor.h"

#define RECORD_BUFFER_BYTES (2u << 20)
#define LEDGER_FILE SUPERVISOR_RUN_DIRECTORY "/ledger"
#define LEDGER_NEXT SUPERVISOR_RUN_DIRECTORY "/ledger.next"
#define LEDGER_DOUBT SUPERVISOR_RUN_DIRECTORY "/ledger.doubt"

/* Where the records that go with ledger.next will stand. */
struct doubt {
	uint64_t segment;
	uint64_t records_before; /* in the segment */
	char journal[3072];	 /* the folder */
};

static int write_file(const char *path, const struct ledger *ledger, const struct doubt *doubt)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), err = 0;

	if (fd < 0)
		return -errno;
	if (ledger)
		err = ledger_save(ledger, fd);
	else if (write(fd, doubt, sizeof(*doubt)) != (ssize_t)sizeof(*doubt))
		err = -EIO;
	close(fd);
	return err;
}

/* How many records the unfinished segment holds. */
static uint64_t records_in(const struct doubt *doubt)
{
	char path[4096];
	struct journal_reader *reader;
	struct journal_header header;
	struct slice records;
	uint32_t count, minute;
	uint64_t sum = 0;

	snprintf(path, sizeof(path), "%.3071s/%016" PRIx64 ".open", doubt->journal, doubt->segment);
	if (journal_reader_open(path, &reader, &header) < 0)
		return 0;
	while (journal_reader_next(reader, &records, &count, &minute) == 1)
		sum += count;
	journal_reader_close(reader);
	return sum;
}

/* A predecessor was killed in between: which of the two states holds. To be called before the journal is recovered. */
static void settle_doubt(void)
{
	struct doubt doubt;
	int fd = open(LEDGER_DOUBT, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool known = false;

	if (fd >= 0) {
		known = read(fd, &doubt, sizeof(doubt)) == (ssize_t)sizeof(doubt);
		close(fd);
	}
	if (known && access(LEDGER_NEXT, F_OK) == 0 && records_in(&doubt) > doubt.records_before)
		rename(LEDGER_NEXT, LEDGER_FILE);
	unlink(LEDGER_NEXT);
	unlink(LEDGER_DOUBT);
}

static int restore(struct supervisor *supervisor)
{
	int fd = open(LEDGER_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int err;

	if (fd < 0)
		return -errno;
	err = ledger_restore(supervisor->own.ledger, fd);
	close(fd);
	return err;
}

int own_segment_open(struct supervisor *supervisor, struct problem *problem)
{
	struct own_segment *own = &supervisor->own;
	struct ledger_sources sources = { .minute_counters = datapath_map(&supervisor->datapath, "minute_counters"),
					  .port_counters = datapath_map(&supervisor->datapath, "port_counters"),
					  .page = supervisor->page };
	uint64_t lost, records;

	own->writer = journal_writer_new(supervisor->options->sensor, SUPERVISOR_WRITER);
	if (!own->writer || record_buffer_open(&own->records, RECORD_BUFFER_BYTES) < 0 ||
	    ledger_open(&own->ledger, &sources) < 0)
		return problem_say(problem, PROBLEM_FAILURE, -ENOMEM, "out of memory");
	settle_doubt();
	if (restore(supervisor) < 0) {
		/* other maps or another boot: the page's figures belong to them */
		page_file_fresh(supervisor);
	} else {
		page_file_inherit(supervisor);
		lost = page_file_bury(supervisor, &records);
		if (lost || records)
			log_notice("%" PRIu64 " conversations and %" PRIu64
				   " records of the earlier run are lost: it did not end by itself",
				   lost, records);
	}
	supervisor->page->magic = RESPONDER_PAGE_MAGIC;
	supervisor->page->version = RESPONDER_PAGE_VERSION;
	if (supervisor->page->workers < supervisor->datapath.rings)
		supervisor->page->workers = supervisor->datapath.rings;
	memcpy(supervisor->page->ports, supervisor->datapath.ports, sizeof(supervisor->page->ports));
	return 0;
}

static int begin_segment(struct supervisor *supervisor, uint64_t now_ns)
{
	struct own_segment *own = &supervisor->own;
	uint64_t segment;
	int fd = journal_directory_create(supervisor->journal, &segment), err;

	if (fd < 0)
		return fd;
	err = journal_writer_start(own->writer, fd, segment, now_ns);
	if (err)
		return err;
	own->segment = segment;
	own->started_ns = now_ns;
	return 0;
}

static void finish_segment(struct supervisor *supervisor)
{
	struct own_segment *own = &supervisor->own;
	int err = journal_writer_finish(own->writer);

	if (!err)
		err = journal_directory_finish(supervisor->journal, own->segment);
	if (err)
		log_error("journal segment %016" PRIx64 " cannot be finished: %s", own->segment, strerror(-err));
	own->segment = 0;
}

/* Writes the buffer: 0, or negative errno and the buffer stays for the next try. */
static int append(struct supervisor *supervisor, uint64_t now_ns)
{
	struct own_segment *own = &supervisor->own;
	struct doubt doubt = { 0 };
	int err = own->segment ? 0 : begin_segment(supervisor, now_ns);

	if (err)
		return err;
	doubt.segment = own->segment;
	doubt.records_before = journal_writer_records(own->writer);
	snprintf(doubt.journal, sizeof(doubt.journal), "%s", supervisor->options->journal);
	err = write_file(LEDGER_DOUBT, NULL, &doubt);
	if (!err)
		err = write_file(LEDGER_NEXT, own->ledger, NULL);
	if (!err)
		err = journal_writer_append(own->writer, &own->records, (uint32_t)(now_ns / NS_PER_MINUTE));
	if (!err && rename(LEDGER_NEXT, LEDGER_FILE) < 0)
		err = -errno;
	if (!err)
		err = journal_writer_commit(own->writer);
	return err;
}

void own_segment_turn(struct supervisor *supervisor, bool final)
{
	struct own_segment *own = &supervisor->own;
	uint64_t now_ns = clock_utc_ns();
	int err, rounds = 0;

	do {
		err = ledger_collect(own->ledger, now_ns, final, &own->records);
		if (own->records.records) {
			int wrote = append(supervisor, now_ns);

			if (wrote) {
				log_error("the journal cannot be written: %s", strerror(-wrote));
				break;
			}
		}
	} while (err == -ENOBUFS && ++rounds < 64);
	if (err && err != -ENOBUFS)
		log_error("the counters cannot be read: %s", strerror(-err));
	if (own->segment && (final || now_ns - own->started_ns >= supervisor->options->segment_seconds * NS_PER_SECOND))
		finish_segment(supervisor);
}

void own_segment_close(struct supervisor *supervisor)
{
	struct own_segment *own = &supervisor->own;

	ledger_close(own->ledger);
	journal_writer_free(own->writer);
	record_buffer_close(&own->records);
	memset(own, 0, sizeof(*own));
}
