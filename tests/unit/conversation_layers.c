// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conversation_layers.c - protocols are told by their bytes, tunnels nest, pools are bounded.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "protocols/destination.h"
#include "visit.h"

#define BYTES(text) { (const uint8_t *)(text), sizeof(text) - 1 }

static const struct {
	struct slice says;
	const char *protocol;
} greetings[] = {
	{ BYTES("\0\0\0\xa4\xffSMBr\0\0\0\0"), "smb" },
	{ BYTES("\3\0\0\x29\x24\xe0\0\0\0\0\0Cookie: mstshash=x\r\n"), "rdp" },
	{ BYTES("\0\0\0\x66\xfeSMB\x40\0"), "smb" },
	{ BYTES("\0\0\x38\x66\xfeSMB\x40\0"), "smb" },
	{ BYTES("\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0"), "rdp" },
	{ BYTES("\3\0\0\x16\x11\xe0\0\0\0\5\0\xc1\2\1\0\xc2\2\1\2\xc0\1\x0a"), "s7" },
	{ BYTES("\3\0\0\x16\x11\xe0\0\0\0\5\0\xc0\2\1"), "rdp" },
	{ BYTES("\3\0\0\x60\x08\2\0\1"), "h323" },
	{ BYTES("\3\0\0\0\5\0\0\0\0"), "cassandra" },
	{ BYTES("\4\0\0\0\5\0\0\0\0"), "cassandra" },
	{ BYTES("SSH-2.0-Go\r\n"), "ssh" },
	{ BYTES("RFB 003.008\n"), "vnc" },
	{ BYTES("CONFIG GET dir\r\n"), "redis" },
	{ BYTES("slaveof 192.0.2.1 6379\r\n"), "redis" },
	{ BYTES("REGISTER sip:x SIP/2.0\r\n"), "sip" },
	{ BYTES("INVITE sip:x SIP/2.0\r\n"), "sip" },
	{ BYTES("DESCRIBE rtsp://x/ RTSP/1.0\r\n"), "rtsp" },
	{ BYTES("\x30\x25\2\1\1\x63\x20\4\0"), "ldap" },
	{ BYTES("\x30\x84\0\0\0\x2d\2\1\7\x63"), "ldap" },
	{ BYTES("\0\0\0\x08\4\xd2\x16\x2f"), "postgresql" },
	{ BYTES("\0\0\0\x54\0\3\0\0user\0"), "postgresql" },
	{ BYTES("\0\0\0\x2b\0\x12\0\3\0\0\0\1"), "kafka" },
	{ BYTES("\0\x5a\0\0\1\0\0\0\1\x36\1\x2c"), "oracle" },
	{ BYTES("\0\x9c\0\1\x1a\x2b\x3c\x4d\0\1"), "pptp" },
	{ BYTES("\0\x1e\0\6\1\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3"), "dns" },
	{ BYTES("\0\x0c\0\0\x10\0\0\0\0\0\0\0"), "unknown_binary" },
	{ BYTES("\x13\x37\0\0\0\6\1\x2b\x0e\1\0"), "modbus" },
	{ BYTES("\0\0\0\0\0\2\1\x11"), "modbus" },
	{ BYTES("\0\0\0\0\0\5\0\x2b\x0e\1\0"), "modbus" },
	{ BYTES("\0\1n"), "epmd" },
	{ BYTES("\0\x0e\x38\x11\x22\x33\x44\x55\x66\x77\x88\0\0\0\0\0"), "openvpn" },
	{ BYTES("\x12\1\0\x34\0\0\0\0"), "mssql" },
	{ BYTES("\x10\1\0\x90\0\0\1\0\x88"), "mssql" },
	{ BYTES("\x3a\0\0\0\xa7\x41\0\0\0\0\0\0\xd4\7\0\0\0\0\0\0admin.$cmd\0"), "mongodb" },
	{ BYTES("\x41\0\0\0\x3a\x30\0\0\xff\xff\xff\xff\xd4\7\0\0"), "mongodb" },
	{ BYTES("\1\0\0\0\0\xcd\0\1\0\0"), "dicom" },
	{ BYTES("\1\0\0\0\1\0\0\0\x08\x08"), "radmin" },
	{ BYTES("\1\1\0\1\0\x08\0\0\0\1"), "fastcgi" },
	{ BYTES("\x63\0\0\0\0\0\0\0\0\0\0\0"), "enip" },
	{ BYTES("\5\x64\5\xc9\0\0\0\0\x36\x4c"), "dnp3" },
	{ BYTES("\5\x64\0\1"), "socks5" },
	{ BYTES("\x68\4\7\0\0\0"), "iec104" },
	{ BYTES("fox a 1 -1 fox hello\n{\n"), "fox" },
	{ BYTES("l\0\x0b\0\0\0\0\0"), "x11" },
	{ BYTES("\x80\0\0\x28\x72\xfe\x1d\x13\0\0\0\0\0\0\0\2\0\1\x86\xa0"), "sunrpc" },
	{ BYTES("\x81\0\0\x44 CKFDENECFDEFFCFGEFFCCACACACACACA\0"), "netbios" },
	{ BYTES("\x43\x87\0\0\0\0\0\xbc"), "iscsi" },
	{ BYTES("\xe3\x36\0\0\0\1\x10"), "edonkey" },
	{ BYTES("\xfe\1\xfa\0\x0b"), "minecraft" },
	{ BYTES("\xac\xed\0\5sr"), "java_object" },
	{ BYTES("GIOP\1\2\1\0"), "giop" },
	{ BYTES("AMQP\0\0\x09\1"), "amqp" },
	{ BYTES("<stream:stream to='x'>"), "xmpp" },
	{ BYTES("( 2 ( edit-pipeline ) )"), "svn" },
	{ BYTES("0032git-upload-pack /project.git\0host=x\0"), "git" },
	{ BYTES("@PJL INFO ID\r\n"), "pjl" },
	{ BYTES("Gh0st\xad\0\0\0"), "gh0st" },
	{ BYTES("GNUTELLA CONNECT/0.6\r\n"), "gnutella" },
	{ BYTES("{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n"), "stratum" },
	{ BYTES("{\"id\":1,\"method\":\"eth_blockNumber\"}\n"), "unknown_text" },
	{ BYTES("ruok"), "zookeeper" },
	{ BYTES("CAPA\r\n"), "pop3" },
	{ BYTES("MODE READER\r\n"), "nntp" },
	{ BYTES("t3 12.2.1\nAS:255\n"), "t3" },
	{ BYTES("t3s 12.2.1\nAS:255\n"), "t3" },
	{ BYTES("CAP LS 302\r\n"), "irc" },
	{ BYTES("NICK x\r\nUSER x 0 * :x\r\n"), "irc" },
	{ BYTES("version\r\n"), "memcached" },
	{ BYTES("stats\r\n"), "memcached" },
	{ BYTES("\x13" "BitTorrent protocol\0\0"), "bittorrent" },
	{ BYTES("@RSYNCD: 31.0\n"), "rsync" },
	{ BYTES("JRMI\0\2K"), "jrmi" },
	{ BYTES("\x12\x34\0\1\x0a"), "ajp" },
	{ BYTES("\xff\xfd\3"), "telnet" },
	{ BYTES("\5\0\x0b\3\x10\0"), "dcerpc" },
	{ BYTES("*1\r\n$4\r\nPING\r\n"), "redis" },
	{ BYTES("PING\r\n"), "redis" },
	{ BYTES("CNXN\0\0\0\1"), "adb" },
	{ BYTES("\x10\x0c\0\4MQTT\4\2\0\0\0\0"), "mqtt" },
	{ BYTES("\x16\3\1\2\0\1\0\1\xfc\3\3"), "tls" },
	{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), "proxy_protocol" },
	{ BYTES("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\0"), "proxy_protocol" },
	{ BYTES("OPTIONS sip:nm SIP/2.0\r\n"), "sip" },
	{ BYTES("OPTIONS * HTTP/1.1\r\n"), "http" },
	{ BYTES("\x30\x0c\2\1\1\x60\7\2\1\3\4\0"), "ldap" },
	{ BYTES("\r\n\r\nEHLO x\r\n"), "smtp" },
	{ BYTES("\r\n\r\n"), "unknown_text" },
	{ BYTES("hello world\r\n"), "unknown_text" },
	{ BYTES("{\"jsonrpc\": \"2.0\"}"), "unknown_text" },
	{ BYTES("GE"), "unknown_text" },
	{ BYTES("\5"), "unknown_binary" },
	{ BYTES("\xde\xad\xbe\xef"), "unknown_binary" },
	{ BYTES("\6\1\0\0"), "unknown_binary" },
	{ BYTES("\4\1\0"), "socks4" },
	{ BYTES("\5\1"), "socks5" },
};

