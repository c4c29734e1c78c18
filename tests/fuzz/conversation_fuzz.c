// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conversation_fuzz.c - libFuzzer: a conversation takes any bytes in any cuts.
 *
 * In:  two bytes (options, seed of the cuts), then the client's stream. Out: a crash where a sanitizer, the accounting of the
 * pools, or the rule that no cut changes the outcome is broken. Built by:
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iinclude -Icollector -Itests/unit \
 *     tests/fuzz/conversation_fuzz.c collector/protocols/[a-z]*.c collector/record/record.c collector/base/byte_queue.c \
 *     collector/base/slice.c -o build/conversation_fuzz
 * Seeds: tests/fuzz/conversation_seeds FOLDER.
 */
#define VISIT_CHUNKS 1024 /* small pools: opening them is most of a run's time */
#define VISIT_RECORD_BYTES (256u << 10)
#include "visit.h"

#define OPTION_MAIL_PORT 1
#define OPTION_REPLAY 2
#define OPTION_STARTTLS 4
#define OPTION_PAGE 8
#define OPTION_HALF_CLOSE 16
#define OPTION_FEW_CHUNKS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct visit *run(uint8_t options, struct slice bytes, unsigned int cut)
{
	struct visit *visit = visit_open(options & OPTION_MAIL_PORT ? 25 : 8080);

	visit->policy.replay = options & OPTION_REPLAY;
	visit->policy.offer_starttls = options & OPTION_STARTTLS;
	visit->policy.page_bytes = options & OPTION_PAGE ? 3000 : 0;
	visit->policy.mail_max_bytes = 5000;
	if (options & OPTION_FEW_CHUNKS)
		visit->chunks.chunks = 6;
	visit_begin(visit);
	visit_say_cut(visit, bytes, cut);
	if (options & OPTION_HALF_CLOSE)
		visit_half_close(visit);
	visit_end(visit);
	return visit;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct visit *whole, *cut;
	const char *difference;

	if (size < 2 || size > 1 << 12)
		return 0;
	whole = run(data[0], slice_of(data + 2, size - 2), 0);
	cut = run(data[0], slice_of(data + 2, size - 2), 1u + data[1]);
	difference = visit_difference(whole, cut);
	/* With too few chunks it depends on the cut which of them fails; nothing else may differ then than what is missing. */
	if (difference && !(data[0] & OPTION_FEW_CHUNKS))
		visit_check(false, difference);
	whole->chunks.chunks = cut->chunks.chunks = VISIT_CHUNKS;
	visit_close(whole);
	visit_close(cut);
	return 0;
}
