/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger_terms.c - names of terms: see ledger_terms.h.
 *
 * In:  the X macros. Out: names. Pure.
 */
#include "ledger/ledger_terms.h"

#define NAME_KIND(name, text) "kind_" #name,
#define NAME_EMITTED(name, text) "emitted_" #name,
#define NAME_RING_FULL(name, text) "ring_full_" #name,
#define NAME_REFUSED(name, text) "refused_" #name,
#define NAME_TERM(name) #name,

static const char *const packet_terms[] = { "seen",
					    "seen_bytes",
					    "passed",
					    "answered",
					    "taken",
					    "syn_sampled",
					    "syn_unsampled",
					    OTORI_KINDS(NAME_KIND) OTORI_EVENTS(NAME_EMITTED)
						    OTORI_EVENTS(NAME_RING_FULL) OTORI_REFUSALS(NAME_REFUSED) };

static const char *const responder_terms[] = { RESPONDER_TERMS(NAME_TERM) };

_Static_assert(sizeof(packet_terms) / sizeof(packet_terms[0]) == LEDGER_PACKET_TERMS, "a counter has no name");
_Static_assert(sizeof(responder_terms) / sizeof(responder_terms[0]) == TERM_COUNT, "a term has no name");

const char *ledger_packet_term(size_t n)
{
	return n < LEDGER_PACKET_TERMS ? packet_terms[n] : NULL;
}

const char *ledger_responder_term(enum responder_term term)
{
	return responder_terms[term];
}