static void protocols_are_told_by_their_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		for (unsigned int cut = 0; cut < 3; cut++) {
			struct visit *visit = visit_open(8080);

			visit_begin(visit);
			visit_say_cut(visit, greetings[i].says, cut);
			visit_end(visit);
			print_message("greeting %zu, cut %u\n", i, cut);
			assert_true(visit_is(visit->access.protocol, greetings[i].protocol));
			assert_true(visit_slices_equal(visit->access.payload, greetings[i].says));
			assert_int_equal(visit->access.depth, DEPTH_payload);
			assert_int_equal(visit->access.class, !strcmp(greetings[i].protocol, "smtp") ? CLASS_mail : CLASS_other);
			visit_close(visit);
		}
	}
}

static void tunnels_nest_and_the_mail_names_the_innermost(void **state)
{
	static const char says[] = "CONNECT p1.example:3128 HTTP/1.0\r\n\r\n"
				   "\5\1\0\5\1\0\3\12p2.example\4\x38" /* 1080 */
				   "\4\1\0\x19\0\0\0\1\0mx.example.org\0"
				   "HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n";
	static const struct {
		const char *protocol, *host;
		int32_t port;
	} hops[] = { { "http", "p1.example", 3128 }, { "socks5", "p2.example", 1080 }, { "socks4a", "mx.example.org", 25 } };

	(void)state;
	for (unsigned int cut = 0; cut < 8; cut++) {
		struct visit *visit = visit_open(8080);
		struct record record;

		visit_begin(visit);
		visit_say_cut(visit, slice_of(says, sizeof(says) - 1), cut);
		visit_end(visit);
		assert_true(visit_is(visit->access.protocol, "http"));
		assert_true(visit_is(visit->access.relay_host, "p1.example"));
		assert_int_equal(visit->access.relay_port, 3128);
		assert_int_equal(visit->access.class, CLASS_tunnel);
		assert_int_equal(visit->access.depth, DEPTH_data);
		assert_int_equal(visit->access.hops, 3);
		for (unsigned int i = 0; i < 3; i++) {
			assert_true(visit_record(visit, RECORD_HOP, i, &record));
			assert_int_equal(record.hop.position, i);
			assert_int_equal(record.hop.level, i);
			assert_true(visit_is(record.hop.protocol, hops[i].protocol));
			assert_true(visit_is(record.hop.relay_host, hops[i].host));
			assert_int_equal(record.hop.relay_port, hops[i].port);
		}
		assert_true(visit_record(visit, RECORD_MAIL, 0, &record));
		assert_true(visit_is(record.mail.relay_host, "mx.example.org"));
		assert_int_equal(record.mail.relay_port, 25);
		visit_close(visit);
	}
}

