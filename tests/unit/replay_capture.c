// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replay_capture.c - files of every link type become Ethernet frames, in the order of their times.
 *
 * In:  small captures written here into a folder of its own. Out: packets and sightings. Run by tests/run; needs nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "replay/capture.h"
#include "replay/sighting.h"

#define NANOSECOND_MAGIC 0xa1b23c4du
#define MICROSECOND_MAGIC 0xa1b2c3d4u
#define ETHERNET 1
#define SNAP 65535

static char folder[64];
static char told[8][SAVEFILE_TEXT_BYTES];
static unsigned lines;

static void tell(void *context, const char *line)
{
	(void)context;
	snprintf(told[lines++ % 8], SAVEFILE_TEXT_BYTES, "%s", line);
}

static int make_folder(void **state)
{
	(void)state;
	lines = 0;
	snprintf(folder, sizeof(folder), "/tmp/otori-capture-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static char *in_folder(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, 256, "%s/%s", folder, name);
	return path;
}

static void put32(FILE *file, uint32_t value)
{
	fwrite(&value, 4, 1, file);
}

static FILE *capture_file(const char *name, uint32_t magic, uint32_t link_type)
{
	FILE *file = fopen(in_folder(name), "wb");
	uint16_t version[2] = { 2, 4 };

	assert_non_null(file);
	put32(file, magic);
	fwrite(version, 4, 1, file);
	put32(file, 0);
	put32(file, 0);
	put32(file, SNAP);
	put32(file, link_type);
	return file;
}

static void put_packet(FILE *file, uint32_t seconds, uint32_t rest, const void *bytes, uint32_t length, uint32_t wire_bytes)
{
	put32(file, seconds);
	put32(file, rest);
	put32(file, length);
	put32(file, wire_bytes);
	fwrite(bytes, 1, length, file);
}

/* IPv4 and TCP: 192.0.2.1:port -> 192.0.2.99:8080, a SYN. */
static uint32_t syn_packet(uint8_t *to, uint8_t port)
{
	static const uint8_t packet[40] = { 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 99,
					    0x40, 0, 0x1f, 0x90, 0, 0, 3, 0xe8, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff };

	memcpy(to, packet, sizeof(packet));
	to[21] = port;
	return sizeof(packet);
}

static void put_syn(FILE *file, uint32_t seconds, uint32_t rest, uint8_t port)
{
	uint8_t frame[54] = { [12] = 8, [13] = 0 };

	syn_packet(frame + 14, port);
	put_packet(file, seconds, rest, frame, sizeof(frame), sizeof(frame));
}

/* Opens these and reads all: the ports in order into ports, the times into times_ns; returns how many. */
static unsigned read_all(char *const *paths, size_t count, uint8_t *ports, uint64_t *times_ns, bool *cut)
{
	char text[SAVEFILE_TEXT_BYTES];
	struct capture *capture;
	struct captured packet;
	unsigned packets = 0;

	assert_int_equal(capture_open(&capture, paths, count, tell, NULL, text), 0);
	while (capture_next(capture, &packet, text) == 1) {
		struct sighting sighting;

		sighting_of(slice_of(packet.frame, packet.bytes), &sighting);
		assert_true(packets < 16);
		ports[packets] = (uint8_t)sighting.source_port;
		times_ns[packets++] = packet.time_ns;
	}
	*cut = capture_cut(capture);
	capture_close(capture);
	return packets;
}

static void times_of_several_files_are_merged(void **state)
{
	char *paths[] = { in_folder("a.pcap"), in_folder("b.pcap") };
	uint8_t ports[16];
	uint64_t times[16];
	FILE *a, *b;
	bool cut;

	(void)state;
	a = capture_file("a.pcap", MICROSECOND_MAGIC, ETHERNET);
	put_syn(a, 1000, 500000, 1);
	put_syn(a, 1002, 0, 3);
	fclose(a);
	b = capture_file("b.pcap", NANOSECOND_MAGIC, ETHERNET);
	put_syn(b, 1001, 7, 2);
	put_syn(b, 1003, 999999999, 4);
	fclose(b);
	assert_int_equal(read_all(paths, 2, ports, times, &cut), 4);
	assert_false(cut);
	assert_memory_equal(ports, "\1\2\3\4", 4);
	assert_true(times[0] == 1000500000000ull);
	assert_true(times[1] == 1001000000007ull);
	assert_true(times[3] == 1003999999999ull);
}

static void captures_appended_to_each_other_are_put_in_order(void **state)
{
	char *paths[] = { in_folder("a.pcap") };
	uint8_t ports[16];
	uint64_t times[16];
	FILE *a;
	bool cut;

	(void)state;
	a = capture_file("a.pcap", MICROSECOND_MAGIC, ETHERNET);
	put_syn(a, 5000, 0, 4);
	put_syn(a, 5001, 0, 5);
	put_syn(a, 1000, 0, 1);
	put_syn(a, 1001, 0, 2);
	put_syn(a, 1000, 900000, 3); /* jitter: stays where it is */
	put_syn(a, 9000, 0, 6);
	fclose(a);
	assert_int_equal(read_all(paths, 1, ports, times, &cut), 6);
	assert_memory_equal(ports, "\1\2\3\4\5\6", 6);
}

static void a_file_cut_short_gives_what_is_whole(void **state)
{
	char *paths[] = { in_folder("a.pcap") };
	uint8_t ports[16];
	uint64_t times[16];
	FILE *a;
	bool cut;

	(void)state;
	a = capture_file("a.pcap", MICROSECOND_MAGIC, ETHERNET);
	put_syn(a, 1000, 0, 1);
	put_syn(a, 1001, 0, 2);
	put_syn(a, 1002, 0, 3);
	assert_int_equal(fseek(a, -9, SEEK_END), 0);
	assert_int_equal(ftruncate(fileno(a), ftell(a)), 0);
	fclose(a);
	assert_int_equal(read_all(paths, 1, ports, times, &cut), 2);
	assert_true(cut);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(told[0], "a.pcap: cut short or damaged behind packet 2"));
}

