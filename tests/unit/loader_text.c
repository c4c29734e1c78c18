// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loader_text.c - cleaned text, decoded subjects, rows as bytes and sums by key, without a database.
 *
 * In:  bytes as strangers send them. Out: cmocka's verdicts. Called by tests/run. Touches nothing but memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "loader/copy_binary.h"
#include "loader/payload_identity.h"
#include "loader/subject.h"
#include "loader/sum_table.h"
#include "loader/text_clean.h"

#define WRONG "\xef\xbf\xbd"

static void assert_clean(const char *from, size_t length, const char *expected)
{
	uint8_t to[256];
	size_t cleaned = text_clean(slice_of(from, length), to);

	assert_true(cleaned <= TEXT_CLEAN_MAX_BYTES(length));
	assert_int_equal(cleaned, strlen(expected));
	assert_memory_equal(to, expected, cleaned);
}

#define ASSERT_CLEAN(from, expected) assert_clean(from, sizeof(from) - 1, expected)

static void visible_text_stays(void **state)
{
	(void)state;
	ASSERT_CLEAN("", "");
	ASSERT_CLEAN("GET http://example.net/ HTTP/1.0", "GET http://example.net/ HTTP/1.0");
	ASSERT_CLEAN("囮 café \xf0\x9f\xa6\x86 \xc2\xa0", "囮 café \xf0\x9f\xa6\x86 \xc2\xa0");
}

static void what_hides_is_shown(void **state)
{
	(void)state;
	ASSERT_CLEAN("a\0b", "a␀b");
	ASSERT_CLEAN("\x1b[31m\t\r\n\x7f", "␛[31m␉␍␊␡");
	ASSERT_CLEAN("\xc2\x9b", WRONG);		      /* the one-byte CSI of a terminal */
	ASSERT_CLEAN("\xe2\x80\xaetxt.exe", WRONG "txt.exe"); /* right-to-left override */
	ASSERT_CLEAN("\xe2\x81\xa6\xe2\x80\xa6", WRONG "…");
}

static void what_is_no_utf8_is_replaced(void **state)
{
	(void)state;
	ASSERT_CLEAN("\xff", WRONG);
	ASSERT_CLEAN("\xc0\x80", WRONG WRONG);			   /* overlong NUL */
	ASSERT_CLEAN("\xe0\x9f\xbf", WRONG WRONG WRONG);	   /* overlong */
	ASSERT_CLEAN("\xed\xa0\x80", WRONG WRONG WRONG);	   /* a surrogate */
	ASSERT_CLEAN("\xf4\x90\x80\x80", WRONG WRONG WRONG WRONG); /* past U+10FFFF */
	ASSERT_CLEAN("\xe5\x9b", WRONG WRONG);			   /* cut short */
	ASSERT_CLEAN("\xe5\x9b"
		     "a",
		     WRONG WRONG "a");
}

/* Whatever comes in, valid UTF-8 without controls comes out, and cleaning it again changes nothing. */
static void any_bytes_become_clean(void **state)
{
	uint8_t bytes[64], once[192], twice[576];
	uint32_t random = 1;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		size_t length, again;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			random = random * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(random >> 24);
		}
		length = text_clean(slice_of(bytes, random >> 8 & 63), once);
		for (size_t at = 0; at < length;) {
			size_t character = text_utf8_length(slice_of(once + at, length - at));

			assert_true(character > 0 && once[at] >= 0x20 && once[at] != 0x7f);
			at += character;
		}
		again = text_clean(slice_of(once, length), twice);
		assert_int_equal(again, length);
		assert_memory_equal(once, twice, length);
	}
}

static void assert_subject(struct subject_decoder *decoder, const char *header, size_t length, const char *expected)
{
	struct slice text;
	bool found = subject_decode(decoder, slice_of(header, length), &text);
	char got[512];

	assert_int_equal(found, expected != NULL);
	if (!found)
		return;
	assert_true(text.length < sizeof(got));
	memcpy(got, text.bytes, text.length);
	got[text.length] = 0;
	assert_string_equal(got, expected);
}

