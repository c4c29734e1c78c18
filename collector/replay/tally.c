// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tally.c - see tally.h.
 *
 * In:  packets, records, counters. Out: ledger records and figures. Called by session.c. Writes no map.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "replay/tally.h"

void tally_packet(struct tally *tally, uint32_t minute, bool of_decoy)
{
	tally->minute = minute;
	tally->packets++;
	tally->of_decoys += of_decoy;
}

void tally_piece(struct tally *tally)
{
	tally->pieces++;
}

static int emit(struct record_buffer *records, uint32_t minute, const char *term, uint64_t *value)
{
	struct record_ledger record = { .minute = minute, .term = slice_of_text(term), .value = (int64_t)*value };
	int err = *value ? record_append_ledger(records, &record) : 0;

	if (!err)
		*value = 0;
	return err;
}

int tally_emit(struct tally *tally, struct record_buffer *records)
{
	int err = emit(records, tally->minute, "capture_packets", &tally->packets);

	if (!err)
		err = emit(records, tally->minute, "capture_pieces", &tally->pieces);
	return err ? err : emit(records, tally->minute, "capture_of_decoys", &tally->of_decoys);
}

void tally_records(struct session_summary *summary, const struct record_buffer *records)
{
	struct slice rest = slice_of(records->bytes, records->length);
	struct record record;

	while (record_next(&rest, &record) == 1) {
		if (record.kind == RECORD_ACCESS)
			summary->accesses++;
		if (record.kind == RECORD_MAIL) {
			summary->mails++;
			summary->mails_whole += record.mail.complete;
		}
	}
}

int tally_counters(struct otori_counters *sum, int port_counters)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct otori_port_counters *values;

	memset(sum, 0, sizeof(*sum));
	if (cpus <= 0)
		return -EIO;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (uint32_t port = 0; port < OTORI_MAX_PORTS && !err; port++) {
		if (bpf_map_lookup_elem(port_counters, &port, values) < 0)
			err = -errno;
		for (int cpu = 0; cpu < cpus && !err; cpu++) {
			/* the struct is nothing but figures (ledger_terms.c proves it) */
			const __u64 *ipv4 = (const __u64 *)&values[cpu].ipv4, *ipv6 = (const __u64 *)&values[cpu].ipv6;

			for (size_t i = 0; i < sizeof(*sum) / sizeof(__u64); i++)
				((__u64 *)sum)[i] += ipv4[i] + ipv6[i];
		}
	}
	free(values);
	return err;
}
