/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syn_tools.h - which scanning tool a SYN bears the marks of.
 *
 * In:  a sampled SYN. Out: bits of record_syn_source.tools. Called by responder/syn_watch.c and tests.
 * May not keep anything. The raw fields are stored beside the bits, so that a rule can be judged again later.
 */
#ifndef OTORI_RECORD_SYN_TOOLS_H
#define OTORI_RECORD_SYN_TOOLS_H

#include <stdint.h>

#include "record/record.h"

/* Tools, in the order of their bits (append-only: the bits reach tables). X(name, mark). */
#define SYN_TOOLS(X) \
	X(zmap_old, "before ZMap 4: IP id 54321, window 65535, no options") \
	X(zmap, "ZMap since 4: window 65535, a Windows set of options, but a TTL that began at 64") \
	X(masscan, "IP id = low 16 bits of destination address ^ destination port ^ sequence number") \
	X(mirai, "sequence number = destination address")

#define SYN_TOOL_BIT(name, mark) SYN_TOOL_BIT_##name,
enum syn_tool_bit { SYN_TOOLS(SYN_TOOL_BIT) SYN_TOOL_COUNT };

/*
 * Bit behind those of the tools: a stateless SYN (one with a tool's marks, or without options) and soon after it one of
 * a real stack, from the same source to the same port. A single SYN can't show it: responder/syn_watch.c sets it.
 */
#define SYN_TWO_PHASE (1u << SYN_TOOL_COUNT)

/* The bits (1 << SYN_TOOL_BIT_*) of the tools whose marks a SYN bears; 0 = none. */
uint32_t syn_tools(const struct record_syn_sample *sample);

#endif
