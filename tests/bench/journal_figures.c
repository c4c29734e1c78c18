/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal_figures.c - what a journal folder holds: prints `accesses N bytes N records N`.
 *
 * In:  a folder with segments, finished (.otj) or being written (.open). Out: one line. Called by conversations and
 * mails, which so see that what the clients count has reached the journal. Changes nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"
#include "journal/journal.h"
#include "record/record.h"

struct totals {
	uint64_t accesses, mails, syns, records, bytes;
};

static void read_segment(const char *path, struct totals *totals)
{
	struct journal_reader *reader;
	struct journal_header header;
	struct slice records;
	struct record record;
	struct stat status;
	uint32_t count, minute;
	int got = journal_reader_open(path, &reader, &header);

	/* an empty one has no header yet */
	if (got || stat(path, &status))
		return;
	totals->bytes += (uint64_t)status.st_size;
	while ((got = journal_reader_next(reader, &records, &count, &minute)) == 1) {
		while (record_next(&records, &record) == 1) {
			totals->records++;
			totals->accesses += record.kind == RECORD_ACCESS;
			totals->mails += record.kind == RECORD_MAIL && record.mail.complete;
			totals->syns += record.kind == RECORD_SYN_SAMPLE;
		}
	}
	if (got < 0)
		bench_die(got, "%s", path);
	journal_reader_close(reader);
}

int main(int argc, char **argv)
{
	struct totals totals = { 0 };
	struct dirent *entry;
	char path[4096];
	DIR *folder;

	if (argc != 2) {
		fprintf(stderr, "usage: journal_figures FOLDER\n");
		return 2;
	}
	folder = opendir(argv[1]);
	if (!folder)
		bench_die(errno, "%s", argv[1]);
	while ((entry = readdir(folder))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || (strcmp(dot, ".otj") && strcmp(dot, ".open")))
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		read_segment(path, &totals);
	}
	closedir(folder);
	printf("accesses %llu mails %llu syns %llu records %llu bytes %llu\n", (unsigned long long)totals.accesses,
	       (unsigned long long)totals.mails, (unsigned long long)totals.syns, (unsigned long long)totals.records,
	       (unsigned long long)totals.bytes);
	return 0;
}
