/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns_answer.c - see dns_answer.h.
 *
 * In:  bytes of a DNS message (RFC 1035, 4). Out: struct dns_answer. Called by resolver.c. May not ask anything.
 *
 * c-ares expands the names (compression pointers, loops of them); everything else is read here.
 */
#include "enrichment/dns_answer.h"

#include <ares.h>
#include <stdlib.h>
#include <strings.h>

#define HEADER_BYTES 12
#define CLASS_IN 1
#define TYPE_CNAME 5
#define RCODE_NO_ERROR 0
#define RCODE_NO_NAME 3

struct record {
	size_t name;  /* where its name begins */
	size_t data;  /* where its data begin */
	size_t bytes; /* how long they are; all of them within the message */
	uint16_t type, class;
	uint32_t ttl_seconds;
};

static uint16_t read16(struct slice message, size_t at)
{
	return (uint16_t)(message.bytes[at] << 8 | message.bytes[at + 1]);
}

static uint32_t read32(struct slice message, size_t at)
{
	return (uint32_t)read16(message, at) << 16 | read16(message, at + 2);
}

/*
 * Expands the name at *at and moves *at behind it. false where it is none, or longer than a name may be. c-ares writes
 * a byte that is not printable as \ddd; such a name equals none that was asked for.
 */
static bool expand(struct slice message, size_t *at, char text[NAME_TEXT_BYTES])
{
	char *expanded = NULL;
	long encoded = 0;
	bool fits;

	if (*at >= message.length || ares_expand_name(message.bytes + *at, message.bytes, (int)message.length,
						      &expanded, &encoded) != ARES_SUCCESS)
		return false;
	fits = name_fold(slice_of_text(expanded), text) == 0;
	ares_free_string(expanded);
	*at += (size_t)encoded;
	return fits;
}

/* Moves *at behind a name without expanding it. */
static bool skip_name(struct slice message, size_t *at)
{
	while (*at < message.length) {
		uint8_t length = message.bytes[*at];

		if (length == 0) {
			*at += 1;
			return true;
		}
		if ((length & 0xc0) == 0xc0) {
			*at += 2;
			return *at <= message.length;
		}
		if (length & 0xc0)
			return false;
		*at += 1U + length;
	}
	return false;
}

/* Reads the record at *at and moves *at behind it; false where it is cut. */
static bool next_record(struct slice message, size_t *at, struct record *record)
{
	record->name = *at;
	if (!skip_name(message, at) || message.length - *at < 10)
		return false;
	record->type = read16(message, *at);
	record->class = read16(message, *at + 2);
	record->ttl_seconds = read32(message, *at + 4);
	if (record->ttl_seconds > INT32_MAX) /* RFC 2181, 8 */
		record->ttl_seconds = 0;
	record->bytes = read16(message, *at + 8);
	record->data = *at + 10;
	if (message.length - record->data < record->bytes)
		return false;
	*at = record->data + record->bytes;
	return true;
}

/* Does the message repeat the question, and only that? *at is moved behind it. */
static bool asks(struct slice message, const char *name, enum dns_type type, size_t *at)
{
	char asked[NAME_TEXT_BYTES];

	*at = HEADER_BYTES;
	if (read16(message, 4) != 1 || !expand(message, at, asked) || message.length - *at < 4)
		return false;
	*at += 4;
	return strcmp(asked, name) == 0 && read16(message, *at - 4) == type && read16(message, *at - 2) == CLASS_IN;
}

static void unknown(struct dns_answer *answer, const char *why)
{
	dns_answer_free(answer);
	*answer = (struct dns_answer){ .state = DNS_UNKNOWN, .why = why };
}

static void use_ttl(struct dns_answer *answer, const struct record *record)
{
	if (record->ttl_seconds < answer->ttl_seconds)
		answer->ttl_seconds = record->ttl_seconds;
}

/* The record's name, if it is owner's and of type. */
static bool is_of(struct slice message, const struct record *record, const char *owner, uint16_t type)
{
	char name[NAME_TEXT_BYTES];
	size_t at = record->name;

	return record->class == CLASS_IN && record->type == type && expand(message, &at, name) &&
	       strcmp(name, owner) == 0;
}

/*
 * Follows aliases from owner to the name that has records of its own; leaves that one in owner. false where they go in
 * a circle, or are more than anybody uses.
 */
