/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger.c - from live counters to ledger records: see ledger.h.
 *
 * In:  maps and page through ledger_read.c and ledger_page.c. Out: deltas, each emitted once. Called by supervisor/ and
 * replay/.
 *
 * A minute is emitted when it is over (and a little more: packets that are still being counted); before, only where the
 * call is final. What can't be told by minutes any more, because their slots were used again while nobody looked, is
 * the difference between the cumulative counters and all that was emitted. It can be taken only from a moment in which
 * nothing is counted between two readings; where traffic leaves no such moment, the next call tries again.
 */
#include "ledger/ledger.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/ledger_state.h"

#define SETTLE_NS \
	(2 * NS_PER_SECOND) /* after the end of a minute: the datapath's clock is off by jiffies, not by seconds */
#define PAGE_EVERY_NS (10 * NS_PER_SECOND) /* rows of the running minute cost room; a crash doesn't lose the page */

static uint32_t map_id(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) < 0 ? 0 : info.id;
}

static void read_boot(char boot[40])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(boot, 0, 40);
	if (!file)
		return;
	if (!fgets(boot, 40, file))
		boot[0] = '\0';
	fclose(file);
}

static void fill_identity(struct ledger_state *state, const struct ledger_sources *sources)
{
	state->magic = LEDGER_MAGIC;
	state->version = LEDGER_VERSION;
	state->bytes = sizeof(*state);
	state->maps[0] = map_id(sources->minute_counters);
	state->maps[1] = map_id(sources->port_counters);
	read_boot(state->boot);
}

int ledger_open(struct ledger **out, const struct ledger_sources *sources)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	size_t value = sizeof(struct otori_minute_counters) > sizeof(struct otori_port_counters)
			       ? sizeof(struct otori_minute_counters)
			       : sizeof(struct otori_port_counters);

	*out = NULL;
	if (!ledger)
		return -ENOMEM;
	ledger->sources = *sources;
	ledger->cpus = libbpf_num_possible_cpus();
	ledger->state = calloc(1, sizeof(*ledger->state));
	ledger->slots[0] = calloc(OTORI_MINUTE_SLOTS, sizeof(*ledger->slots[0]));
	ledger->slots[1] = calloc(OTORI_MINUTE_SLOTS, sizeof(*ledger->slots[1]));
	ledger->total = calloc(OTORI_MAX_PORTS, sizeof(*ledger->total));
	ledger->values = ledger->cpus > 0 ? calloc((size_t)ledger->cpus, value) : NULL;
	if (!ledger->state || !ledger->slots[0] || !ledger->slots[1] || !ledger->total || !ledger->values) {
		ledger_close(ledger);
		return -ENOMEM;
	}
	fill_identity(ledger->state, sources);
	*out = ledger;
	return 0;
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	free(ledger->state);
	free(ledger->slots[0]);
	free(ledger->slots[1]);
	free(ledger->total);
	free(ledger->values);
	free(ledger);
}

int ledger_emit(struct record_buffer *records, uint32_t minute, uint16_t port, uint8_t family, const char *term,
		uint64_t now, uint64_t *emitted)
{
	struct record_ledger record = { .minute = minute, .port = port, .family = family, .term = slice_of_text(term) };
	int err;

	if (now == *emitted)
		return 0;
	record.value = (int64_t)(now - *emitted);
	err = record_append_ledger(records, &record);
	if (!err)
		*emitted = now;
	return err;
}

/* Emits what a slot holds beyond what was emitted of that minute. */
static int collect_slot(struct ledger *ledger, const struct ledger_minute *now, struct ledger_minute *emitted,
			struct record_buffer *records)
{
	if (emitted->minute != now->minute) {
		memset(emitted, 0, sizeof(*emitted));
		emitted->minute = now->minute;
	}
	for (uint32_t port = 0; port < OTORI_MAX_PORTS; port++)
		for (unsigned family = 0; family < 2; family++)
			for (size_t term = 0; term < LEDGER_PACKET_TERMS; term++) {
				uint64_t *was = &emitted->port[port].term[family][term], before = *was;
				int err =
					ledger_emit(records, now->minute, ledger->ports[port], family ? 6 : 4,
						    ledger_packet_term(term), now->port[port].term[family][term], was);

				if (err)
					return err;
				ledger->state->total[port].term[family][term] += *was - before;
			}
	return 0;
}

/* What the slots hold and what was not yet emitted of it. */
static uint64_t pending(const struct ledger *ledger, uint32_t port, unsigned family, size_t term)
{
	uint64_t sum = 0;

	for (unsigned slot = 0; slot < OTORI_MINUTE_SLOTS; slot++) {
		const struct ledger_minute *now = &ledger->slots[0][slot], *emitted = &ledger->state->minute[slot];

		sum += now->port[port].term[family][term];
		if (emitted->minute == now->minute)
			sum -= emitted->port[port].term[family][term];
	}
	return sum;
}