static void nesting_ends_at_the_limit(void **state)
{
	struct visit *visit = visit_open(8080);

	(void)state;
	visit_begin(visit);
	for (unsigned int i = 0; i < 50; i++)
		visit_say(visit, "CONNECT p.example:3128 HTTP/1.0\r\n\r\n");
	visit_end(visit);
	assert_int_equal(visit->access.hops, CONVERSATION_MAX_LEVELS);
	assert_int_equal(visit->access.bytes_in, 50 * strlen("CONNECT p.example:3128 HTTP/1.0\r\n\r\n"));
	visit_close(visit);
}

static void a_stray_line_end_is_not_inner(void **state)
{
	struct visit *visit = visit_open(8080);

	(void)state;
	visit_begin(visit);
	visit_say(visit, "CONNECT 192.0.2.1:6667 HTTP/1.0\r\n\r\n\r\n");
	visit_end(visit);
	assert_int_equal(visit->access.depth, DEPTH_request);
	visit_close(visit);
}

static void the_first_request_decides(void **state)
{
	struct visit *visit = visit_open(8080);

	(void)state;
	visit_begin(visit);
	visit_say(visit, "GET http://a.example/ HTTP/1.1\r\n\r\nCONNECT b.example:25 HTTP/1.1\r\n\r\n");
	visit_end(visit);
	assert_true(visit_is(visit->access.relay_host, "a.example"));
	assert_int_equal(visit->access.relay_port, 80);
	assert_int_equal(visit->access.class, CLASS_web);
	assert_int_equal(visit->access.hops, 2);
	visit_close(visit);
}

