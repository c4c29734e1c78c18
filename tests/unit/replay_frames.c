// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replay_frames.c - what replay reads out of a frame, and what it may change in one.
 *
 * In:  frames made by hand. Out: sightings, mended and split frames, roles, moments. Run by tests/run; needs nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/decoys.h"
#include "replay/mend.h"
#include "replay/moment.h"
#include "replay/split.h"

#define ETHERNET 14

/* Ethernet, IPv4 of total bytes, TCP with flags; payload of 'x'. Returns the frame's length. */
static uint32_t ipv4_frame(uint8_t *frame, uint32_t payload, uint8_t flags)
{
	static const uint8_t head[54] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, 6, 0, 0,
					  192, 0, 2, 1, 192, 0, 2, 99, 0x9c, 0x40, 0x1f, 0x90, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 9, 0x50 };
	uint32_t total = 40 + payload;

	memcpy(frame, head, sizeof(head));
	frame[16] = (uint8_t)(total >> 8);
	frame[17] = (uint8_t)total;
	frame[47] = flags;
	memset(frame + 54, 'x', payload);
	return 54 + payload;
}

/* Ethernet, IPv6, then these extension headers (each of 8 bytes) and TCP. */
static uint32_t ipv6_frame(uint8_t *frame, const uint8_t *extensions, unsigned count, uint32_t payload)
{
	uint8_t *at = frame + ETHERNET + 40, *next = frame + ETHERNET + 6;
	uint32_t length = count * 8 + 20 + payload;

	memset(frame, 0, ETHERNET + 40 + length);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	frame[14] = 0x60;
	frame[18] = (uint8_t)(length >> 8);
	frame[19] = (uint8_t)length;
	frame[ETHERNET + 8] = 0x20;
	frame[ETHERNET + 24] = 0x20;
	frame[ETHERNET + 39] = 9;
	for (unsigned i = 0; i < count; i++) {
		*next = extensions[i];
		next = at;
		at += 8;
	}
	*next = 6;
	at[1] = 80;
	at[2] = 0x1f;
	at[3] = 0x90;
	at[12] = 0x50;
	at[13] = SIGHTING_ACK;
	return ETHERNET + 40 + length;
}

static void ipv4_is_read(void **state)
{
	struct sighting sighting;
	uint8_t frame[256];
	uint32_t bytes = ipv4_frame(frame, 10, SIGHTING_ACK | SIGHTING_FIN);

	(void)state;
	sighting_of(slice_of(frame, bytes + 6), &sighting); /* an Ethernet trailer is no payload */
	assert_true(sighting.ip && sighting.tcp);
	assert_int_equal(sighting.source.bytes[3], 1);
	assert_int_equal(sighting.destination.bytes[3], 99);
	assert_int_equal(sighting.source_port, 40000);
	assert_int_equal(sighting.destination_port, 8080);
	assert_int_equal(sighting.seq, 0xfffffff0);
	assert_int_equal(sighting.ack, 9);
	assert_int_equal(sighting.flags, SIGHTING_ACK | SIGHTING_FIN);
	assert_int_equal(sighting.payload_bytes, 10);
	assert_int_equal(sighting.payload_offset, 54);
	assert_int_equal(sighting.tcp_offset, 34);
}

static void fragments_and_lies_are_no_tcp(void **state)
{
	struct sighting sighting;
	uint8_t frame[256];
	uint32_t bytes = ipv4_frame(frame, 10, SIGHTING_ACK);

	(void)state;
	frame[20] = 0x20; /* more fragments */
	sighting_of(slice_of(frame, bytes), &sighting);
	assert_true(sighting.ip && !sighting.tcp);
	ipv4_frame(frame, 10, SIGHTING_ACK);
	frame[14] = 0x44; /* header of 16 bytes */
	sighting_of(slice_of(frame, bytes), &sighting);
	assert_false(sighting.tcp);
	ipv4_frame(frame, 10, SIGHTING_ACK);
	frame[46] = 0xf0; /* TCP header of 60 bytes in a packet of 50 */
	sighting_of(slice_of(frame, bytes), &sighting);
	assert_false(sighting.tcp);
}