static void what_can_not_be_read_is_one_clear_line(void **state)
{
	char *unknown[] = { in_folder("bluetooth.pcap") }, *missing[] = { in_folder("missing.pcap") }, *text_file[] = { in_folder("notes.txt") };
	char text[SAVEFILE_TEXT_BYTES];
	struct capture *capture;
	FILE *file;

	(void)state;
	fclose(capture_file("bluetooth.pcap", MICROSECOND_MAGIC, 187));
	assert_int_equal(capture_open(&capture, unknown, 1, tell, NULL, text), -EPROTONOSUPPORT);
	assert_non_null(strstr(text, "link type 187"));
	assert_null(capture);
	assert_int_equal(capture_open(&capture, missing, 1, tell, NULL, text), -ENOENT);
	assert_non_null(strstr(text, "No such file"));
	file = fopen(text_file[0], "w");
	assert_non_null(file);
	fputs("not a capture at all, but long enough to look like one\n", file);
	fclose(file);
	assert_int_equal(capture_open(&capture, text_file, 1, tell, NULL, text), -EBADMSG);
	assert_non_null(strstr(text, "not a capture file"));
	file = fopen(text_file[0], "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(capture_open(&capture, text_file, 1, tell, NULL, text), -EBADMSG);
}

static void a_folder_gives_the_captures_below_it(void **state)
{
	char *paths[] = { folder };
	uint8_t ports[16];
	uint64_t times[16];
	FILE *file;
	bool cut;

	(void)state;
	assert_int_equal(mkdir(in_folder("below"), 0700), 0);
	file = capture_file("below/b.pcap", MICROSECOND_MAGIC, ETHERNET);
	put_syn(file, 1000, 0, 1);
	fclose(file);
	file = capture_file("a.pcap", MICROSECOND_MAGIC, ETHERNET);
	put_syn(file, 1001, 0, 2);
	fclose(file);
	file = fopen(in_folder("README"), "w");
	assert_non_null(file);
	fputs("about these captures\n", file);
	fclose(file);
	assert_int_equal(read_all(paths, 1, ports, times, &cut), 2);
	assert_memory_equal(ports, "\1\2", 2);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(told[0], "README: left out"));
}

/* One packet of that link type: the header given, then the SYN. */
static void look_at_link_type(uint32_t link_type, const void *header, uint32_t header_bytes, struct captured *packet,
			      struct sighting *sighting)
{
	static struct savefile *file;
	char text[SAVEFILE_TEXT_BYTES];
	uint8_t bytes[128];
	uint32_t length;
	FILE *out = capture_file("link.pcap", MICROSECOND_MAGIC, link_type);

	memcpy(bytes, header, header_bytes);
	length = header_bytes + syn_packet(bytes + header_bytes, 77);
	put_packet(out, 1000, 0, bytes, length, length);
	fclose(out);
	savefile_close(file);
	assert_int_equal(savefile_open(in_folder("link.pcap"), &file, text), 0);
	assert_int_equal(savefile_next(file, packet, text), 1);
	sighting_of(slice_of(packet->frame, packet->bytes), sighting);
}

