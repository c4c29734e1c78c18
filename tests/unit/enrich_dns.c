/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enrich_dns.c - answers of a resolver, true, damaged and lying.
 *
 * In:  messages made byte by byte. Out: cmocka's verdict.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "enrichment/dns_answer.h"

#define CNAME 5

static uint8_t message[66000];
static size_t length;
static struct dns_answer answer;

static void put16(unsigned value)
{
	message[length++] = (uint8_t)(value >> 8);
	message[length++] = (uint8_t)value;
}

static void put_name(const char *name)
{
	while (*name) {
		size_t label = strcspn(name, ".");

		message[length++] = (uint8_t)label;
		memcpy(message + length, name, label);
		length += label;
		name += label + (name[label] == '.');
	}
	message[length++] = 0;
}

static void begin(unsigned flags, const char *question, unsigned type)
{
	length = 0;
	put16(0x1234);
	put16(flags);
	put16(1);
	put16(0);
	put16(0);
	put16(0);
	put_name(question);
	put16(type);
	put16(1);
}

static void set_answers(unsigned count)
{
	message[6] = (uint8_t)(count >> 8);
	message[7] = (uint8_t)count;
}

/* The head of a record; its data follow, and end_record writes their length. */
static size_t record(const char *name, unsigned type, unsigned ttl)
{
	set_answers((unsigned)(message[6] << 8 | message[7]) + 1);
	put_name(name);
	put16(type);
	put16(1);
	put16(ttl >> 16);
	put16(ttl);
	put16(0);
	return length;
}

static void end_record(size_t data)
{
	message[data - 2] = (uint8_t)((length - data) >> 8);
	message[data - 1] = (uint8_t)(length - data);
}

static void put_a(const char *name, const char *address, unsigned ttl)
{
	size_t data = record(name, DNS_A, ttl);

	assert_int_equal(inet_pton(AF_INET, address, message + length), 1);
	length += 4;
	end_record(data);
}

static void put_mx(const char *name, const char *exchanger, unsigned ttl)
{
	size_t data = record(name, DNS_MX, ttl);

	put16(10);
	put_name(exchanger);
	end_record(data);
}

static void put_cname(const char *name, const char *target)
{
	size_t data = record(name, CNAME, 50);

	put_name(target);
	end_record(data);
}

static void read_it(const char *name, enum dns_type type)
{
	/* a copy of just that size: a byte too much that is read is seen by the sanitizer */
	uint8_t *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, message, length);
	dns_answer_free(&answer);
	dns_answer_read(slice_of(copy, length), name, type, &answer);
	free(copy);
}

static void expect(const char *name, enum dns_type type, enum dns_state state, size_t count)
{
	read_it(name, type);
	if (answer.state != state || answer.count != count)
		fail_msg("state %d (%s), %zu records; expected %d, %zu", answer.state, answer.why ? answer.why : "",
			 answer.count, state, count);
	assert_true((answer.state == DNS_UNKNOWN) == (answer.why != NULL));
}

static void addresses_of_the_name(void **state)
{
	char text[ADDRESS_TEXT_BYTES];
	size_t data;

	(void)state;
	begin(0x8180, "mx.example.org", DNS_A);
	put_a("mx.example.org", "192.0.2.1", 300);
	put_a("MX.Example.org", "192.0.2.2", 200);
	put_a("other.example.org", "198.51.100.1", 100);
	expect("mx.example.org", DNS_A, DNS_FOUND, 2);
	assert_string_equal(address_text(&answer.addresses[1], text), "192.0.2.2");
	assert_int_equal(answer.ttl_seconds, 200);
	begin(0x8180, "mx.example.org", DNS_AAAA);
	data = record("mx.example.org", DNS_AAAA, 60);
	memset(message + length, 0xab, 16);
	length += 16;
	end_record(data);
	expect("mx.example.org", DNS_AAAA, DNS_FOUND, 1);
	assert_true(answer.addresses[0].ipv6);
}

