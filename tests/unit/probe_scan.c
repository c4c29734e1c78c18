// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe_scan.c - a decoy's address and port are found in every spelling, however the bytes are cut, and nothing else is.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "probe/probe.h"

static struct scan_decoy decoy_of(const char *address, uint16_t port)
{
	struct scan_decoy decoy = { 0 };
	struct address parsed;

	assert_int_equal(address_parse(address, &parsed), 0);
	scan_decoy(&decoy, &parsed, port);
	return decoy;
}

/* The stream fed with a text in pieces of these sizes, over and over. Each piece lies in memory of exactly its size. */
static uint8_t scan_pieces(struct scan_decoy *decoy, struct slice text, const size_t *sizes, size_t count)
{
	struct scan_stream stream = { 0 };

	for (size_t i = 0; text.length; i++) {
		size_t length = sizes[i % count] < text.length ? sizes[i % count] : text.length;
		uint8_t *copy = malloc(length);

		assert_non_null(copy);
		memcpy(copy, text.bytes, length);
		scan_input(decoy, &stream, slice_of(copy, length), false);
		free(copy);
		text = slice_of(text.bytes + length, text.length - length);
	}
	scan_input(decoy, &stream, slice_of(NULL, 0), true);
	return stream.found;
}

static uint8_t scan_whole(struct scan_decoy *decoy, struct slice text)
{
	struct scan_stream stream = { 0 };
	uint8_t *copy = malloc(text.length ? text.length : 1);

	assert_non_null(copy);
	if (text.length)
		memcpy(copy, text.bytes, text.length);
	scan_input(decoy, &stream, slice_of(copy, text.length), true);
	free(copy);
	return stream.found;
}

/* The same answer whole, byte by byte, and cut in two at each place. */
static void check_stream(struct scan_decoy *decoy, struct slice text, uint8_t expected)
{
	static const size_t one[] = { 1 };
	uint8_t found = scan_whole(decoy, text);

	if (found != expected)
		print_message("expected %u, found %u: %.*s\n", expected, found, (int)text.length, (const char *)text.bytes);
	assert_int_equal(found, expected);
	assert_int_equal(scan_pieces(decoy, text, one, 1), expected);
	for (size_t cut = 1; cut < text.length; cut++) {
		size_t sizes[] = { cut, text.length };

		assert_int_equal(scan_pieces(decoy, text, sizes, 2), expected);
	}
}

static size_t encode_base64(const void *from, size_t length, char *to, bool padded)
{
	static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *bytes = from;
	size_t at = 0;

	for (size_t i = 0; i < length; i += 3) {
		unsigned int group = (unsigned int)bytes[i] << 16 | (i + 1 < length ? (unsigned int)bytes[i + 1] << 8 : 0) |
				     (i + 2 < length ? bytes[i + 2] : 0u);
		size_t left = length - i;

		to[at++] = characters[group >> 18];
		to[at++] = characters[group >> 12 & 63];
		if (left > 1)
			to[at++] = characters[group >> 6 & 63];
		else if (padded)
			to[at++] = '=';
		if (left > 2)
			to[at++] = characters[group & 63];
		else if (padded)
			to[at++] = '=';
	}
	to[at] = 0;
	return at;
}

static const struct spelling {
	const char *text;
	uint8_t encoding;
} spellings[] = {
	{ "203.0.113.10:8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10/8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10-8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10_8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10.8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10 8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10\t8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10\r\n 8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10 : 8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10 - 8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10--8080", PROBE_ENCODING_dotted },
	{ "203.0.113.10://8080", PROBE_ENCODING_dotted },
	{ "[203.0.113.10]:8080", PROBE_ENCODING_dotted },
	{ "http://203.0.113.10:8080/", PROBE_ENCODING_dotted },
	{ "proxy=203.0.113.10:8080;", PROBE_ENCODING_dotted },
	{ "v203.0.113.10:8080v", PROBE_ENCODING_dotted },
	{ "20071101-203.0.113.10-8080-1", PROBE_ENCODING_dotted },
	{ "203.0.113.10:80 203.0.113.10:8080", PROBE_ENCODING_dotted },
	{ "8080 8080:203.0.113.10:8080", PROBE_ENCODING_dotted },
	{ "10.113.0.203:8080", PROBE_ENCODING_reversed },
	{ "x 10.113.0.203 8080 y", PROBE_ENCODING_reversed },
	{ "3405803786:8080", PROBE_ENCODING_decimal },
	{ "http://3405803786/8080", PROBE_ENCODING_decimal },
	{ "CB00710A:8080", PROBE_ENCODING_hex },
	{ "cb00710a:8080", PROBE_ENCODING_hex },
	{ "cB00710a-8080", PROBE_ENCODING_hex },
	{ "0xcb00710a:8080", PROBE_ENCODING_hex },
	{ "1CB00710A:8080:6", PROBE_ENCODING_hex },
	{ "FCB00710A.8080", PROBE_ENCODING_hex },
};

