// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bpf_flows.c - from SYN to tombstone: what is admitted, what goes up the ring and how, what closes a flow; and
 * replays.
 *
 * In:  frames made by bpf_frame.h. Out: verdicts. Run by tests/run and in a guest with Debian's kernel 6.1. Needs root;
 * 77 without.
 */
#include "bpf_expect.h"

static void handshake_is_admitted(void **state)
{
	struct segment s = a_syn();
	const struct otori_event *e = &w->event[0].header;
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	ANSWERED(&f, 1, false, syn);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(e->kind, OTORI_EVENT_syn);
	assert_int_equal(e->slot, UINT32_MAX);
	assert_int_equal(e->option_bytes, 20);
	assert_memory_equal(w->event[0].rest, linux_options, 20);
	assert_int_equal(e->time_ns / 1000000000, w->now_ns / 1000000000);
	assert_int_equal(e->minute, w->now_ns / 60000000000ULL);
	assert_int_equal(e->device, 3);
	assert_int_equal(e->ip_id, 0x1234);
	assert_memory_equal(e->destination_mac, f.bytes, 6);
	assert_memory_equal(e->source_mac, f.bytes + 6, 6);
	s.flags = F_ACK;
	s.seq++;
	s.ack = our_seq(&f) + 2; /* not what was said */
	s.option_bytes = 0;
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, false, ack, no_handshake);
	s.ack--;
	s.seq++; /* the second segment can't be the first */
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, false, ack, no_handshake);
	s.seq--;
	frame_make(&f, &s);
	TAKEN(&f, 1, false, ack);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(e->kind, OTORI_EVENT_open);
	assert_int_equal(e->flags & OTORI_EVENT_OPTIONS_KNOWN, OTORI_EVENT_OPTIONS_KNOWN);
	assert_int_equal(e->cookie_window_scale, 7);
	assert_int_equal(e->cookie_sack, 1);
	assert_int_equal(e->cookie_mss, 1460);
	assert_int_equal(e->seq, 0x11223345);
	assert_int_equal(e->ack, s.ack);
	assert_int_equal(ntohs(e->destination_port_be), 1080);
	assert_memory_equal(e->destination, f.bytes + f.l3 + 16, 4);
	s.payload = "\5\1\0";
	s.payload_bytes = 3;
	s.flags |= F_PSH;
	frame_make(&f, &s);
	TAKEN(&f, 1, false, payload);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(e->kind, OTORI_EVENT_segment);
	assert_int_equal(e->payload_bytes, 3);
	assert_int_equal(w->event[0].size, 128);
	assert_memory_equal(w->event[0].rest, "\5\1\0", 3);
	assert_int_equal(e->flags & OTORI_EVENT_VERIFY_CHECKSUM, OTORI_EVENT_VERIFY_CHECKSUM);
	assert_int_equal(fold16(e->partial_checksum + 0x0100u + 0x0005u),
			 0xffff - 0); /* 05 01 00 as little-endian words */
}

static void handshake_with_data_over_ipv6_and_tags(void **state)
{
	struct segment s = a_syn6();
	const struct otori_event *e = &w->event[0].header;
	struct frame f;

	(void)state;
	s.tags = 2;
	s.vlan[0] = 0x6064;
	s.vlan[1] = 0x00c8;
	connect_by(&s);
	s.payload = "EHLO x\r\n";
	s.payload_bytes = 8;
	frame_make(&f, &s);
	TAKEN(&f, 1, true, payload);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(e->kind, OTORI_EVENT_open);
	assert_int_equal(e->payload_bytes, 8);
	assert_memory_equal(w->event[0].rest, "EHLO x\r\n", 8);
	assert_int_equal((e->flags & OTORI_EVENT_VLAN_COUNT) >> OTORI_EVENT_VLAN_COUNT_SHIFT, 2);
	assert_int_equal(e->flags & OTORI_EVENT_VLAN_OUTER_8021AD, OTORI_EVENT_VLAN_OUTER_8021AD);
	assert_int_equal(ntohs(e->vlan_tci_be[0]), 0x6064);
	s.vlan[0] = 0x2064; /* another priority is the same network */
	frame_make(&f, &s);
	TAKEN(&f, 1, true, payload);
	s.vlan[0] = 0x2065; /* another network is not */
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, true, payload, no_handshake);
}

static void cookie_expires(void **state)
{
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	world_clock(w, WORLD_NOW / 16000000000ULL * 16000000000ULL + 1000000000); /* early in an even epoch */
	connect_by(&s);
	frame_make(&f, &s);
	world_clock(w, w->now_ns + 15000000000ULL);
	REFUSED_AS(&f, 1, false, ack, no_handshake);
	world_clock(w, w->now_ns - 1000000000ULL);
	TAKEN(&f, 1, false, ack);
}

