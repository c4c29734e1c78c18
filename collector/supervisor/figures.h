/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * figures.h - the figures that `otori status` shows, read from where they live.
 *
 * In:  pinned maps, the page file, the state file, the journal's folder, the kernel module. Out: struct figures. Reads
 * only.
 */
#ifndef OTORI_SUPERVISOR_FIGURES_H
#define OTORI_SUPERVISOR_FIGURES_H

#include <errno.h>

#include "../include/otori/counters.h"
#include "base/problem.h"
#include "supervisor/state.h"

#define FIGURES_MINUTES 3
#define FIGURES_TERMS_MAX 512

struct figures_row {
	uint16_t port; /* 0 = all others */
	uint8_t family;
	struct otori_counters counters;
};

struct figures_term {
	uint32_t minute;
	const char *name;
	int64_t value;
};

struct figures_guard {
	const char *name, *text;
	uint64_t value;
};

struct figures_worker {
	uint64_t flows, flow_pool, conversations, conversation_pool, chunks, chunk_pool;
};

/* The kernel module, by its own word. */
struct figures_module {
	const char *state;   /* as a word; "absent" where it is not loaded, "unknown" where trouble says why */
	uint64_t violations; /* frames that it dropped since it was loaded */
	char trouble[PROBLEM_TEXT_BYTES];
};

struct figures {
	struct state state;
	bool attached;			 /* pins are there */
	bool guarded[OTORI_MAX_DEVICES]; /* by the kernel's word, in the order of state.device */
	uint64_t backlog_files, backlog_bytes;
	uint64_t aside_files; /* segments that could not be loaded, in bad/ of the journal */
	uint32_t workers;
	struct figures_worker worker[OTORI_MAX_RINGS];
	struct figures_row row[2 * OTORI_MAX_PORTS];
	unsigned row_count;
	uint64_t refused[OTORI_REFUSAL_COUNT];
	struct figures_term term[FIGURES_TERMS_MAX]; /* ordered by minute; only those that are not 0 */
	unsigned term_count;
	struct figures_guard guard[16];
	unsigned guard_count;
	struct figures_module module;
};

/* 0; -ENOENT where there is nothing at all; -EPERM, -EACCES without the right to look. */
int figures_collect(struct figures *figures);

uint64_t figures_refused(const struct otori_counters *counters);
const char *figures_refusal_name(unsigned reason);
const char *figures_refusal_text(unsigned reason);
/* Name of the n-th figure of struct otori_counters, NULL behind the last. */
const char *figures_packet_term(size_t n);

#endif