static void subjects_are_decoded(void **state)
{
	static const struct {
		const char *header, *expected;
	} cases[] = {
		{ "From: a\r\nSubject: hello\r\nTo: b\r\n\r\n", "hello" },
		{ "From: a\nSUBJECT :hello\n", "hello" },
		{ "From: a\r\nSubject:\r\n\r\n", "" },
		{ "From: a\r\n\r\nSubject: in the body\r\n", NULL },
		{ "X-Subject: a\r\nSubjects: b\r\n Subject: folded\r\n\r\n", NULL },
		{ "", NULL },
		{ "subject", NULL },
		{ "Subject: first\nSubject: second\n\n", "first" },
		{ "Subject: a\r\n b\r\n\tc\r\n\r\n", "a b c" },
		/* RFC 2047: white space between encoded words goes, other stays */
		{ "Subject: =?utf-8?B?6L+Z5piv55So56m65qC85rWL6K+VICAg?=\r\n\r\n", "这是用空格测试" },
		{ "Subject: =?utf-8?Q?a?=\r\n =?utf-8?Q?b?= c\r\n\r\n", "ab c" },
		{ "Subject: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?= =?iso-2022-jp?B?GyRCOGwbKEI=?=\r\n", "日本語" },
		{ "Subject: =?gb2312?B?xOO6w8rAvec=?=\r\n", "你好世界" },
		{ "Subject: =?shift_jis?B?k/qWe4zq?=\r\n", "日本語" },
		{ "Subject: =?koi8-r?B?8NLJ18XU?=\r\n", "Привет" },
		{ "Subject: =?utf-8?B?YQ==?= =?UTF-8?b?Yg==?=\t=?utf-8?B?Yw==?= d =?utf-8?B?ZQ==?=\r\n", "abc d e" },
		{ "Subject: =?utf-8?B?YQ==?= =?us-ascii?B?Yg==?= =?utf-8?Q?c?=\r\n", "abc" },
		{ "Subject: =?utf-8?B?YQ== =?utf-8?B? =? =?x\r\n", "=?utf-8?B?YQ== =?utf-8?B? =? =?x" },
		/* broken encoders: blanks within an encoded word, a character cut between two */
		{ "Subject: =?utf-8?Q?a b c?=\r\n", "a b c" },
		{ "Subject: =?utf-8?B?5pel5pw=?= =?utf-8?B?rA==?=\r\n", "日本" },
		/* raw bytes: UTF-8, ISO-2022-JP by its escapes, else Windows-1252 */
		{ "Subject: caf\xc3\xa9\r\n", "café" },
		{ "Subject: What\x92s Next\r\n", "What’s Next" },
		{ "Subject: \x1b$BF|K\\8l\x1b(B\r\n", "日本語" },
		/* what attacks a terminal or the database */
		{ "Subject: =?utf-8?Q?a=1B[2J=0Ab?=\r\n", "a␛[2J␊b" },
		/* a NUL hides nothing of what stands behind it, whatever the charset */
		{ "Subject: =?us-ascii?Q?a=00b c?= d\r\n", "a b c d" },
		{ "Subject: =?iso-8859-1?q?=00?= d =?x-unknown?Q?=3D00=00b?=\r\n", "d =00 b" },
		{ "Subject: =?utf-8?B?YQBi?= c\r\n", "a b c" },
		{ "Subject: =?us-ascii?B?YQ==?= =?us-ascii?B?AGI=?= c\r\n", "a b c" },
		{ "Subject: =?utf-16be?B?AGEAYg==?= =?UTF-16BE?Q?=00c?=\r\n", "abc" },
	};
	struct subject_decoder *decoder = subject_decoder_new();

	(void)state;
	assert_non_null(decoder);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_subject(decoder, cases[i].header, strlen(cases[i].header), cases[i].expected);
	assert_subject(decoder, "Subject: a\0b\r\n", 14, "a b");
	subject_decoder_free(decoder);
	subject_decoder_free(NULL);
}

/* The longest field there is, of the bytes that grow most, stays within the decoder's room and is valid. */
static void endless_subjects_are_bounded(void **state)
{
	static const char fills[] = { '\x92', '\x01', '\xff', 'a' };
	struct subject_decoder *decoder = subject_decoder_new();
	size_t length = 32768;
	char *header = malloc(length);
	struct slice text;

	(void)state;
	for (size_t i = 0; i < sizeof(fills); i++) {
		memset(header, fills[i], length);
		memcpy(header, "Subject: ", 9);
		for (size_t at = 70; at + 3 < length; at += 70)
			memcpy(header + at, "\r\n ", 3);
		assert_true(subject_decode(decoder, slice_of(header, length), &text));
		assert_true(text.length > 1000 && text.length <= SUBJECT_TEXT_MAX_BYTES);
		for (size_t at = 0; at < text.length;) {
			size_t character = text_utf8_length(slice_of(text.bytes + at, text.length - at));

			assert_true(character > 0);
			at += character;
		}
	}
	free(header);
	subject_decoder_free(decoder);
}

