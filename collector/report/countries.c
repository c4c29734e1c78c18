/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * countries.c - see countries.h.
 *
 * In:  country_names.h. Out: names. Touches nothing.
 */
#include "report/countries.h"

#include <stdlib.h>
#include <string.h>

#include "report/country_names.h"

struct country {
	char code[3];
	struct phrase name;
};

#define COUNTRY_ROW(code, en, ja) { code, PHRASE(en, ja) },

/* ascending by code: the search relies on it */
static const struct country countries[] = { COUNTRY_NAMES(COUNTRY_ROW) };

static const struct phrase unknown = PHRASE("unknown", "不明");

static int compare(const void *code, const void *country)
{
	return strcmp(code, ((const struct country *)country)->code);
}

const char *country_name(const char *code, enum language language)
{
	const struct country *found;

	if (!strcmp(code, "ZZ"))
		return unknown.in[language];
	found = bsearch(code, countries, sizeof countries / sizeof *countries, sizeof *countries, compare);
	return found ? found->name.in[language] : code;
}
