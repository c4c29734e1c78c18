// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * capture.c - finds the files, looks through them once, and merges them by time.
 *
 * In:  paths. Out: packets in the order of their times. Called by the command and tests. May not keep a file open that
 * is not being read: a folder may hold more files than a process may open.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "replay/capture.h"

#define JITTER_NS 1000000000ull /* times that go back by less are no new run */
#define RUNS_PER_FILE 64	/* jumps back that are followed in one file; each costs a reading of the file */
#define FOLDER_DEPTH 32

/* A stretch of one file in which time does not go back. */
struct run {
	const char *path; /* borrowed from capture.paths */
	uint64_t begins_ns, latest_ns;
	uint64_t first, packets; /* of the file: number of the first, how many */
	bool to_the_end;	 /* standard input: packets is not known */
	struct savefile *file;	 /* open while it is being read */
	struct captured head;	 /* the next packet, where file is open */
};

struct capture {
	char **paths; /* owned */
	size_t path_count;
	struct run *runs; /* owned; sorted by begins_ns, then by order of naming */
	size_t run_count;
	size_t opened;	   /* runs[0 .. opened) were begun */
	struct run **live; /* those of them that are still being read */
	size_t live_count;
	struct run *current; /* whose head was handed out last: to be advanced before the next */
	capture_tell tell;
	void *context;
	uint64_t out_of_order;
	bool cut;
};

static void tell(const struct capture *capture, const char *line)
{
	if (capture->tell)
		capture->tell(capture->context, line);
}

/* Grows an array of count elements by one; NULL where memory is short (the array stays). */
static void *grown(void *array, size_t count, size_t element)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? count * 2 : 1, element);
}

static int add_path(struct capture *capture, const char *path)
{
	char **paths = grown(capture->paths, capture->path_count, sizeof(*paths));

	if (!paths)
		return -ENOMEM;
	capture->paths = paths;
	paths[capture->path_count] = strdup(path);
	if (!paths[capture->path_count])
		return -ENOMEM;
	capture->path_count++;
	return 0;
}

static int add_folder(struct capture *capture, const char *path, unsigned depth, char *text);

static int add_entry(struct capture *capture, const char *path, unsigned depth, char *text)
{
	struct stat status;
	char line[SAVEFILE_TEXT_BYTES];

	if (stat(path, &status))
		return 0; /* gone meanwhile, or a link to nowhere */
	if (S_ISDIR(status.st_mode))
		return add_folder(capture, path, depth + 1, text);
	if (!S_ISREG(status.st_mode))
		return 0;
	if (savefile_is_capture(path))
		return add_path(capture, path);
	snprintf(line, sizeof(line), "%s: left out, not a capture file", path);
	tell(capture, line);
	return 0;
}

/* All captures of a folder and of the folders below it, by name. */
static int add_folder(struct capture *capture, const char *path, unsigned depth, char *text)
{
	struct dirent **entries = NULL;
	int count, err = 0;

	if (depth > FOLDER_DEPTH) {
		snprintf(text, SAVEFILE_TEXT_BYTES, "%s: more than %d folders within each other", path, FOLDER_DEPTH);
		return -ELOOP;
	}
	count = scandir(path, &entries, NULL, alphasort);
	if (count < 0) {
		err = -errno;
		snprintf(text, SAVEFILE_TEXT_BYTES, "%s: %s", path, strerror(-err));
		return err;
	}
	for (int i = 0; i < count; i++) {
		char *child = NULL;

		if (!err && entries[i]->d_name[0] != '.') {
			if (asprintf(&child, "%s/%s", path, entries[i]->d_name) < 0)
				err = -ENOMEM;
			else
				err = add_entry(capture, child, depth, text);
			free(child);
		}
		free(entries[i]);
	}
	free(entries);
	return err;
}

static struct run *add_run(struct capture *capture, const char *path, uint64_t begins_ns, uint64_t first)
{
	struct run *runs = grown(capture->runs, capture->run_count, sizeof(*runs));

	if (!runs)
		return NULL;
	capture->runs = runs;
	runs[capture->run_count] = (struct run){ .path = path, .begins_ns = begins_ns, .first = first };
	return &runs[capture->run_count++];
}

/* Reads a file once: where its runs begin, and whether it is whole. */
static int look_through(struct capture *capture, const char *path, char *text)
{
	struct savefile *file;
	struct captured packet;
	struct run *run = NULL;
	uint64_t latest = 0, number = 0;
	unsigned runs = 0;
	int err = savefile_open(path, &file, text);

	if (err)
		return err;
	if (strcmp(path, "-") == 0) {
		run = add_run(capture, path, 0, 0);
		if (!run) {
			savefile_close(file);
			return -ENOMEM;
		}
		run->to_the_end = true;
		run->file = file;
		return 0;
	}
	while ((err = savefile_next(file, &packet, text)) == 1) {
		bool back = packet.time_ns + JITTER_NS < latest;

		if (!run || (back && runs < RUNS_PER_FILE)) {
			run = add_run(capture, path, packet.time_ns, number);
			if (!run) {
				err = -ENOMEM;
				break;
			}
			runs++;
			latest = 0;
		} else if (back) {
			capture->out_of_order++;
		}
		if (packet.time_ns > latest)
			latest = packet.time_ns;
		run->latest_ns = latest;
		run->packets++;
		number++;
	}
	savefile_close(file);
	if (err == -EBADMSG) {
		capture->cut = true;
		tell(capture, text);
		err = 0;
	}
	return err;
}

