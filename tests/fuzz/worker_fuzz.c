// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker_fuzz.c - libFuzzer: a worker takes any records, in any order, at any time.
 *
 * In:  a byte of settings, then steps: damaged records, handshakes, segments whose numbers lie near what the worker
 * said last, path MTUs, time. Out: a crash where a sanitizer, the equations of the ledger, the accounting of the pools
 * or a rule about what may be sent is broken. The imitations are the real ones. Built by:
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iinclude -Icollector tests/fuzz/worker_fuzz.c \
 *     $(ls collector/responder/[a-z]*.c | grep -v -e main.c -e serve.c -e sandbox.c -e transmit.c -e drain.c) \
 *     collector/protocols/[a-z]*.c collector/record/[a-z]*.c collector/base/byte_queue.c collector/base/slice.c \
 *     -o build/worker_fuzz
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "responder/checksum.h"
#include "responder/endpoint.h"

#define FLOWS 4
#define START_NS (1700000000ull * 1000000000ull)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
	struct worker *worker;
	struct responder_page page;
	struct mimic_policy policy;
	uint8_t frame[2048];
	uint32_t reserved;
	unsigned sink_full; /* every so manieth frame finds no room; 0 = never */
	unsigned frames;
	uint64_t now_ns, sequence;
	/* What a client of each flow knows: the worker's numbers in its last frame. */
	uint32_t seq[FLOWS], ack[FLOWS];
	struct slice input;
};

static struct bench bench;
static const uint16_t server_first[] = { 25 };

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t next_byte(void)
{
	uint8_t byte = bench.input.length ? bench.input.bytes[0] : 0;

	bench.input.bytes += !!bench.input.length;
	bench.input.length -= !!bench.input.length;
	return byte;
}

static uint8_t *reserve(void *context, uint8_t device, uint32_t bytes)
{
	(void)context;
	demand(device < OTORI_MAX_DEVICES && bytes <= sizeof(bench.frame));
	bench.reserved = bytes;
	return bench.sink_full && ++bench.frames % bench.sink_full == 0 ? NULL : bench.frame;
}

/* What leaves has its checksum, carries ACK or RST and never SYN, and comes from the decoy. */
static void submit(void *context, uint32_t bytes)
{
	const uint8_t *tcp = bench.frame + 34;
	uint64_t sum;
	unsigned place;

	(void)context;
	demand(bytes == bench.reserved);
	if (bench.frame[12] != 8 || bench.frame[13] != 0)
		return; /* tags and IPv6: only that it was written within its bounds */
	demand(checksum_fold(checksum_add(0, bench.frame + 14, 20)) == 0xffff);
	sum = checksum_add(htons(6) + htons((uint16_t)(bytes - 34)), bench.frame + 26, 8);
	demand(checksum_fold(checksum_add(sum, tcp, bytes - 34)) == 0xffff);
	demand((tcp[13] & (TCP_ACK | TCP_RST)) && !(tcp[13] & TCP_SYN));
	demand(bench.frame[26] == 203);
	place = tcp[3] % FLOWS;
	bench.seq[place] = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
	bench.ack[place] = (uint32_t)tcp[8] << 24 | (uint32_t)tcp[9] << 16 | (uint32_t)tcp[10] << 8 | tcp[11];
}

static void flush(void *context)
{
	(void)context;
}

static void collect(void)
{
	struct record_buffer *records = worker_records(bench.worker);
	struct slice bytes = slice_of(records->bytes, records->length);
	struct record record;
	uint32_t count = 0;

	while (record_next(&bytes, &record) == 1)
		count++;
	demand(count == records->records && !bytes.length);
	worker_journalled(bench.worker, count, (uint32_t)(bench.now_ns / 60000000000ull), false);
	record_buffer_reset(records);
}

/* A signed offset that is mostly small. */
static uint32_t near(uint32_t number)
{
	uint8_t how = next_byte();

	if (how < 160)
		return number;
	if (how < 220)
		return number + (uint32_t)(int32_t)(int8_t)next_byte();
	return number + ((uint32_t)next_byte() << (how & 31));
}

