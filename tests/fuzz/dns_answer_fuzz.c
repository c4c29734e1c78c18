// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dns_answer_fuzz.c - libFuzzer's way into the answers of a resolver.
 *
 * In:  a byte for the type, then any bytes behind the head and the question of an answer that is taken (else the fuzzer
 * would have to guess it). Out: a crash, or nothing. Built with clang -fsanitize=fuzzer,address,undefined. Holds
 * besides: no more is kept than there is room for.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "enrichment/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t head[] = { 0,   1,	  0x81, 0x80, 0,   1,	0,   8, 0, 0, 0, 0, 3,
					'f', 'o', 'o',	3,    'o', 'r', 'g', 0, 0, 0, 0, 1 };
	static const enum dns_type types[] = { DNS_A, DNS_MX, DNS_AAAA };
	struct dns_answer answer;
	uint8_t *message;
	enum dns_type type;

	if (!size || size > 65535)
		return 0;
	type = types[data[0] % 3];
	message = malloc(sizeof head + size - 1);
	if (!message)
		return 0;
	memcpy(message, head, sizeof head);
	message[22] = (uint8_t)type;
	memcpy(message + sizeof head, data + 1, size - 1);
	dns_answer_read(slice_of(message, sizeof head + size - 1), "foo.org", type, &answer);
	if (answer.count > DNS_RECORDS || (answer.state != DNS_FOUND && answer.count) ||
	    (answer.state == DNS_UNKNOWN) != !!answer.why)
		abort();
	dns_answer_free(&answer);
	free(message);
	return 0;
}