static void rows_are_as_the_manual_says(void **state)
{
	static const uint8_t expected[] = {
		0,    6,					/* columns */
		0xff, 0xff, 0xff, 0xff,				/* null */
		0,    0,    0,	  1,	1,			/* true */
		0,    0,    0,	  4,	0xff, 0xff, 0xff, 0xfe, /* -2 */
		0,    0,    0,	  8,	0xff, 0xfc, 0xa2, 0xfe,
		0xc4, 0xc8, 0x20, 0x01,			  /* 1970-01-01 and a microsecond */
		0,    0,    0,	  3,	0xe2, 0x90, 0x80, /* a NUL as text */
		0,    0,    0,	  8,	2,    32,   0,	  4,
		192,  0,    2,	  1, /* an address */
	};
	struct address address = { { 192, 0, 2, 1 }, false };
	struct copy_buffer buffer = { 0 };

	(void)state;
	copy_row(&buffer, 6);
	copy_null(&buffer);
	copy_bool(&buffer, true);
	copy_int4(&buffer, -2);
	copy_time(&buffer, 1999);
	copy_text(&buffer, slice_of("", 1));
	copy_inet(&buffer, &address);
	assert_false(buffer.failed);
	assert_int_equal(buffer.length, sizeof(expected));
	assert_memory_equal(buffer.bytes, expected, sizeof(expected));
	copy_buffer_free(&buffer);
	copy_buffer_free(&buffer);
	assert_int_equal(copy_binary_header().length, 19);
	assert_int_equal(copy_clamp_int4(UINT64_MAX), INT32_MAX);
	assert_true(copy_clamp_int8(UINT64_MAX) == INT64_MAX);
}

static void sums_are_by_key(void **state)
{
	struct sum_table table = { 0 };

	(void)state;
	for (int round = 0; round < 3; round++)
		for (uint32_t i = 0; i < 5000; i++) {
			struct sum_key key = { .time = i / 100, .port = (uint16_t)(i % 100), .family = 4 };

			sum_table_entry(&table, &key)->value += i;
		}
	assert_int_equal(table.count, 5000);
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(table.entries[i].value, 3 * i);
	sum_table_clear(&table);
	assert_int_equal(table.count, 0);
	assert_int_equal(sum_table_entry(&table, &(struct sum_key){ .time = 1 })->value, 0);
	sum_table_free(&table);
	assert_true(sum_add(INT64_MAX, 1) == INT64_MAX);
	assert_true(sum_add(INT64_MIN, -1) == INT64_MIN);
	assert_int_equal(sum_add(-3, 5), 2);
}

/* FIPS 180-4's example, and what is remembered until it is forgotten. */
static void payloads_have_an_identity(void **state)
{
	static const uint8_t abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
				       0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
				       0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
	struct payload_identities *identities = payload_identities_new();
	uint8_t sha256[PAYLOAD_SHA256_BYTES];

	(void)state;
	assert_non_null(identities);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(payload_identify(identities, slice_of_text("abc"), sha256), 0);
		assert_memory_equal(sha256, abc, sizeof(abc));
	}
	assert_false(payload_remembered(identities, sha256));
	assert_true(payload_remembered(identities, sha256));
	payload_forget(identities);
	assert_false(payload_remembered(identities, sha256));
	payload_identities_free(identities);
	payload_identities_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(visible_text_stays),	       cmocka_unit_test(what_hides_is_shown),
		cmocka_unit_test(what_is_no_utf8_is_replaced), cmocka_unit_test(any_bytes_become_clean),
		cmocka_unit_test(subjects_are_decoded),	       cmocka_unit_test(endless_subjects_are_bounded),
		cmocka_unit_test(rows_are_as_the_manual_says), cmocka_unit_test(sums_are_by_key),
		cmocka_unit_test(payloads_have_an_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
