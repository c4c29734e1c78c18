// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loader.c - journal segments into PostgreSQL, in order, each in one transaction together with its name.
 *
 * In:  finished segments of a journal folder. Out: rows; the file is deleted after its commit, or moved to bad/.
 * Called by supervisor/ (in a process and user of its own) and replay/. May not open a socket but PostgreSQL's.
 *
 * What a failure means: the database is away (-EAGAIN): the segment stays and is tried again, later. The segment is
 * damaged or refused (-EBADMSG, -EPROTO): it is set aside and the rest goes on. A crash between commit and deletion:
 * the segment's name is in the database, so it is deleted without being loaded again. A segment that comes back from
 * bad/ is tried anew.
 */
#include "loader/loader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "database/database.h"
#include "journal/journal.h"
#include "loader/load.h"

#define RETRY_MAX_MILLISECONDS 30000u
#define SLICE_MILLISECONDS 50u /* a signal between the look at *stop and the sleep is seen that late */
#define PATH_BYTES 4096
#define SECOND_TRIES 20u /* where other loaders were first; each time one of them has got something done */

struct loader {
	const struct loader_settings *settings;
	struct loader_totals *totals;
	struct load *load;
	PGconn *connection; /* NULL = the database is away */
	unsigned wait_milliseconds;
	char sensor[JOURNAL_SENSOR_BYTES]; /* of the last sound segment: a journal is one sensor's */
	char said[512];			   /* why we wait, as it was told; empty = we don't */
};

static bool stopped(const struct loader *loader)
{
	return loader->settings->stop && *loader->settings->stop;
}

static void say(const struct loader *loader, const char *text)
{
	if (!loader->settings->quiet)
		fprintf(stderr, "otori: %s\n", text);
}

static void disconnect(struct loader *loader)
{
	PQfinish(loader->connection);
	loader->connection = NULL;
}

/* 0, or -EAGAIN with the reason in load->text. */
static int connect_database(struct loader *loader)
{
	struct load *load = loader->load;

	if (loader->connection)
		return 0;
	loader->connection = database_connect(loader->settings->conninfo, load->text, sizeof(load->text));
	if (!loader->connection)
		return -EAGAIN;
	if (load_connect(load, loader->connection)) {
		disconnect(loader);
		return -EAGAIN;
	}
	return 0;
}

/* --- one segment -------------------------------------------------------------------------------------------------- */

struct segment {
	uint64_t number;
	char path[PATH_BYTES];
	uint64_t file_bytes;
	struct journal_header header;
	struct load_minute *minutes; /* owned; records by minute, as the heads of the frames say */
	size_t minute_count;
};

/* The records of one frame into the transaction. */
static int load_frame_records(struct load *load, struct slice bytes, uint32_t count, uint32_t minute)
{
	uint64_t before = load->records;
	struct record record;
	int result;

	while ((result = record_next(&bytes, &record)) == 1) {
		result = load_record(load, &record);
		if (result)
			return result;
	}
	if (result || load->records - before > count) {
		snprintf(load->text, sizeof(load->text), "a frame's records are damaged");
		return -EBADMSG;
	}
	return load_frame(load, count, minute);
}

/* All frames into the transaction, and its commit. */
static int load_frames(struct load *load, struct journal_reader *reader, uint64_t file_bytes)
{
	uint32_t count, minute;
	struct slice bytes;
	int result;

	while ((result = journal_reader_next(reader, &bytes, &count, &minute)) == 1) {
		result = load_frame_records(load, bytes, count, minute);
		if (result)
			return result;
	}
	if (result == -EBADMSG)
		snprintf(load->text, sizeof(load->text), "a frame is damaged");
	return result ? result : load_commit(load, file_bytes, journal_reader_cut(reader));
}

