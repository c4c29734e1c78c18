// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * session.c - see session.h: the parts of a sensor, wired together in one process.
 *
 * In:  packets. Out: records through the outlet. Called by replay.c. Holds the order in which a live sensor does
 * things: the timers that are due, then the packet, then its events; a minute's records in a minute's frame; the ledger
 * behind it all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/clock.h"
#include "ledger/ledger.h"
#include "replay/decoys.h"
#include "replay/handshake.h"
#include "replay/outlet.h"
#include "replay/run_xdp.h"
#include "replay/session.h"
#include "replay/split.h"
#include "replay/tally.h"
#include "responder/checksum.h"
#include "responder/worker.h"

#define RECORD_BYTES (4u << 20) /* of the worker; a frame of the journal takes 8 MiB */
#define FLUSH_BYTES (1u << 20)	/* a frame is written when so much waits, or the minute ends */
#define LEDGER_RECORD_BYTES (1u << 20)
#define CHUNKS_PER_FLOW 4	    /* of 508 bytes: payloads and header blocks of those who say anything */
#define CHUNKS_LEAST (64u << 10)    /* 32 MiB: a few large mails at once */
#define IDS_PER_SEGMENT (12u << 20) /* of 2^24: time for a new segment */
#define LISTED_BYTES (OTORI_MAX_PREFIXES * (PREFIX_TEXT_BYTES + 1))

struct session {
	struct session_plan plan;
	struct decoys *decoys;
	struct handshakes *handshakes;
	struct xdp_run *xdp;
	struct worker *worker;
	struct responder_page *page; /* owned; mapped */
	struct ledger *ledger;
	struct outlet *outlet;
	struct record_buffer ledger_records;
	struct mimic_policy policy;
	struct session_summary summary;
	struct split split;
	struct tally tally; /* what the capture held, by minute: rows of the ledger of our own */
	uint64_t now_ns;    /* the capture's clock; never goes back */
	bool spoiled;	    /* the packet in hand opened a flow, but its payload's checksum is wrong */
};

static uint32_t minute_at(uint64_t time_ns)
{
	return (uint32_t)(time_ns / NS_PER_MINUTE);
}

static bool policy_is_decoy(const void *context, const struct address *address)
{
	return decoys_have(context, address);
}

/* The XDP program leaves the sum over a long payload to the worker, which opens nothing where it is wrong. */
static bool payload_holds(const struct otori_event *event, const uint8_t *record, uint32_t bytes)
{
	size_t offset = sizeof(*event) + event->option_bytes;

	if (!(event->flags & OTORI_EVENT_VERIFY_CHECKSUM) || offset + event->payload_bytes > bytes)
		return true;
	return checksum_fold(checksum_add(event->partial_checksum, record + offset, event->payload_bytes)) == 0xffff;
}

/* An event of the packet in hand. */
static void on_event(void *context, const void *record, uint32_t bytes)
{
	struct session *session = context;
	struct otori_event event;

	if (bytes >= sizeof(event)) {
		memcpy(&event, record, sizeof(event));
		session->spoiled = event.kind == OTORI_EVENT_open && !payload_holds(&event, record, bytes);
	}
	worker_event(session->worker, record, bytes, session->now_ns);
}

