// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bpf_verdicts.c - one verdict, one kind and one port for every packet: vectors for each of them, by BPF test run.
 *
 * In:  frames made by bpf_frame.h. Out: verdicts. Run by tests/run and in a guest with Debian's kernel 6.1. Needs root;
 * 77 without.
 */
#include "bpf_expect.h"

static void what_is_not_for_a_decoy_passes(void **state)
{
	struct segment s = a_syn(), six = a_syn6();
	struct frame f;

	(void)state;
	s.destination = "203.0.113.200";
	frame_make(&f, &s);
	PASSED(&f, false);
	f.bytes[f.l3 + 10] ^= 1; /* whatever it looks like */
	PASSED(&f, false);
	assert_memory_equal(w->out, f.bytes, f.length);
	six.destination = "2001:db8:ffff::1";
	frame_make(&f, &six);
	PASSED(&f, true);
	put16(f.bytes + 12, 0x0806);
	PASSED(&f, false);
	put16(f.bytes + 12, 0x88cc);
	PASSED(&f, false);
	/* IPv4 in mapped form is no IPv4 decoy */
	six.destination = "::ffff:198.51.100.9";
	frame_make(&f, &six);
	PASSED(&f, true);
}

static void hosts_own_address_keeps_its_life(void **state)
{
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	s.destination = "192.0.2.1";
	frame_make(&f, &s);
	ANSWERED(&f, 1, false, syn);
	s.destination_port = 22;
	frame_make(&f, &s);
	PASSED(&f, false);
	s.protocol = 17;
	s.payload = linux_options;
	s.payload_bytes = 20;
	frame_make(&f, &s);
	PASSED(&f, false);
	/* first fragment to a decoy port, then a later one */
	s = a_syn();
	s.destination = "192.0.2.1";
	frame_make(&f, &s);
	put16(f.bytes + f.l3 + 6, 0x2000);
	frame_checksums(&f, 6);
	REFUSED_AS(&f, 1, false, other, fragment);
	put16(f.bytes + f.l3 + 6, 0x2005);
	frame_checksums(&f, 6);
	PASSED(&f, false);
}

static void bad_headers_are_refused(void **state)
{
	struct segment s = a_syn(), six = a_syn6();
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	f.length = f.l3 + 19;
	expect(&f, XDP_DROP, 0, false, AT(kind_other), AT(refused_truncated));
	frame_make(&f, &s);
	f.length -= 1; /* total length points behind the frame */
	REFUSED_AS(&f, 1, false, other, truncated);
	frame_make(&f, &s);
	f.bytes[f.l3] = 0x44;
	REFUSED_AS(&f, 0, false, other, bad_ip_header);
	frame_make(&f, &s);
	f.bytes[f.l3] = 0x65;
	REFUSED_AS(&f, 0, false, other, bad_ip_header);
	frame_make(&f, &s);
	f.bytes[f.l3 + 8] ^= 1;
	REFUSED_AS(&f, 1, false, other, bad_ip_checksum);
	frame_make(&f, &six);
	f.bytes[f.l3] = 0x40;
	REFUSED_AS(&f, 0, true, other, bad_ip_header);
	frame_make(&f, &six);
	put16(f.bytes + f.l3 + 4, 61);
	REFUSED_AS(&f, 1, true, other, truncated);
	frame_make(&f, &s);
	put16(f.bytes + f.l3 + 6, 0x2000);
	frame_checksums(&f, 6);
	REFUSED_AS(&f, 1, false, other, fragment);
	put16(f.bytes + f.l3 + 6, 0x0001);
	frame_checksums(&f, 6);
	REFUSED_AS(&f, 0, false, other, fragment);
	s.tags = 3;
	frame_make(&f, &s);
	REFUSED_AS(&f, 0, false, other, vlan_depth);
}

