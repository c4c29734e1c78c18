/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_formats.c - JSON, CSV, values, countries and words of the report, and files that are there whole or not at
 * all.
 *
 * In:  nothing. Out: cmocka's verdict. Touches a temporary folder, no database.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/countries.h"
#include "report/csv.h"
#include "report/figure.h"
#include "report/json.h"
#include "report/output.h"
#include "report/value.h"
#include "report/vocabulary.h"
#include "report/words.h"

/* What a writer wrote; the caller frees it. */
static char *text_of(void (*write)(FILE *out, const char *text), const char *text)
{
	char *written = NULL;
	size_t bytes;
	FILE *out = open_memstream(&written, &bytes);

	assert_non_null(out);
	write(out, text);
	fclose(out);
	return written;
}

static void write_json(FILE *out, const char *text)
{
	struct json json = { .out = out };

	json_array(&json, NULL);
	json_text(&json, NULL, text);
	json_end(&json);
}

static void write_number(FILE *out, const char *text)
{
	struct json json = { .out = out };

	json_line(&json, NULL);
	json_number(&json, "n", text);
	json_end(&json);
}

static void write_csv(FILE *out, const char *text)
{
	struct csv csv = { .out = out };

	csv_text(&csv, text);
}

static void assert_written(void (*write)(FILE *out, const char *text), const char *text, const char *expected)
{
	char *written = text_of(write, text);

	assert_string_equal(written, expected);
	free(written);
}

static void json_escapes_whatever_acts(void **state)
{
	(void)state;
	assert_written(write_json, "plain 特別", "[\n  \"plain 特別\"\n]\n");
	assert_written(write_json, "\"quoted\" \\", "[\n  \"\\\"quoted\\\" \\\\\"\n]\n");
	assert_written(write_json, "\x1b[2J\n\t\x7f", "[\n  \"\\u001b[2J\\u000a\\u0009\\u007f\"\n]\n");
	/* C1, text that turns its line, what nobody sees, beyond the basic plane */
	assert_written(write_json, "\xc2\x9b\xe2\x80\xae\xe2\x80\x8b\xf3\xa0\x81\x81",
		       "[\n  \"\\u009b\\u202e\\u200b\\udb40\\udc41\"\n]\n");
	/* bytes that are no UTF-8: cut, overlong, a surrogate, too large */
	assert_written(write_json, "x\xe7\x89", "[\n  \"x\\ufffd\\ufffd\"\n]\n");
	assert_written(write_json, "\xc0\xaf", "[\n  \"\\ufffd\\ufffd\"\n]\n");
	assert_written(write_json, "\xed\xa0\x80", "[\n  \"\\ufffd\"\n]\n");
	assert_written(write_json, "\xf4\x90\x80\x80", "[\n  \"\\ufffd\\ufffd\\ufffd\\ufffd\"\n]\n");
	assert_written(write_json, NULL, "[\n  null\n]\n");
}

static void json_numbers_are_kept_or_null(void **state)
{
	static const char *const good[] = { "0", "-0", "14430", "562.5000000000000000", "1e+06", "1.5E-7", "-12" };
	static const char *const bad[] = { "",	 "NaN", "Infinity", "-",    "01", "1.", ".5",
					   "+1", "1e",	"1e+",	    "0x10", "1 ", "1,0" };
	char expected[64];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		snprintf(expected, sizeof expected, "{\"n\": %s}\n", good[i]);
		assert_written(write_number, good[i], expected);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_written(write_number, bad[i], "{\"n\": null}\n");
	assert_written(write_number, NULL, "{\"n\": null}\n");
}

static void write_document(FILE *out, const char *text)
{
	struct json json = { .out = out };

	json_object(&json, NULL);
	json_object(&json, "empty");
	json_end(&json);
	json_array(&json, "rows");
	for (int i = 0; i < 2; i++) {
		json_line(&json, NULL);
		json_text(&json, "a\"b", text);
		json_truth(&json, "yes", i == 0);
		json_array(&json, "within");
		json_number(&json, NULL, "1");
		json_number(&json, NULL, "2");
		json_end(&json);
		json_end(&json);
	}
	json_end(&json);
	json_number(&json, "behind", "3");
	json_end(&json);
}

