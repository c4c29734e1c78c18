/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enrich_databases.c - MMDB files of every layout, and damaged in every way.
 *
 * In:  files that tests/scenario/enrichment/make-mmdb writes. Out: cmocka's verdict; 77 where the writer is missing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "enrichment/address_database.h"

#define MAKE "tests/scenario/enrichment/make-mmdb"
#define BUILT "1195862400" /* 2007-11-24 */

/* libmaxminddb 1.7 loses some of its own memory where the head of a file is damaged: a few KiB for each such open. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

static char folder[64], path[128], text[512];

static int make(const char *layout, const char *rows, const char *built)
{
	char command[512];
	FILE *writer;

	snprintf(path, sizeof path, "%s/%s.mmdb", folder, layout);
	snprintf(command, sizeof command, "%s %s %s %s", MAKE, layout, path, built);
	writer = popen(command, "w");
	assert_non_null(writer);
	fputs(rows, writer);
	return pclose(writer);
}

static struct address_database *opened(void)
{
	struct address_database *database;

	if (address_database_open(path, &database, text, sizeof text))
		fail_msg("%s", text);
	return database;
}

/* The country, or the error, as text. */
static const char *country(const struct address_database *database, const char *address_text)
{
	static char answer[COUNTRY_BYTES];
	struct address address;
	int error;

	assert_int_equal(address_parse(address_text, &address), 0);
	error = address_database_country(database, &address, answer);
	return error == -EBADMSG ? "damaged" : error == -EINVAL ? "odd" : error ? "?" : answer;
}

static void both_layouts_of_countries(void **state)
{
	static const char rows[] =
		"203.0.113.0/24 JP\n2001:db8::/32 TW\n192.0.2.0/26 us\n192.0.2.64/26 A1\n192.0.2.128/26 --\n"
		"192.0.2.192/26 XX\n198.51.100.0/24 ZZ\n198.18.0.0/15 USA\n";
	static const char *const layouts[] = { "flat", "nested" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct address_database *database;

		assert_int_equal(make(layouts[i], rows, BUILT), 0);
		database = opened();
		assert_string_equal(address_database_date(database), "2007-11-24");
		assert_string_equal(country(database, "203.0.113.0"), "JP");
		assert_string_equal(country(database, "203.0.113.255"), "JP");
		assert_string_equal(country(database, "203.0.112.255"), "ZZ");
		assert_string_equal(country(database, "2001:db8:ffff::1"), "TW");
		assert_string_equal(country(database, "2001:db9::1"), "ZZ");
		/* the IPv4 host behind a mapped and a translated address */
		assert_string_equal(country(database, "::ffff:203.0.113.9"), "JP");
		assert_string_equal(country(database, "64:ff9b::203.0.113.9"), "JP");
		/* folded; what is no two letters, and what says unknown */
		assert_string_equal(country(database, "192.0.2.1"), "US");
		assert_string_equal(country(database, "192.0.2.65"), "ZZ");
		assert_string_equal(country(database, "192.0.2.129"), "ZZ");
		assert_string_equal(country(database, "192.0.2.193"), "ZZ");
		assert_string_equal(country(database, "198.51.100.1"), "ZZ");
		assert_string_equal(country(database, "198.18.0.1"), "ZZ");
		address_database_close(database);
	}
}

static void another_type_is_odd(void **state)
{
	struct address_database *database;

	(void)state;
	assert_int_equal(make("number", "203.0.113.0/24 81\n", BUILT), 0);
	database = opened();
	assert_string_equal(country(database, "203.0.113.1"), "odd");
	assert_string_equal(country(database, "203.0.114.1"), "ZZ");
	address_database_close(database);
}

static void networks_have_number_and_name(void **state)
{
	struct address_database *database;
	struct address address;
	struct network network;
	char rows[2048] = "203.0.113.0/24 4294967295 Some Net\x1b[2J\n192.0.2.0/24 64500\n198.51.100.0/24 64501 ";

	(void)state;
	memset(rows + strlen(rows), 'n', 1000);
	assert_int_equal(make("network", rows, BUILT), 0);
	database = opened();
	assert_int_equal(address_parse("203.0.113.7", &address), 0);
	assert_int_equal(address_database_network(database, &address, &network), 0);
	assert_int_equal(network.number, 4294967295U);
	assert_string_equal(network.name, "Some Net\xe2\x90\x9b[2J");
	assert_int_equal(address_parse("192.0.2.7", &address), 0);
	assert_int_equal(address_database_network(database, &address, &network), 0);
	assert_int_equal(network.number, 64500);
	assert_string_equal(network.name, "");
	assert_int_equal(address_parse("198.51.100.7", &address), 0);
	assert_int_equal(address_database_network(database, &address, &network), 0);
	assert_in_range(strlen(network.name), 100, NETWORK_NAME_BYTES - 1);
	assert_int_equal(address_parse("192.0.3.7", &address), 0);
	assert_int_equal(address_database_network(database, &address, &network), 0);
	assert_int_equal(network.number, 0);
	/* a database of networks knows no countries */
	assert_string_equal(country(database, "203.0.113.7"), "ZZ");
	address_database_close(database);
}