static void bad_tcp_is_refused(void **state)
{
	static const uint8_t bad_flags[] = { F_SYN | F_FIN, F_SYN | F_RST, F_FIN | F_RST, 0, F_FIN, F_PSH };
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	f.bytes[f.l4 + 16] ^= 0x40; /* nmap --badsum */
	REFUSED_AS(&f, 1, false, syn, bad_tcp_checksum);
	s.payload = "hello";
	s.payload_bytes = 5; /* data on the SYN is summed as well */
	frame_make(&f, &s);
	ANSWERED(&f, 1, false, syn);
	f.bytes[f.length - 1] ^= 1;
	REFUSED_AS(&f, 1, false, syn, bad_tcp_checksum);
	s.payload_bytes = 0;
	frame_make(&f, &s);
	f.bytes[f.l4 + 12] = 0x40;
	frame_checksums(&f, 6);
	REFUSED_AS(&f, 1, false, syn, bad_tcp_header);
	f.bytes[f.l4 + 12] = 0xb0; /* 44 of 40 bytes */
	frame_checksums(&f, 6);
	REFUSED_AS(&f, 1, false, syn, bad_tcp_header);
	for (size_t i = 0; i < sizeof(bad_flags); i++) {
		size_t kind = i == 0 || i == 4 ? AT(kind_fin) : i == 1 || i == 2 ? AT(kind_rst) : AT(kind_other_tcp);

		s.flags = bad_flags[i];
		frame_make(&f, &s);
		expect(&f, XDP_DROP, 1, false, kind, AT(refused_bad_tcp_header));
	}
	s = a_syn();
	s.protocol = 6;
	frame_make(&f, &s);
	put16(f.bytes + f.l3 + 2, 39); /* TCP cut short by the IP length */
	f.length = f.l3 + 39;
	put16(f.bytes + f.l3 + 10, 0);
	put16(f.bytes + f.l3 + 10, ~fold16(sum_bytes(f.bytes + f.l3, 20, 0)));
	REFUSED_AS(&f, 1, false, other, truncated);
}

static void long_frames_are_refused(void **state)
{
	static uint8_t payload[9100];
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	s.flags = F_ACK;
	s.payload = payload;
	s.payload_bytes = 9018 - 74 + 1;
	frame_make(&f, &s);
	assert_int_equal(f.length, 9019);
	REFUSED_AS(&f, 1, false, payload, too_long);
	s.payload_bytes--;
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, false, payload, no_handshake);
}

static void martians_are_refused(void **state)
{
	static const char *const four[] = { "0.0.0.0",	       "127.0.0.1",    "224.0.0.1", "239.1.2.3",
					    "255.255.255.255", "198.51.100.1", "192.0.2.1" };
	static const char *const six[] = {
		"::", "::1", "ff02::1", "2001:db8:d::1", "2001:db8:1::1", "::ffff:203.0.113.7"
	};
	static const char *const honest[] = { "10.1.2.3", "192.168.1.1", "172.16.0.1", "100.64.0.1" };
	struct segment s = a_syn(), s6 = a_syn6();
	struct frame f;

	(void)state;
	/* a source MAC that is a group's: the answer would be a broadcast */
	frame_make(&f, &s);
	memset(f.bytes + 6, 0xff, 6);
	REFUSED_AS(&f, 1, false, syn, martian);
	for (size_t i = 0; i < sizeof(four) / sizeof(*four); i++) {
		s.source = four[i];
		frame_make(&f, &s);
		REFUSED_AS(&f, 1, false, syn, martian);
	}
	for (size_t i = 0; i < sizeof(six) / sizeof(*six); i++) {
		s6.source = six[i];
		frame_make(&f, &s6);
		REFUSED_AS(&f, 1, true, syn, martian);
	}
	for (size_t i = 0; i < sizeof(honest) / sizeof(*honest); i++) {
		s.source = honest[i];
		frame_make(&f, &s);
		ANSWERED(&f, 1, false, syn);
	}
}

static void other_protocols_and_ports_are_refused(void **state)
{
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	s.destination_port = 81;
	frame_make(&f, &s);
	REFUSED_AS(&f, 0, false, syn, other_port);
	s.payload = linux_options;
	s.payload_bytes = 20;
	s.protocol = 17;
	frame_make(&f, &s);
	REFUSED_AS(&f, 0, false, other, not_tcp);
	s.protocol = 132;
	frame_make(&f, &s);
	REFUSED_AS(&f, 0, false, other, not_tcp);
}

static void strays_are_refused(void **state)
{
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	s.flags = F_ACK;
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, false, ack, no_handshake);
	s.flags = F_ACK | F_FIN;
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, false, fin, no_handshake);
	s.flags = F_SYN | F_ACK;
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, false, backscatter, backscatter);
	s.flags = F_RST;
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, false, rst, backscatter);
	s = a_syn();
	s.source = "203.0.113.66";
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, false, syn, quiet_source);
	assert_int_equal(world_drain(w), 0);
}