static void every_size_class_carries_its_payload(void **state)
{
	static const size_t sizes[] = { 1,    12,   13,	  24,	100,  368,  369,  536,
					1448, 1460, 1520, 1521, 3952, 3953, 8900, 8964 };
	static uint8_t payload[9000];
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + 3);
	open_flow(&s);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (size_t options = 0; options <= 40; options += 4) {
			if (sizes[i] + options > 8964)
				continue;
			s.payload = payload;
			s.payload_bytes = sizes[i];
			s.options = payload + 100;
			s.option_bytes = options;
			frame_make(&f, &s);
			TAKEN(&f, 1, false, payload);
			assert_int_equal(world_drain(w), 1);
			assert_int_equal(w->event[0].header.payload_bytes, sizes[i]);
			assert_int_equal(w->event[0].header.option_bytes, options);
			assert_memory_equal(w->event[0].rest, payload + 100, options);
			assert_memory_equal(w->event[0].rest + options, payload, sizes[i]);
		}
	}
	assert_int_equal(world_port(w, 1, false).emitted_segment, world_port(w, 1, false).kind_payload);
}

static void full_ring_and_table_are_told(void **state)
{
	struct world_options options = { .ring_bytes = 4096, .buckets = 1 };
	struct segment s = a_syn();
	struct frame f, acks[9];

	(void)state;
	world_close(w);
	w = world_open(&options);
	w->settings.sample_probability = 0;
	world_settings(w);
	for (int i = 0; i < 9; i++) {
		world_clock(w, w->now_ns); /* however long it took so far, on a slow machine */
		s = a_syn();
		s.source_port = (uint16_t)(50000 + i);
		connect_by(&s);
		frame_make(&acks[i], &s);
	}
	world_clock(w, w->now_ns);
	for (int i = 0; i < 8; i++)
		TAKEN(&acks[i], 1, false, ack);
	world_drain(w);
	REFUSED_AS(&acks[8], 1, false, ack, flow_table_full);
	assert_int_equal(world_drain(w), 0);
	/* past the idle deadline a slot is given away; the ACK's cookie must still be good */
	w->settings.idle_seconds = 1;
	world_clock(w, w->now_ns + 3000000000ULL);
	TAKEN(&acks[8], 1, false, ack);
	for (int i = 0; i < 64; i++)
		world_xdp(w, &acks[8]);
	assert_true(world_port(w, 1, false).ring_full_segment > 0);
	REFUSED_AS(&acks[8], 1, false, ack, ring_full);
	world_drain(w);
	assert_int_equal(world_port(w, 1, false).emitted_open, 9);
	/* a full ring leaves no slot behind: the retransmitted ACK opens */
	s = a_syn();
	s.source_port = 60000;
	connect_by(&s);
	frame_make(&f, &s);
	for (int i = 0; i < 64; i++)
		world_xdp(w, &acks[8]);
	REFUSED_AS(&f, 1, false, ack, ring_full);
	world_drain(w);
	world_clock(w, w->now_ns + 3000000000ULL);
	TAKEN(&f, 1, false, ack);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(w->event[0].header.kind, OTORI_EVENT_open);
}

/* The answer to the segment s, as the responder sends it. */
static bool leaves(const struct segment *s, uint8_t flags)
{
	struct segment ours = *s;
	struct frame f;

	ours.source = s->destination;
	ours.destination = s->source;
	ours.source_port = s->destination_port;
	ours.destination_port = s->source_port;
	ours.seq = s->ack;
	ours.ack = s->seq;
	ours.flags = flags;
	frame_make(&f, &ours);
	return world_guard(w, f.bytes, f.length, OTORI_TRANSMIT_MARK) == 1;
}

/* Nothing of ours answers a RST, so the guard can't note it: its slot must not be held until the idle deadline. */
static void reset_by_the_stranger_closes(void **state)
{
	struct segment s = a_syn();
	struct frame syn, f;

	(void)state;
	frame_make(&syn, &s);
	open_flow(&s);
	TAKEN(&syn, 1, false, syn);
	s.flags = F_RST;
	frame_make(&f, &s);
	TAKEN(&f, 1, false, rst);
	world_drain(w);
	ANSWERED(&syn, 1, false, syn);	/* a new handshake on the same ports is answered */
	assert_true(leaves(&s, F_ACK)); /* a forged one shuts nobody up */
}

