/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger_page.c - emits what the responder's workers have counted since the last time.
 *
 * In:  the page that the workers write. Out: ledger records. Called by ledger.c. Never writes the page.
 */
#include <errno.h>

#include "ledger/ledger_state.h"

/* Copies a slot as of one minute. false where the worker is giving the slot to a later minute just now: next time. */
static bool copy_minute(const struct responder_minute *live, struct responder_minute *copy)
{
	uint32_t minute = __atomic_load_n(&live->minute, __ATOMIC_ACQUIRE);

	if (!minute)
		return false;
	memcpy(copy, live, sizeof(*copy));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	copy->minute = minute;
	return __atomic_load_n(&live->minute, __ATOMIC_RELAXED) == minute;
}

static int collect_minute(struct ledger *ledger, const struct responder_minute *now, struct responder_minute *emitted,
			  struct record_buffer *records)
{
	if (emitted->minute != now->minute) {
		memset(emitted, 0, sizeof(*emitted));
		emitted->minute = now->minute;
	}
	for (uint32_t port = 0; port < OTORI_MAX_PORTS; port++)
		for (unsigned family = 0; family < 2; family++)
			for (unsigned term = 0; term < TERM_COUNT; term++) {
				int err = ledger_emit(records, now->minute, ledger->sources.page->ports[port],
						      family ? 6 : 4, ledger_responder_term((enum responder_term)term),
						      now->terms[port][family][term],
						      &emitted->terms[port][family][term]);

				if (err)
					return err;
			}
	return 0;
}

int ledger_collect_page(struct ledger *ledger, struct record_buffer *records)
{
	const struct responder_page *page = ledger->sources.page;
	uint32_t workers = page->workers < OTORI_MAX_RINGS ? page->workers : OTORI_MAX_RINGS;
	struct responder_minute now;

	for (uint32_t worker = 0; worker < workers; worker++)
		for (unsigned slot = 0; slot < RESPONDER_MINUTES; slot++) {
			struct responder_minute *emitted = &ledger->state->responder[worker][slot];
			int err;

			if (!copy_minute(&page->worker[worker].minutes[slot], &now))
				continue;
			if (memcmp(&now, emitted, sizeof(now)) == 0)
				continue;
			err = collect_minute(ledger, &now, emitted, records);
			if (err)
				return err;
		}
	return 0;
}