static void limits_hold(void **state)
{
	struct segment s = a_syn(), six = a_syn6();
	struct frame f;

	(void)state;
	w->settings.limit_per_prefix = 3;
	world_settings(w);
	frame_make(&f, &s);
	for (int i = 0; i < 3; i++)
		ANSWERED(&f, 1, false, syn);
	s.source = "203.0.113.250"; /* the same /24 */
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, false, syn, rate_limited);
	s.source = "203.0.114.250";
	frame_make(&f, &s);
	ANSWERED(&f, 1, false, syn);
	frame_make(&f, &six);
	for (int i = 0; i < 3; i++)
		ANSWERED(&f, 1, true, syn);
	six.source = "2001:db8:77:ffff::1"; /* the same /48 */
	frame_make(&f, &six);
	REFUSED_AS(&f, 1, true, syn, rate_limited);
	world_clock(w, w->now_ns + 1000000000); /* another second */
	ANSWERED(&f, 1, true, syn);
	w->settings.limit_per_prefix = 0;
	w->settings.limit_global = 5;
	world_clock(w, w->now_ns + 1000000000);
	for (int i = 0; i < 5; i++)
		ANSWERED(&f, 1, true, syn);
	REFUSED_AS(&f, 1, true, syn, rate_limited);
}

static void without_a_responder_nothing_is_answered(void **state)
{
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	w->settings.heartbeat_ns = w->now_ns - 29000000000ULL;
	world_settings(w);
	ANSWERED(&f, 1, false, syn);
	w->settings.heartbeat_ns = w->now_ns - 31000000000ULL;
	world_settings(w);
	REFUSED_AS(&f, 1, false, syn, no_responder);
	w->settings.heartbeat_ns = 0;
	world_settings(w);
	REFUSED_AS(&f, 1, false, syn, no_responder);
	w->settings.heartbeat_ns = w->now_ns;
	w->settings.answering = 0;
	world_settings(w);
	REFUSED_AS(&f, 1, false, syn, no_responder);
}

static void make_icmp(struct frame *f, const char *source, const char *destination, const uint8_t *bytes, size_t length)
{
	struct segment s = { .source = source, .destination = destination, .payload = bytes, .payload_bytes = length };

	s.protocol = strchr(source, ':') ? 58 : 1;
	frame_make(f, &s);
}

static void echo_is_answered(void **state)
{
	static uint8_t echo[1400] = { 8, 0, 0, 0, 1, 2, 3, 4, 'x', 'y', 'z' };
	static uint8_t echo6[64] = { 128, 0, 0, 0, 1, 2, 3, 4, 'x', 'y', 'z' };
	struct frame f;

	(void)state;
	for (size_t bytes = 8; bytes <= sizeof(echo); bytes += 87) {
		make_icmp(&f, "203.0.113.7", "198.51.100.9", echo, bytes);
		ANSWERED(&f, 0, false, icmp);
		assert_int_equal(w->out_bytes, f.length);
		assert_int_equal(w->out[34], 0);
		assert_int_equal(fold16(sum_bytes(w->out + 34, bytes, 0)), 0xffff);
		assert_int_equal(fold16(sum_bytes(w->out + 14, 20, 0)), 0xffff);
		assert_memory_equal(w->out + 26, f.bytes + 30, 4);
		assert_memory_equal(w->out + 38, echo + 4, bytes - 4);
	}
	f.bytes[f.length - 1] ^= 1;
	REFUSED_AS(&f, 0, false, icmp, bad_icmp);
	make_icmp(&f, "2001:db8:77::7", "2001:db8:d::9", echo6, 61);
	ANSWERED(&f, 0, true, icmp);
	assert_int_equal(w->out[54], 129);
	assert_int_equal(l4_sum(w->out + 14, w->out + 54, 61, 58), 0xffff);
	make_icmp(&f, "203.0.113.7", "198.51.100.9", (const uint8_t *)"\15\0\0\0\0\0\0\0", 8); /* timestamp */
	REFUSED_AS(&f, 0, false, icmp, icmp_other);
	make_icmp(&f, "203.0.113.7", "198.51.100.9", echo, 7);
	REFUSED_AS(&f, 0, false, icmp, bad_icmp);
	make_icmp(&f, "203.0.113.66", "198.51.100.9", echo, 64);
	REFUSED_AS(&f, 0, false, icmp, quiet_source);
	make_icmp(&f, "203.0.113.7", "192.0.2.1", echo, 64); /* the host answers for itself */
	PASSED(&f, false);
	w->settings.answer_echo = 0;
	world_settings(w);
	make_icmp(&f, "203.0.113.7", "198.51.100.9", echo, 64);
	REFUSED_AS(&f, 0, false, icmp, icmp_other);
}

