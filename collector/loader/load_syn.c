// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_syn.c - rows of syn_sample and syn_source.
 *
 * In:  records of SYNs. Out: rows in load's buffers; syn_source summed over the segment, since its key is the segment.
 * Called by load.c. May not talk to the database but through load.h.
 */
#include "loader/load.h"

#include <errno.h>
#include <math.h>

int load_syn_sample(struct load *load, const struct record_syn_sample *record)
{
	uint64_t seen_ns = record->seen_at_ns;
	struct copy_buffer *row;
	int error = load_time(load, &seen_ns);

	if (error)
		return error;
	row = load_row(load, LOAD_SYN_SAMPLE, 17);
	copy_int8(row, (int64_t)load->header.segment);
	copy_int4(row, copy_clamp_int4(load->place));
	copy_time(row, seen_ns);
	copy_inet(row, &record->endpoints.source);
	copy_int4(row, record->endpoints.source_port);
	copy_inet(row, &record->endpoints.decoy);
	copy_int4(row, record->endpoints.decoy_port);
	load_vlans(row, &record->endpoints);
	copy_float8(row, (double)record->probability / UINT32_MAX);
	copy_int8(row, record->seq);
	copy_int4(row, record->window);
	copy_int4(row, record->ip_id);
	copy_int2(row, record->ttl);
	copy_bool(row, record->dont_fragment);
	copy_bytea(row, record->options);
	return load_row_end(load, LOAD_SYN_SAMPLE);
}

int load_syn_source(struct load *load, const struct record_syn_source *record)
{
	struct sum_key key = { .time = record->quarter_ns,
			       .port = record->decoy_port,
			       .family = record->source.ipv6 ? 6 : 4 };
	struct sum_entry *entry;

	memcpy(key.address, record->source.bytes, sizeof(key.address));
	entry = sum_table_entry(&load->syn_sources, &key);
	if (!entry)
		return -ENOMEM;
	entry->value = sum_add(entry->value, copy_clamp_int8(record->syns));
	if (isfinite(record->estimated))
		entry->estimated += record->estimated;
	entry->tools |= record->tools;
	return 0;
}

static int put_syn_source(struct load *load, const struct sum_entry *entry)
{
	struct address source = { .ipv6 = entry->key.family == 6 };
	uint64_t quarter_ns = entry->key.time;
	struct copy_buffer *row;
	int error = load_time(load, &quarter_ns);

	if (error)
		return error;
	memcpy(source.bytes, entry->key.address, sizeof(source.bytes));
	row = load_row(load, LOAD_SYN_SOURCE, 8);
	copy_time(row, quarter_ns);
	copy_inet(row, &source);
	copy_int4(row, entry->key.port);
	copy_int8(row, (int64_t)load->header.segment);
	copy_int8(row, entry->value);
	copy_float8(row, entry->estimated);
	copy_int4(row, (int32_t)entry->tools);
	error = load_row_end(load, LOAD_SYN_SOURCE);
	return error ? error : load_rollup_syn(load, quarter_ns);
}

int load_syn_sources_flush(struct load *load)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < load->syn_sources.count; i++)
		error = put_syn_source(load, &load->syn_sources.entries[i]);
	if (!error)
		sum_table_clear(&load->syn_sources);
	return error;
}
