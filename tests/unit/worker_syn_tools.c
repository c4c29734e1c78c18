// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker_syn_tools.c - the marks of scanning tools in a SYN, and of two-phase scanners in two.
 *
 * In:  SYNs as each tool makes them (PROTOCOLS, "TCP"). Out: pass or fail.
 */
#include "tcp_lab.h"

#include "record/syn_tools.h"

#define BIT(name) (1u << SYN_TOOL_BIT_##name)
#define LINUX_OPTIONS "\2\4\5\264\4\2\10\12\0\1\2\3\0\0\0\0\1\3\3\7"
#define WINDOWS_OPTIONS "\2\4\5\264\1\3\3\10\1\1\4\2"

static struct record_syn_sample sample_of(const char *options, size_t bytes)
{
	struct record_syn_sample sample = { .window = 64240, .ip_id = 7, .ttl = 50, .seq = 0x01020304 };

	sample.endpoints.decoy.bytes[0] = 203;
	sample.endpoints.decoy.bytes[3] = 9;
	sample.endpoints.decoy_port = 1080;
	sample.options = slice_of(options, bytes);
	return sample;
}

static void tools_are_told_apart(void **state)
{
	struct record_syn_sample sample = sample_of(LINUX_OPTIONS, 20);

	(void)state;
	assert_int_equal(syn_tools(&sample), 0);
	sample = sample_of("", 0);
	assert_int_equal(syn_tools(&sample), 0);
	sample.ip_id = 54321;
	sample.window = 65535;
	assert_int_equal(syn_tools(&sample), BIT(zmap_old));
	sample.endpoints.source.ipv6 = true; /* there is no IP id in IPv6 */
	assert_int_equal(syn_tools(&sample), 0);
	sample = sample_of(WINDOWS_OPTIONS, 12);
	sample.window = 65535;
	assert_int_equal(syn_tools(&sample), BIT(zmap));
	sample.ttl = 113; /* a real Windows */
	assert_int_equal(syn_tools(&sample), 0);
	sample = sample_of("\2\4\5\264", 4);
	sample.ip_id = (uint16_t)(0x0009 ^ 1080 ^ 0x0304);
	assert_int_equal(syn_tools(&sample), BIT(masscan));
	sample = sample_of("", 0);
	sample.seq = 0xcb000009;
	assert_int_equal(syn_tools(&sample) & BIT(mirai), BIT(mirai));
}

/* Options that are cut short or lie about their length match nothing and are not read past. */
static void damaged_options_match_nothing(void **state)
{
	struct record_syn_sample sample;

	(void)state;
	for (size_t bytes = 1; bytes < 12; bytes++) {
		char *copy = malloc(bytes); /* so that a sanitizer sees a byte too many */

		assert_non_null(copy);
		memcpy(copy, WINDOWS_OPTIONS, bytes);
		sample = sample_of(copy, bytes);
		sample.window = 65535;
		assert_int_equal(syn_tools(&sample), 0);
		free(copy);
	}
	sample = sample_of("\2\0\5\264\1\3\3\10\1\1\4\2", 12);
	sample.window = 65535;
	assert_int_equal(syn_tools(&sample), 0);
}

static void syn(struct lab *lab, uint8_t host, const char *options, uint8_t bytes)
{
	lab->event.source[3] = host;
	lab->event.option_bytes = bytes;
	lab_send_options(lab, OTORI_EVENT_syn, SYN, 5, 0, options, NULL, 0);
	lab->event.option_bytes = 0;
}

/* Two phases are a stateless SYN and then a real one, soon, from one source; neither alone, nor late, nor from two. */
static void two_phases_are_joined(void **state)
{
	struct lab lab;
	struct slice bytes;
	struct record record;
	uint32_t tools[8] = { 0 };

	(void)state;
	lab_open(&lab);
	lab.event.flags = 0;
	lab.event.slot = UINT32_MAX;
	lab.event.ip_id = 7;
	syn(&lab, 1, "", 0);
	syn(&lab, 2, "", 0);
	syn(&lab, 3, LINUX_OPTIONS, 20);
	syn(&lab, 4, "", 0);
	lab.now_ns += 2 * LAB_SECOND;
	syn(&lab, 1, LINUX_OPTIONS, 20);
	syn(&lab, 2, "", 0);
	lab.now_ns += 20 * LAB_SECOND;
	syn(&lab, 4, LINUX_OPTIONS, 20);
	lab.now_ns += 60 * LAB_SECOND;
	worker_tick(lab.worker, lab.now_ns);
	bytes = slice_of(worker_records(lab.worker)->bytes, worker_records(lab.worker)->length);
	while (record_next(&bytes, &record) == 1)
		tools[record.syn_source.source.bytes[3] & 7] = record.syn_source.tools;
	assert_int_equal(tools[1], SYN_TWO_PHASE);
	assert_int_equal(tools[2], 0);
	assert_int_equal(tools[3], 0);
	assert_int_equal(tools[4], 0);
	lab_collect(&lab);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tools_are_told_apart),
		cmocka_unit_test(damaged_options_match_nothing),
		cmocka_unit_test(two_phases_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