static void exchangers_of_the_name(void **state)
{
	(void)state;
	begin(0x8180, "example.org", DNS_MX);
	put_mx("example.org", "MX1.Example.ORG", 3600);
	put_mx("example.org", "mx2.example.net", 60);
	put_mx("evil.example", "mx.evil.example", 1);
	expect("example.org", DNS_MX, DNS_FOUND, 2);
	assert_string_equal(answer.exchangers[0], "mx1.example.org");
	assert_string_equal(answer.exchangers[1], "mx2.example.net");
	assert_int_equal(answer.ttl_seconds, 60);
	assert_false(answer.takes_no_mail);
}

static void null_mx(void **state)
{
	(void)state;
	begin(0x8180, "example.org", DNS_MX);
	put_mx("example.org", "", 3600);
	expect("example.org", DNS_MX, DNS_FOUND, 0);
	assert_true(answer.takes_no_mail);
	begin(0x8180, "example.org", DNS_MX);
	put_mx("example.org", "", 3600);
	put_mx("example.org", "mx.example.org", 3600);
	expect("example.org", DNS_MX, DNS_FOUND, 1);
	assert_false(answer.takes_no_mail);
	assert_string_equal(answer.exchangers[0], "mx.example.org");
}

static void nothing_there(void **state)
{
	(void)state;
	begin(0x8183, "example.org", DNS_MX);
	expect("example.org", DNS_MX, DNS_NO_NAME, 0);
	begin(0x8180, "example.org", DNS_MX);
	expect("example.org", DNS_MX, DNS_NO_RECORD, 0);
	/* an alias to a name without such a record */
	begin(0x8180, "example.org", DNS_MX);
	put_cname("example.org", "example.net");
	expect("example.org", DNS_MX, DNS_NO_RECORD, 0);
}

static void aliases_are_followed(void **state)
{
	char name[32], target[32];

	(void)state;
	begin(0x8180, "a0.example", DNS_A);
	/* in any order */
	put_a("a9.example", "192.0.2.9", 300);
	for (int i = 8; i >= 0; i--) {
		snprintf(name, sizeof name, "a%d.example", i);
		snprintf(target, sizeof target, "a%d.example", i + 1);
		put_cname(name, target);
	}
	expect("a0.example", DNS_A, DNS_FOUND, 1);
	assert_int_equal(answer.ttl_seconds, 50);
	begin(0x8180, "a.example", DNS_A);
	put_cname("a.example", "b.example");
	put_cname("b.example", "a.example");
	expect("a.example", DNS_A, DNS_UNKNOWN, 0);
	begin(0x8180, "a.example", DNS_A);
	put_cname("a.example", "a.example");
	put_a("a.example", "192.0.2.9", 300);
	expect("a.example", DNS_A, DNS_UNKNOWN, 0);
	begin(0x8180, "a0.example", DNS_A);
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof name, "a%d.example", i);
		snprintf(target, sizeof target, "a%d.example", i + 1);
		put_cname(name, target);
	}
	put_a("a30.example", "192.0.2.9", 300);
	expect("a0.example", DNS_A, DNS_UNKNOWN, 0);
}

static void lies_are_no_answers(void **state)
{
	(void)state;
	/* another question, another type, no answer at all, another operation */
	begin(0x8180, "example.net", DNS_A);
	put_a("example.org", "192.0.2.1", 300);
	expect("example.org", DNS_A, DNS_UNKNOWN, 0);
	begin(0x8180, "example.org", DNS_AAAA);
	put_a("example.org", "192.0.2.1", 300);
	expect("example.org", DNS_A, DNS_UNKNOWN, 0);
	begin(0x0100, "example.org", DNS_A);
	put_a("example.org", "192.0.2.1", 300);
	expect("example.org", DNS_A, DNS_UNKNOWN, 0);
	begin(0x9180, "example.org", DNS_A);
	put_a("example.org", "192.0.2.1", 300);
	expect("example.org", DNS_A, DNS_UNKNOWN, 0);
	/* two questions, none */
	begin(0x8180, "example.org", DNS_A);
	message[5] = 2;
	expect("example.org", DNS_A, DNS_UNKNOWN, 0);
	message[5] = 0;
	expect("example.org", DNS_A, DNS_UNKNOWN, 0);
	/* about other names only */
	begin(0x8180, "example.org", DNS_A);
	put_a("example.net", "192.0.2.1", 300);
	expect("example.org", DNS_A, DNS_UNKNOWN, 0);
	/* failures, and an answer that is cut */
	for (unsigned rcode = 1; rcode < 16; rcode++) {
		begin(0x8180 | rcode, "example.org", DNS_A);
		expect("example.org", DNS_A, rcode == 3 ? DNS_NO_NAME : DNS_UNKNOWN, 0);
	}
	begin(0x8380, "example.org", DNS_A);
	put_a("example.org", "192.0.2.1", 300);
	expect("example.org", DNS_A, DNS_UNKNOWN, 0);
}