static void every_link_type_becomes_ethernet(void **state)
{
	static const struct {
		uint32_t link_type, header_bytes;
		uint8_t header[24];
		uint8_t vlans;
	} cases[] = {
		{ 101, 0, { 0 }, 0 },			    /* raw */
		{ 228, 0, { 0 }, 0 },			    /* raw IPv4 */
		{ 0, 4, { 2, 0, 0, 0 }, 0 },		    /* null, little endian */
		{ 0, 4, { 0, 0, 0, 2 }, 0 },		    /* null, big endian */
		{ 108, 4, { 0, 0, 0, 2 }, 0 },		    /* loop */
		{ 113, 16, { 0, 0, 0, 1, 0, 6, 2, 4, 6, 8, 10, 12, 0, 0, 8, 0 }, 0 }, /* cooked 1 */
		{ 113, 20, { 0, 0, 0, 1, 0, 6, 2, 4, 6, 8, 10, 12, 0, 0, 0x81, 0, 0, 6, 8, 0 }, 1 },
		{ 276, 20, { 8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 4, 6, 8, 10, 12, 0, 0 }, 0 }, /* cooked 2 */
		{ 276, 24, { 0x81, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 4, 6, 8, 10, 12, 0, 0, 0, 6, 8, 0 }, 1 },
		{ 1, 14, { 0, 0, 0, 0, 0, 0, 2, 4, 6, 8, 10, 12, 8, 0 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct captured packet;
		struct sighting sighting;

		look_at_link_type(cases[i].link_type, cases[i].header, cases[i].header_bytes, &packet, &sighting);
		assert_true(sighting.tcp);
		assert_int_equal(sighting.source_port, 0x4000 + 77);
		assert_int_equal(sighting.destination_port, 8080);
		assert_int_equal(sighting.flags, SIGHTING_SYN);
		assert_int_equal(sighting.payload_bytes, 0);
		assert_int_equal(sighting.vlan_count, cases[i].vlans);
		assert_int_equal(sighting.vlan[0], cases[i].vlans ? 6 : 0);
		assert_int_equal(packet.bytes, 54 + 4 * cases[i].vlans);
		assert_int_equal(packet.wire_bytes, packet.bytes);
		if (cases[i].link_type == 113 || cases[i].link_type == 276)
			assert_int_equal(packet.frame[6], 2);
	}
}

static void headers_cut_short_are_frames_of_fourteen_bytes(void **state)
{
	static const uint32_t link_types[] = { 1, 101, 0, 113, 276 };
	char text[SAVEFILE_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(link_types) / sizeof(link_types[0]); i++) {
		FILE *out = capture_file("short.pcap", MICROSECOND_MAGIC, link_types[i]);
		struct savefile *file;
		struct captured packet;

		put_packet(out, 1000, 0, "\2\0\0", link_types[i] == 101 ? 0 : 3, 60);
		fclose(out);
		assert_int_equal(savefile_open(in_folder("short.pcap"), &file, text), 0);
		assert_int_equal(savefile_next(file, &packet, text), 1);
		assert_int_equal(packet.bytes, 14);
		assert_int_equal(packet.frame[12], 8); /* IPv4 of no bytes: refused as truncated, not passed */
		assert_int_equal(savefile_next(file, &packet, text), 0);
		savefile_close(file);
	}
}

static void times_before_the_second_minute_are_lifted(void **state)
{
	char *paths[] = { in_folder("a.pcap") };
	uint8_t ports[16];
	uint64_t times[16];
	FILE *a = capture_file("a.pcap", MICROSECOND_MAGIC, ETHERNET);
	bool cut;

	(void)state;
	put_syn(a, 0, 1, 1);
	put_syn(a, 0xffffffff, 999999, 2);
	fclose(a);
	assert_int_equal(read_all(paths, 1, ports, times, &cut), 2);
	assert_true(times[0] == 60000000000ull);
	assert_true(times[1] == 4294967295999999000ull);
}

/* Whatever stands in a file: it is refused with a line, or read to some end; and no frame is shorter than its header. */
static void no_file_does_harm(void **state)
{
	char *paths[] = { in_folder("mutated.pcap") };
	uint32_t random = 1;

	(void)state;
	for (unsigned round = 0; round < 400; round++) {
		FILE *file = capture_file("mutated.pcap", round % 2 ? MICROSECOND_MAGIC : NANOSECOND_MAGIC, round % 3 ? ETHERNET : 276);
		char text[SAVEFILE_TEXT_BYTES] = "";
		struct capture *capture;
		struct captured packet;

		for (uint8_t i = 0; i < 20; i++)
			put_syn(file, 1000u + i, i, i);
		for (unsigned i = 0; i < 1 + round % 8; i++) {
			random = random * 1664525 + 1013904223;
			fseek(file, (long)(random >> 8) % 1400, SEEK_SET);
			fputc((int)(random >> 3 & 0xff), file);
		}
		fclose(file);
		if (capture_open(&capture, paths, 1, tell, NULL, text)) {
			assert_true(text[0]);
			continue;
		}
		while (capture_next(capture, &packet, text) == 1) {
			struct sighting sighting;

			assert_true(packet.bytes >= 14);
			sighting_of(slice_of(packet.frame, packet.bytes), &sighting);
		}
		capture_close(capture);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(times_of_several_files_are_merged),
		TEST(captures_appended_to_each_other_are_put_in_order),
		TEST(a_file_cut_short_gives_what_is_whole),
		TEST(what_can_not_be_read_is_one_clear_line),
		TEST(a_folder_gives_the_captures_below_it),
		TEST(every_link_type_becomes_ethernet),
		TEST(headers_cut_short_are_frames_of_fourteen_bytes),
		TEST(times_before_the_second_minute_are_lifted),
		TEST(no_file_does_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
