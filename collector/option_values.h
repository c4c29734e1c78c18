/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * option_values.h - the kinds of value that an option can have, and how their text is read.
 *
 * In:  a row of the table in options.c and a text. Out: the field set, or one line that says what was expected.
 * Called by options.c only. Pure but for memory.
 */
#ifndef OTORI_OPTION_VALUES_H
#define OTORI_OPTION_VALUES_H

#include "options.h"

enum option_kind {
	OPTION_TEXT,	    /* char *, owned */
	OPTION_NUMBER,	    /* uint32_t */
	OPTION_BYTES,	    /* uint64_t; K, M, G behind it multiply by 1024 */
	OPTION_SWITCH,	    /* uint32_t; yes or no */
	OPTION_FLAG,	    /* as SWITCH; without a value on the command line */
	OPTION_WORD,	    /* uint32_t; index of the word */
	OPTION_PROBABILITY, /* uint32_t; 2^32-1 = 1.0 */
	OPTION_INTERFACES,
	OPTION_PREFIXES,
	OPTION_PORTS,
	OPTION_SENSOR,
};

struct option_row {
	const char *key;
	enum option_kind kind;
	size_t field; /* offset in struct run_options, where the kind has one */
	unsigned long long least, most;
	const char *fallback; /* default, as text; NULL = none */
	const char *const *words;
	const char *argument; /* for --help; NULL = takes none */
	const char *help;
};

/*
 * Sets what the row names. fresh: a list begins anew, else the value is added to it. where: "file:line", "default", or
 * "" for the command line. 0 or negative errno with the line in problem.
 */
int option_set(struct run_options *options, const struct option_row *row, const char *value, bool fresh,
	       const char *where, struct problem *problem);

/* Adds a prefix to a list of at most `most`. 0, what prefix_parse says, -E2BIG, -ENOMEM. */
int prefix_list_add(struct prefix_list *list, const char *text, uint32_t most);

#endif