static const char *const near_misses[] = {
	"203.0.113.10",
	"203.0.113.10:",
	"203.0.113.10:80",
	"203.0.113.10:808",
	"203.0.113.10:80801",
	"203.0.113.10:18080",
	"203.0.113.10:08080",
	"203.0.113.10:1080",
	"203.0.113.1:8080",
	"203.0.113.100:8080",
	"203.0.113.11:8080",
	"1203.0.113.10:8080",
	"203.0.113.108080",
	"203.0.113.10,8080",
	"203.0.113.10x8080",
	"203.0.113.10;8080",
	"203.0.113.10 port 8080",
	"203.0.113.10. 8080 of them",
	"203.0.113.10\r\n\r\n8080 of them",
	"1.203.0.113.10:8080",
	"7.203.0.113.10.8080",
	"203.0.113.10.1.8080",
	"110.113.0.203:8080",
	"10.113.0.2031:8080",
	"0.113.0.203:8080",
	"13405803786:8080",
	"34058037861:8080",
	"3405803787:8080",
	"11CB00710A:8080",
	"ABCB00710A:8080",
	"CB00710AB:8080",
	"CB00710:8080",
	"CB 00 71 0A:8080",
	"8080",
	":8080",
	"8080:203.0.113.10",
	"203.0.113.10:1F90",
	"<20071101203.0.113.108080@mail.example>",
	"<8080.8080.8080@203.0.113.10>",
	"198.51.100.7:8080 203.0.113.10",
	"203.000.113.010:8080",
};

static void spellings_are_found(void **state)
{
	struct scan_decoy decoy = decoy_of("203.0.113.10", 8080);
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		check_stream(&decoy, slice_of_text(spellings[i].text), spellings[i].encoding);
		snprintf(text, sizeof(text), "Hello.\r\nLook at this %s.\r\nMany other words follow it, and 12 numbers.\r\n",
			 spellings[i].text);
		check_stream(&decoy, slice_of_text(text), spellings[i].encoding);
	}
}

static void near_misses_are_none(void **state)
{
	struct scan_decoy decoy = decoy_of("203.0.113.10", 8080);
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(near_misses) / sizeof(near_misses[0]); i++) {
		check_stream(&decoy, slice_of_text(near_misses[i]), 0);
		snprintf(text, sizeof(text), "Hello.\r\nLook at this %s.\r\nMany other words follow it, and numbers.\r\n",
			 near_misses[i]);
		check_stream(&decoy, slice_of_text(text), 0);
	}
}

/* Writes text in lines of so many characters. */
static size_t fold(const char *text, size_t length, size_t width, const char *end, char *to)
{
	size_t at = 0;

	for (size_t i = 0; i < length; i++) {
		if (i && i % width == 0) {
			memcpy(to + at, end, strlen(end));
			at += strlen(end);
		}
		to[at++] = text[i];
	}
	to[at] = 0;
	return at;
}

