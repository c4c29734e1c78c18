/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * countries.h - a country by its name, as a sentence says it.
 *
 * In:  a code of ISO 3166-1. Out: a name. Pure. Called by the files of report/ that write text.
 */
#ifndef OTORI_REPORT_COUNTRIES_H
#define OTORI_REPORT_COUNTRIES_H

#include "report/language.h"

/* The name; of ZZ "unknown"; the code itself where there is no such country. Borrowed: static, or code. */
const char *country_name(const char *code, enum language language);

#endif
