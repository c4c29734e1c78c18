// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimic_socks.c - SOCKS4, 4a and 5: what is answered, what is recorded, what is hidden.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "visit.h"

#define BYTES(text) { (const uint8_t *)(text), sizeof(text) - 1 }
#define SLICE(text) slice_of(text, sizeof(text) - 1)

static const struct socks_case {
	const char *name;
	struct slice says, hears;
	const char *protocol, *method, *host, *user_id;
	int32_t port;
	uint8_t flags, depth, class;
	unsigned int hops;
} cases[] = {
	{ "socks4", BYTES("\4\1\0\x50\x5d\xb8\xd8\x77" "root\0"), BYTES("\0\x5a\0\0\0\0\0\0"), "socks4", "CONNECT", "93.184.216.119",
	  "root", 80, 0, DEPTH_request, CLASS_web, 1 },
	{ "socks4a", BYTES("\4\1\1\xbb\0\0\0\7nmap\0Example.COM\0"), BYTES("\0\x5a\0\0\0\0\0\0"), "socks4a", "CONNECT", "Example.COM",
	  "nmap", 443, 0, DEPTH_request, CLASS_web, 1 },
	{ "socks4 to loopback, mail", BYTES("\4\1\0\x19\x7f\0\0\1\0"), BYTES("\0\x5a\0\0\0\0\0\0" "220 "), "socks4", "CONNECT",
	  "127.0.0.1", "", 25, HOP_LOOPBACK, DEPTH_request, CLASS_mail, 1 },
	{ "socks4 bind", BYTES("\4\2\0\x50\1\2\3\4\0"), BYTES("\0\x5b\0\0\0\0\0\0"), "socks4", "BIND", "1.2.3.4", "", 80, HOP_REFUSED,
	  DEPTH_request, CLASS_web, 1 },
	{ "socks4 without the end of its user id", BYTES("\4\1\0\x50\1\2\3\4abc"), BYTES(""), "socks4", NULL, "", NULL, -1, 0,
	  DEPTH_payload, CLASS_other, 0 },
	{ "socks5 pipelined", BYTES("\5\1\0\5\1\0\3\13example.org\x1f\x90"), BYTES("\5\0\5\0\0\1\0\0\0\0\0\0"), "socks5", "CONNECT",
	  "example.org", "", 8080, 0, DEPTH_request, CLASS_tunnel, 1 },
	{ "socks5 IPv6", BYTES("\5\2\0\2\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\xbb"), BYTES("\5\0\5\0\0\1\0\0\0\0\0\0"),
	  "socks5", "CONNECT", "2001:db8::1", "", 443, 0, DEPTH_request, CLASS_web, 1 },
	{ "socks5 to a decoy", BYTES("\5\1\0\5\1\0\1\xcb\0\x71\5\0\x50"), BYTES("\5\0\5\0\0\1\0\0\0\0\0\0"), "socks5", "CONNECT",
	  "203.0.113.5", "", 80, HOP_DECOY, DEPTH_request, CLASS_web, 1 },
	{ "socks5 back to the visitor", BYTES("\5\1\0\5\1\0\1\xc6\x33\x64\x09\0\x50"), BYTES("\5\0\5\0\0\1\0\0\0\0\0\0"), "socks5",
	  "CONNECT", "198.51.100.9", "", 80, HOP_SOURCE, DEPTH_request, CLASS_web, 1 },
	{ "socks5 bind", BYTES("\5\1\0\5\2\0\1\1\2\3\4\0\x50"), BYTES("\5\0\5\7\0\1\0\0\0\0\0\0"), "socks5", "BIND", "1.2.3.4", "", 80,
	  HOP_REFUSED, DEPTH_request, CLASS_web, 1 },
	{ "socks5 udp", BYTES("\5\1\0\5\3\0\1\0\0\0\0\0\0"), BYTES("\5\0\5\7\0\1\0\0\0\0\0\0"), "socks5", "UDP ASSOCIATE", "0.0.0.0",
	  "", 0, HOP_REFUSED, DEPTH_request, CLASS_tunnel, 1 },
	{ "socks5 greeting only", BYTES("\5\2\0\1"), BYTES("\5\0"), "socks5", NULL, "", NULL, -1, 0, DEPTH_payload, CLASS_other, 0 },
	{ "socks5 unknown address type", BYTES("\5\1\0\5\1\0\7\1\2\3\4"), BYTES("\5\0\5\x08\0\1\0\0\0\0\0\0"), "socks5", NULL, "", NULL,
	  -1, 0, DEPTH_payload, CLASS_other, 0 },
	{ "socks5 request without a greeting's method", BYTES("\5\1\2\1\3bob\5alice\5\1\0\1\xc0\xa8\0\2\0\x16"),
	  BYTES("\5\2\1\0\5\0\0\1\0\0\0\0\0\0"), "socks5", "CONNECT", "192.168.0.2", "", 22, HOP_PRIVATE, DEPTH_request, CLASS_tunnel, 1 },
	{ "socks5 password though 00 was offered", BYTES("\5\3\0\3\2\1\3bob\5alice\5\1\0\1\xc0\xa8\0\2\0\x16"),
	  BYTES("\5\0\1\0\5\0\0\1\0\0\0\0\0\0"), "socks5", "CONNECT", "192.168.0.2", "", 22, HOP_PRIVATE, DEPTH_request, CLASS_tunnel, 1 },
};