static void ipv6_extension_headers_are_walked(void **state)
{
	static const uint8_t walked[] = { 0, 43, 60, 44 };
	struct sighting sighting;
	uint8_t frame[512];
	uint32_t bytes = ipv6_frame(frame, walked, 4, 5);

	(void)state;
	sighting_of(slice_of(frame, bytes), &sighting);
	assert_true(sighting.tcp && sighting.source.ipv6);
	assert_int_equal(sighting.destination.bytes[15], 9);
	assert_int_equal(sighting.destination_port, 8080);
	assert_int_equal(sighting.payload_bytes, 5);
	assert_int_equal(sighting.payload_offset, bytes - 5);
	frame[ETHERNET + 40 + 24 + 3] = 1; /* the fragment header: more follow */
	sighting_of(slice_of(frame, bytes), &sighting);
	assert_true(sighting.ip && !sighting.tcp);
	frame[ETHERNET + 40 + 1] = 255; /* an extension header longer than the packet */
	sighting_of(slice_of(frame, bytes), &sighting);
	assert_false(sighting.tcp);
}

/* Every cut and every single changed byte of frames: nothing is read behind them (the sanitizer watches). */
static void no_frame_is_read_behind_its_end(void **state)
{
	static const uint8_t extensions[] = { 0, 44 };
	struct sighting sighting;
	uint8_t whole[512];

	(void)state;
	for (unsigned which = 0; which < 2; which++) {
		uint32_t bytes = which ? ipv6_frame(whole, extensions, 2, 9) : ipv4_frame(whole, 9, SIGHTING_SYN);

		for (uint32_t cut = 0; cut <= bytes; cut++) {
			for (unsigned change = 0; change < 64 + cut; change++) {
				uint8_t *frame = malloc(cut ? cut : 1);

				assert_non_null(frame);
				memcpy(frame, whole, cut);
				if (change < cut)
					frame[change] = (uint8_t)(whole[change] ^ 0xff);
				sighting_of(slice_of(frame, cut), &sighting);
				mend_length(frame, cut);
				free(frame);
			}
		}
	}
}

static void lengths_are_mended(void **state)
{
	struct sighting sighting;
	uint8_t frame[256];
	uint32_t bytes = ipv4_frame(frame, 30, SIGHTING_ACK);

	(void)state;
	assert_false(mend_length(frame, bytes));
	assert_false(mend_length(frame, bytes + 6)); /* a trailer stays one */
	assert_true(mend_length(frame, bytes - 8));
	sighting_of(slice_of(frame, bytes - 8), &sighting);
	assert_int_equal(sighting.payload_bytes, 22);
	frame[16] = frame[17] = 0;
	assert_true(mend_length(frame, bytes));
	sighting_of(slice_of(frame, bytes), &sighting);
	assert_int_equal(sighting.payload_bytes, 30);
	bytes = ipv6_frame(frame, NULL, 0, 30);
	frame[18] = frame[19] = 0;
	assert_true(mend_length(frame, bytes));
	sighting_of(slice_of(frame, bytes), &sighting);
	assert_int_equal(sighting.payload_bytes, 30);
}

static void merged_frames_are_split(void **state)
{
	static struct split split;
	uint8_t *frame = malloc(70000), got[40000];
	struct sighting sighting, piece_sighting;
	uint32_t length = 0, expected_seq = 0xfffffff0, bytes;
	unsigned pieces = 0;
	struct slice piece;

	(void)state;
	assert_non_null(frame);
	bytes = ipv4_frame(frame, 30000, SIGHTING_ACK | SIGHTING_FIN);
	for (uint32_t i = 0; i < 30000; i++)
		frame[54 + i] = (uint8_t)(i * 7 + i / 251);
	sighting_of(slice_of(frame, bytes), &sighting);
	assert_true(split_begin(&split, slice_of(frame, bytes), &sighting));
	while ((piece = split_next(&split)).length) {
		assert_true(piece.length <= SPLIT_FRAME_BYTES);
		sighting_of(piece, &piece_sighting);
		assert_true(piece_sighting.tcp);
		assert_int_equal(piece_sighting.seq, expected_seq);
		assert_int_equal(piece_sighting.payload_offset + piece_sighting.payload_bytes, piece.length);
		memcpy(got + length, piece.bytes + piece_sighting.payload_offset, piece_sighting.payload_bytes);
		length += piece_sighting.payload_bytes;
		expected_seq += piece_sighting.payload_bytes;
		assert_int_equal(!!(piece_sighting.flags & SIGHTING_FIN), length == 30000);
		pieces++;
	}
	assert_int_equal(pieces, 4);
	assert_int_equal(length, 30000);
	assert_memory_equal(got, frame + 54, 30000);
	/* what fits, or is cut short, stays as it is */
	assert_false(split_begin(&split, slice_of(frame, bytes - 1), &sighting));
	bytes = ipv4_frame(frame, 8964, SIGHTING_ACK);
	sighting_of(slice_of(frame, bytes), &sighting);
	assert_false(split_begin(&split, slice_of(frame, bytes), &sighting));
	free(frame);
}