/*
 * Books what no minute has: cumulative - emitted - pending, in the minute given. 1 = a port was counting meanwhile and
 * is left for the next call, 0 = all is booked, negative errno.
 */
static int book_missed(struct ledger *ledger, uint32_t minute, struct record_buffer *records)
{
	int busy = 0, err = ledger_read_total(ledger, ledger->total);

	if (!err)
		err = ledger_read_slots(ledger, ledger->slots[1]);
	for (uint32_t port = 0; port < OTORI_MAX_PORTS && !err; port++) {
		bool quiet = true;

		for (unsigned slot = 0; slot < OTORI_MINUTE_SLOTS; slot++)
			quiet = quiet && ledger->slots[0][slot].minute == ledger->slots[1][slot].minute &&
				memcmp(&ledger->slots[0][slot].port[port], &ledger->slots[1][slot].port[port],
				       sizeof(struct ledger_figures)) == 0;
		if (!quiet) {
			busy = 1;
			continue;
		}
		for (unsigned family = 0; family < 2 && !err; family++)
			for (size_t term = 0; term < LEDGER_PACKET_TERMS && !err; term++) {
				uint64_t *was = &ledger->state->total[port].term[family][term];
				uint64_t known =
					ledger->total[port].term[family][term] - pending(ledger, port, family, term);

				if ((int64_t)(known - *was) > 0)
					err = ledger_emit(records, minute, ledger->ports[port], family ? 6 : 4,
							  ledger_packet_term(term), known, was);
			}
	}
	return err ? err : busy;
}

static int collect_packets(struct ledger *ledger, uint64_t now_ns, bool final, struct record_buffer *records)
{
	uint32_t minute = (uint32_t)(now_ns / NS_PER_MINUTE),
		 settled = (uint32_t)((now_ns - SETTLE_NS) / NS_PER_MINUTE);
	int err = ledger_read_total(ledger, ledger->total); /* for the ports' names */

	if (!err)
		err = ledger_read_slots(ledger, ledger->slots[0]);
	for (unsigned slot = 0; slot < OTORI_MINUTE_SLOTS && !err; slot++) {
		const struct ledger_minute *now = &ledger->slots[0][slot];

		/* a minute to come: the clock was set back, and the slot will be needed */
		if (now->minute && (final || now->minute < settled || now->minute > minute + 1))
			err = collect_slot(ledger, now, &ledger->state->minute[slot], records);
	}
	if (err)
		return err;
	if (ledger->state->last_minute &&
	    (minute > ledger->state->last_minute + 2 || minute < ledger->state->last_minute))
		ledger->behind = true;
	ledger->state->last_minute = minute;
	if (!ledger->behind && !final)
		return 0;
	err = book_missed(ledger, minute, records);
	if (err == 0)
		ledger->behind = false;
	return err < 0 ? err : 0;
}

int ledger_collect(struct ledger *ledger, uint64_t now_ns, bool final, struct record_buffer *records)
{
	int err = collect_packets(ledger, now_ns, final, records);

	if (err || !ledger->sources.page)
		return err;
	/* farther ahead than that it never is, unless the clock was set back */
	if (!final && now_ns < ledger->page_due_ns && ledger->page_due_ns - now_ns <= PAGE_EVERY_NS)
		return 0;
	err = ledger_collect_page(ledger, records);
	if (!err)
		ledger->page_due_ns = now_ns + PAGE_EVERY_NS;
	return err;
}

int ledger_save(const struct ledger *ledger, int fd)
{
	const char *from = (const char *)ledger->state;
	size_t done = 0;

	while (done < sizeof(*ledger->state)) {
		ssize_t wrote = pwrite(fd, from + done, sizeof(*ledger->state) - done, (off_t)done);

		if (wrote < 0 && errno != EINTR)
			return -errno;
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

int ledger_restore(struct ledger *ledger, int fd)
{
	struct ledger_state *state = malloc(sizeof(*state));
	const struct ledger_state *own = ledger->state;
	ssize_t got;

	if (!state)
		return -ENOMEM;
	got = pread(fd, state, sizeof(*state), 0);
	if (got != (ssize_t)sizeof(*state) || state->magic != own->magic || state->version != own->version ||
	    state->bytes != own->bytes || memcmp(state->maps, own->maps, sizeof(own->maps)) != 0 ||
	    memcmp(state->boot, own->boot, sizeof(own->boot)) != 0) {
		free(state);
		return got < 0 ? -errno : -ESTALE;
	}
	free(ledger->state);
	ledger->state = state;
	return 0;
}