static void closed_flow_stays_as_a_tombstone(void **state)
{
	struct segment s = a_syn();
	struct frame ack, syn, f;

	(void)state;
	frame_make(&syn, &s);
	assert_false(leaves(&s, F_ACK)); /* nothing before admission */
	open_flow(&s);
	frame_make(&ack, &s);
	assert_true(leaves(&s, F_ACK));
	TAKEN(&syn, 1, false, syn); /* for a live flow a SYN goes up */
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(w->event[0].header.kind, OTORI_EVENT_segment);
	s.flags = F_FIN | F_ACK;
	frame_make(&f, &s);
	TAKEN(&f, 1, false, fin);
	TAKEN(&syn, 1, false, syn);
	assert_true(leaves(&s, F_FIN | F_ACK)); /* theirs, then ours: closed */
	world_drain(w);
	TAKEN(&ack, 1, false, ack); /* no ghost: the same ACK is a segment, not an open */
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(w->event[0].header.kind, OTORI_EVENT_segment);
	assert_true(leaves(&s, F_ACK)); /* and our last retransmissions still leave */
	ANSWERED(&syn, 1, false, syn);	/* a new handshake on the same ports is answered */
	s = a_syn();
	s.seq += 1000; /* with another ISN, so another cookie */
	open_flow(&s);
	assert_true(leaves(&s, F_RST));
	frame_make(&f, &s);
	TAKEN(&f, 1, false, ack);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(w->event[0].header.kind, OTORI_EVENT_segment);
	world_clock(w, w->now_ns + 40000000000ULL);
	REFUSED_AS(&f, 1, false, ack, no_handshake);
	assert_false(leaves(&s, F_ACK));
}

static void our_fin_first_closes_with_theirs(void **state)
{
	struct segment s = a_syn();
	struct frame f, syn;

	(void)state;
	frame_make(&syn, &s);
	open_flow(&s);
	assert_true(leaves(&s, F_FIN | F_ACK));
	TAKEN(&syn, 1, false, syn); /* half closed is still live */
	s.flags = F_FIN | F_ACK;
	frame_make(&f, &s);
	TAKEN(&f, 1, false, fin);
	assert_true(leaves(&s, F_ACK));
	ANSWERED(&syn, 1, false, syn);
}

static void samples_thin_out_with_the_ring(void **state)
{
	struct world_options options = { .ring_bytes = 65536 };
	struct segment s = a_syn();
	struct otori_counters c;
	struct frame f;
	unsigned events;

	(void)state;
	world_close(w);
	w = world_open(&options);
	frame_make(&f, &s);
	for (int i = 0; i < 4000; i++)
		assert_int_equal(world_xdp(w, &f), XDP_TX);
	c = world_port(w, 1, false);
	assert_int_equal(c.answered, 4000);
	assert_int_equal(c.syn_sampled + c.syn_unsampled, 4000);
	assert_int_equal(c.emitted_syn - c.ring_full_syn, c.syn_sampled);
	assert_true(c.syn_sampled > 240 && c.syn_sampled < 490); /* half the ring and some of the other half */
	events = world_drain(w);
	assert_int_equal(events, c.syn_sampled);
	w->settings.sample_probability = UINT32_MAX / 4;
	world_settings(w);
	for (int i = 0; i < 16; i++) /* until the ring is looked at again */
		world_xdp(w, &f);
	world_drain(w);
	c = world_port(w, 1, false);
	for (int i = 0; i < 200; i++)
		world_xdp(w, &f);
	events = world_drain(w);
	assert_in_range(events, 20, 90); /* 50 expected, 6 standard deviations */
	assert_int_equal(w->event[0].header.slot, UINT32_MAX / 4);
}

static void minutes_are_kept_apart(void **state)
{
	struct segment s = a_syn();
	uint32_t minute = (uint32_t)(WORLD_NOW / 60000000000ULL);
	struct frame f;

	(void)state;
	frame_make(&f, &s);
	for (uint32_t i = 0; i < 6; i++) {
		world_clock(w, (uint64_t)(minute + i) * 60000000000ULL + 5000000000ULL);
		for (uint32_t n = 0; n <= i; n++)
			world_xdp(w, &f);
		assert_int_equal(world_minute(w, minute + i, 1, false).seen, i + 1);
		if (i)
			assert_int_equal(world_minute(w, minute + i - 1, 1, false).seen, i);
	}
	assert_int_equal(world_port(w, 1, false).seen, 21);
}