static void json_nests(void **state)
{
	(void)state;
	assert_written(write_document, "x",
		       "{\n"
		       "  \"empty\": {},\n"
		       "  \"rows\": [\n"
		       "    {\"a\\\"b\": \"x\", \"yes\": true, \"within\": [1, 2]},\n"
		       "    {\"a\\\"b\": \"x\", \"yes\": false, \"within\": [1, 2]}\n"
		       "  ],\n"
		       "  \"behind\": 3\n"
		       "}\n");
}

static void csv_cannot_act_in_a_spreadsheet(void **state)
{
	(void)state;
	assert_written(write_csv, "plain, with \"quotes\"", "\"plain, with \"\"quotes\"\"\"");
	assert_written(write_csv, "", "\"\"");
	assert_written(write_csv, NULL, "");
	assert_written(write_csv, "=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"");
	assert_written(write_csv, "+1", "\"'+1\"");
	assert_written(write_csv, "-1", "\"'-1\"");
	assert_written(write_csv, "@SUM(A1)", "\"'@SUM(A1)\"");
	assert_written(write_csv, "  =1+1", "\"'  =1+1\"");
	/* spaces that are no ASCII, and the small forms of the signs */
	assert_written(write_csv, "\xc2\xa0=1", "\"'\xc2\xa0=1\"");
	assert_written(write_csv, "\xe3\x80\x80 \xe2\x80\x83@A1", "\"'\xe3\x80\x80 \xe2\x80\x83@A1\"");
	assert_written(write_csv, "\xef\xb9\xa6x", "\"'\xef\xb9\xa6x\"");
	assert_written(write_csv, "\xef\xb9\xa2x", "\"'\xef\xb9\xa2x\"");
	assert_written(write_csv, "  ", "\"  \"");
	assert_written(write_csv, "\xe3\x80\x80", "\"\xe3\x80\x80\"");
	assert_written(write_csv, "'=1+1", "\"''=1+1\"");
	assert_written(write_csv,
		       "\xef\xbc\x9d"
		       "1",
		       "\"'\xef\xbc\x9d"
		       "1\"");
	/* tab and carriage return would begin a formula too; they stand as text, as all that acts */
	assert_written(write_csv, "\t=1", "\"\\x09=1\"");
	assert_written(write_csv, "\r\n=1", "\"\\x0d\\x0a=1\"");
	assert_written(write_csv, "a\x1b]0;x\x07\xe2\x80\xae\xff", "\"a\\x1b]0;x\\x07\\u{202e}\\xff\"");
	assert_written(write_csv, "a=1 - 2", "\"a=1 - 2\"");
	assert_written(write_csv, "特別", "\"特別\"");
}

/* No bytes whatever make a cell that isn't one cell, or that acts. */
static void any_bytes_make_one_cell(void **state)
{
	unsigned seed = 20261125;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[40], *cell, *json;
		size_t length = (size_t)rand_r(&seed) % (sizeof text - 1);

		for (size_t i = 0; i < length; i++)
			text[i] = (char)(rand_r(&seed) % 4 ? 1 + rand_r(&seed) % 255
							   : "=+-@\"',\r\n\t ;"[rand_r(&seed) % 12]);
		text[length] = '\0';
		cell = text_of(write_csv, text);
		json = text_of(write_json, text);
		assert_int_equal(cell[0], '"');
		assert_null(strchr("=+-@\t\r", cell[1 + strspn(cell + 1, " ")]));
		for (const char *at = cell + 1; at[1]; at++) {
			assert_true((uint8_t)*at >= 0x20 && *at != 0x7f);
			if (*at == '"')
				assert_int_equal(*++at, '"');
		}
		assert_int_equal(cell[strlen(cell) - 1], '"');
		for (const char *at = json + 2; at[3]; at++)
			assert_true((uint8_t)*at >= 0x20 && *at != 0x7f);
		free(cell);
		free(json);
	}
}

