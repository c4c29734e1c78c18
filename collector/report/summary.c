/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * summary.c - see summary.h: what the sentences of all languages need.
 *
 * In:  rows. Out: numbers. Called by summary_en.c and summary_ja.c.
 */
#include "report/summary.h"

#include <stdlib.h>
#include <string.h>

#include "report/query.h"

bool summary_is_zero(const char *number)
{
	return strspn(number, "0.") == strlen(number);
}

int summary_country(const PGresult *countries, int n)
{
	for (int row = 0; row < PQntuples(countries); row++) {
		if (strcmp(report_named(countries, row, "country"), "ZZ") != 0 && n-- == 0)
			return row;
	}
	return -1;
}

const char *summary_two_countries(const PGresult *countries, char to[WORDS_NUMBER_BYTES])
{
	double share = 0;

	for (int n = 0; n < 2; n++) {
		int row = summary_country(countries, n);

		if (row >= 0)
			share += strtod(report_named(countries, row, "share"), NULL);
	}
	snprintf(to, WORDS_NUMBER_BYTES, "%.17g", share);
	return to;
}

int summary_asked_for(const PGresult *ports, int row, const char *names[3])
{
	static const char *const columns[] = { "web", "mail", "exploits" };
	int count = 0;

	for (int i = 0; i < 3; i++) {
		const char *number = report_named(ports, row, columns[i]);
		int at = count;

		if (summary_is_zero(number))
			continue;
		for (; at > 0 && strtod(report_named(ports, row, names[at - 1]), NULL) < strtod(number, NULL); at--)
			names[at] = names[at - 1];
		names[at] = columns[i];
		count++;
	}
	return count;
}
