/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_file.c - the counter page of the responder's workers, as a file that outlives both them and the supervisor.
 *
 * In:  /run/otori/page. Out: the page, mapped; `otori status` maps the same file. Called at the start and after each
 * end of a responder.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/supervisor.h"

static bool usable(const struct responder_page *page)
{
	return page->magic == RESPONDER_PAGE_MAGIC && page->version == RESPONDER_PAGE_VERSION &&
	       page->workers <= OTORI_MAX_RINGS;
}

void page_file_fresh(struct supervisor *supervisor)
{
	memset(supervisor->page, 0, sizeof(*supervisor->page));
}

int page_file_open(struct supervisor *supervisor, struct problem *problem)
{
	struct responder_page *page;
	int fd = open(SUPERVISOR_PAGE_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*page)) < 0) {
		int err = -errno;

		if (fd >= 0)
			close(fd);
		return problem_say(problem, PROBLEM_FAILURE, err, SUPERVISOR_PAGE_FILE ": %s", strerror(-err));
	}
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		int err = -errno;

		close(fd);
		return problem_say(problem, PROBLEM_FAILURE, err, SUPERVISOR_PAGE_FILE " cannot be mapped: %s",
				   strerror(-err));
	}
	madvise(page, sizeof(*page), MADV_DONTFORK); /* children get what they need by descriptor */
	supervisor->page = page;
	supervisor->page_fd = fd;
	if (!usable(page))
		page_file_fresh(supervisor);
	return 0;
}

/* Closes the books of one port and family of one minute. *records += what was made and not written. */
static uint64_t bury_terms(uint64_t terms[TERM_COUNT], uint64_t *records)
{
	uint64_t lost = terms[TERM_opened] - terms[TERM_recorded] - terms[TERM_lost_crash] -
			terms[TERM_lost_pool_exhausted] - terms[TERM_lost_records_full] -
			terms[TERM_lost_journal_failed];
	uint64_t unwritten = terms[TERM_records_made] - terms[TERM_records_journalled] - terms[TERM_records_shed];

	/* by what was opened and not by the gauge, since the kill may have come between the two */
	if ((int64_t)lost <= 0)
		lost = 0;
	terms[TERM_lost_crash] += lost;
	terms[TERM_open] = 0;
	if ((int64_t)unwritten > 0) {
		terms[TERM_records_shed] += unwritten;
		*records += unwritten;
	}
	return lost;
}

/* Workers' slots may be of different minutes: the newest is the one that counts. */
static void bury_records(struct supervisor *supervisor, uint32_t minute, uint64_t records)
{
	struct buried_minute *buried = &supervisor->buried[minute % RESPONDER_MINUTES];

	if (buried->minute < minute)
		*buried = (struct buried_minute){ .minute = minute };
	if (buried->minute == minute)
		buried->records += records;
}

uint64_t page_file_bury(struct supervisor *supervisor, uint64_t *records)
{
	struct responder_page *page = supervisor->page;
	uint64_t lost = 0;

	*records = 0;
	for (unsigned worker = 0; worker < OTORI_MAX_RINGS; worker++) {
		for (unsigned slot = 0; slot < RESPONDER_MINUTES; slot++) {
			struct responder_minute *minute = &page->worker[worker].minutes[slot];
			uint64_t unwritten = 0;

			if (!minute->minute)
				continue;
			for (unsigned port = 0; port < OTORI_MAX_PORTS; port++)
				for (unsigned family = 0; family < 2; family++)
					lost += bury_terms(minute->terms[port][family], &unwritten);
			bury_records(supervisor, minute->minute, unwritten);
			*records += unwritten;
		}
		page->worker[worker].heartbeat_ns = 0;
		page->worker[worker].flows_open = 0;
		page->worker[worker].segment = 0;
	}
	return lost;
}

void page_file_inherit(struct supervisor *supervisor)
{
	const struct responder_page *page = supervisor->page;

	for (unsigned worker = 0; worker < OTORI_MAX_RINGS; worker++)
		for (unsigned slot = 0; slot < RESPONDER_MINUTES; slot++) {
			const struct responder_minute *minute = &page->worker[worker].minutes[slot];

			/* of the responder's records port and family are not told */
			bury_records(supervisor, minute->minute, minute->terms[0][0][TERM_records_shed]);
		}
}
