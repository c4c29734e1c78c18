// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * outlet.c - journal folder, two writers, and the loader in a thread beside them.
 *
 * In:  record buffers. Out: finished segments, and rows by the loader. Called by session.c. Removes a folder only where
 * it made it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "replay/outlet.h"

#define SEGMENT_BYTES (4u << 20) /* compressed; large enough for COPY, small enough to begin loading early */
#define SEGMENTS_AHEAD 8	 /* finished segments that may wait for the loader: then the replay waits */
#define TEMPORARY "otori-replay-"
#define STALE_SECONDS 60

struct stream {
	struct journal_writer *writer;
	uint64_t segment; /* begun, 0 = none */
};

struct outlet {
	char *folder; /* owned */
	bool temporary;
	struct journal_directory *directory;
	struct stream worker, ledger;
	const char *conninfo;
	const struct exploit_rules *rules;
	volatile const int *stop;
	struct loader_totals loaded;
	volatile int never; /* where the caller has no stop of his own */
	/* The loader runs beside the replay: on another core, and mostly in PostgreSQL. */
	bool running;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows, and loaded while running */
	pthread_cond_t changed;
	uint64_t finished, loaded_up_to; /* counts of segments handed over, and seen by the loader */
	bool over;			 /* nothing more will be finished */
	int error;			 /* of the loader */
	char why[512];			 /* the same in words; empty where it is none of the loader's */
};

/* Removes a folder of our own; segments that could not be loaded and were set aside are evidence, and stay in bad/. */
static void remove_folder(const char *folder)
{
	DIR *files = opendir(folder);
	struct dirent *file;

	if (files) {
		while ((file = readdir(files)))
			if (file->d_name[0] != '.' && unlinkat(dirfd(files), file->d_name, 0))
				unlinkat(dirfd(files), file->d_name, AT_REMOVEDIR); /* bad/, where it is empty */
		closedir(files);
	}
	rmdir(folder);
}

/* Folders that a killed replay left behind: nobody holds their lock, and they are older than one that is just being
 * begun. */