static void csv_lines_end_as_rfc_4180_has_it(void **state)
{
	char *written = NULL;
	size_t bytes;
	struct csv csv = { .out = open_memstream(&written, &bytes) };

	(void)state;
	csv_plain(&csv, "1");
	csv_text(&csv, "a");
	csv_plain(&csv, NULL);
	csv_end_line(&csv);
	csv_text(&csv, NULL);
	csv_plain(&csv, "-2");
	csv_end_line(&csv);
	fclose(csv.out);
	assert_string_equal(written, "1,\"a\",\r\n,-2\r\n");
	free(written);
}

static void assert_words(enum kind kind, const char *value, enum language language, const char *expected)
{
	char to[VALUE_WORDS_BYTES];

	assert_string_equal(value_words(kind, value, language, to), expected);
}

static void csv_takes_no_word_on_trust(void **state)
{
	char *written = NULL;
	size_t bytes;
	struct csv csv = { .out = open_memstream(&written, &bytes) };

	(void)state;
	value_csv(&csv, KIND_WORD, "relay_test");
	value_csv(&csv, KIND_WORD, "=1+1");
	value_csv(&csv, KIND_COUNTRY, "TW");
	value_csv(&csv, KIND_COUNTRY, "\x1b\"");
	value_csv(&csv, KIND_COUNT, "-1");
	value_csv(&csv, KIND_TEXT, "-1");
	value_csv(&csv, KIND_TIME, "2007-11-02 12:03:00+09");
	value_csv(&csv, KIND_WORD, NULL);
	fclose(csv.out);
	assert_string_equal(written, "relay_test,\"'=1+1\",TW,\"\\x1b\"\"\",-1,\"'-1\",2007-11-02T12:03:00+09:00,");
	free(written);
}

static void values_read_well(void **state)
{
	char to[VALUE_WORDS_BYTES];

	(void)state;
	assert_words(KIND_COUNT, "14430", LANGUAGE_EN, "14,430");
	assert_words(KIND_PORT, "8080", LANGUAGE_EN, "8080");
	assert_words(KIND_QUOTIENT, "2086.6666666666666667", LANGUAGE_JA, "2,087");
	assert_words(KIND_SHARE, "0.18434504792332268371", LANGUAGE_EN, "18.4%");
	assert_words(KIND_SHARE, "1", LANGUAGE_EN, "100.0%");
	assert_words(KIND_COUNTRY, "TW", LANGUAGE_EN, "TW Taiwan");
	assert_words(KIND_COUNTRY, "TW", LANGUAGE_JA, "TW 台湾");
	assert_words(KIND_COUNTRY, "ZZ", LANGUAGE_JA, "ZZ 不明");
	assert_words(KIND_WORD, "exploit", LANGUAGE_JA, "脆弱性を突く攻撃");
	assert_words(KIND_WORD, "8080/TCP", LANGUAGE_JA, "8080/TCP");
	assert_words(KIND_TIME, "2007-11-02 12:03:00.123456+09", LANGUAGE_EN, "2007-11-02 12:03:00+09");
	assert_words(KIND_TIME, "2007-11-02 12:03:00+09", LANGUAGE_EN, "2007-11-02 12:03:00+09");
	assert_words(KIND_SECONDS, "270061.5", LANGUAGE_EN, "3 d 3 h");
	assert_words(KIND_SECONDS, "270061.5", LANGUAGE_JA, "3日3時間");
	assert_words(KIND_SECONDS, "3660", LANGUAGE_EN, "1 h 1 min");
	assert_words(KIND_SECONDS, "61", LANGUAGE_JA, "1分1秒");
	assert_words(KIND_SECONDS, "0.2", LANGUAGE_EN, "0 s");
	assert_words(KIND_SECONDS, "", LANGUAGE_EN, "-");
	assert_string_equal(value_time("2007-11-02 12:03:00.5+09", to), "2007-11-02T12:03:00.5+09:00");
	assert_string_equal(value_time("2007-11-02 12:03:00-03", to), "2007-11-02T12:03:00-03:00");
	assert_string_equal(value_time("2007-11-02 12:03:00+05:45", to), "2007-11-02T12:03:00+05:45");
	assert_string_equal(value_time("infinity", to), "infinity");
}