static void base64_is_found_on_any_alignment(void **state)
{
	static const char *const before[] = { "", "=", "x", "xy", "xyz", "<", "id=", "a b", "http://h/", "Test\r\n", "ab\r\n",
					      "eHgx\r\n" /* decoded it ends in a digit; but it is a short word above */ };
	static const char *const behind[] = { "", "=", "@h>", " and more", "\r\nmore\r\n", "." };
	struct scan_decoy decoy = decoy_of("203.0.113.10", 8080);
	char encoded[256], text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		for (size_t b = 0; b < sizeof(before) / sizeof(before[0]); b++) {
			for (size_t e = 0; e < sizeof(behind) / sizeof(behind[0]); e++) {
				encode_base64(spellings[i].text, strlen(spellings[i].text), encoded, true);
				snprintf(text, sizeof(text), "%s%s%s", before[b], encoded, behind[e]);
				check_stream(&decoy, slice_of_text(text), PROBE_ENCODING_base64);
			}
		}
		for (size_t shift = 0; shift < 4; shift++) {
			char inner[256];

			snprintf(inner, sizeof(inner), "%.*s%s;", (int)shift, "+,!(", spellings[i].text);
			encode_base64(inner, strlen(inner), encoded, false);
			check_stream(&decoy, slice_of_text(encoded), PROBE_ENCODING_base64);
		}
	}
}

static void near_misses_in_base64_are_none(void **state)
{
	struct scan_decoy decoy = decoy_of("203.0.113.10", 8080);
	char encoded[256], folded[1024], inner[256];

	(void)state;
	for (size_t i = 0; i < sizeof(near_misses) / sizeof(near_misses[0]); i++) {
		for (size_t shift = 0; shift < 3; shift++) {
			size_t length;

			snprintf(inner, sizeof(inner), "%.*s%s", (int)shift, "+(", near_misses[i]);
			length = encode_base64(inner, strlen(inner), encoded, true);
			check_stream(&decoy, slice_of_text(encoded), 0);
			for (size_t width = 1; width < length; width++) {
				fold(encoded, length, width, "\r\n", folded);
				check_stream(&decoy, slice_of_text(folded), 0);
			}
		}
	}
	/* Once, not twice. */
	encode_base64("203.0.113.10:8080", 17, inner, true);
	encode_base64(inner, strlen(inner), encoded, true);
	check_stream(&decoy, slice_of_text(encoded), 0);
}

static void base64_bodies_are_found_in_lines_of_any_length(void **state)
{
	static const char *const ends[] = { "\r\n", "\n" };
	static const char *const where[] = { "%s", "Hi!\r\n%s\r\nBye", "a %s" };
	struct scan_decoy decoy = decoy_of("203.0.113.10", 8080);
	char inner[256], encoded[512], folded[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		size_t length;

		snprintf(inner, sizeof(inner), where[i], "203.0.113.10:8080");
		length = encode_base64(inner, strlen(inner), encoded, true);
		for (size_t width = 1; width <= length; width++) {
			for (size_t e = 0; e < 2; e++) {
				fold(encoded, length, width, ends[e], folded);
				check_stream(&decoy, slice_of_text(folded), PROBE_ENCODING_base64);
			}
		}
	}
}

static void quoted_printable_hides_nothing(void **state)
{
	static const struct spelling texts[] = {
		{ "203.0.113.10=3A8080", PROBE_ENCODING_dotted },
		{ "203.0.113.10=3a8080", PROBE_ENCODING_dotted },
		{ "203.0.1=\r\n13.10:8080", PROBE_ENCODING_dotted },
		{ "203.0.1=\n13.10:8080", PROBE_ENCODING_dotted },
		{ "203.0.113.10:80=\r\n80", PROBE_ENCODING_dotted },
		{ "203.0.113.10=\r\n=3A=\r\n8080=\r\n", PROBE_ENCODING_dotted },
		{ "=32=30=33=2E0.113.10:8=30=38=30", PROBE_ENCODING_dotted },
		{ "a=3Db 10.113.0.203=2F8080", PROBE_ENCODING_reversed },
		{ "x=1 y=\"2\" == 3405803786=208080=0D=0A", PROBE_ENCODING_decimal },
		{ "CB00=\r\n710A:8080", PROBE_ENCODING_hex },
		{ "MjAzLjAu=\r\nMTEzLjEwOjgwODA=3D", PROBE_ENCODING_base64 },
		{ "?ip=203.0.113.10:8080", PROBE_ENCODING_dotted }, /* no quoted-printable at all */
		{ "a=3D203.0.113.11=3A8080", 0 },
		{ "203.0.113.10=3A808=\r\n01", 0 },
		{ "=", 0 },
		{ "=\r", 0 },
		{ "=3", 0 },
		{ "203.0.113.10=8080", 0 },
	};
	struct scan_decoy decoy = decoy_of("203.0.113.10", 8080);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_stream(&decoy, slice_of_text(texts[i].text), texts[i].encoding);
}

