/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_words.c - numbers, strangers' text, aligned tables, days and zones of the report.
 *
 * In:  nothing. Out: cmocka's verdict. Touches no database.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/report.h"
#include "report/table.h"
#include "report/words.h"

static void assert_defused(const char *text, size_t width, const char *expected)
{
	char *safe = words_defuse(text, width);

	assert_non_null(safe);
	assert_string_equal(safe, expected);
	free(safe);
}

static void text_of_strangers_cannot_act(void **state)
{
	(void)state;
	assert_defused("plain text", 60, "plain text");
	assert_defused("", 60, "");
	assert_defused("\x1b[2J\x1b]0;title\x07", 60, "\\x1b[2J\\x1b]0;title\\x07");
	assert_defused("a\nb\rc\td\x7f", 60, "a\\x0ab\\x0dc\\x09d\\x7f");
	/* C1: what a terminal may take as CSI, in UTF-8 and as a bare byte */
	assert_defused("\xc2\x9b"
		       "31m",
		       60, "\\x9b31m");
	assert_defused("\x9b"
		       "31m",
		       60, "\\x9b31m");
	/* text that turns its line around, or hides */
	assert_defused("abc\xe2\x80\xae"
		       "fed",
		       60, "abc\\u{202e}fed");
	assert_defused("\xe2\x81\xa6x\xe2\x80\x8b", 60, "\\u{2066}x\\u{200b}");
	assert_defused("\xf3\xa0\x81\x81", 60, "\\u{e0041}");
	/* no UTF-8: cut short, overlong, a surrogate, beyond the last character */
	assert_defused("x\xe7\x89", 60, "x\\xe7\\x89");
	assert_defused("\xc0\x9b", 60, "\\xc0\\x9b");
	assert_defused("\xe0\x80\x9b", 60, "\\xe0\\x80\\x9b");
	assert_defused("\xf4\x90\x80\x80", 60, "\\xf4\\x90\\x80\\x80");
	assert_defused("\xed\xa0\x80", 60, "\\u{d800}");
	/* what people write stays */
	assert_defused("\xe7\x89\xb9\xe5\x88\xa5 \xc3\xa9", 60, "\xe7\x89\xb9\xe5\x88\xa5 \xc3\xa9");
}

static void text_is_cut_at_its_width(void **state)
{
	(void)state;
	assert_defused("1234567890", 10, "1234567890");
	assert_defused("12345678901", 10, "123456789\xe2\x80\xa6");
	/* a wide character has two columns, and none is cut in half */
	assert_defused("\xe7\x89\xb9\xe7\x89\xb9\xe7\x89\xb9", 6, "\xe7\x89\xb9\xe7\x89\xb9\xe7\x89\xb9");
	assert_defused("\xe7\x89\xb9\xe7\x89\xb9\xe7\x89\xb9", 5, "\xe7\x89\xb9\xe7\x89\xb9\xe2\x80\xa6");
	assert_defused("\xe7\x89\xb9\xe7\x89\xb9\xe7\x89\xb9", 4, "\xe7\x89\xb9\xe2\x80\xa6");
	assert_defused("\x1b\x1b\x1b", 8, "\\x1b\xe2\x80\xa6");
	assert_int_equal(words_width("\xe7\x89\xb9 e\xcc\x81"), 4);
}

/* Whatever bytes come, what leaves is printable and no wider than it may be. */
static void any_bytes_are_defused(void **state)
{
	unsigned seed = 20261124;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[40], *safe;
		size_t length = (size_t)rand_r(&seed) % (sizeof text - 1);

		for (size_t i = 0; i < length; i++)
			text[i] = (char)(1 + rand_r(&seed) % 255);
		text[length] = '\0';
		safe = words_defuse(text, 24);
		assert_non_null(safe);
		assert_true(words_width(safe) <= 24);
		for (const unsigned char *at = (const unsigned char *)safe; *at; at++)
			assert_true(*at >= 0x20 && *at != 0x7f);
		assert_null(strstr(safe, "\xc2\x9b"));
		free(safe);
	}
}

static void numbers_read_well(void **state)
{
	char to[WORDS_NUMBER_BYTES];

	(void)state;
	assert_string_equal(words_count("0", to), "0");
	assert_string_equal(words_count("999", to), "999");
	assert_string_equal(words_count("1000", to), "1,000");
	assert_string_equal(words_count("14430", to), "14,430");
	assert_string_equal(words_count("9223372036854775807", to), "9,223,372,036,854,775,807");
	assert_string_equal(words_count("", to), "");
	assert_string_equal(words_count("-5", to), "-5");
	/* the figures of the 2008 report */
	assert_string_equal(words_quotient("2086.6666666666666667", to), "2,087");
	assert_string_equal(words_quotient("4.2847364818617385", to), "4.3");
	assert_string_equal(words_quotient("0.78986995208761122519", to), "0.79");
	assert_string_equal(words_quotient("0.49828884325804243669", to), "0.50");
	assert_string_equal(words_quotient("2.9965776865160848", to), "3.0");
	assert_string_equal(words_quotient("0.81108829568788501027", to), "0.81");
	assert_string_equal(words_quotient("2355.3666666666666667", to), "2,355");
	assert_string_equal(words_quotient("9.94", to), "9.9");
	assert_string_equal(words_quotient("9.96", to), "10");
	assert_string_equal(words_quotient("0.996", to), "1.0");
	assert_string_equal(words_quotient("0.0996", to), "0.10");
	assert_string_equal(words_quotient("0.000015258", to), "0.000015");
	assert_string_equal(words_quotient("0.00000000000000000000", to), "0");
	assert_string_equal(words_quotient("", to), "-");
	/* halves go up, also those that have no exact form */
	assert_string_equal(words_quotient("562.5", to), "563");
	assert_string_equal(words_quotient("0.125", to), "0.13");
	assert_string_equal(words_quotient("1.15", to), "1.2");
	assert_string_equal(words_quotient("9.95", to), "10");
	assert_int_equal(strlen(words_quotient("1e300", to)), WORDS_NUMBER_BYTES - 1);
	assert_string_equal(words_share("1", "800", to), "0.1%");
	assert_string_equal(words_share("1", "16", to), "6.3%");
	assert_string_equal(words_share("1154", "6260", to), "18.4%");
	assert_string_equal(words_share("4378", "6260", to), "69.9%");
	assert_string_equal(words_share("4203", "4378", to), "96.0%");
	assert_string_equal(words_share("0", "0", to), "-");
}