static int earlier_run(const void *a, const void *b)
{
	const struct run *left = a, *right = b;

	if (left->begins_ns != right->begins_ns)
		return left->begins_ns < right->begins_ns ? -1 : 1;
	/* so that the result is the same each time */
	if (left->path != right->path)
		return strcmp(left->path, right->path);
	return left->first < right->first ? -1 : left->first > right->first;
}

int capture_open(struct capture **result, char *const *paths, size_t count, capture_tell tell_line, void *context,
		 char *text)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int err = capture ? 0 : -ENOMEM;

	*result = NULL;
	text[0] = 0;
	if (!capture)
		goto fail;
	capture->tell = tell_line;
	capture->context = context;
	for (size_t i = 0; i < count && !err; i++) {
		struct stat status;

		if (strcmp(paths[i], "-") != 0 && stat(paths[i], &status) == 0 && S_ISDIR(status.st_mode))
			err = add_folder(capture, paths[i], 0, text);
		else
			err = add_path(capture, paths[i]);
	}
	for (size_t i = 0; i < capture->path_count && !err; i++)
		err = look_through(capture, capture->paths[i], text);
	if (err)
		goto fail;
	if (capture->run_count)
		qsort(capture->runs, capture->run_count, sizeof(*capture->runs), earlier_run);
	capture->live = calloc(capture->run_count + 1, sizeof(struct run *));
	if (!capture->live) {
		err = -ENOMEM;
		goto fail;
	}
	*result = capture;
	return 0;
fail:
	if (!text[0])
		snprintf(text, SAVEFILE_TEXT_BYTES, "%s", strerror(-err));
	capture_close(capture);
	return err;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	for (size_t i = 0; i < capture->run_count; i++)
		savefile_close(capture->runs[i].file);
	for (size_t i = 0; i < capture->path_count; i++)
		free(capture->paths[i]);
	free(capture->live);
	free(capture->runs);
	free(capture->paths);
	free(capture);
}

/* Reads the next packet of a run into its head: 1, 0 at its end, negative errno. */
static int run_next(struct capture *capture, struct run *run, char *text)
{
	int got;

	if (!run->to_the_end) {
		if (run->packets == 0)
			return 0;
		run->packets--;
	}
	got = savefile_next(run->file, &run->head, text);
	if (got == -EBADMSG && run->to_the_end) {
		capture->cut = true;
		tell(capture, text);
		return 0;
	}
	if (got == 0 && !run->to_the_end) {
		snprintf(text, SAVEFILE_TEXT_BYTES, "%s: has become shorter while it was read", run->path);
		return -ESTALE;
	}
	return got;
}

/* Opens a run at its first packet. */
static int run_begin(struct capture *capture, struct run *run, char *text)
{
	struct captured skipped;
	int err;

	if (!run->file) {
		err = savefile_open(run->path, &run->file, text);
		if (err)
			return err;
	}
	for (uint64_t i = 0; i < run->first; i++) {
		err = savefile_next(run->file, &skipped, text);
		if (err == 1)
			continue;
		if (err == 0)
			snprintf(text, SAVEFILE_TEXT_BYTES, "%s: has become shorter while it was read", run->path);
		return err < 0 ? err : -ESTALE;
	}
	err = run_next(capture, run, text);
	if (err == 1)
		capture->live[capture->live_count++] = run;
	return err < 0 ? err : 0;
}

/* Moves the run that was handed out last one packet on. */
static int advance(struct capture *capture, char *text)
{
	struct run *run = capture->current;
	int got;

	capture->current = NULL;
	if (!run)
		return 0;
	got = run_next(capture, run, text);
	if (got == 1)
		return 0;
	for (size_t i = 0; i < capture->live_count; i++) {
		if (capture->live[i] != run)
			continue;
		/* keep the order: of equal times the run that began first comes first */
		memmove(&capture->live[i], &capture->live[i + 1], (capture->live_count - i - 1) * sizeof(struct run *));
		capture->live_count--;
		break;
	}
	savefile_close(run->file);
	run->file = NULL;
	return got;
}

int capture_next(struct capture *capture, struct captured *packet, char *text)
{
	struct run *earliest = NULL;
	int err = advance(capture, text);

	if (err)
		return err;
	for (size_t i = 0; i < capture->live_count; i++)
		if (!earliest || capture->live[i]->head.time_ns < earliest->head.time_ns)
			earliest = capture->live[i];
	while (capture->opened < capture->run_count &&
	       (!earliest || capture->runs[capture->opened].begins_ns < earliest->head.time_ns)) {
		struct run *run = &capture->runs[capture->opened++];

		err = run_begin(capture, run, text);
		if (err)
			return err;
		if (run->file && capture->live_count && capture->live[capture->live_count - 1] == run &&
		    (!earliest || run->head.time_ns < earliest->head.time_ns))
			earliest = run;
	}
	if (!earliest)
		return 0;
	*packet = earliest->head;
	capture->current = earliest;
	return 1;
}

bool capture_cut(const struct capture *capture)
{
	return capture->cut;
}

size_t capture_files(const struct capture *capture)
{
	return capture->path_count;
}

bool capture_span(const struct capture *capture, uint64_t *first_ns, uint64_t *last_ns)
{
	*first_ns = UINT64_MAX;
	*last_ns = 0;
	for (size_t n = 0; n < capture->run_count; n++) {
		const struct run *run = &capture->runs[n];

		if (run->to_the_end)
			return false;
		if (run->begins_ns < *first_ns)
			*first_ns = run->begins_ns;
		if (run->latest_ns > *last_ns)
			*last_ns = run->latest_ns;
	}
	return capture->run_count > 0;
}

uint64_t capture_out_of_order(const struct capture *capture)
{
	return capture->out_of_order;
}