/* What was filled in for one decoy serves the next: its address is forgotten, and the port where it is another. */
static void a_decoy_follows_another(void **state)
{
	static const struct {
		const char *address;
		uint16_t port;
		const char *text;
	} decoys[] = { { "203.0.113.10", 8080, "203.0.113.10:8080 MjAzLjAuMTEzLjEwOjgwODA=" }, { "203.0.113.11", 8080, "203.0.113.11:8080" },
		       { "203.0.113.11", 25, "203.0.113.11:25" }, { "2001:db8::10", 25, "2001:db8::10 25" }, { "203.0.113.10", 25, "203.0.113.10:25" },
		       { "203.0.113.10", 7, "203.0.113.10:7" } };
	struct scan_decoy decoy = { 0 };

	(void)state;
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(decoys) / sizeof(decoys[0]); i++) {
			struct address address;

			assert_int_equal(address_parse(decoys[i].address, &address), 0);
			scan_decoy(&decoy, &address, decoys[i].port);
			for (size_t k = 0; k < sizeof(decoys) / sizeof(decoys[0]); k++)
				assert_int_equal(scan_text(&decoy, slice_of_text(decoys[k].text)), i == k ? PROBE_ENCODING_dotted : 0);
		}
	}
}

static void the_first_of_the_list_counts(void **state)
{
	struct scan_decoy decoy = decoy_of("203.0.113.10", 8080);

	(void)state;
	check_stream(&decoy, slice_of_text("MjAzLjAuMTEzLjEwOjgwODA= 203.0.113.10:8080"), PROBE_ENCODING_dotted);
	check_stream(&decoy, slice_of_text("MjAzLjAuMTEzLjEwOjgwODA= CB00710A:8080 10.113.0.203:8080 x"),
		     PROBE_ENCODING_reversed);
	decoy = decoy_of("10.1.1.10", 25);
	check_stream(&decoy, slice_of_text("10.1.1.10:25"), PROBE_ENCODING_dotted);
	decoy = decoy_of("217.128.138.253", 8080);
	check_stream(&decoy, slice_of_text("1D9808AFD:8080:6"), PROBE_ENCODING_hex);
}