static void decoys_are_told_apart(void **state)
{
	static const char *const texts[] = { "2001:db8:18::/112", "198.18.0.0/16", "192.0.2.1", "203.0.113.128/25" };
	static const struct {
		const char *address;
		bool decoy;
	} cases[] = {
		{ "198.17.255.255", false }, { "198.18.0.0", true }, { "198.18.255.255", true }, { "198.19.0.0", false },
		{ "192.0.2.1", true }, { "192.0.2.2", false }, { "192.0.2.0", false }, { "203.0.113.127", false },
		{ "203.0.113.128", true }, { "0.0.0.0", false }, { "255.255.255.255", false }, { "2001:db8:18::ffff", true },
		{ "2001:db8:18::1:0", false }, { "::", false }, { "::1", false },
	};
	static const uint16_t ports[] = { 25, 65535 };
	struct handshake_roles roles;
	struct prefix prefixes[4];
	struct decoys *decoys;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(prefix_parse(texts[i], &prefixes[i]), 0);
	decoys = decoys_new(prefixes, 4, ports, 2);
	assert_non_null(decoys);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sighting sighting = { .ip = true, .tcp = true, .source_port = 65535, .destination_port = 8080 };

		assert_int_equal(address_parse(cases[i].address, &sighting.source), 0);
		assert_int_equal(decoys_have(decoys, &sighting.source), cases[i].decoy);
		sighting.destination.ipv6 = sighting.source.ipv6;
		decoys_roles(decoys, &sighting, &roles);
		assert_int_equal(roles.source_is_decoy, cases[i].decoy);
		assert_false(roles.destination_is_decoy);
		assert_true(roles.source_port_is_decoys && !roles.destination_port_is_decoys);
	}
	decoys_free(decoys);
}

static void moments_are_read(void **state)
{
	static const struct {
		const char *text;
		int last;
		uint64_t time_ns;
	} cases[] = {
		{ "1970-01-02", 0, 86400000000000 },
		{ "1970-01-02", 1, 172800000000000 },
		{ "2006-09-01T08:30", 1, 1157099400000000000 },
		{ "2006-09-01 08:30:15.5+09:00", 0, 1157067015500000000 },
		{ "2006-09-01T08:30:15-0130", 0, 1157104815000000000 },
		{ "2008-02-29T00:00Z", 0, 1204243200000000000 },
		{ "@1157068800", 0, 1157068800000000000 },
	};
	static const char *const wrong[] = { "", "2006", "2006-13-01", "2006-02-31", "2006-09-01T", "2006-09-01T8:30", "2006-09-01x",
					     "2006-09-01T08:30+", "@", "@-5", "@99999999999999", "06-09-01", "2006-09-01T08:30:15.",
					     " 2006-09-01" };
	uint64_t from, to;
	char text[MOMENT_TEXT_BYTES];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(moment_parse(cases[i].text, cases[i].last, &from), 0);
		assert_true(from == cases[i].time_ns);
	}
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(moment_parse(wrong[i], 0, &from), -EINVAL);
	assert_int_equal(moment_parse_span("2006-09-01,2007-12-31", &from, &to), 0);
	assert_string_equal(moment_text(to, text), "2008-01-01T00:00:00.000000Z");
	assert_int_equal(moment_parse_span("2006-09-01", &from, &to), -EINVAL);
	assert_int_equal(moment_parse_span("2006-09-02T00:00,2006-09-01T00:00", &from, &to), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_is_read),
		cmocka_unit_test(fragments_and_lies_are_no_tcp),
		cmocka_unit_test(ipv6_extension_headers_are_walked),
		cmocka_unit_test(no_frame_is_read_behind_its_end),
		cmocka_unit_test(lengths_are_mended),
		cmocka_unit_test(merged_frames_are_split),
		cmocka_unit_test(decoys_are_told_apart),
		cmocka_unit_test(moments_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
