/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger_terms.h - the names of what is counted, in the order of their fields.
 *
 * In:  the lists of counters.h and page.h. Out: names, and the figures of one port and family seen as an array. Used by
 * ledger/ and by `otori status`. Pure.
 */
#ifndef OTORI_LEDGER_TERMS_H
#define OTORI_LEDGER_TERMS_H

#include <stddef.h>

#include "../../include/otori/counters.h"
#include "responder/page.h"

/* Figures in struct otori_counters, which holds nothing but 64-bit figures. */
#define LEDGER_PACKET_TERMS (sizeof(struct otori_counters) / sizeof(uint64_t))

/* Name of the n-th figure of struct otori_counters: its field's. NULL behind the last. */
const char *ledger_packet_term(size_t n);
/* Name of a term of the responder's page. */
const char *ledger_responder_term(enum responder_term term);

#endif