/* 0 = committed, 1 = it had been before, or an error of load.h. */
static int load_segment_once(struct loader *loader, struct segment *segment)
{
	struct journal_reader *reader;
	int result = journal_reader_open(segment->path, &reader, &segment->header);

	if (result) {
		if (result == -EBADMSG)
			snprintf(loader->load->text, sizeof(loader->load->text), "its header is damaged");
		return result;
	}
	if (segment->header.segment != segment->number) {
		snprintf(loader->load->text, sizeof(loader->load->text), "its header names another segment");
		result = -EBADMSG;
		goto out;
	}
	memcpy(loader->sensor, segment->header.sensor, sizeof(loader->sensor));
	result = load_begin(loader->load, &segment->header);
	if (!result)
		result = load_frames(loader->load, reader, segment->file_bytes);
	if (result)
		load_abort(loader->load);
out:
	journal_reader_close(reader);
	return result;
}

static int add_minute(struct segment *segment, uint32_t minute, uint32_t records)
{
	struct load_minute *grown;

	if (segment->minute_count && segment->minutes[segment->minute_count - 1].minute == minute) {
		segment->minutes[segment->minute_count - 1].records += records;
		return 0;
	}
	grown = reallocarray(segment->minutes, segment->minute_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	segment->minutes = grown;
	segment->minutes[segment->minute_count++] = (struct load_minute){ minute, records };
	return 0;
}

/* What a segment that can't be loaded held, as far as the heads of its frames can be read. */
static int count_minutes(struct segment *segment)
{
	struct journal_reader *reader;
	struct journal_header header;
	uint32_t count, minute;
	struct slice bytes;
	int result = journal_reader_open(segment->path, &reader, &header);

	if (result)
		return result == -EBADMSG ? 0 : result;
	for (;;) {
		result = journal_reader_next(reader, &bytes, &count, &minute);
		if (result == 0 || (result < 0 && result != -EBADMSG))
			break;
		if (count && (result = add_minute(segment, minute, count)) != 0)
			break;
	}
	journal_reader_close(reader);
	return result;
}

/* The segment goes to bad/, first in the database, then in the folder. -EAGAIN: the database went away meanwhile. */
static int set_aside(struct loader *loader, struct segment *segment)
{
	char why[sizeof(loader->load->text)], line[sizeof(why) + 128];
	int result;

	memcpy(why, loader->load->text, sizeof(why));
	if (segment->header.segment != segment->number) {
		/* Nothing is known of it but its name: the journal's other segments tell whose it is. */
		memset(&segment->header, 0, sizeof(segment->header));
		segment->header.segment = segment->number;
		segment->header.created_at_ns = (uint64_t)time(NULL) * 1000000000;
		memcpy(segment->header.sensor, loader->sensor, sizeof(loader->sensor));
	}
	result = count_minutes(segment);
	if (result)
		return -EAGAIN;
	if (segment->header.sensor[0]) {
		result = load_set_aside(loader->load, &segment->header, segment->minutes, segment->minute_count,
					segment->file_bytes, why);
		if (result == -EAGAIN || result == -ENOMEM)
			return result;
	}
	result = journal_segment_set_aside(loader->settings->journal, segment->number);
	if (result)
		return result;
	loader->totals->set_aside++;
	snprintf(line, sizeof(line), "segment %016" PRIx64 " was set aside in bad/: %s", segment->number, why);
	say(loader, line);
	return 0;
}

/* Whatever becomes of it: 0 = it is done with, negative = it stays, and so must what follows. */
static int load_segment(struct loader *loader, uint64_t number)
{
	struct segment segment = { .number = number };
	struct stat status;
	int result = journal_segment_path(loader->settings->journal, number, segment.path, sizeof(segment.path));

	if (result)
		return result;
	if (stat(segment.path, &status))
		return errno == ENOENT ? 0 : -errno;
	segment.file_bytes = (uint64_t)status.st_size;
	result = load_segment_once(loader, &segment);
	for (unsigned i = 0; i < SECOND_TRIES && result == -EAGAIN && loader->load->came_second; i++)
		result = load_segment_once(loader, &segment);
	if (result == -EPROTO)
		/* What was known of partitions may have been outdated: the second refusal counts. */
		result = load_segment_once(loader, &segment);
	if (result == -EBADMSG || result == -EPROTO || result == -EEXIST) {
		result = set_aside(loader, &segment);
	} else if (result >= 0) {
		if (result == 0) {
			loader->totals->segments++;
			loader->totals->records += loader->load->records;
			loader->totals->rows += loader->load->rows;
		}
		result = journal_segment_remove(loader->settings->journal, number);
	}
	free(segment.minutes);
	return result == -ENOENT ? 0 : result; /* another loader was quicker */
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

/* Loads what is there until *stop; *did tells whether anything was. 0, -EAGAIN, or what is wrong with the folder. */
static int load_all(struct loader *loader, bool *did)
{
	uint64_t *segments = NULL;
	size_t count = 0;
	int result = journal_directory_list(loader->settings->journal, &segments, &count);

	*did = count > 0;
	if (!result && count)
		result = connect_database(loader);
	for (size_t i = 0; !result && i < count && !stopped(loader); i++)
		result = load_segment(loader, segments[i]);
	if (result == -EAGAIN || result == -ENOMEM)
		disconnect(loader);
	free(segments);
	return result;
}

static void wait_milliseconds(const struct loader *loader, unsigned milliseconds)
{
	while (milliseconds && !stopped(loader)) {
		unsigned slice = milliseconds < SLICE_MILLISECONDS ? milliseconds : SLICE_MILLISECONDS;
		struct timespec time = { .tv_nsec = (long)slice * 1000000 };

		nanosleep(&time, NULL);
		milliseconds -= slice;
	}
}

/* Tells a reason once, and waits twice as long as last time. */
static void back_off(struct loader *loader, int error)
{
	char line[sizeof(loader->said) + 64];

	if (error != -EAGAIN || !loader->load->text[0])
		snprintf(loader->load->text, sizeof(loader->load->text), "%s", strerror(-error));
	if (strcmp(loader->said, loader->load->text)) {
		memcpy(loader->said, loader->load->text, sizeof(loader->said));
		snprintf(line, sizeof(line), "loading waits: %s", loader->said);
		say(loader, line);
	}
	wait_milliseconds(loader, loader->wait_milliseconds);
	loader->wait_milliseconds *= 2;
	if (loader->wait_milliseconds > RETRY_MAX_MILLISECONDS)
		loader->wait_milliseconds = RETRY_MAX_MILLISECONDS;
}

static void went_well(struct loader *loader)
{
	loader->wait_milliseconds = loader->settings->retry_milliseconds ? loader->settings->retry_milliseconds : 500;
	if (!loader->said[0])
		return;
	loader->said[0] = 0;
	say(loader, "loading goes on");
}

static int open_loader(struct loader *loader, const struct loader_settings *settings, struct loader_totals *totals)
{
	memset(loader, 0, sizeof(*loader));
	memset(totals, 0, sizeof(*totals));
	loader->settings = settings;
	loader->totals = totals;
	loader->load = load_new(settings->rules);
	if (!loader->load)
		return -ENOMEM;
	/* A host that does not answer must not hold up a stop; what the operator set in the conninfo holds. */
	setenv("PGCONNECT_TIMEOUT", "5", 0);
	went_well(loader);
	return 0;
}

static void close_loader(struct loader *loader)
{
	disconnect(loader);
	load_free(loader->load);
}

int loader_run(const struct loader_settings *settings, struct loader_totals *totals)
{
	struct loader loader;
	bool did;
	int result = open_loader(&loader, settings, totals);

	while (!result && !stopped(&loader)) {
		result = load_all(&loader, &did);
		if (result == -ENOENT || result == -ENOTDIR)
			break; /* no folder, no journal */
		if (result) {
			back_off(&loader, result);
			result = 0;
			continue;
		}
		if (did)
			went_well(&loader);
		wait_milliseconds(&loader, settings->poll_milliseconds ? settings->poll_milliseconds : 200);
	}
	close_loader(&loader);
	return result;
}

int loader_drain(const struct loader_settings *settings, struct loader_totals *totals)
{
	struct loader loader;
	bool did;
	int result = open_loader(&loader, settings, totals);

	if (!result)
		result = load_all(&loader, &did);
	if (result)
		snprintf(totals->why, sizeof(totals->why), "%s",
			 result == -EAGAIN && loader.load->text[0] ? loader.load->text : strerror(-result));
	close_loader(&loader);
	return result;
}