static void refused(const char *why)
{
	struct address_database *database = NULL;

	assert_int_not_equal(address_database_open(path, &database, text, sizeof text), 0);
	assert_null(database);
	if (!strstr(text, path) || !strstr(text, why))
		fail_msg("%s: expected the path and '%s'", text, why);
}

static void write_file(const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void what_is_no_database_is_refused(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "%s/missing.mmdb", folder);
	refused("No such file");
	write_file("", 0);
	refused("no MMDB");
	write_file("hello\n", 6);
	refused("no MMDB");
	snprintf(path, sizeof path, "%s", folder);
	refused(folder);
	assert_int_equal(make("flat", "203.0.113.0/24 JP\n", "1000"), 0);
	refused("when it was made");
}

/* A file of the right kind, as bytes. */
static char whole[65536];
static size_t whole_length;

static void read_whole(void)
{
	FILE *file;

	assert_int_equal(make("nested", "203.0.113.0/24 JP\n198.51.100.0/24 TW\n2001:db8::/32 US\n", BUILT), 0);
	file = fopen(path, "r");
	assert_non_null(file);
	whole_length = fread(whole, 1, sizeof whole, file);
	fclose(file);
	assert_in_range(whole_length, 100, sizeof whole - 1);
}

static void a_cut_file_is_refused_or_answers_errors(void **state)
{
	(void)state;
	read_whole();
	/* without its end there is no head */
	write_file(whole, whole_length - 200);
	refused("no MMDB");
	/* without its front the tree is longer than what is left, or leads astray */
	for (size_t cut = 1; cut < whole_length; cut = cut * 2 + 1) {
		struct address_database *database = NULL;

		write_file(whole + cut, whole_length - cut);
		if (address_database_open(path, &database, text, sizeof text))
			continue;
		country(database, "203.0.113.1");
		country(database, "2001:db8::1");
		address_database_close(database);
	}
}

/* Any byte may be any other: an answer or an error, never a crash (this runs under the sanitizers, too). */
static void damage_anywhere_is_survived(void **state)
{
	size_t damaged = 0, refusals = 0;

	(void)state;
	read_whole();
	srand(1);
	for (int round = 0; round < 3000; round++) {
		struct address_database *database = NULL;
		size_t at = (size_t)rand() % whole_length;
		char kept = whole[at];

		whole[at] = (char)rand();
		write_file(whole, whole_length);
		whole[at] = kept;
		if (address_database_open(path, &database, text, sizeof text)) {
			refusals++;
			continue;
		}
		damaged += !strcmp(country(database, "203.0.113.1"), "damaged");
		damaged += !strcmp(country(database, "198.51.100.1"), "damaged");
		damaged += !strcmp(country(database, "2001:db8::1"), "damaged");
		address_database_close(database);
	}
	assert_true(damaged > 0);
	assert_true(refusals > 0);
}

/* A tree that is readable here and leads nowhere there: the one address is damaged, the others are answered. */
static void the_rest_of_a_damaged_file_answers(void **state)
{
	static const char taiwan[] = { 0x42, 'T', 'W' };
	struct address_database *database;
	char *at;

	(void)state;
	read_whole();
	at = memmem(whole, whole_length, taiwan, sizeof taiwan);
	assert_non_null(at);
	at[0] = (char)0x5e; /* a string of far more bytes than there are */
	write_file(whole, whole_length);
	database = opened();
	assert_string_equal(country(database, "198.51.100.1"), "damaged");
	assert_string_equal(country(database, "203.0.113.1"), "JP");
	assert_string_equal(country(database, "2001:db8::1"), "US");
	address_database_close(database);
	address_database_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_layouts_of_countries),
		cmocka_unit_test(another_type_is_odd),
		cmocka_unit_test(networks_have_number_and_name),
		cmocka_unit_test(what_is_no_database_is_refused),
		cmocka_unit_test(a_cut_file_is_refused_or_answers_errors),
		cmocka_unit_test(damage_anywhere_is_survived),
		cmocka_unit_test(the_rest_of_a_damaged_file_answers),
	};
	char command[128];
	int failed;

	if (access(MAKE, X_OK) || system("perl -MMaxMind::DB::Writer::Tree -e 1 2>/dev/null")) {
		puts("the package libmaxmind-db-writer-perl is missing, or this is not the top of the tree");
		return 77;
	}
	strcpy(folder, "/tmp/otori-unit-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command) ? 1 : failed;
}