static void check_case(const struct socks_case *want, unsigned int cut)
{
	struct visit *visit = visit_open(1080);
	struct record hop;

	visit_begin(visit);
	visit_say_cut(visit, want->says, cut);
	visit_end(visit);
	print_message("%s, cut %u\n", want->name, cut);
	assert_true(visit->text_length >= want->hears.length);
	assert_memory_equal(visit->text, want->hears.bytes, want->hears.length);
	assert_true(visit_is(visit->access.protocol, want->protocol));
	assert_true(visit_is(visit->access.relay_host, want->host));
	assert_int_equal(visit->access.relay_port, want->port);
	assert_int_equal(visit->access.depth, want->depth);
	assert_int_equal(visit->access.class, want->class);
	assert_int_equal(visit->access.hops, want->hops);
	assert_int_equal(visit_count(visit, RECORD_HOP), want->hops);
	if (want->method) {
		assert_true(visit_record(visit, RECORD_HOP, 0, &hop));
		assert_true(visit_is(hop.hop.method, want->method));
		assert_true(visit_is(hop.hop.protocol, want->protocol));
		assert_true(visit_is(hop.hop.relay_host, want->host));
		assert_true(visit_is(hop.hop.user_id, want->user_id));
		assert_int_equal(hop.hop.relay_port, want->port);
		assert_int_equal(hop.hop.flags, want->flags);
		assert_int_equal(hop.hop.level, 0);
	}
	visit_close(visit);
}

static void requests_are_answered_and_recorded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned int cut = 0; cut < 4; cut++)
			check_case(&cases[i], cut);
}

static void a_password_leaves_only_as_a_hash(void **state)
{
	struct visit *visit = visit_open(1080);
	struct record record;
	uint8_t hash[32];

	(void)state;
	visit_begin(visit);
	visit_say_bytes(visit, SLICE("\5\1\2\1\3bob\5alice"));
	visit_end(visit);
	assert_true(visit_record(visit, RECORD_CREDENTIAL, 0, &record));
	assert_true(visit_is(record.credential.mechanism, "socks5"));
	assert_true(visit_is(record.credential.username, "bob"));
	assert_int_equal(record.credential.secret.length, 0);
	assert_int_equal(record.credential.secret_bytes, 5);
	secret_hash(visit->policy.secret_key, slice_of_text("alice"), hash);
	assert_memory_equal(record.credential.secret_hash, hash, sizeof(hash));
	assert_true(visit_slices_equal(visit->access.payload, SLICE("\5\1\2\1\3bob\5*****")));
	assert_null(memmem(visit->records.bytes, visit->records.length, "alice", 5));
	visit_close(visit);
}

static void a_password_that_broke_off_is_blanked(void **state)
{
	struct visit *visit = visit_open(1080);

	(void)state;
	visit_begin(visit);
	visit_say_bytes(visit, SLICE("\5\1\2\1\3bob\5ali"));
	visit_end(visit);
	assert_true(visit_slices_equal(visit->access.payload, SLICE("\5\1\2\1\3bob\5***")));
	visit_close(visit);
}

/* Clients that begin the password's message with another version than 1. */
static void a_password_in_odd_clothes_is_blanked(void **state)
{
	const struct {
		struct slice says, payload;
	} odd[] = {
		{ SLICE("\5\1\2\5\3bob\5alice"), SLICE("\5\1\2***********") },
		{ SLICE("\5\1\2\2\3bob\5alice"), SLICE("\5\1\2***********") },
		{ SLICE("\5\1\2\5\3b"), SLICE("\5\1\2***") },
		{ SLICE("\5\1\2\1\3bob\5alice\7alice"), SLICE("\5\1\2\1\3bob\5*****\7alice") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		for (unsigned cut = 0; cut < 2; cut++) {
			struct visit *visit = visit_open(1080);

			visit_begin(visit);
			visit_say_cut(visit, odd[i].says, cut);
			visit_end(visit);
			assert_true(visit_slices_equal(visit->access.payload, odd[i].payload));
			visit_close(visit);
		}
}

static void secrets_are_clear_where_the_operator_says_so(void **state)
{
	struct visit *visit = visit_open(1080);
	struct record record;

	(void)state;
	visit->policy.secrets_clear = true;
	visit_begin(visit);
	visit_say_bytes(visit, SLICE("\5\1\2\1\3bob\5alice"));
	visit_end(visit);
	assert_true(visit_record(visit, RECORD_CREDENTIAL, 0, &record));
	assert_true(visit_is(record.credential.secret, "alice"));
	assert_non_null(memmem(visit->access.payload.bytes, visit->access.payload.length, "alice", 5));
	visit_close(visit);
}

static void an_overlong_user_id_is_no_request(void **state)
{
	struct visit *visit = visit_open(1080);
	char *long_id = malloc(6000);

	(void)state;
	memset(long_id, 'A', 6000);
	visit_begin(visit);
	visit_say_bytes(visit, SLICE("\4\1\0\x50\1\2\3\4"));
	visit_say_bytes(visit, slice_of(long_id, 6000));
	visit_end(visit);
	assert_int_equal(visit->access.depth, DEPTH_payload);
	assert_int_equal(visit->access.payload.length, 6008);
	assert_int_equal(visit_count(visit, RECORD_HOP), 0);
	assert_true(visit->wish.close);
	free(long_id);
	visit_close(visit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_answered_and_recorded),
		cmocka_unit_test(a_password_leaves_only_as_a_hash),
		cmocka_unit_test(a_password_that_broke_off_is_blanked),
		cmocka_unit_test(a_password_in_odd_clothes_is_blanked),
		cmocka_unit_test(secrets_are_clear_where_the_operator_says_so),
		cmocka_unit_test(an_overlong_user_id_is_no_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