static void ipv6_is_found_in_any_spelling(void **state)
{
	static const struct spelling texts[] = {
		{ "[2001:db8::10]:8080", PROBE_ENCODING_dotted },
		{ "2001:db8::10:8080", PROBE_ENCODING_dotted },
		{ "2001:DB8::10 8080", PROBE_ENCODING_dotted },
		{ "http://[2001:db8:0:0:0:0:0:10]:8080/", PROBE_ENCODING_dotted },
		{ "2001:0db8:0000:0000:0000:0000:0000:0010-8080", PROBE_ENCODING_dotted },
		{ "2001:db8::0.0.0.16/8080", PROBE_ENCODING_dotted },
		{ "x:2001:db8::10_8080", PROBE_ENCODING_dotted },
		{ "20010db8000000000000000000000010:8080", PROBE_ENCODING_hex },
		{ "120010DB8000000000000000000000010:8080", PROBE_ENCODING_hex },
		{ "WzIwMDE6ZGI4OjoxMF06ODA4MA==", PROBE_ENCODING_base64 },
		{ "2001:db8::10", 0 },
		{ "2001:db8::11:8080", 0 },
		{ "2001:db8::1:10:8080", 0 },
		{ "1:2001:db8::10:8080", 0 },
		{ "2001:db8::10:80801", 0 },
		{ "2001:db8::10:8080:1", PROBE_ENCODING_dotted },
		{ "::10:8080", 0 },
		{ "1120010db8000000000000000000000010:8080", 0 },
	};
	struct scan_decoy decoy = decoy_of("2001:db8::10", 8080);
	char encoded[256], folded[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_stream(&decoy, slice_of_text(texts[i].text), texts[i].encoding);
	for (size_t i = 0; i < 9; i++) {
		size_t length = encode_base64(texts[i].text, strlen(texts[i].text), encoded, true);

		for (size_t width = 1; width <= length; width++) {
			fold(encoded, length, width, "\r\n", folded);
			check_stream(&decoy, slice_of_text(folded), PROBE_ENCODING_base64);
		}
	}
	decoy = decoy_of("2001:db8::", 25);
	check_stream(&decoy, slice_of_text("2001:db8:::25"), PROBE_ENCODING_dotted);
	check_stream(&decoy, slice_of_text("2001:db8:: 25"), PROBE_ENCODING_dotted);
}

/* A generator of our own, so that a failure can be had again. */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void every_port_is_found(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	char inner[128], encoded[256], folded[512];

	(void)state;
	for (unsigned int port = 1; port <= 65535; port += port < 300 ? 1 : 1 + (unsigned int)(next_random(&seed) % 400)) {
		uint64_t bits = next_random(&seed);
		char address[16];
		struct scan_decoy decoy;

		snprintf(address, sizeof(address), "%u.%u.%u.%u", (unsigned int)(bits & 255), (unsigned int)(bits >> 8 & 255),
			 (unsigned int)(bits >> 16 & 255), (unsigned int)(bits >> 24 & 255));
		decoy = decoy_of(address, (uint16_t)port);
		for (size_t shift = 0; shift < 3; shift++) {
			size_t length;

			snprintf(inner, sizeof(inner), "%.*s%s:%u", (int)shift, "((", address, port);
			assert_int_equal(scan_whole(&decoy, slice_of_text(inner)), PROBE_ENCODING_dotted);
			length = encode_base64(inner, strlen(inner), encoded, false);
			assert_int_equal(scan_whole(&decoy, slice_of_text(encoded)), PROBE_ENCODING_base64);
			fold(encoded, length, 1 + bits % 30, "\r\n", folded);
			assert_int_equal(scan_whole(&decoy, slice_of_text(folded)), PROBE_ENCODING_base64);
			snprintf(inner, sizeof(inner), "%.*s%s:%u%u", (int)shift, "((", address, port, (unsigned int)(bits >> 40) % 10);
			assert_int_equal(scan_whole(&decoy, slice_of_text(inner)), 0);
			encode_base64(inner, strlen(inner), encoded, false);
			assert_int_equal(scan_whole(&decoy, slice_of_text(encoded)), 0);
		}
	}
}

/* Long streams: a token at any distance from the pieces' borders, and none where only numbers are. */
static void long_bodies_are_searched_to_their_end(void **state)
{
	enum { LENGTH = 9000 };
	static const char alphabet[] = "0123456789.:/-_ \r\n=ABCDEFabcdefxyzMDEyOz8080808025.";
	static char text[LENGTH + 64];
	uint64_t seed = 42;

	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		struct scan_decoy decoy = decoy_of("203.0.113.10", round & 1 ? 8080 : 25);
		const char *token = round & 1 ? "|203.0.113.10:8080|" : "|MjAzLjAuMTEzLjEwOjI1|";
		size_t sizes[7], at = next_random(&seed) % (LENGTH - 40);

		for (size_t i = 0; i < LENGTH; i++)
			text[i] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
		for (size_t i = 0; i < 7; i++)
			sizes[i] = 1 + next_random(&seed) % (round % 3 ? 900 : 5000);
		assert_int_equal(scan_whole(&decoy, slice_of(text, LENGTH)), 0);
		assert_int_equal(scan_pieces(&decoy, slice_of(text, LENGTH), sizes, 7), 0);
		memcpy(text + at, token, strlen(token));
		assert_int_equal(scan_whole(&decoy, slice_of(text, LENGTH)),
				 round & 1 ? PROBE_ENCODING_dotted : PROBE_ENCODING_base64);
		assert_int_equal(scan_pieces(&decoy, slice_of(text, LENGTH), sizes, 7),
				 round & 1 ? PROBE_ENCODING_dotted : PROBE_ENCODING_base64);
	}
}

static void check_header(struct scan_decoy *decoy, struct slice text, uint8_t place, uint8_t encoding)
{
	struct probe_finding finding = { 0 };
	size_t length = text.length;
	uint8_t *scratch = malloc(length ? length : 1), *copy = malloc(length ? length : 1);

	assert_non_null(scratch);
	assert_non_null(copy);
	if (length)
		memcpy(copy, text.bytes, length);
	probe_header(decoy, &finding, slice_of(copy, length), scratch);
	if (finding.place != place || finding.encoding != encoding)
		print_message("%.*s: place %u, encoding %u\n", (int)length, (const char *)text.bytes, finding.place, finding.encoding);
	assert_int_equal(finding.place, place);
	assert_int_equal(finding.encoding, encoding);
	free(scratch);
	free(copy);
}