static void a_payload_is_bounded_and_says_so(void **state)
{
	struct visit *visit = visit_open(8080);
	uint8_t *bytes = malloc(70000);

	(void)state;
	memset(bytes, 1, 70000);
	visit_begin(visit);
	visit_say_bytes(visit, slice_of(bytes, 65536));
	visit_say_bytes(visit, slice_of(bytes, 4464));
	visit_end(visit);
	assert_int_equal(visit->access.payload.length, 65536);
	assert_int_equal(visit->access.payload_truncated, 1);
	assert_int_equal(visit->access.bytes_in, 70000);
	free(bytes);
	visit_close(visit);
}

static void an_exhausted_pool_gives_nothing(void **state)
{
	struct visit *visit = visit_open(8080);
	struct conversation_start start = { .access = 1, .endpoints = visit->endpoints };
	struct conversation *some[5];
	struct conversation_result result;
	struct record_access access;

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		some[i] = conversation_begin(&visit->pool, &start, VISIT_NOW_NS, &visit->said, &result);
	assert_non_null(some[3]);
	assert_null(some[4]);
	conversation_end(&visit->pool, some[2], VISIT_NOW_NS, &access, visit->scratch);
	some[2] = conversation_begin(&visit->pool, &start, VISIT_NOW_NS, &visit->said, &result);
	assert_non_null(some[2]);
	for (unsigned int i = 0; i < 4; i++)
		conversation_end(&visit->pool, some[i], VISIT_NOW_NS, &access, visit->scratch);
	assert_int_equal(visit->pool.used, 0);
	visit_close(visit);
}

/* With few chunks every append fails somewhere: nothing may crash, leak, or read what is not there. */
static void a_small_chunk_pool_breaks_nothing(void **state)
{
	static const char says[] = "CONNECT mx.example.org:25 HTTP/1.0\r\nProxy-Authorization: Basic Ym9iOmFsaWNl\r\n\r\n"
				   "EHLO x\r\nAUTH LOGIN\r\nYm9i\r\nYWxpY2U=\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
				   "DATA\r\nSubject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n";

	(void)state;
	for (uint32_t chunks = 0; chunks < 16; chunks++) {
		for (unsigned int cut = 0; cut < 3; cut++) {
			struct visit *visit = visit_open(8080);

			visit->chunks.chunks = chunks;
			visit_begin(visit);
			visit_say_cut(visit, slice_of(says, sizeof(says) - 1), cut);
			visit_half_close(visit);
			visit_end(visit);
			assert_int_equal(visit->access.bytes_in, sizeof(says) - 1);
			assert_null(memmem(visit->access.payload.bytes, visit->access.payload.length, "YWxpY2U", 7));
			visit->chunks.chunks = VISIT_CHUNKS;
			visit_close(visit);
		}
	}
}

static void a_full_record_buffer_is_counted(void **state)
{
	struct visit *visit = visit_open(8080);

	(void)state;
	visit->records.capacity = 8;
	visit_begin(visit);
	visit_say(visit, "CONNECT mx.example.org:25 HTTP/1.0\r\n\r\nHELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n");
	visit_end(visit);
	assert_int_equal(visit->records.records, 0);
	assert_int_equal(visit->records.refused, 4); /* hop, part, mail, recipient */
	visit_close(visit);
}

