/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enrich_exchangers.c - lines of the dated file of mail exchangers.
 *
 * In:  lines, good and bad. Out: cmocka's verdict.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "enrichment/exchanger_file.h"

static struct exchanger_row row;
static const char *expected;

static int parse(const char *line)
{
	expected = NULL;
	return exchanger_row_parse(slice_of_text(line), &row, &expected);
}

static void good_lines(void **state)
{
	char text[ADDRESS_TEXT_BYTES];

	(void)state;
	assert_int_equal(parse("Example.ORG.\tMX1.Example.org\t192.0.2.1,2001:DB8::1\t2007-11-01"), 1);
	assert_string_equal(row.domain, "example.org");
	assert_string_equal(row.exchanger, "mx1.example.org");
	assert_string_equal(row.date, "2007-11-01");
	assert_int_equal(row.address_count, 2);
	assert_string_equal(address_text(&row.addresses[0], text), "192.0.2.1");
	assert_string_equal(address_text(&row.addresses[1], text), "2001:db8::1");
	assert_int_equal(parse("example.org\tmx_1.example.org\t\t2008-02-29\r"), 1);
	assert_int_equal(row.address_count, 0);
	assert_int_equal(parse("example.org\t.\t\t2000-02-29"), 1);
	assert_string_equal(row.exchanger, ".");
}

static void nothing_in_it(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(parse("\r"), 0);
	assert_int_equal(parse("# domain\texchanger"), 0);
}

static void bad(const char *line, const char *wanted)
{
	if (parse(line) != -EINVAL)
		fail_msg("taken: %s", line);
	assert_non_null(expected);
	if (!strstr(expected, wanted))
		fail_msg("%s: expected %s", line, expected);
}

static void bad_lines_say_what_was_expected(void **state)
{
	char many[16384] = "a.example\tmx.example\t";

	(void)state;
	bad("a.example", "four fields");
	bad("a.example mx.example 192.0.2.1 2007-11-01", "four fields");
	bad("a.example\tmx.example\t192.0.2.1", "four fields");
	bad("a.example\tmx.example\t192.0.2.1\t2007-11-01\t", "four fields");
	bad("\tmx.example\t192.0.2.1\t2007-11-01", "first field");
	bad("a..example\tmx.example\t192.0.2.1\t2007-11-01", "first field");
	bad("a.example..\tmx.example\t192.0.2.1\t2007-11-01", "first field");
	bad(".\tmx.example\t192.0.2.1\t2007-11-01", "first field");
	bad("a b.example\tmx.example\t192.0.2.1\t2007-11-01", "first field");
	bad("a.example\t\t192.0.2.1\t2007-11-01", "second field");
	bad("a.example\tmx example\t192.0.2.1\t2007-11-01", "second field");
	bad("a.example\tm\xc3\xbc.example\t192.0.2.1\t2007-11-01", "second field");
	bad("a.example\tmx.example\t192.0.2\t2007-11-01", "third field");
	bad("a.example\tmx.example\t192.0.2.1,\t2007-11-01", "third field");
	bad("a.example\tmx.example\t192.0.2.1 192.0.2.2\t2007-11-01", "third field");
	bad("a.example\tmx.example\t192.0.2.0/24\t2007-11-01", "third field");
	bad("a.example\tmx.example\tmx.example\t2007-11-01", "third field");
	bad("a.example\tmx.example\t192.0.2.1\t2007-02-29", "fourth field");
	bad("a.example\tmx.example\t192.0.2.1\t1900-02-29", "fourth field");
	bad("a.example\tmx.example\t192.0.2.1\t2007-11-31", "fourth field");
	bad("a.example\tmx.example\t192.0.2.1\t2007-13-01", "fourth field");
	bad("a.example\tmx.example\t192.0.2.1\t2007-00-01", "fourth field");
	bad("a.example\tmx.example\t192.0.2.1\t0000-01-01", "fourth field");
	bad("a.example\tmx.example\t192.0.2.1\t2007-11-01 ", "fourth field");
	bad("a.example\tmx.example\t192.0.2.1\t01.11.2007", "fourth field");
	bad("a.example\tmx.example\t192.0.2.1\t", "fourth field");
	bad("a.example\t.\t192.0.2.1\t2007-11-01", "null MX");
	for (int i = 0; i < EXCHANGER_ADDRESSES; i++)
		strcat(many, "192.0.2.1,");
	strcat(many, "192.0.2.1\t2007-11-01");
	bad(many, "64 at most");
}

static void a_nul_is_no_end(void **state)
{
	static const char line[] = "a.example\tmx.example\t192.0.2.1\0junk\t2007-11-01";
	static const char name[] = "a.exa\0mple\tmx.example\t192.0.2.1\t2007-11-01";

	(void)state;
	assert_int_equal(exchanger_row_parse(slice_of(line, sizeof line - 1), &row, &expected), -EINVAL);
	assert_int_equal(exchanger_row_parse(slice_of(name, sizeof name - 1), &row, &expected), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines),
		cmocka_unit_test(nothing_in_it),
		cmocka_unit_test(bad_lines_say_what_was_expected),
		cmocka_unit_test(a_nul_is_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