static void percents_have_two_digits(void **state)
{
	char to[WORDS_NUMBER_BYTES];

	(void)state;
	assert_string_equal(words_percent("0.63037974683544303797", to), "63%");
	assert_string_equal(words_percent("0.0412", to), "4.1%");
	assert_string_equal(words_percent("0.00049", to), "0.049%");
	assert_string_equal(words_percent("0.9951", to), "100%");
	assert_string_equal(words_percent("1", to), "100%");
	assert_string_equal(words_percent("0", to), "0%");
	assert_string_equal(words_percent("", to), "-");
}

static void countries_have_names(void **state)
{
	(void)state;
	assert_string_equal(country_name("US", LANGUAGE_EN), "United States");
	assert_string_equal(country_name("US", LANGUAGE_JA), "米国");
	assert_string_equal(country_name("CN", LANGUAGE_JA), "中国");
	assert_string_equal(country_name("KR", LANGUAGE_JA), "韓国");
	/* the first and the last of the list, one that isn't in it, what is no code */
	assert_string_equal(country_name("AD", LANGUAGE_EN), "Andorra");
	assert_string_equal(country_name("ZW", LANGUAGE_EN), "Zimbabwe");
	assert_string_equal(country_name("XQ", LANGUAGE_JA), "XQ");
	assert_string_equal(country_name("ZZ", LANGUAGE_EN), "unknown");
	assert_string_equal(country_name("", LANGUAGE_EN), "");
	assert_string_equal(vocabulary_word("no such word", LANGUAGE_JA), "no such word");
}

/* Every code can be found, so the list is in order; each name is in its language and without what a table can't show.
 */
static void every_country_is_found(void **state)
{
	int found = 0;

	(void)state;
	for (char first = 'A'; first <= 'Z'; first++) {
		for (char second = 'A'; second <= 'Z'; second++) {
			char code[] = { first, second, '\0' };
			const char *english = country_name(code, LANGUAGE_EN),
				   *japanese = country_name(code, LANGUAGE_JA);

			if (!strcmp(english, code) || !strcmp(code, "ZZ"))
				continue;
			found++;
			assert_true(words_width(japanese) > 2 && (uint8_t)japanese[0] >= 0xe3);
		}
	}
	assert_int_equal(found, 249);
}

/* A figure's name is a file's and a key's; text has a title and a heading in each language. */
static void figures_are_described(void **state)
{
	(void)state;
	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *figure = figures + i;

		assert_int_equal(strspn(figure->name, "abcdefghijklmnopqrstuvwxyz_0123456789"), strlen(figure->name));
		assert_ptr_equal(figure_named(figure->name), figure);
		assert_true(figure->column_count > 1);
		for (int language = 0; language < LANGUAGES; language++) {
			assert_true(*figure->title.in[language]);
			for (size_t column = 0; column < figure->column_count; column++)
				assert_true(*figure->columns[column].heading.in[language]);
		}
	}
}

