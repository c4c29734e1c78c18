/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vocabulary.h - the words that the schema uses in its rows, as a reader of the report reads them.
 *
 * In:  a word such as exploit. Out: the same in a language. Pure. Called by text_report.c.
 */
#ifndef OTORI_REPORT_VOCABULARY_H
#define OTORI_REPORT_VOCABULARY_H

#include "report/language.h"

/* The word itself where it isn't known. Borrowed: static, or word. */
const char *vocabulary_word(const char *word, enum language language);

#endif