static void sweep(const char *place)
{
	DIR *files = opendir(place);
	time_t now = time(NULL);
	struct dirent *file;

	if (!files)
		return;
	while ((file = readdir(files))) {
		struct journal_directory *directory = NULL;
		struct stat status;
		char *path;

		if (strncmp(file->d_name, TEMPORARY, sizeof(TEMPORARY) - 1) != 0 ||
		    fstatat(dirfd(files), file->d_name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(status.st_mode) ||
		    status.st_uid != geteuid() || now - status.st_mtime < STALE_SECONDS)
			continue;
		if (asprintf(&path, "%s/%s", place, file->d_name) < 0)
			continue;
		if (!journal_directory_open(path, &directory))
			remove_folder(path);
		journal_directory_close(directory);
		free(path);
	}
	closedir(files);
}

static int make_folder(struct outlet *outlet, const char *journal)
{
	const char *place = getenv("TMPDIR");

	if (journal) {
		outlet->folder = strdup(journal);
		return outlet->folder ? 0 : -ENOMEM;
	}
	if (!place || !*place)
		place = "/var/tmp"; /* a disk, where /tmp may be memory */
	sweep(place);
	if (asprintf(&outlet->folder, "%s/%sXXXXXX", place, TEMPORARY) < 0) {
		outlet->folder = NULL;
		return -ENOMEM;
	}
	if (!mkdtemp(outlet->folder))
		return -errno;
	outlet->temporary = true;
	return 0;
}

/* One look at the folder: everything that is finished is loaded. Adds to *sum. */
static int load(const struct outlet *outlet, struct loader_totals *sum)
{
	struct loader_settings settings = {
		.journal = outlet->folder,
		.conninfo = outlet->conninfo,
		.rules = outlet->rules,
		.retry_milliseconds = 1000,
		.poll_milliseconds = 1000,
		.stop = outlet->stop ? outlet->stop : &outlet->never,
	};
	struct loader_totals totals = { 0 };
	int err = loader_drain(&settings, &totals);

	sum->segments += totals.segments;
	sum->records += totals.records;
	sum->rows += totals.rows;
	sum->set_aside += totals.set_aside;
	memcpy(sum->why, totals.why, sizeof(sum->why));
	return err;
}

static void *load_beside(void *context)
{
	struct outlet *outlet = context;

	pthread_mutex_lock(&outlet->lock);
	while (!outlet->error && (!outlet->over || outlet->loaded_up_to != outlet->finished)) {
		uint64_t upto = outlet->finished;
		struct loader_totals totals = { 0 };
		int err;

		if (upto == outlet->loaded_up_to) {
			pthread_cond_wait(&outlet->changed, &outlet->lock);
			continue;
		}
		pthread_mutex_unlock(&outlet->lock);
		err = load(outlet, &totals);
		pthread_mutex_lock(&outlet->lock);
		outlet->loaded.segments += totals.segments;
		outlet->loaded.records += totals.records;
		outlet->loaded.rows += totals.rows;
		outlet->loaded.set_aside += totals.set_aside;
		outlet->error = err;
		memcpy(outlet->why, totals.why, sizeof(outlet->why));
		outlet->loaded_up_to = upto;
		pthread_cond_broadcast(&outlet->changed);
	}
	pthread_mutex_unlock(&outlet->lock);
	return NULL;
}

/* Hands a finished segment to the loader; waits where it is too far behind. */
static int hand_over(struct outlet *outlet)
{
	int err = 0;

	if (!outlet->running) {
		err = -pthread_create(&outlet->thread, NULL, load_beside, outlet);
		if (err)
			return err;
		outlet->running = true;
	}
	pthread_mutex_lock(&outlet->lock);
	outlet->finished++;
	pthread_cond_broadcast(&outlet->changed);
	while (!outlet->error && outlet->finished - outlet->loaded_up_to > SEGMENTS_AHEAD)
		pthread_cond_wait(&outlet->changed, &outlet->lock);
	err = outlet->error;
	pthread_mutex_unlock(&outlet->lock);
	return err;
}

/* Waits until the loader has taken everything, and ends it. */
static int end_loader(struct outlet *outlet)
{
	if (!outlet->running)
		return 0;
	pthread_mutex_lock(&outlet->lock);
	outlet->over = true;
	pthread_cond_broadcast(&outlet->changed);
	pthread_mutex_unlock(&outlet->lock);
	pthread_join(outlet->thread, NULL);
	outlet->running = false;
	return outlet->error;
}

static int load_problem(const struct outlet *outlet, int err, struct problem *problem)
{
	const char *why = outlet->why[0] ? outlet->why : strerror(-err);

	if (outlet->temporary)
		return problem_say(problem, PROBLEM_FAILURE, err, "not all that was seen could be loaded: %s", why);
	return problem_say(problem, PROBLEM_FAILURE, err,
			   "the journal in %s could not be loaded to its end: %s (it is kept: a later replay with this "
			   "--journal loads it)",
			   outlet->folder, why);
}

static int begin(struct outlet *outlet, struct stream *stream)
{
	uint64_t segment;
	int fd = journal_directory_create(outlet->directory, &segment), err;

	if (fd < 0)
		return fd;
	err = journal_writer_start(stream->writer, fd, segment, clock_utc_ns());
	if (!err)
		stream->segment = segment;
	return err;
}

static int finish(struct outlet *outlet, struct stream *stream)
{
	uint64_t segment = stream->segment;
	int err;

	if (!segment)
		return 0;
	stream->segment = 0;
	err = journal_writer_finish(stream->writer);
	if (err)
		return err;
	return journal_directory_finish(outlet->directory, segment);
}

static int journal_problem(const struct outlet *outlet, int err, struct problem *problem)
{
	if (err == -EBUSY)
		return problem_say(problem, PROBLEM_FAILURE, err, "the journal %s is in use by another otori",
				   outlet->folder);
	return problem_say(problem, PROBLEM_FAILURE, err, "the journal %s cannot be written: %s",
			   outlet->folder ? outlet->folder : "folder", strerror(-err));
}

int outlet_open(struct outlet **result, const struct outlet_plan *plan, struct problem *problem)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));
	int err;

	*result = NULL;
	if (!outlet)
		return problem_say(problem, PROBLEM_FAILURE, -ENOMEM, "no memory");
	outlet->conninfo = plan->conninfo;
	outlet->rules = plan->rules;
	outlet->stop = plan->stop;
	pthread_mutex_init(&outlet->lock, NULL);
	pthread_cond_init(&outlet->changed, NULL);
	err = make_folder(outlet, plan->journal);
	if (!err)
		err = journal_directory_open(outlet->folder, &outlet->directory);
	if (!err) {
		err = journal_directory_recover(outlet->directory);
		err = err < 0 ? err : 0;
	}
	if (!err) {
		outlet->worker.writer = journal_writer_new(plan->sensor, 0);
		outlet->ledger.writer = journal_writer_new(plan->sensor, JOURNAL_WRITER_SUPERVISOR);
		err = outlet->worker.writer && outlet->ledger.writer ? 0 : -ENOMEM;
	}
	if (!err)
		err = begin(outlet, &outlet->worker);
	if (!err)
		err = begin(outlet, &outlet->ledger);
	if (err) {
		journal_problem(outlet, err, problem);
		outlet_close(outlet);
		return err;
	}
	*result = outlet;
	return 0;
}