static bool follow_aliases(struct slice message, size_t answers, uint16_t count, char owner[NAME_TEXT_BYTES],
			   struct dns_answer *answer)
{
	for (unsigned hop = 0; hop <= DNS_ALIASES; hop++) {
		struct record record;
		size_t at = answers;
		bool found = false;

		for (uint16_t i = 0; i < count && !found; i++) {
			if (!next_record(message, &at, &record))
				return false;
			found = is_of(message, &record, owner, TYPE_CNAME);
		}
		if (!found)
			return true;
		at = record.data;
		if (!expand(message, &at, owner))
			return false;
		use_ttl(answer, &record);
	}
	return false;
}

static bool add_address(struct slice message, const struct record *record, struct dns_answer *answer)
{
	struct address address = { .ipv6 = record->type == DNS_AAAA };

	if (record->bytes != (address.ipv6 ? 16 : 4))
		return false;
	memcpy(address.bytes, message.bytes + record->data, record->bytes);
	answer->addresses[answer->count++] = address;
	return true;
}

static bool add_exchanger(struct slice message, const struct record *record, struct dns_answer *answer)
{
	size_t at = record->data + 2;

	if (!answer->exchangers)
		answer->exchangers = calloc(DNS_RECORDS, sizeof *answer->exchangers);
	if (record->bytes < 3 || !answer->exchangers || !expand(message, &at, answer->exchangers[answer->count]))
		return false;
	answer->count++;
	return true;
}

/* Takes the records of owner. false where one is damaged. *others: there are records, but of other names. */
static bool take_records(struct slice message, size_t answers, uint16_t count, const char *owner, enum dns_type type,
			 struct dns_answer *answer)
{
	size_t at = answers;

	for (uint16_t i = 0; i < count; i++) {
		struct record record;

		if (!next_record(message, &at, &record))
			return false;
		if (!is_of(message, &record, owner, (uint16_t)type))
			continue;
		if (answer->count == DNS_RECORDS) {
			answer->more = true;
			continue;
		}
		if (!(type == DNS_MX ? add_exchanger : add_address)(message, &record, answer))
			return false;
		use_ttl(answer, &record);
	}
	return true;
}

/* The one exchanger "." is none (RFC 7505); beside others it is nonsense and left out. */
static void judge_exchangers(struct dns_answer *answer)
{
	size_t kept = 0;

	for (size_t i = 0; i < answer->count; i++) {
		if (*answer->exchangers[i] && kept++ != i)
			memcpy(answer->exchangers[kept - 1], answer->exchangers[i], NAME_TEXT_BYTES);
	}
	answer->takes_no_mail = answer->count > 0 && kept == 0;
	answer->count = kept;
}

void dns_answer_read(struct slice message, const char *name, enum dns_type type, struct dns_answer *answer)
{
	char owner[NAME_TEXT_BYTES];
	uint16_t count;
	size_t at;
	uint8_t rcode;

	*answer = (struct dns_answer){ .ttl_seconds = UINT32_MAX };
	if (message.length < HEADER_BYTES || message.length > UINT16_MAX || !(message.bytes[2] & 0x80) ||
	    (message.bytes[2] & 0x78) || !asks(message, name, type, &at)) {
		unknown(answer, "the resolver answered something else");
		return;
	}
	rcode = message.bytes[3] & 0x0f;
	if (rcode != RCODE_NO_ERROR && rcode != RCODE_NO_NAME) {
		unknown(answer, rcode == 2 ? "the resolver failed (SERVFAIL)" : "the resolver refused");
		return;
	}
	if (message.bytes[2] & 0x02) {
		unknown(answer, "the resolver's answer is cut");
		return;
	}
	count = read16(message, 6);
	strcpy(owner, name);
	if (!follow_aliases(message, at, count, owner, answer)) {
		unknown(answer, "the resolver's answer is damaged, or its aliases go in a circle");
		return;
	}
	if (rcode == RCODE_NO_NAME) {
		answer->state = DNS_NO_NAME;
		return;
	}
	if (!take_records(message, at, count, owner, type, answer)) {
		unknown(answer, "the resolver's answer is damaged");
		return;
	}
	if (!answer->count && count && strcmp(owner, name) == 0) {
		unknown(answer, "the resolver's answer is about other names");
		return;
	}
	answer->state = answer->count ? DNS_FOUND : DNS_NO_RECORD;
	if (answer->state == DNS_FOUND && type == DNS_MX)
		judge_exchangers(answer);
}

void dns_answer_free(struct dns_answer *answer)
{
	if (!answer)
		return;
	free(answer->exchangers);
	answer->exchangers = NULL;
	answer->count = 0;
}