static void destinations_are_flagged(void **state)
{
	static const struct {
		const char *host;
		uint8_t flags;
	} hosts[] = {
		{ "127.0.0.1", HOP_LOOPBACK }, { "127.1", HOP_LOOPBACK }, { "2130706433", HOP_LOOPBACK }, { "0x7f.1", HOP_LOOPBACK },
		{ "LocalHost.", HOP_LOOPBACK }, { "a.localhost", HOP_LOOPBACK }, { "::1", HOP_LOOPBACK }, { "::ffff:127.0.0.1", HOP_LOOPBACK },
		{ "10.1.2.3", HOP_PRIVATE }, { "172.16.0.1", HOP_PRIVATE }, { "172.32.0.1", 0 }, { "192.168.1.1", HOP_PRIVATE },
		{ "169.254.1.1", HOP_PRIVATE }, { "fe80::1", HOP_PRIVATE }, { "fd00::1", HOP_PRIVATE }, { "2001:db8::1", 0 },
		{ "203.0.113.77", HOP_DECOY }, { "198.51.100.200", HOP_SOURCE }, { "198.51.101.1", 0 }, { "example.org", 0 }, { "", 0 },
		{ "abc.def", 0 }, { "1.2.3.4.5", 0 },
	};
	struct visit *visit = visit_open(8080);

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		print_message("%s\n", hosts[i].host);
		assert_int_equal(destination_flags(&visit->policy, slice_of_text(hosts[i].host), &visit->endpoints.source), hosts[i].flags);
	}
	visit_close(visit);
}

static void keyed_hashes_are_siphash(void **state)
{
	/* The first vectors of the SipHash-2-4 paper's appendix: key 00..0f, messages of 0, 1 and 15 bytes 00, 01, ... */
	static const uint64_t key[2] = { 0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull };
	uint8_t message[15], one[32], other[32];
	const uint64_t other_key[2] = { 1, 2 };

	(void)state;
	for (uint8_t i = 0; i < sizeof(message); i++)
		message[i] = i;
	assert_true(keyed_hash(key, slice_of(message, 15)) == 0xa129ca6149be45e5ull);
	assert_true(keyed_hash(key, slice_of(message, 0)) == 0x726fdb47dd0e0e31ull);
	secret_hash(key, slice_of(message, 15), one);
	secret_hash(other_key, slice_of(message, 15), other);
	assert_memory_not_equal(one, other, sizeof(one));
	secret_hash(key, slice_of(message, 14), other);
	assert_memory_not_equal(one, other, sizeof(one));
	secret_hash(key, slice_of(message, 15), other);
	assert_memory_equal(one, other, sizeof(one));
}

static void base64_is_decoded_or_refused(void **state)
{
	uint8_t out[8];

	(void)state;
	assert_int_equal(base64_decode(slice_of_text("Ym9iOmFs"), out, sizeof(out)), 6);
	assert_memory_equal(out, "bob:al", 6);
	assert_int_equal(base64_decode(slice_of_text("Ym8="), out, sizeof(out)), 2);
	assert_int_equal(base64_decode(slice_of_text("Ym8"), out, sizeof(out)), 2);
	assert_int_equal(base64_decode(slice_of_text(""), out, sizeof(out)), 0);
	assert_true(base64_decode(slice_of_text("Ym!8"), out, sizeof(out)) < 0);
	assert_true(base64_decode(slice_of_text("AAAAAAAAAAAAAAAAAAAA"), out, sizeof(out)) < 0);
}

static void a_conversation_is_small(void **state)
{
	(void)state;
	print_message("%zu bytes\n", conversation_bytes());
	assert_true(conversation_bytes() <= 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protocols_are_told_by_their_bytes),
		cmocka_unit_test(tunnels_nest_and_the_mail_names_the_innermost),
		cmocka_unit_test(nesting_ends_at_the_limit),
		cmocka_unit_test(a_stray_line_end_is_not_inner),
		cmocka_unit_test(the_first_request_decides),
		cmocka_unit_test(a_payload_is_bounded_and_says_so),
		cmocka_unit_test(an_exhausted_pool_gives_nothing),
		cmocka_unit_test(a_small_chunk_pool_breaks_nothing),
		cmocka_unit_test(a_full_record_buffer_is_counted),
		cmocka_unit_test(destinations_are_flagged),
		cmocka_unit_test(keyed_hashes_are_siphash),
		cmocka_unit_test(base64_is_decoded_or_refused),
		cmocka_unit_test(a_conversation_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