/* In a replay user space judges handshakes; nothing is a martian that the operator named a decoy. */
static void replay_admits_when_told(void **state)
{
	struct world_options options = { .replay = true };
	struct otori_decoy unused = { .kind = OTORI_DECOY_UNUSED };
	const struct otori_event *e = &w->event[0].header;
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	world_close(w);
	w = world_open(&options);
	e = &w->event[0].header;
	w->settings.heartbeat_ns = 0; /* there is no responder */
	world_settings(w);
	world_prefix(bpf_map__fd(w->xdp->maps.decoys), "127.0.0.1", 32, &unused);
	frame_make(&f, &s);
	ANSWERED(&f, 1, false, syn);
	assert_memory_equal(w->out, f.bytes, f.length); /* nothing is built */
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(e->time_ns, WORLD_NOW); /* the capture's time, to the nanosecond */
	s.flags = F_ACK;
	s.seq++;
	s.option_bytes = 0;
	frame_make(&f, &s);
	REFUSED_AS(&f, 1, false, ack, no_handshake);
	w->xdp->bss->replay_admit = 1;
	TAKEN(&f, 1, false, ack);
	w->xdp->bss->replay_admit = 0;
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(e->kind, OTORI_EVENT_open);
	assert_int_equal(e->flags & OTORI_EVENT_OPTIONS_KNOWN, 0);
	TAKEN(&f, 1, false, ack);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(e->kind, OTORI_EVENT_segment);
	w->xdp->bss->replay_admit = 1; /* the capture's next conversation on the same ports */
	TAKEN(&f, 1, false, ack);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(e->kind, OTORI_EVENT_open);
	s = a_syn();
	s.source = s.destination = "127.0.0.1";
	frame_make(&f, &s);
	ANSWERED(&f, 1, false, syn);
	s.source = "198.51.100.10";
	frame_make(&f, &s);
	ANSWERED(&f, 1, false, syn);
}

static void wrong_checksums_are_ignored_when_told(void **state)
{
	struct world_options options = { .replay = true, .ignore_checksums = true };
	struct segment s = a_syn();
	struct frame f;

	(void)state;
	world_close(w);
	w = world_open(&options);
	frame_make(&f, &s);
	f.bytes[f.l3 + 10] ^= 0x55;
	f.bytes[f.l4 + 16] ^= 0x55;
	ANSWERED(&f, 1, false, syn);
	s.flags = F_ACK;
	s.payload = "x";
	s.payload_bytes = 1;
	frame_make(&f, &s);
	f.bytes[f.l4 + 16] ^= 0x55;
	w->xdp->bss->replay_admit = 1;
	world_drain(w);
	TAKEN(&f, 1, false, payload);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(w->event[0].header.flags & OTORI_EVENT_VERIFY_CHECKSUM, 0);
}

/* The ring is chosen at admission and kept, whatever the number of rings becomes. */
static void a_flow_keeps_its_ring(void **state)
{
	struct ring_buffer *readers = NULL;
	int rings[4];
	struct segment s = a_syn();
	struct frame f;
	unsigned seen = 0;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		rings[i] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "test_rings", 0, 0, 65536, NULL);
		assert_true(rings[i] > 0);
		world_put(bpf_map__fd(w->xdp->maps.rings), &i, &rings[i]);
	}
	w->settings.rings = 4;
	w->settings.sample_probability = 0;
	world_settings(w);
	for (uint32_t ring = 0; ring < 4; ring++) {
		unsigned events;

		readers = ring_buffer__new(rings[ring], world_take, w, NULL);
		assert_non_null(readers);
		ring_buffer__consume(readers); /* what the turns before this one left */
		for (uint16_t port = 1000; port < 1020; port++) {
			unsigned opened;

			s = a_syn();
			s.source_port = (uint16_t)(port + ring * 100);
			connect_by(&s);
			frame_make(&f, &s);
			assert_int_equal(world_xdp(w, &f), XDP_DROP);
			w->event_count = 0;
			ring_buffer__consume(readers);
			opened = w->event_count;
			w->settings.rings = 1; /* a changed setting moves no flow */
			world_settings(w);
			assert_int_equal(world_xdp(w, &f), XDP_DROP);
			w->event_count = 0;
			ring_buffer__consume(readers);
			events = w->event_count;
			assert_int_equal(events, opened);
			seen += opened;
			w->settings.rings = 4;
			world_settings(w);
		}
		ring_buffer__free(readers);
	}
	assert_in_range(seen, 5, 40); /* 20 of 80 expected: the flows spread */
	for (int i = 0; i < 4; i++)
		close(rings[i]);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, fresh, done)
	const struct CMUnitTest tests[] = {
		WORLD_TEST(handshake_is_admitted),
		WORLD_TEST(handshake_with_data_over_ipv6_and_tags),
		WORLD_TEST(cookie_expires),
		WORLD_TEST(every_size_class_carries_its_payload),
		WORLD_TEST(full_ring_and_table_are_told),
		WORLD_TEST(reset_by_the_stranger_closes),
		WORLD_TEST(closed_flow_stays_as_a_tombstone),
		WORLD_TEST(our_fin_first_closes_with_theirs),
		WORLD_TEST(samples_thin_out_with_the_ring),
		WORLD_TEST(minutes_are_kept_apart),
		WORLD_TEST(replay_admits_when_told),
		WORLD_TEST(wrong_checksums_are_ignored_when_told),
		WORLD_TEST(a_flow_keeps_its_ring),
	};

	return WORLD_RUN(tests);
}
