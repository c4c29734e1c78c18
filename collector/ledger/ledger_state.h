/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger_state.h - what the ledger remembers of what it has emitted; saved as it is.
 *
 * In:  nothing. Out: structs shared by the files of ledger/. Nobody else may include it.
 */
#ifndef OTORI_LEDGER_STATE_H
#define OTORI_LEDGER_STATE_H

#include "ledger/ledger.h"
#include "ledger/ledger_terms.h"

/* The figures of one port, of both families: [0] IPv4, [1] IPv6. */
struct ledger_figures {
	uint64_t term[2][LEDGER_PACKET_TERMS];
};

struct ledger_minute {
	uint32_t minute; /* since 1970; 0 = none */
	uint32_t reserved;
	struct ledger_figures port[OTORI_MAX_PORTS];
};

#define LEDGER_MAGIC 0x6f746f6cu
#define LEDGER_VERSION 1

struct ledger_state {
	uint32_t magic, version;
	uint32_t bytes;	      /* of this struct: another layout is refused */
	uint32_t maps[2];     /* ids of minute_counters and port_counters: figures of other maps mean nothing */
	uint32_t last_minute; /* that was collected in */
	char boot[40];
	struct ledger_figures total[OTORI_MAX_PORTS];			       /* emitted since the maps were made */
	struct ledger_minute minute[OTORI_MINUTE_SLOTS];		       /* emitted of the minute in each slot */
	struct responder_minute responder[OTORI_MAX_RINGS][RESPONDER_MINUTES]; /* emitted of the page */
};

struct ledger {
	struct ledger_sources sources;
	struct ledger_state *state;	/* owned */
	struct ledger_minute *slots[2]; /* owned; OTORI_MINUTE_SLOTS each: what the maps hold, read twice */
	struct ledger_figures *total;	/* owned; OTORI_MAX_PORTS */
	uint16_t ports[OTORI_MAX_PORTS];
	void *values; /* owned; one map value of every CPU */
	int cpus;
	bool behind; /* minutes may have been missed: to be booked by the cumulative counters */
	uint64_t page_due_ns;
};

/* ledger_read.c: what the maps hold now, summed over CPUs. 0 or negative errno. */
int ledger_read_slots(struct ledger *ledger, struct ledger_minute *slots);
int ledger_read_total(struct ledger *ledger, struct ledger_figures *total);

/* ledger_page.c: emits what is new in the responder's page. 0 or -ENOBUFS. */
int ledger_collect_page(struct ledger *ledger, struct record_buffer *records);

/* Appends one delta; what it adds to *emitted is 0 or the delta. 0 or -ENOBUFS. */
int ledger_emit(struct record_buffer *records, uint32_t minute, uint16_t port, uint8_t family, const char *term,
		uint64_t now, uint64_t *emitted);

#endif
