/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger_read.c - reads the XDP program's counters, summed over CPUs.
 *
 * In:  maps minute_counters and port_counters. Out: struct ledger_minute, struct ledger_figures. Called by ledger.c.
 * Never writes.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "ledger/ledger_state.h"

static void add(uint64_t sum[LEDGER_PACKET_TERMS], const struct otori_counters *counters)
{
	/* the struct is nothing but figures (ledger_terms.c proves it); the CPU that counts writes each whole */
	const __u64 *figure = (const __u64 *)counters;

	for (size_t n = 0; n < LEDGER_PACKET_TERMS; n++)
		sum[n] += __atomic_load_n(&figure[n], __ATOMIC_RELAXED);
}

/* One slot and port: the CPUs that stand in the same minute as the youngest. The older ones' minute was collected long
 * ago. */
static void add_minute(const struct ledger *ledger, struct ledger_minute *slot, uint32_t port)
{
	const struct otori_minute_counters *values = ledger->values;

	for (int cpu = 0; cpu < ledger->cpus; cpu++) {
		if (!values[cpu].minute || values[cpu].minute < slot->minute)
			continue;
		if (values[cpu].minute > slot->minute) {
			memset(slot->port, 0, sizeof(slot->port));
			slot->minute = values[cpu].minute;
		}
		add(slot->port[port].term[0], &values[cpu].ipv4);
		add(slot->port[port].term[1], &values[cpu].ipv6);
	}
}

int ledger_read_slots(struct ledger *ledger, struct ledger_minute *slots)
{
	memset(slots, 0, OTORI_MINUTE_SLOTS * sizeof(*slots));
	for (uint32_t slot = 0; slot < OTORI_MINUTE_SLOTS; slot++)
		for (uint32_t port = 0; port < OTORI_MAX_PORTS; port++) {
			uint32_t key = slot * OTORI_MAX_PORTS + port;

			if (port && !ledger->ports[port])
				continue;
			if (bpf_map_lookup_elem(ledger->sources.minute_counters, &key, ledger->values) < 0)
				return -errno;
			add_minute(ledger, &slots[slot], port);
		}
	return 0;
}

int ledger_read_total(struct ledger *ledger, struct ledger_figures *total)
{
	const struct otori_port_counters *values = ledger->values;

	memset(total, 0, OTORI_MAX_PORTS * sizeof(*total));
	for (uint32_t port = 0; port < OTORI_MAX_PORTS; port++) {
		if (bpf_map_lookup_elem(ledger->sources.port_counters, &port, ledger->values) < 0)
			return -errno;
		ledger->ports[port] = (uint16_t)values[0].port;
		for (int cpu = 0; cpu < ledger->cpus; cpu++) {
			add(total[port].term[0], &values[cpu].ipv4);
			add(total[port].term[1], &values[cpu].ipv6);
		}
	}
	return 0;
}