static void damage_is_told(void **state)
{
	size_t data;

	(void)state;
	/* more records than there are */
	begin(0x8180, "example.org", DNS_A);
	put_a("example.org", "192.0.2.1", 300);
	set_answers(10000);
	expect("example.org", DNS_A, DNS_UNKNOWN, 0);
	/* an address of five bytes, an exchanger that points behind the end */
	begin(0x8180, "example.org", DNS_A);
	data = record("example.org", DNS_A, 300);
	length += 5;
	end_record(data);
	expect("example.org", DNS_A, DNS_UNKNOWN, 0);
	begin(0x8180, "example.org", DNS_MX);
	data = record("example.org", DNS_MX, 300);
	put16(10);
	put16(0xffff);
	end_record(data);
	expect("example.org", DNS_MX, DNS_UNKNOWN, 0);
	/* a name that points at itself */
	begin(0x8180, "example.org", DNS_MX);
	data = record("example.org", DNS_MX, 300);
	put16(10);
	put16(0xc000 | (unsigned)length);
	end_record(data);
	expect("example.org", DNS_MX, DNS_UNKNOWN, 0);
	/* cut anywhere */
	begin(0x8180, "example.org", DNS_MX);
	put_mx("example.org", "mx1.example.org", 3600);
	put_mx("example.org", "mx2.example.org", 3600);
	while (length-- > 0) {
		read_it("example.org", DNS_MX);
		assert_int_equal(answer.state, DNS_UNKNOWN);
	}
}

static void ten_thousand_records_are_bounded(void **state)
{
	char exchanger[32];

	(void)state;
	begin(0x8180, "e.org", DNS_MX);
	for (int i = 0; length < 65000; i++) {
		snprintf(exchanger, sizeof exchanger, "m%d.e.org", i);
		put_mx("e.org", exchanger, 300);
	}
	expect("e.org", DNS_MX, DNS_FOUND, DNS_RECORDS);
	assert_true(answer.more);
	begin(0x8180, "e.org", DNS_A);
	while (length < 65000)
		put_a("e.org", "192.0.2.1", 300);
	expect("e.org", DNS_A, DNS_FOUND, DNS_RECORDS);
	assert_true(answer.more);
	/* longer than a message can be */
	while (length < 65800)
		put_a("e.org", "192.0.2.1", 300);
	expect("e.org", DNS_A, DNS_UNKNOWN, 0);
}

static void a_huge_ttl_is_none(void **state)
{
	(void)state;
	begin(0x8180, "e.org", DNS_A);
	put_a("e.org", "192.0.2.1", 0x80000000U);
	expect("e.org", DNS_A, DNS_FOUND, 1);
	assert_int_equal(answer.ttl_seconds, 0);
	dns_answer_free(&answer);
	dns_answer_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_name),
		cmocka_unit_test(exchangers_of_the_name),
		cmocka_unit_test(null_mx),
		cmocka_unit_test(nothing_there),
		cmocka_unit_test(aliases_are_followed),
		cmocka_unit_test(lies_are_no_answers),
		cmocka_unit_test(damage_is_told),
		cmocka_unit_test(ten_thousand_records_are_bounded),
		cmocka_unit_test(a_huge_ttl_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