/* A token at the end of texts of every length, in memory of exactly that length; and nothing where there is none. */
static void every_length_is_searched(void **state)
{
	struct scan_decoy decoy = decoy_of("203.0.113.10", 8080);
	char text[400];

	(void)state;
	for (size_t length = 0; length < 300; length++) {
		memset(text, 'w', length);
		assert_int_equal(scan_whole(&decoy, slice_of(text, length)), 0);
		check_header(&decoy, slice_of(text, length), 0, 0);
		strcpy(text + length, " 203.0.113.10:8080");
		assert_int_equal(scan_whole(&decoy, slice_of_text(text)), PROBE_ENCODING_dotted);
		check_header(&decoy, slice_of_text(text), PROBE_PLACE_body, PROBE_ENCODING_dotted);
		strcpy(text + length, " MjAzLjAuMTEzLjEwOjgwODA");
		assert_int_equal(scan_whole(&decoy, slice_of_text(text)), PROBE_ENCODING_base64);
	}
}

/* Pieces of tokens in any order, so that nearly each position is nearly one: no cut changes the answer. */
static void no_cut_changes_the_answer(void **state)
{
	static const char *const pieces[] = { "203.0.113.10", "10.113.0.203", "3405803786", "CB00710A", ":", "8080", "25", ".", " ", "\r\n", "\n",
					      "=", "=3A", "=\r\n", "MjAz", "LjAuMTEz", "LjEwOjgw", "ODA=", "ODA", "M", "OD\r\nA", "x", "1", "/",
					      "2001:db8::10", "[", "]", "MjAzLjAuMTEzLjEwOjI1" };
	uint64_t seed = 99;
	unsigned int found[2] = { 0 };

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		struct scan_decoy decoy = decoy_of(round % 5 ? "203.0.113.10" : "2001:db8::10", round & 1 ? 8080 : 25);
		char text[1024];
		size_t length = 0, sizes[5], aim = 20 + next_random(&seed) % 900;
		uint8_t whole;

		while (length < aim)
			length += (size_t)snprintf(text + length, 64, "%s", pieces[next_random(&seed) % (sizeof(pieces) / sizeof(pieces[0]))]);
		for (size_t i = 0; i < 5; i++)
			sizes[i] = 1 + next_random(&seed) % (round % 3 ? 30 : 500);
		whole = scan_whole(&decoy, slice_of(text, length));
		if (scan_pieces(&decoy, slice_of(text, length), sizes, 5) != whole)
			print_message("%.*s\n", (int)length, text);
		assert_int_equal(scan_pieces(&decoy, slice_of(text, length), sizes, 5), whole);
		found[whole != 0]++;
	}
	assert_true(found[0] > 1000 && found[1] > 1000);
}

static void mails_that_name_other_addresses_are_none(void **state)
{
	uint64_t seed = 7;
	char text[4096], encoded[8192];

	(void)state;
	for (unsigned int round = 0; round < 3000; round++) {
		uint64_t bits = next_random(&seed);
		static const uint16_t ports[] = { 1080, 3128, 8080, 25, 80, 8, 65535 };
		uint16_t port = ports[bits % 7];
		char address[16];
		struct scan_decoy decoy;
		size_t length = 0;

		snprintf(address, sizeof(address), "203.0.113.%u", (unsigned int)(bits >> 8 & 255));
		decoy = decoy_of(address, port);
		while (length < 2000) {
			uint64_t word = next_random(&seed);
			unsigned int octet = (unsigned int)(word >> 8 & 255);

			if (octet == (bits >> 8 & 255))
				octet ^= 1;
			switch (word % 6) {
			case 0: /* a neighbour with this port */
				length += (size_t)snprintf(text + length, 64, "203.0.113.%u:%u ", octet, port);
				break;
			case 1: /* this address with another port */
				length += (size_t)snprintf(text + length, 64, "%s:%u ", address, (port + 1 + octet) & 0xffff);
				break;
			case 2:
				length += (size_t)snprintf(text + length, 64, "<%u.%u.%u@h%u.example>\r\n", octet, port, (unsigned int)(word >> 32), octet);
				break;
			case 3:
				length += (size_t)snprintf(text + length, 64, "version %u.203.0.113.%u, %u, ", octet, octet, port);
				break;
			case 4:
				length += (size_t)snprintf(text + length, 64, "%08X:%u 0x%x/%u ", (unsigned int)(word >> 16) | 1u << 31, port, octet, port);
				break;
			default:
				length += (size_t)snprintf(text + length, 64, "%s, %u words.\r\n", address, octet);
			}
		}
		assert_int_equal(scan_whole(&decoy, slice_of(text, length)), 0);
		assert_int_equal(scan_whole(&decoy, slice_of(encoded, encode_base64(text, length, encoded, true))), 0);
	}
}

