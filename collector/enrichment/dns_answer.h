/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns_answer.h - what a resolver's answer says about the name that was asked for, and nothing else that it says.
 *
 * In:  the bytes of an answer and the question. Out: addresses or exchangers of that name, reached over its aliases
 * alone. Called by resolver.c and the fuzzer. Pure but for memory; the work is bounded by the length of a DNS message.
 * The parsers of c-ares take records of whatever name stands in an answer, so they are not used for this.
 */
#ifndef OTORI_ENRICHMENT_DNS_ANSWER_H
#define OTORI_ENRICHMENT_DNS_ANSWER_H

#include "enrichment/name_check.h"

/* Records that are kept of one answer. A domain with more exchangers than these is not judged. */
#define DNS_RECORDS 64
/* Aliases that are followed from a name. */
#define DNS_ALIASES 16

enum dns_type { DNS_A = 1, DNS_MX = 15, DNS_AAAA = 28 };

enum dns_state {
	DNS_UNKNOWN = 0, /* no answer, a failure, or no answer to this question: `why` tells */
	DNS_FOUND,
	DNS_NO_RECORD, /* the name is there, but has no record of that type */
	DNS_NO_NAME,   /* there is no such name */
};

struct dns_answer {
	enum dns_state state;
	const char *why;		       /* of DNS_UNKNOWN, a constant */
	uint32_t ttl_seconds;		       /* least of the records used */
	size_t count;			       /* records kept */
	bool more;			       /* there were more than DNS_RECORDS */
	bool takes_no_mail;		       /* null MX (RFC 7505): a dot alone */
	struct address addresses[DNS_RECORDS]; /* of A and AAAA */
	char (*exchangers)[NAME_TEXT_BYTES];   /* of MX: count names, lower case; owned */
};

/* Reads an answer to (name, type). name: lower case, without a final dot. What was in *answer before is not freed. */
void dns_answer_read(struct slice message, const char *name, enum dns_type type, struct dns_answer *answer);
void dns_answer_free(struct dns_answer *answer);

#endif
