/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * language.h - the languages that a report is written in.
 *
 * In:  nothing. Out: types. Included by the files of report/. What a report says in words is a struct phrase or a
 * function for each language; names of columns and figures in json and csv are the same in all.
 */
#ifndef OTORI_REPORT_LANGUAGE_H
#define OTORI_REPORT_LANGUAGE_H

enum language { LANGUAGE_EN, LANGUAGE_JA, LANGUAGES };

/* The same in each language; borrowed, static. */
struct phrase {
	const char *in[LANGUAGES];
};

#define PHRASE(en, ja) \
	{ \
		{ \
			en, ja \
		} \
	}

#endif
