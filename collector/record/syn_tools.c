// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * syn_tools.c - which scanning tool a SYN bears the marks of.
 *
 * In:  a sampled SYN. Out: bits. Called by responder/syn_watch.c. May not keep anything.
 *
 * Each rule is a function and a row of the table. Marks that need an IP id or a 32-bit address hold for IPv4 only.
 */
#include "record/syn_tools.h"

#define ZMAP_IP_ID 54321

static uint32_t decoy_word(const struct record_syn_sample *sample)
{
	const uint8_t *bytes = sample->endpoints.decoy.bytes;

	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_ipv4(const struct record_syn_sample *sample)
{
	return !sample->endpoints.source.ipv6;
}

static bool is_zmap_old(const struct record_syn_sample *sample)
{
	return is_ipv4(sample) && sample->ip_id == ZMAP_IP_ID && sample->window == 65535 && !sample->options.length;
}

/* True where the options have exactly these kinds, in this order (an end-of-list pads and ends them). */
static bool has_kinds(struct slice options, const uint8_t *kinds, size_t count)
{
	size_t seen = 0;

	while (options.length && options.bytes[0]) {
		size_t length = 1;

		if (seen == count || options.bytes[0] != kinds[seen++])
			return false;
		if (options.bytes[0] != 1) {
			if (options.length < 2 || options.bytes[1] < 2 || options.bytes[1] > options.length)
				return false;
			length = options.bytes[1];
		}
		options.bytes += length;
		options.length -= length;
	}
	return seen == count;
}

static bool is_zmap(const struct record_syn_sample *sample)
{
	static const uint8_t windows_set[] = { 2, 1, 3, 1, 1, 4 };

	return sample->window == 65535 && sample->ttl <= 64 &&
	       has_kinds(sample->options, windows_set, sizeof(windows_set));
}

static bool is_masscan(const struct record_syn_sample *sample)
{
	return is_ipv4(sample) &&
	       sample->ip_id == (uint16_t)(decoy_word(sample) ^ sample->endpoints.decoy_port ^ sample->seq);
}

static bool is_mirai(const struct record_syn_sample *sample)
{
	return is_ipv4(sample) && sample->seq == decoy_word(sample);
}

uint32_t syn_tools(const struct record_syn_sample *sample)
{
	static bool (*const rules[])(const struct record_syn_sample *) = {
#define SYN_TOOL_RULE(name, mark) is_##name,
		SYN_TOOLS(SYN_TOOL_RULE)
	};
	uint32_t tools = 0;

	for (unsigned i = 0; i < SYN_TOOL_COUNT; i++)
		if (rules[i](sample))
			tools |= 1u << i;
	return tools;
}