static void tables_are_aligned(void **state)
{
	struct table *table = table_new();
	char *printed = NULL;
	size_t bytes;
	FILE *out = open_memstream(&printed, &bytes);

	(void)state;
	assert_int_equal(table_column(table, "host", false), 0);
	assert_int_equal(table_column(table, "port", true), 1);
	assert_int_equal(table_set(table, 0, "no row yet"), -22);
	assert_int_equal(table_row(table), 0);
	assert_int_equal(table_column(table, "too late", false), -1);
	assert_int_equal(table_set(table, 0, "a.example"), 0);
	assert_int_equal(table_set(table, 1, "80"), 0);
	assert_int_equal(table_set(table, 2, "no such column"), -22);
	assert_int_equal(table_row(table), 0);
	assert_int_equal(table_set(table, 0, "\xe7\x89\xb9\x1b"), 0);
	assert_int_equal(table_row(table), 0);
	assert_int_equal(table_set(table, 1, "first"), 0);
	assert_int_equal(table_set(table, 1, "65535"), 0);
	table_print(table, "  ", out);
	fclose(out);
	assert_string_equal(printed, "  host        port\n"
				     "  ---------  -----\n"
				     "  a.example     80\n"
				     "  \xe7\x89\xb9\\x1b          \n"
				     "             65535\n");
	free(printed);
	table_free(table);
	table_free(NULL);
}

static void days_are_of_the_calendar(void **state)
{
	(void)state;
	assert_int_equal(report_check_day("2007-11-30"), 0);
	assert_int_equal(report_check_day("2008-02-29"), 0);
	assert_int_equal(report_check_day("2000-02-29"), 0);
	assert_true(report_check_day("2007-02-29") < 0);
	assert_true(report_check_day("1900-02-29") < 0);
	assert_true(report_check_day("2007-13-01") < 0);
	assert_true(report_check_day("2007-00-01") < 0);
	assert_true(report_check_day("2007-11-31") < 0);
	assert_true(report_check_day("2007-11-00") < 0);
	assert_true(report_check_day("2007-1-1") < 0);
	assert_true(report_check_day("2007/11/30") < 0);
	assert_true(report_check_day("2007-11-30x") < 0);
	assert_true(report_check_day("0000-11-30") < 0);
	assert_true(report_check_day("yesterday") < 0);
	assert_true(report_check_day("") < 0);
}

static void zones_are_known(void **state)
{
	(void)state;
	assert_int_equal(report_check_zone("Asia/Tokyo"), 0);
	assert_int_equal(report_check_zone("asia/tokyo"), 0);
	assert_int_equal(report_check_zone("UTC"), 0);
	assert_int_equal(report_check_zone("America/Argentina/Ushuaia"), 0);
	assert_int_equal(report_check_zone("JST-9"), 0);
	assert_int_equal(report_check_zone("Etc/GMT-9"), 0);
	assert_int_equal(report_check_zone("GMT+0"), 0);
	/* their sign counts hours west, and whoever writes them means east */
	assert_int_equal(report_check_zone("UTC+9"), -EDOM);
	assert_int_equal(report_check_zone("gmt-10"), -EDOM);
	assert_int_equal(report_check_zone("+09:00"), -EDOM);
	assert_int_equal(report_check_zone("9"), -EDOM);
	assert_true(report_check_zone("Mars/Olympus") < 0);
	assert_true(report_check_zone("Asia") < 0);
	assert_true(report_check_zone("Asia/Tokyo/") < 0);
	assert_true(report_check_zone("Asia/Tokyo/Shibuya") < 0);
	assert_true(report_check_zone("../../../etc/passwd") < 0);
	assert_true(report_check_zone("zone.tab") < 0);
	assert_true(report_check_zone("") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_strangers_cannot_act),
		cmocka_unit_test(text_is_cut_at_its_width),
		cmocka_unit_test(any_bytes_are_defused),
		cmocka_unit_test(numbers_read_well),
		cmocka_unit_test(tables_are_aligned),
		cmocka_unit_test(days_are_of_the_calendar),
		cmocka_unit_test(zones_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
