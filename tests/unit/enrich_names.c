/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enrich_names.c - which names may be asked, what part of one is registered, and arrays as text.
 *
 * In:  names as strangers write them. Out: cmocka's verdict.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "enrichment/array_text.h"
#include "enrichment/name_check.h"
#include "enrichment/registered_part.h"

static bool allowed(const char *name)
{
	return !name_refused(slice_of_text(name));
}

static void names_of_hosts_are_asked(void **state)
{
	(void)state;
	assert_true(allowed("example.org"));
	assert_true(allowed("MX1.Example.ORG"));
	assert_true(allowed("a.b"));
	assert_true(allowed("3com.com"));
	assert_true(allowed("1.2.3.4.net"));
	assert_true(allowed("xn--zckzah.xn--wgv71a119e"));
	assert_true(allowed("onion.example.org"));
	assert_true(allowed("notlocal.org"));
	assert_true(allowed("hyper-local.de"));
	assert_true(allowed("notlocalhost.localhosting.net"));
}

static void nothing_else_is(void **state)
{
	static const char *const names[] = {
		"",
		".",
		"localhost",
		"com",
		"example.org.",
		".example.org",
		"a..b",
		"192.0.2.1",
		"1.2.3",
		"0x7f.1",
		"2001:db8::1",
		"[192.0.2.1]",
		"a_b.example.org",
		"-a.example.org",
		"a-.example.org",
		"ex ample.org",
		"exam\tple.org",
		"exa\x01mple.org",
		"m\xc3\xbcller.de",
		"a.org\n",
		"$(reboot).org",
		"a.org;",
		"*.org",
		"printer.local",
		"LOCAL.Local",
		"x.onion",
		"x.LOCALHOST",
		"host.localdomain",
		"a.invalid",
		"a.internal",
		"a.home.arpa",
		"1.2.0.192.in-addr.arpa",
		"router.lan",
		"x.alt",
		"user@example.org",
		"example.org/",
		"a.123",
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (allowed(names[i]))
			fail_msg("'%s' would be asked", names[i]);
	}
	assert_non_null(name_refused(slice_of("a\0b.org", 7)));
	assert_non_null(name_refused(slice_of(NULL, 0)));
}

static void lengths_are_bounded(void **state)
{
	char name[300];

	(void)state;
	/* labels of 63 */
	memset(name, 'a', sizeof name);
	name[63] = '.';
	name[66] = '\0';
	assert_true(allowed(name));
	name[63] = 'a';
	name[64] = '.';
	assert_false(allowed(name));
	/* 253 bytes in all */
	for (size_t i = 0; i < sizeof name; i++)
		name[i] = i % 2 ? '.' : 'a';
	name[253] = '\0';
	assert_true(allowed(name));
	name[253] = '.';
	name[254] = 'a';
	name[255] = '\0';
	assert_string_equal(name_refused(slice_of_text(name)), "longer than 253 bytes");
}

static void names_are_folded(void **state)
{
	char text[NAME_TEXT_BYTES], longest[NAME_MAX_LENGTH + 2];

	(void)state;
	assert_int_equal(name_fold(slice_of_text("MX.Example.ORG."), text), 0);
	assert_string_equal(text, "mx.example.org");
	assert_int_equal(name_fold(slice_of_text("."), text), 0);
	assert_string_equal(text, "");
	assert_int_equal(name_fold(slice_of(NULL, 0), text), 0);
	assert_string_equal(text, "");
	memset(longest, 'A', sizeof longest);
	longest[NAME_MAX_LENGTH] = '.';
	assert_int_equal(name_fold(slice_of(longest, NAME_MAX_LENGTH + 1), text), 0);
	assert_int_equal(strlen(text), NAME_MAX_LENGTH);
	assert_int_equal(name_fold(slice_of(longest, NAME_MAX_LENGTH + 2), text), -ENAMETOOLONG);
}

static void registered_parts_are_of_the_list(void **state)
{
	struct registered_parts *parts = registered_parts_open();

	(void)state;
	assert_non_null(parts);
	assert_string_equal(registered_part(parts, "mx1.mail.example.co.jp"), "example.co.jp");
	assert_string_equal(registered_part(parts, "example.co.jp"), "example.co.jp");
	assert_string_equal(registered_part(parts, "alt1.aspmx.l.google.com"), "google.com");
	/* two customers of one host are not one operator: the list has his domain as a suffix */
	assert_string_equal(registered_part(parts, "a.github.io"), "a.github.io");
	assert_null(registered_part(parts, "co.jp"));
	assert_null(registered_part(parts, "com"));
	assert_null(registered_part(parts, "localhost"));
	assert_null(registered_part(parts, ""));
	assert_null(registered_part(NULL, "mx.example.org"));
	registered_parts_close(parts);
	registered_parts_close(NULL);
}

static void arrays_are_quoted(void **state)
{
	struct array_text array = { 0 };
	struct address addresses[2] = { { .bytes = { 192, 0, 2, 1 } },
					{ .ipv6 = true, .bytes = { 0x20, 0x01, 0x0d, 0xb8 } } };

	(void)state;
	assert_string_equal(array_text_end(&array), "{}");
	array_text_clear(&array);
	array_text_add(&array, "a\"b\\c,{}");
	array_text_add(&array, NULL);
	array_text_add(&array, "");
	array_text_add_addresses(&array, addresses, 2);
	array_text_add_addresses(&array, NULL, 0);
	assert_int_equal(array.count, 5);
	assert_string_equal(array_text_end(&array), "{\"a\\\"b\\\\c,{}\",null,\"\",\"{192.0.2.1,2001:db8::}\",\"{}\"}");
	array_text_free(&array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_hosts_are_asked),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(names_are_folded),
		cmocka_unit_test(registered_parts_are_of_the_list),
		cmocka_unit_test(arrays_are_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