/* An ICMP error about a segment that we sent to s. */
static void make_error(struct frame *f, const struct segment *s, const char *router, uint8_t type, uint8_t code,
		       uint16_t mtu)
{
	struct segment ours = *s;
	struct frame quoted;
	uint8_t message[8 + 60] = { type, code };
	size_t header;

	ours.source = s->destination;
	ours.destination = s->source;
	ours.source_port = s->destination_port;
	ours.destination_port = s->source_port;
	ours.seq = 0xabcd1234;
	frame_make(&quoted, &ours);
	header = quoted.l4 - quoted.l3;
	put16(message + 6, mtu);
	memcpy(message + 8, quoted.bytes + quoted.l3, header + 20);
	make_icmp(f, router, s->destination, message, 8 + header + 20);
}

static void errors_about_live_flows_go_up(void **state)
{
	struct segment s = a_syn(), six = a_syn6();
	const struct otori_event *e = &w->event[0].header;
	struct frame f;

	(void)state;
	make_error(&f, &s, "203.0.113.1", 3, 4, 1400);
	REFUSED_AS(&f, 1, false, icmp, icmp_other);
	open_flow(&s);
	make_error(&f, &s, "203.0.113.1", 3, 4, 1400);
	TAKEN(&f, 1, false, icmp);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(e->kind, OTORI_EVENT_unreachable);
	assert_int_equal(e->window, 1400);
	assert_int_equal(e->tcp_flags, 3);
	assert_int_equal(e->seq, 0xabcd1234);
	assert_int_equal(ntohs(e->source_port_be), 40000);
	assert_int_equal(ntohs(e->destination_port_be), 1080);
	assert_int_equal(e->payload_bytes, 0);
	f.bytes[f.l4 + 40] ^= 1;
	REFUSED_AS(&f, 1, false, icmp, bad_icmp);
	open_flow(&six);
	make_error(&f, &six, "2001:db8:99::1", 2, 0, 1280);
	TAKEN(&f, 1, true, icmp);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(e->window, 1280);
	assert_int_equal(e->tcp_flags, 2);
	assert_memory_equal(e->destination, f.bytes + f.l3 + 24, 16);
}

static void arp_and_solicitations(void **state)
{
	static const uint8_t request[] = { 0,	1, 8,	0, 6, 4, 0, 1, 2, 0, 0,	  0,  0,   0xc1,
					   203, 0, 113, 7, 0, 0, 0, 0, 0, 0, 198, 51, 100, 9 };
	uint8_t solicitation[32] = { 135 };
	struct segment s = { .source = "2001:db8:77::7",
			     .destination = "ff02::1:ff00:9",
			     .protocol = 58,
			     .ttl = 255,
			     .payload = solicitation,
			     .payload_bytes = 32 };
	struct frame f = { .length = 42 };

	(void)state;
	memset(f.bytes, 0xff, 6);
	memcpy(f.bytes + 6, request + 8, 6);
	put16(f.bytes + 12, 0x0806);
	memcpy(f.bytes + 14, request, 28);
	PASSED(&f, false);
	w->settings.answer_arp = 1;
	world_settings(w);
	expect(&f, XDP_TX, 0, false, AT(kind_other), AT(answered));
	assert_int_equal(w->out[21], 2);
	assert_memory_equal(w->out + 22, "\2\0\0\0\0\3", 6);
	assert_memory_equal(w->out + 28, request + 24, 4);
	assert_memory_equal(w->out + 32, request + 8, 10);
	f.bytes[41] = 1;
	f.bytes[40] = 99; /* not a decoy */
	PASSED(&f, false);
	inet_pton(AF_INET6, "2001:db8:d::9", solicitation + 8);
	solicitation[24] = 1;
	solicitation[25] = 1;
	memcpy(solicitation + 26, request + 8, 6);
	frame_make(&f, &s);
	expect(&f, XDP_TX, 0, true, AT(kind_other), AT(answered)); /* it went to a group, not to a decoy */
	assert_int_equal(w->out[54], 136);
	assert_memory_equal(w->out + 22, solicitation + 8, 16);
	assert_memory_equal(w->out + 54 + 26, "\2\0\0\0\0\3", 6);
	assert_int_equal(l4_sum(w->out + 14, w->out + 54, 32, 58), 0xffff);
	inet_pton(AF_INET6, "2001:db8:dd::9", solicitation + 8); /* another address: not a decoy's */
	frame_make(&f, &s);
	PASSED(&f, true);
	inet_pton(AF_INET6, "2001:db8:d::9", solicitation + 8);
	s.ttl = 64; /* from behind a router */
	frame_make(&f, &s);
	PASSED(&f, true);
}

