/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * value.c - see value.h.
 *
 * In:  kinds and texts. Out: texts. Touches nothing else.
 */
#include "report/value.h"

#include <string.h>

#include "report/countries.h"
#include "report/vocabulary.h"
#include "report/words.h"

const char *value_words(enum kind kind, const char *value, enum language language, char to[VALUE_WORDS_BYTES])
{
	switch (kind) {
	case KIND_WORD:
		return vocabulary_word(value, language);
	case KIND_COUNTRY:
		snprintf(to, VALUE_WORDS_BYTES, "%s %s", value, *value ? country_name(value, language) : "");
		return to;
	case KIND_TIME:
		/* without the fraction of a second; the offset stays */
		if (strlen(value) > 19 && value[19] == '.') {
			snprintf(to, VALUE_WORDS_BYTES, "%.19s%s", value,
				 value + 20 + strspn(value + 20, "0123456789"));
			return to;
		}
		return value;
	case KIND_COUNT:
		return words_count(value, to);
	case KIND_QUOTIENT:
		return words_quotient(value, to);
	case KIND_SHARE:
		return *value ? words_share(value, "1", to) : "-";
	case KIND_SECONDS:
		return words_seconds(value, language, to);
	default:
		return value;
	}
}

bool value_is_numeric(enum kind kind)
{
	return kind == KIND_PORT || kind == KIND_COUNT || kind == KIND_QUOTIENT || kind == KIND_SHARE ||
	       kind == KIND_SECONDS;
}

const char *value_time(const char *time, char to[VALUE_WORDS_BYTES])
{
	size_t length = strlen(time);
	const char *minutes = length > 3 && (time[length - 3] == '+' || time[length - 3] == '-') ? ":00" : "";

	snprintf(to, VALUE_WORDS_BYTES, "%s%s", time, minutes);
	if (length > 10 && length < VALUE_WORDS_BYTES - 4 && to[10] == ' ')
		to[10] = 'T';
	return to;
}

void value_json(struct json *json, const char *name, enum kind kind, const char *value)
{
	char to[VALUE_WORDS_BYTES];

	if (value_is_numeric(kind))
		json_number(json, name, value);
	else
		json_text(json, name, value && kind == KIND_TIME ? value_time(value, to) : value);
}

/* Words of the schema are letters and digits; whatever else stands there is treated as a stranger's. */
static bool is_word(const char *value)
{
	return !value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")];
}

void value_csv(struct csv *csv, enum kind kind, const char *value)
{
	char to[VALUE_WORDS_BYTES];

	if (kind == KIND_TEXT || ((kind == KIND_WORD || kind == KIND_COUNTRY) && value && !is_word(value)))
		csv_text(csv, value);
	else
		csv_plain(csv, value && kind == KIND_TIME ? value_time(value, to) : value);
}