static char folder[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/otori-unit-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static int entries(const char *path)
{
	DIR *opened = opendir(path);
	int count = 0;

	assert_non_null(opened);
	while (readdir(opened))
		count++;
	closedir(opened);
	return count - 2;
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void a_file_is_whole_or_not_there(void **state)
{
	struct output output = { 0 };
	struct problem problem = { 0 };
	char line[64] = "";
	FILE *file;

	(void)state;
	assert_int_equal(output_file(&output, path_of("report"), &problem), 0);
	fputs("half", output.file);
	fflush(output.file);
	assert_int_equal(access(path_of("report"), F_OK), -1);
	assert_int_equal(output_end(&output, -EIO, &problem), -EIO);
	assert_int_equal(entries(folder), 0);
	assert_int_equal(output_file(&output, path_of("report"), &problem), 0);
	fputs("whole\n", output.file);
	assert_int_equal(output_end(&output, 0, &problem), 0);
	assert_int_equal(entries(folder), 1);
	/* another one that fails leaves the old one as it is, a good one takes its place; also behind a link */
	assert_int_equal(symlink("report", path_of("link")), 0);
	assert_int_equal(output_file(&output, path_of("link"), &problem), 0);
	assert_int_equal(output_end(&output, -EIO, &problem), -EIO);
	assert_int_equal(output_file(&output, path_of("link"), &problem), 0);
	fputs("newer\n", output.file);
	assert_int_equal(output_end(&output, 0, &problem), 0);
	file = fopen(path_of("report"), "re");
	assert_non_null(fgets(line, sizeof line, file));
	assert_string_equal(line, "newer\n");
	fclose(file);
	assert_int_equal(entries(folder), 2);
	unlink(path_of("report"));
	unlink(path_of("link"));
}

static void a_folder_is_whole_or_not_there(void **state)
{
	struct output output = { 0 };
	struct problem problem = { 0 };
	char path[OUTPUT_PATH_BYTES + 16];

	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		FILE *file;

		/* an empty one may be there, and slashes at the end */
		if (whole)
			assert_int_equal(mkdir(path_of("csv"), 0755), 0);
		assert_int_equal(output_folder(&output, path_of("csv///"), &problem), 0);
		assert_null(output.file);
		snprintf(path, sizeof path, "%s/a.csv", output.temporary);
		file = fopen(path, "we");
		assert_non_null(file);
		fclose(file);
		assert_int_equal(output_end(&output, whole ? 0 : -EIO, &problem), whole ? 0 : -EIO);
		assert_int_equal(entries(folder), whole);
	}
	assert_int_equal(access(path_of("csv/a.csv"), F_OK), 0);
	assert_int_equal(output_folder(&output, path_of("csv"), &problem), -ENOTEMPTY);
	assert_non_null(strstr(problem.text, "expected a folder that is empty"));
	assert_int_equal(output_end(&output, -ENOTEMPTY, &problem), -ENOTEMPTY);
	assert_int_equal(output_folder(&output, path_of("csv/a.csv"), &problem), -ENOTDIR);
	assert_int_equal(output_folder(&output, "/nonexistent/csv", &problem), -ENOENT);
	assert_int_equal(output_folder(&output, "", &problem), -ENOENT);
	assert_int_equal(entries(path_of("csv")), 1);
	assert_int_equal(entries(folder), 1);
}

static void a_device_is_written_in_place(void **state)
{
	struct output output = { 0 };
	struct problem problem = { 0 };

	(void)state;
	assert_int_equal(output_file(&output, "/dev/full", &problem), 0);
	fputs("x", output.file);
	assert_true(output_end(&output, 0, &problem) < 0);
	assert_non_null(strstr(problem.text, "cannot write /dev/full: No space"));
	assert_int_equal(access("/dev/full", F_OK), 0);
	assert_true(output_file(&output, "/nonexistent/report", &problem) < 0);
	assert_true(output_file(&output, folder, &problem) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_escapes_whatever_acts),
		cmocka_unit_test(json_numbers_are_kept_or_null),
		cmocka_unit_test(json_nests),
		cmocka_unit_test(csv_cannot_act_in_a_spreadsheet),
		cmocka_unit_test(any_bytes_make_one_cell),
		cmocka_unit_test(csv_lines_end_as_rfc_4180_has_it),
		cmocka_unit_test(csv_takes_no_word_on_trust),
		cmocka_unit_test(values_read_well),
		cmocka_unit_test(percents_have_two_digits),
		cmocka_unit_test(countries_have_names),
		cmocka_unit_test(every_country_is_found),
		cmocka_unit_test(figures_are_described),
		cmocka_unit_test_setup_teardown(a_file_is_whole_or_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder_is_whole_or_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_device_is_written_in_place, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
