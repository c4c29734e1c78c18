/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.c - when a process that ended is started again.
 *
 * In:  ends of processes. Out: due times. Called by the files of each child. May not fork.
 */
#include "base/clock.h"
#include "supervisor/supervisor.h"

#define BACKOFF_FIRST_NS (200 * 1000000ull)
#define BACKOFF_LAST_NS (10 * NS_PER_SECOND)

void child_ended(struct child *child, bool useful)
{
	child->pid = 0;
	if (useful)
		child->failures = 0;
	child->backoff_ns = child->failures ? 2 * child->backoff_ns : BACKOFF_FIRST_NS;
	if (child->backoff_ns > BACKOFF_LAST_NS)
		child->backoff_ns = BACKOFF_LAST_NS;
	child->failures++;
	child->due_ns = clock_monotonic_ns() + child->backoff_ns;
}

bool child_due(const struct child *child)
{
	return !child->pid && child->due_ns && clock_monotonic_ns() >= child->due_ns;
}