void outlet_close(struct outlet *outlet)
{
	if (!outlet)
		return;
	/* what is written is whole: it is finished even where the replay broke off, and a folder of the user's keeps it
	 */
	finish(outlet, &outlet->worker);
	finish(outlet, &outlet->ledger);
	end_loader(outlet);
	pthread_cond_destroy(&outlet->changed);
	pthread_mutex_destroy(&outlet->lock);
	journal_writer_free(outlet->worker.writer);
	journal_writer_free(outlet->ledger.writer);
	journal_directory_close(outlet->directory);
	if (outlet->temporary)
		remove_folder(outlet->folder);
	free(outlet->folder);
	free(outlet);
}

uint64_t outlet_segment(const struct outlet *outlet)
{
	return outlet->worker.segment;
}

bool outlet_full(const struct outlet *outlet)
{
	return journal_writer_bytes(outlet->worker.writer) >= SEGMENT_BYTES;
}

int outlet_write(struct outlet *outlet, struct record_buffer *records, uint32_t minute)
{
	return journal_writer_append(outlet->worker.writer, records, minute);
}

int outlet_write_ledger(struct outlet *outlet, struct record_buffer *records, uint32_t minute)
{
	return journal_writer_append(outlet->ledger.writer, records, minute);
}

int outlet_turn(struct outlet *outlet, struct problem *problem)
{
	int err = finish(outlet, &outlet->worker);

	if (!err)
		err = begin(outlet, &outlet->worker);
	if (err)
		return journal_problem(outlet, err, problem);
	err = hand_over(outlet);
	return err ? load_problem(outlet, err, problem) : 0;
}

int outlet_finish(struct outlet *outlet, struct problem *problem)
{
	uint64_t files = 0, bytes = 0;
	int err = finish(outlet, &outlet->worker);

	if (!err)
		err = finish(outlet, &outlet->ledger);
	if (err)
		return journal_problem(outlet, err, problem);
	err = end_loader(outlet);
	if (!err) {
		err = load(outlet, &outlet->loaded);
		memcpy(outlet->why, outlet->loaded.why, sizeof(outlet->why));
	}
	if (!err)
		err = journal_directory_backlog(outlet->folder, &files, &bytes);
	if (!err && files) /* the loader was told to stop */
		err = -EINTR;
	return err ? load_problem(outlet, err, problem) : 0;
}

const struct loader_totals *outlet_loaded(const struct outlet *outlet)
{
	return &outlet->loaded;
}