static void give(int kind, unsigned place, unsigned flags, uint32_t seq, uint32_t ack)
{
	static uint8_t record[OTORI_EVENT_MAX_BYTES];
	struct otori_event event = { .sequence = ++bench.sequence, .time_ns = bench.now_ns };
	unsigned shape = next_byte(), length = next_byte();

	event.minute = (uint32_t)(bench.now_ns / 60000000000ull);
	event.source[0] = 198;
	event.destination[0] = 203;
	event.source_port_be = htons((uint16_t)(40000 + place));
	event.destination_port_be = htons(place == 3 ? 25 : 1080);
	event.kind = (uint8_t)kind;
	event.tcp_flags = (uint8_t)flags;
	event.seq = seq;
	event.ack = ack;
	event.window = (uint16_t)(shape & 1 ? next_byte() : 65535);
	event.cookie_mss = shape & 2 ? (uint16_t)next_byte() : 1460;
	event.cookie_window_scale = shape & 4 ? next_byte() : 15;
	event.cookie_sack = !!(shape & 8);
	event.flags = OTORI_EVENT_OPTIONS_KNOWN;
	event.option_bytes = shape & 16 ? 4 * (next_byte() % 11) : 0;
	event.payload_bytes = (uint16_t)(shape & 32 ? 0 : shape & 64 ? length * 31 : length);
	memcpy(record, &event, sizeof(event));
	for (unsigned i = 0; i < (unsigned)event.option_bytes + event.payload_bytes; i++)
		record[sizeof(event) + i] = next_byte();
	worker_event(bench.worker, record, (uint32_t)(sizeof(event) + event.option_bytes + event.payload_bytes),
		     bench.now_ns);
}

static void give_damaged(void)
{
	uint8_t record[256];
	uint32_t bytes = next_byte();
	struct otori_event event;

	for (uint32_t i = 0; i < bytes; i++)
		record[i] = next_byte();
	if (bytes >= sizeof(event)) { /* else it would be taken for a repetition of all that follows */
		memcpy(&event, record, sizeof(event));
		event.sequence = ++bench.sequence;
		event.cpu = 0;
		event.destination[0] = 203; /* XDP gives nothing that is not for a decoy */
		memcpy(record, &event, sizeof(event));
	}
	worker_event(bench.worker, record, bytes, bench.now_ns);
}

static void step(void)
{
	uint8_t what = next_byte();
	unsigned place = what >> 6;

	switch (what & 7) {
	case 0:
		give_damaged();
		break;
	case 1:
		bench.ack[place] = (uint32_t)next_byte() << 24;
		bench.seq[place] = (uint32_t)next_byte() << 24;
		give(OTORI_EVENT_open, place, TCP_ACK | (what & 0x38 ? 0 : TCP_FIN), bench.ack[place],
		     bench.seq[place]);
		break;
	case 2:
		bench.now_ns += (uint64_t)next_byte() << (next_byte() & 31);
		worker_tick(bench.worker, bench.now_ns);
		break;
	case 3:
		give(what & 8 ? OTORI_EVENT_unreachable : OTORI_EVENT_syn, place, TCP_SYN, near(bench.seq[place]), 0);
		break;
	default:
		give(OTORI_EVENT_segment, place, what & 32 ? next_byte() : TCP_ACK, near(bench.ack[place]),
		     near(bench.seq[place]));
	}
	demand(bench.worker->records.refused == 0);
	collect();
}

static void open_bench(uint8_t options)
{
	struct frame_sink sink = { reserve, submit, flush, NULL };
	struct worker_settings settings = { .flows = options & 1 ? 2 : 8,
					    .conversations = options & 2 ? 1 : 4,
					    .chunks = options & 4 ? 4 : 512,
					    .record_bytes = 1 << 20,
					    .idle_seconds = 60,
					    .total_seconds = 600,
					    .mtu = 1500,
					    .replay = options & 8,
					    .policy = &bench.policy,
					    .secret = { 3, 4 } };

	memset(&bench.page, 0, sizeof(bench.page));
	bench.page.ports[1] = 1080;
	bench.page.ports[2] = 25;
	bench.policy.server_first_ports = server_first;
	bench.policy.server_first_port_count = 1;
	bench.policy.mail_max_bytes = 4000;
	bench.policy.replay = options & 8;
	bench.sink_full = options & 16 ? 3 : 0;
	bench.now_ns = START_NS;
	bench.sequence = 0;
	demand(worker_open(&bench.worker, &settings, &sink, &bench.page) == 0);
	worker_segment(bench.worker, 1);
}

static uint64_t term(enum responder_term which)
{
	uint64_t sum = 0;

	for (unsigned m = 0; m < RESPONDER_MINUTES; m++)
		for (unsigned i = 0; i < OTORI_MAX_PORTS; i++)
			for (unsigned family = 0; family < 2; family++)
				sum += bench.page.worker[0].minutes[m].terms[i][family][which];
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	bench.input = slice_of(data, size);
	open_bench(next_byte());
	while (bench.input.length)
		step();
	while (worker_end_all(bench.worker, FLOW_END_shutdown, bench.now_ns))
		collect();
	collect();
	demand(bench.worker->flows.used_flows == 0 && bench.worker->flows.used_talks == 0);
	demand(bench.worker->chunks.used == 0 && bench.worker->runs.used == 0 && bench.worker->conversations.used == 0);
	if (bench.now_ns - START_NS < 14 * 60000000000ull) { /* no minute has lost its slot */
		demand(term(TERM_open) == 0);
		demand(term(TERM_opened) == term(TERM_recorded) + term(TERM_lost_pool_exhausted));
		demand(term(TERM_records_made) == term(TERM_records_journalled));
	}
	worker_close(bench.worker);
	return 0;
}