static int open_worker(struct session *session)
{
	const struct session_plan *plan = &session->plan;
	struct worker_settings settings = {
		.flows = plan->flows,
		.conversations = plan->flows,
		.chunks = plan->flows * CHUNKS_PER_FLOW > CHUNKS_LEAST ? plan->flows * CHUNKS_PER_FLOW : CHUNKS_LEAST,
		.record_bytes = RECORD_BYTES,
		.idle_seconds = plan->idle_seconds,
		.total_seconds = plan->total_seconds,
		.mtu = 1500,
		.replay = true,
		.ring = 0,
		.policy = &session->policy,
	};

	if (getrandom(settings.secret, sizeof(settings.secret), 0) != (ssize_t)sizeof(settings.secret))
		return -EIO;
	session->page = mmap(NULL, sizeof(*session->page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (session->page == MAP_FAILED) {
		session->page = NULL;
		return -errno;
	}
	session->page->magic = RESPONDER_PAGE_MAGIC;
	session->page->version = RESPONDER_PAGE_VERSION;
	session->page->workers = 1;
	memcpy(session->page->ports, xdp_run_ports(session->xdp), sizeof(session->page->ports));
	return worker_open(&session->worker, &settings, NULL, session->page);
}

static int open_policy(struct session *session)
{
	session->policy = (struct mimic_policy){
		.secrets_clear = session->plan.secrets_clear,
		.replay = true,
		.mail_max_bytes = session->plan.mail_max_bytes,
		.server_first_ports = conversation_server_first_ports,
		.server_first_port_count = CONVERSATION_SERVER_FIRST_PORTS,
		.is_decoy = policy_is_decoy,
		.is_decoy_context = session->decoys,
	};
	if (getrandom(session->policy.secret_key, sizeof(session->policy.secret_key), 0) !=
	    (ssize_t)sizeof(session->policy.secret_key))
		return -EIO;
	return 0;
}

static int open_ledger(struct session *session)
{
	struct ledger_sources sources = {
		.minute_counters = xdp_run_minute_counters(session->xdp),
		.port_counters = xdp_run_port_counters(session->xdp),
		.page = session->page,
	};
	int err = record_buffer_open(&session->ledger_records, LEDGER_RECORD_BYTES);

	return err ? err : ledger_open(&session->ledger, &sources);
}

int session_open(struct session **result, const struct session_plan *plan, struct problem *problem)
{
	struct session *session = calloc(1, sizeof(*session));
	struct xdp_run_plan xdp = {
		.decoys = plan->decoys,
		.decoy_count = plan->decoy_count,
		.ports = plan->ports,
		.port_count = plan->port_count,
		.flows = plan->flows,
		.idle_seconds = plan->idle_seconds,
		.ignore_checksums = plan->ignore_checksums,
		.event = on_event,
		.context = session,
	};
	struct outlet_plan outlet = {
		.sensor = plan->sensor,
		.journal = plan->journal,
		.conninfo = plan->conninfo,
		.rules = plan->rules,
		.stop = plan->stop,
	};
	int err = -ENOMEM;

	*result = NULL;
	if (!session)
		return problem_say(problem, PROBLEM_FAILURE, err, "no memory");
	session->plan = *plan;
	session->decoys = decoys_new(plan->decoys, plan->decoy_count, plan->ports, plan->port_count);
	if (session->decoys)
		err = handshakes_open(&session->handshakes, 4 * plan->flows);
	if (!err)
		err = open_policy(session);
	if (err) {
		problem_say(problem, PROBLEM_FAILURE, err, "the replay cannot be set up: %s", strerror(-err));
		goto fail;
	}
	err = xdp_run_open(&session->xdp, &xdp, problem);
	if (err)
		goto fail;
	err = open_worker(session);
	if (!err)
		err = open_ledger(session);
	if (err) {
		problem_say(problem, PROBLEM_FAILURE, err, "the replay cannot be set up: %s", strerror(-err));
		goto fail;
	}
	err = outlet_open(&session->outlet, &outlet, problem);
	if (err)
		goto fail;
	worker_segment(session->worker, outlet_segment(session->outlet));
	*result = session;
	return 0;
fail:
	session_close(session);
	return err;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	outlet_close(session->outlet);
	ledger_close(session->ledger);
	record_buffer_close(&session->ledger_records);
	worker_close(session->worker);
	if (session->page)
		munmap(session->page, sizeof(*session->page));
	xdp_run_close(session->xdp);
	handshakes_close(session->handshakes);
	decoys_free(session->decoys);
	free(session);
}

static int write_problem(int err, struct problem *problem)
{
	return problem_say(problem, PROBLEM_FAILURE, err, "the journal cannot be written: %s", strerror(-err));
}

/* Hands the worker's records on to the journal; begins another segment where this one is full. */
static int flush_records(struct session *session, struct problem *problem)
{
	struct record_buffer *records = worker_records(session->worker);
	uint32_t count = records->records, minute = minute_at(session->now_ns);
	int err;

	if (count) {
		tally_records(&session->summary, records);
		err = outlet_write(session->outlet, records, minute);
		if (err)
			return write_problem(err, problem);
		worker_journalled(session->worker, count, minute, false);
	}
	if (!outlet_full(session->outlet) && worker_ids_used(session->worker) < IDS_PER_SEGMENT)
		return 0;
	err = outlet_turn(session->outlet, problem);
	if (!err)
		worker_segment(session->worker, outlet_segment(session->outlet));
	return err;
}

static int flush_ledger(struct session *session, struct problem *problem)
{
	int err = outlet_write_ledger(session->outlet, &session->ledger_records, minute_at(session->now_ns));

	return err ? write_problem(err, problem) : 0;
}

/* Everything counted so far becomes rows: nothing is being counted meanwhile. */
static int collect_ledger(struct session *session, struct problem *problem)
{
	int err = flush_records(session, problem);

	if (err)
		return err;
	do {
		err = tally_emit(&session->tally, &session->ledger_records);
		if (!err)
			err = ledger_collect(session->ledger, session->now_ns, true, &session->ledger_records);
		if (err && err != -ENOBUFS)
			return problem_say(problem, PROBLEM_FAILURE, err, "the counters cannot be read: %s",
					   strerror(-err));
		if (err || session->ledger_records.length > LEDGER_RECORD_BYTES / 2) {
			int written = flush_ledger(session, problem);

			if (written)
				return written;
		}
	} while (err);
	return 0;
}

/* Moves the clock; what belongs to the minute that ends is handed on first, as long as it is that minute. */
static int set_clock(struct session *session, uint64_t now_ns, struct problem *problem)
{
	int err = 0;

	if (session->now_ns && minute_at(now_ns) != minute_at(session->now_ns))
		err = collect_ledger(session, problem);
	session->now_ns = now_ns;
	return err;
}

/* Lets the timers that are due until then go off, each at its own time. */
static int run_timers(struct session *session, uint64_t until_ns, struct problem *problem)
{
	uint64_t due;
	int err = 0;

	while (!err && (due = worker_next_tick(session->worker)) <= until_ns) {
		uint64_t at = due > session->now_ns ? due : session->now_ns;

		err = set_clock(session, at, problem);
		if (err)
			break;
		worker_tick(session->worker, at);
		if (worker_records(session->worker)->length > FLUSH_BYTES || worker_full(session->worker))
			err = flush_records(session, problem);
	}
	return err;
}

void session_coming(void *context, const struct sighted *sighted)
{
	struct session *session = context;
	struct handshake_roles roles;

	if (!sighted->sighting.tcp || !(sighted->sighting.flags & SIGHTING_SYN))
		return;
	decoys_roles(session->decoys, &sighted->sighting, &roles);
	handshake_coming(session->handshakes, &sighted->sighting, &roles, sighted->packet.time_ns);
}

/* One frame through the XDP program and, by its events, the worker. */
static int give(struct session *session, struct slice frame, bool completes, struct problem *problem)
{
	int got;

	session->spoiled = false;
	got = xdp_run_packet(session->xdp, frame.bytes, (uint32_t)frame.length, session->now_ns, completes);
	if (got < 0)
		return problem_say(problem, PROBLEM_BPF, got, "the XDP program cannot be run on packet %llu: %s",
				   (unsigned long long)session->summary.packets, strerror(-got));
	if (got == XDP_VERDICT_REFUSED || session->spoiled)
		handshake_refused(session->handshakes);
	if (worker_records(session->worker)->length > FLUSH_BYTES || worker_full(session->worker))
		return flush_records(session, problem);
	return 0;
}

/* A frame that the capturing host had merged from several. */
static int give_pieces(struct session *session, bool completes, struct problem *problem)
{
	struct slice piece = split_next(&session->split);
	int err = 0;

	while (!err && piece.length) {
		err = give(session, piece, completes, problem);
		completes = false;
		piece = split_next(&session->split);
		if (piece.length)
			tally_piece(&session->tally);
	}
	return err;
}

int session_packet(struct session *session, const struct sighted *sighted, struct problem *problem)
{
	uint64_t now_ns = sighted->packet.time_ns > session->now_ns ? sighted->packet.time_ns : session->now_ns;
	struct slice frame = slice_of(sighted->packet.frame, sighted->packet.bytes);
	struct handshake_roles roles;
	enum handshake_verdict verdict;
	int err = 0;

	if (!session->summary.packets)
		session->summary.first_ns = sighted->packet.time_ns;
	else
		err = run_timers(session, now_ns, problem);
	if (!err)
		err = set_clock(session, now_ns, problem);
	if (err)
		return err;
	session->summary.packets++;
	session->summary.last_ns = now_ns;
	decoys_roles(session->decoys, &sighted->sighting, &roles);
	verdict = handshake_see(session->handshakes, &sighted->sighting, &roles, now_ns);
	tally_packet(&session->tally, minute_at(now_ns), verdict == HANDSHAKE_OF_DECOY);
	if (verdict == HANDSHAKE_OF_DECOY) {
		session->summary.of_decoys++;
		return 0;
	}
	if (session->plan.ignore_checksums && roles.destination_is_decoy &&
	    split_begin(&session->split, frame, &sighted->sighting))
		return give_pieces(session, verdict == HANDSHAKE_COMPLETES, problem);
	return give(session, frame, verdict == HANDSHAKE_COMPLETES, problem);
}

/* Comma separated decoys and ports, as the observation's row has them. */
static void list_observed(const struct session *session, char *decoys, char *ports)
{
	char text[PREFIX_TEXT_BYTES];

	*decoys = *ports = 0;
	for (uint32_t i = 0; i < session->plan.decoy_count; i++)
		decoys += sprintf(decoys, "%s%s", i ? "," : "", prefix_text(&session->plan.decoys[i], text));
	for (uint32_t i = 0; i < session->plan.port_count; i++)
		ports += sprintf(ports, "%s%u", i ? "," : "", session->plan.ports[i]);
}

static int record_observation(struct session *session, struct problem *problem)
{
	char *decoys = malloc(LISTED_BYTES), ports[OTORI_MAX_PORTS * 6 + 1];
	struct record_observation observation = {
		.began_at_ns = session->plan.from_ns ? session->plan.from_ns : session->summary.first_ns,
		/* the end is exclusive, and a timestamptz tells microseconds apart */
		.until_ns = session->plan.to_ns ? session->plan.to_ns : session->summary.last_ns + 1000,
		.origin = slice_of_text("replay"),
	};
	int err;

	if (!decoys)
		return problem_say(problem, PROBLEM_FAILURE, -ENOMEM, "no memory");
	list_observed(session, decoys, ports);
	observation.decoys = slice_of_text(decoys);
	observation.ports = slice_of_text(ports);
	err = record_append_observation(&session->ledger_records, &observation);
	free(decoys);
	return err ? problem_say(problem, PROBLEM_FAILURE, err, "the observation cannot be recorded: %s",
				 strerror(-err))
		   : flush_ledger(session, problem);
}

static void sum_page(const struct session *session, struct session_summary *summary)
{
	const struct responder_worker_page *page = &session->page->worker[0];

	for (unsigned m = 0; m < RESPONDER_MINUTES; m++)
		for (unsigned port = 0; port < OTORI_MAX_PORTS; port++)
			for (unsigned family = 0; family < 2; family++) {
				const uint64_t *terms = page->minutes[m].terms[port][family];

				summary->shed += terms[TERM_records_shed];
				summary->conversations_lost += terms[TERM_lost_pool_exhausted] +
							       terms[TERM_lost_records_full] +
							       terms[TERM_lost_journal_failed];
			}
}

int session_finish(struct session *session, struct session_summary *summary, struct problem *problem)
{
	const struct loader_totals *loaded;
	int err = 0;

	if (session->summary.packets || session->plan.from_ns) {
		while (!err && worker_end_all(session->worker, FLOW_END_capture_end, session->now_ns))
			err = flush_records(session, problem);
		if (!err)
			err = collect_ledger(session, problem);
		if (!err)
			err = record_observation(session, problem);
	}
	if (!err)
		err = outlet_finish(session->outlet, problem);
	if (err)
		return err;
	err = tally_counters(&session->summary.counted, xdp_run_port_counters(session->xdp));
	if (err)
		return problem_say(problem, PROBLEM_FAILURE, err, "the counters cannot be read: %s", strerror(-err));
	sum_page(session, &session->summary);
	loaded = outlet_loaded(session->outlet);
	session->summary.rows = loaded->rows;
	session->summary.set_aside = loaded->set_aside;
	*summary = session->summary;
	return 0;
}