static void extension_headers_are_walked(void **state)
{
	static const uint8_t hop[8] = { 0, 0, 1, 4 }, routing[8] = { 0, 0, 4, 1 },
			     atomic[8] = { 0, 0, 0, 0, 1, 2, 3, 4 }, first_fragment[8] = { 0, 0, 0, 1 },
			     later[8] = { 0, 0, 0, 9 };
	uint8_t chain[64] = { 0 };
	struct segment s = a_syn6();
	struct frame f;

	(void)state;
	s.extension_bytes = 8;
	s.extension = hop;
	frame_make(&f, &s);
	ANSWERED(&f, 1, true, syn);
	s.extension_first = 60;
	frame_make(&f, &s);
	ANSWERED(&f, 1, true, syn);
	s.extension_first = 44;
	s.extension = atomic;
	frame_make(&f, &s);
	ANSWERED(&f, 1, true, syn);
	s.extension = first_fragment;
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, true, other, fragment);
	s.extension = later;
	frame_make(&f, &s);
	REFUSED_AS(&f, 0, true, other, fragment);
	s.extension_first = 43;
	s.extension = routing;
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, true, other, extension_header);
	s.extension_first = 51; /* authentication */
	frame_make(&f, &s);
	REFUSED_AS(&f, 0, true, other, extension_header);
	for (size_t headers = 2; headers <= 8; headers++) {
		for (size_t i = 0; i < headers; i++)
			chain[i * 8] = 60;
		s.extension = chain;
		s.extension_first = 60;
		s.extension_bytes = headers * 8;
		s.extension_last = (headers - 1) * 8;
		frame_make(&f, &s);
		if (headers <= 6)
			ANSWERED(&f, 1, true, syn);
		else
			REFUSED_AS(&f, 0, true, other, extension_header);
	}
}

static void data_on_a_syn_is_summed_over_fragments(void **state)
{
	static uint8_t payload[8000];
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 11);
	s.payload = payload;
	for (s.payload_bytes = 1; s.payload_bytes <= sizeof(payload); s.payload_bytes += 511) {
		frame_make(&f, &s);
		ANSWERED(&f, 1, false, syn);
		assert_int_equal(w->out_bytes, 74);
		f.bytes[f.length - 1] ^= 1;
		REFUSED_AS(&f, 1, false, syn, bad_tcp_checksum);
	}
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, fresh, done)
	const struct CMUnitTest tests[] = {
		WORLD_TEST(what_is_not_for_a_decoy_passes),
		WORLD_TEST(hosts_own_address_keeps_its_life),
		WORLD_TEST(bad_headers_are_refused),
		WORLD_TEST(bad_tcp_is_refused),
		WORLD_TEST(long_frames_are_refused),
		WORLD_TEST(martians_are_refused),
		WORLD_TEST(other_protocols_and_ports_are_refused),
		WORLD_TEST(strays_are_refused),
		WORLD_TEST(limits_hold),
		WORLD_TEST(without_a_responder_nothing_is_answered),
		WORLD_TEST(echo_is_answered),
		WORLD_TEST(errors_about_live_flows_go_up),
		WORLD_TEST(arp_and_solicitations),
		WORLD_TEST(extension_headers_are_walked),
		WORLD_TEST(data_on_a_syn_is_summed_over_fragments),
	};

	return WORLD_RUN(tests);
}
