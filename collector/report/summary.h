/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * summary.h - what a sensor saw, in sentences, as the report of 2008 states its results.
 *
 * In:  rows of figures. Out: sentences on a FILE. Called by text_report.c. Asks no database.
 */
#ifndef OTORI_REPORT_SUMMARY_H
#define OTORI_REPORT_SUMMARY_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>

#include "report/words.h"

/* Rows of the figures of these names, each with its columns; borrowed. */
struct summary {
	const PGresult *sensor_summary, *port_summary, *findings;
	const PGresult *source_countries, *mail_relay_countries, *web_relay_countries, *direct_mail_countries;
};

void summary_print_en(const struct summary *summary, FILE *out);
void summary_print_ja(const struct summary *summary, FILE *out);

/* --- what both need (summary.c) --- */

bool summary_is_zero(const char *number);

/* The row of the n-th country from the top, unknown ones aside; -1 = there are not so many. */
int summary_country(const PGresult *countries, int n);

/* The share of the first two countries together, as a fraction. Returns to. */
const char *summary_two_countries(const PGresult *countries, char to[WORDS_NUMBER_BYTES]);

/* What is asked for on a port, most first: fills names (of columns: web, mail, exploits) and returns how many aren't 0.
 */
int summary_asked_for(const PGresult *ports, int row, const char *names[3]);

#endif