static void fields_are_told_apart(void **state)
{
	static const struct {
		const char *header;
		uint8_t place, encoding;
	} headers[] = {
		{ "Subject: 203.0.113.10:8080\r\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
		{ "subject:203.0.113.10:8080", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
		{ "From: a\nSUBJECT : x\n\t203.0.113.10\n 8080\nTo: b\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
		{ "Subject: 10.113.0.203 8080\r\nTo: c\r\n", PROBE_PLACE_subject, PROBE_ENCODING_reversed },
		{ "Subject: MjAzLjAuMTEzLjEwOjgwODA=\r\n", PROBE_PLACE_subject, PROBE_ENCODING_base64 },
		{ "Subject: =?utf-8?B?MjAzLjAuMTEzLjEwOjgwODA=?=\r\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
		{ "Subject: =?ISO-2022-JP?b?MjAzLjAuMTEzLjEw?=\r\n =?ISO-2022-JP?b?OjgwODA?=\r\n", PROBE_PLACE_subject,
		  PROBE_ENCODING_dotted },
		{ "Subject: =?utf-8*en?Q?203.0.113.10=3A8080?=\r\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
		{ "Subject: =?utf-16?B?//4yADAAMwAuADAALgAxADEAMwAuADEAMAA6ADgAMAA4ADAA?=\r\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
		{ "Subject: =?UTF-16BE*en?B?AHgAIAAyADAAMwAuADAALgAxADEAMwAuADEAMAA6ADgAMAA4ADA=?=\r\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
		{ "Subject: =?utf-16le?Q?3=004=000=005=008=000=003=007=008=006=00:=008=000=008=000=00?=\r\n",
		  PROBE_PLACE_subject, PROBE_ENCODING_decimal },
		{ "Subject: =?us-ascii?q?203.0.113.10_8080?=\r\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
		{ "Subject: =?us-ascii?q?203.0.113.?= \t =?x?B?MTA=?=:8080\r\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
		{ "Subject: 203.0.113.10 =?us-ascii?q?8080?=\r\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
		{ "Subject: =?utf-8?Q?MjAzLjAuMTEzLjEwOjgwODA=3D?=\r\n", PROBE_PLACE_subject, PROBE_ENCODING_base64 },
		{ "Subject: =?utf-8?B?TWpBekxqQXVNVEV6TGpFd09qZ3dPREE9?=\r\n", PROBE_PLACE_subject, PROBE_ENCODING_base64 },
		{ "Subject: =?utf-8?B?MjAzLjAuMTEzLjEwOjgwODA", PROBE_PLACE_subject, PROBE_ENCODING_base64 }, /* no word */
		{ "Message-ID: <203.0.113.10.8080.2@h.example>\r\n", PROBE_PLACE_message_id, PROBE_ENCODING_dotted },
		{ "Message-Id: <MjAzLjAuMTEzLjEwOjgwODA@h>\r\n", PROBE_PLACE_message_id, PROBE_ENCODING_base64 },
		{ "X-Proxy: CB00710A:8080\r\n", PROBE_PLACE_header, PROBE_ENCODING_hex },
		{ "To: =?utf-8?B?MjAzLjAuMTEzLjEwOjgwODA=?= <a@b>\r\n", PROBE_PLACE_header, PROBE_ENCODING_dotted },
		{ "Received: from [203.0.113.10]:8080\r\nMessage-ID: <203.0.113.10-8080@x>\r\n", PROBE_PLACE_message_id,
		  PROBE_ENCODING_dotted },
		{ "X: 203.0.113.10:8080\r\nMessage-ID: <1>\r\nSubject: =?x?Q?3405803786:8080?=\r\n", PROBE_PLACE_subject,
		  PROBE_ENCODING_decimal },
		{ "203.0.113.10:8080\r\n", PROBE_PLACE_body, PROBE_ENCODING_dotted },
		{ "1CB00710A:8080:6", PROBE_PLACE_body, PROBE_ENCODING_hex },
		{ "look at 203.0.113.10:8080\r\nX-A: b\r\n", PROBE_PLACE_body, PROBE_ENCODING_dotted },
		{ "Subject: 203.0.113.10\r\n8080: x\r\n", 0, 0 },
		{ "Subject: 203.0.113.10:80801\r\nX: 203.0.113.10\r\n", 0, 0 },
		{ "Subject: =?utf-8?Q?203.0.113.10=3A80801?=\r\n", 0, 0 },
		{ "Subject: =?utf-8?Q?203.0.113.10:8080=31?=\r\n", 0, 0 },
		{ "Subject: =?utf-8?B?MjAzLjAuMTEzLjExOjgwODA=?=\r\n", 0, 0 },
		{ "Subject: =?us-ascii?q?203.0.113.1?= 0:8080\r\n", 0, 0 },
		{ "", 0, 0 },
		{ "=?", 0, 0 },
	};
	struct scan_decoy decoy = decoy_of("203.0.113.10", 8080);

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		check_header(&decoy, slice_of_text(headers[i].header), headers[i].place, headers[i].encoding);
}

static void the_first_place_counts(void **state)
{
	struct scan_decoy decoy = decoy_of("203.0.113.10", 8080);
	struct probe_finding finding = { 0 };
	struct slice token = slice_of_text("a.203.0.113.10.8080@b");

	(void)state;
	probe_text(&decoy, &finding, PROBE_PLACE_rcpt_to, slice_of_text("203.0.113.10@8080.example"));
	assert_int_equal(finding.place, 0);
	probe_text(&decoy, &finding, PROBE_PLACE_header, token);
	assert_int_equal(finding.place, PROBE_PLACE_header);
	probe_text(&decoy, &finding, PROBE_PLACE_rcpt_to, token);
	assert_int_equal(finding.place, PROBE_PLACE_rcpt_to);
	probe_text(&decoy, &finding, PROBE_PLACE_helo, slice_of_text("cb00710a.8080.example"));
	assert_int_equal(finding.place, PROBE_PLACE_helo);
	assert_int_equal(finding.encoding, PROBE_ENCODING_hex);
	probe_text(&decoy, &finding, PROBE_PLACE_mail_from, token);
	assert_int_equal(finding.place, PROBE_PLACE_helo);
	probe_note(&finding, PROBE_PLACE_body, PROBE_ENCODING_base64);
	assert_int_equal(finding.encoding, PROBE_ENCODING_base64);
	probe_note(&finding, PROBE_PLACE_body, 0);
	assert_int_equal(finding.place, PROBE_PLACE_body);
	assert_true(probe_wants(&finding, PROBE_PLACE_subject));
	assert_false(probe_wants(&finding, PROBE_PLACE_message_id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings_are_found),
		cmocka_unit_test(near_misses_are_none),
		cmocka_unit_test(base64_is_found_on_any_alignment),
		cmocka_unit_test(near_misses_in_base64_are_none),
		cmocka_unit_test(base64_bodies_are_found_in_lines_of_any_length),
		cmocka_unit_test(quoted_printable_hides_nothing),
		cmocka_unit_test(a_decoy_follows_another),
		cmocka_unit_test(the_first_of_the_list_counts),
		cmocka_unit_test(ipv6_is_found_in_any_spelling),
		cmocka_unit_test(every_port_is_found),
		cmocka_unit_test(long_bodies_are_searched_to_their_end),
		cmocka_unit_test(every_length_is_searched),
		cmocka_unit_test(no_cut_changes_the_answer),
		cmocka_unit_test(mails_that_name_other_addresses_are_none),
		cmocka_unit_test(fields_are_told_apart),
		cmocka_unit_test(the_first_place_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
