// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * serve.c - one worker's thread: ring, timers, transmit ring and journal, turn after turn.
 *
 * In:  a ring, sockets, segments that main.c brings. Out: frames, journal segments, messages to the supervisor.
 * Called by main.c. May not open descriptors once it runs.
 *
 * A turn: take a new segment if one came; hand full or old records to the journal; events while there are any, in
 * batches; timers; wait. Without a segment nothing is taken from the ring: what could not be written down is better not
 * answered either.
 */
#include "responder/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "journal/journal.h"
#include "responder/drain.h"
#include "responder/transmit.h"
#include "responder/worker.h"

#define BATCH_EVENTS 256
#define BATCHES_A_TURN 16
/* The longest wait: the heartbeat must be seen to beat. */
#define WAIT_MAX_NS 200000000ull
/* How long a journal that can't be written is tried before its records are given up and counted as shed. */
#define JOURNAL_PATIENCE_NS 5000000000ull
#define NS_PER_MS 1000000ull

struct serve {
	struct serve_settings settings;
	struct responder_worker_page *mine;
	struct worker *worker;
	struct drain *drain;
	struct transmit *transmit;
	struct journal_writer *journal;
	int epoll;
	int wake;
	uint32_t minute;     /* in which the waiting records were made */
	uint64_t now_ns;     /* UTC, of this turn */
	uint64_t read_ns;    /* when that was read, by the monotonic clock */
	uint64_t begun_ns;   /* when the segment began */
	uint64_t written_ns; /* when records were last handed on */
	uint64_t failing_ns; /* since when the journal fails, 0 = it doesn't */
	bool uncommitted;
	bool wanted; /* WANT_SEGMENT was said */
	/* What the main thread leaves here. */
	pthread_mutex_t lock;
	uint64_t next_segment; /* 0 = none */
	int next_fd;
	bool stop;
};

static int open_transmit(struct serve *serve)
{
	const struct serve_settings *settings = &serve->settings;
	int fds[OTORI_MAX_DEVICES];

	for (unsigned i = 0; i < settings->start->devices; i++)
		fds[i] = (int)(RESPONDER_FD_TRANSMIT + (unsigned)settings->ring * OTORI_MAX_DEVICES + i);
	return transmit_open(&serve->transmit, fds, settings->start->devices);
}

static uint16_t least_mtu(const struct responder_start *start)
{
	/* What fits a slot of the transmit ring, with two VLAN tags. */
	unsigned mtu = RESPONDER_TX_FRAME_BYTES - 32 - 14 - 8;

	for (unsigned i = 0; i < start->devices; i++)
		if (start->device[i].mtu >= 576 && start->device[i].mtu < mtu)
			mtu = start->device[i].mtu;
	return (uint16_t)mtu;
}

static int open_worker(struct serve *serve)
{
	const struct responder_start *start = serve->settings.start;
	struct frame_sink sink = transmit_sink(serve->transmit);
	struct worker_settings settings = {
		.flows = start->flows,
		.conversations = start->conversations,
		.chunks = start->chunks,
		.record_bytes = start->record_bytes,
		.idle_seconds = start->idle_seconds,
		.total_seconds = start->total_seconds,
		.mtu = least_mtu(start),
		.ring = serve->settings.ring,
		.policy = serve->settings.policy,
		.secret = { start->secret[2], start->secret[3] },
	};

	return worker_open(&serve->worker, &settings, &sink, serve->settings.page);
}

/*
 * A predecessor's place is good for the ring that it read. A new ring (after an unload) counts from 1 again, and what
 * the page remembers would make all its events repetitions.
 */
static void check_ring(struct serve *serve)
{
	struct responder_worker_page *mine = serve->mine;
	uint32_t ring_id = drain_ring_id(serve->drain);

	if (mine->ring_id == ring_id)
		return;
	memset(mine->last_sequence, 0, sizeof(mine->last_sequence));
	mine->in_hand_sequence = 0;
	mine->in_hand_deaths = 0;
	mine->ring_id = ring_id;
}

static int open_waiting(struct serve *serve)
{
	struct epoll_event event = { .events = EPOLLIN };

	serve->epoll = epoll_create1(EPOLL_CLOEXEC);
	serve->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (serve->epoll < 0 || serve->wake < 0)
		return -errno;
	if (epoll_ctl(serve->epoll, EPOLL_CTL_ADD, RESPONDER_FD_RING + serve->settings.ring, &event))
		return -errno;
	event.data.u32 = 1;
	return epoll_ctl(serve->epoll, EPOLL_CTL_ADD, serve->wake, &event) ? -errno : 0;
}

int serve_open(struct serve **out, const struct serve_settings *settings, const char **what)
{
	struct serve *serve = calloc(1, sizeof(*serve));
	int error;

	*what = "memory";
	*out = NULL;
	if (!serve)
		return -ENOMEM;
	serve->settings = *settings;
	serve->mine = &settings->page->worker[settings->ring];
	serve->epoll = serve->wake = serve->next_fd = -1;
	pthread_mutex_init(&serve->lock, NULL);
	serve->journal = journal_writer_new(settings->start->sensor, settings->ring);
	error = serve->journal ? 0 : -ENOMEM;
	if (!error) {
		*what = "the ring";
		error = drain_open(&serve->drain, RESPONDER_FD_RING + settings->ring);
	}
	if (!error) {
		check_ring(serve);
		*what = "a transmit ring";
		error = open_transmit(serve);
	}
	if (!error) {
		*what = "the worker";
		error = open_worker(serve);
	}
	if (!error) {
		*what = "epoll";
		error = open_waiting(serve);
	}
	if (error) {
		serve_close(serve);
		return error;
	}
	*out = serve;
	return 0;
}

void serve_close(struct serve *serve)
{
	if (!serve)
		return;
	if (serve->epoll >= 0)
		close(serve->epoll);
	if (serve->wake >= 0)
		close(serve->wake);
	if (serve->next_fd >= 0)
		close(serve->next_fd);
	worker_close(serve->worker);
	transmit_close(serve->transmit);
	drain_close(serve->drain);
	journal_writer_free(serve->journal);
	pthread_mutex_destroy(&serve->lock);
	free(serve);
}

static void wake(struct serve *serve)
{
	uint64_t one = 1;

	while (write(serve->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void serve_segment(struct serve *serve, uint64_t segment, int fd)
{
	int unused;

	pthread_mutex_lock(&serve->lock);
	unused = serve->next_fd;
	serve->next_segment = segment;
	serve->next_fd = fd;
	pthread_mutex_unlock(&serve->lock);
	if (unused >= 0)
		close(unused);
	wake(serve);
}

void serve_transmit(struct serve *serve, bool on)
{
	transmit_pause(serve->transmit, !on);
}

void serve_stop(struct serve *serve)
{
	pthread_mutex_lock(&serve->lock);
	serve->stop = true;
	pthread_mutex_unlock(&serve->lock);
	wake(serve);
}

static void tell(const struct serve *serve, uint32_t kind, uint64_t value)
{
	struct responder_message message = { .kind = kind, .worker = serve->settings.ring, .value = value };

	while (write(RESPONDER_FD_NOTIFY, &message, sizeof(message)) < 0 && errno == EINTR)
		;
}

static void finish_segment(struct serve *serve)
{
	uint64_t segment = journal_writer_segment(serve->journal);

	if (!segment)
		return;
	journal_writer_finish(serve->journal);
	serve->uncommitted = false;
	tell(serve, RESPONDER_SEGMENT_DONE, segment);
}

/* Begins the segment that the main thread has brought, if it has. */
static void take_segment(struct serve *serve)
{
	uint64_t segment;
	int fd;

	pthread_mutex_lock(&serve->lock);
	segment = serve->next_segment;
	fd = serve->next_fd;
	serve->next_segment = 0;
	serve->next_fd = -1;
	pthread_mutex_unlock(&serve->lock);
	if (fd < 0)
		return;
	finish_segment(serve);
	serve->wanted = false;
	serve->begun_ns = serve->now_ns;
	if (journal_writer_start(serve->journal, fd, segment, serve->now_ns)) {
		tell(serve, RESPONDER_SEGMENT_DONE, segment);
		return;
	}
	worker_segment(serve->worker, segment);
}

/* Asks for a segment where there is none, or the present one is old, long, or out of ids; it is kept until the new one
 * is here. */
static void want_segment(struct serve *serve)
{
	const struct responder_start *start = serve->settings.start;
	bool due = !journal_writer_segment(serve->journal);

	if (serve->wanted)
		return;
	if (!due && journal_writer_records(serve->journal))
		due = journal_writer_bytes(serve->journal) >= start->segment_bytes ||
		      serve->now_ns - serve->begun_ns >= start->segment_seconds * NS_PER_SECOND;
	if (!due && worker_ids_used(serve->worker) < 1u << 23)
		return;
	tell(serve, RESPONDER_WANT_SEGMENT, 0);
	serve->wanted = true;
}

/* Hands the waiting records to the journal. True where none wait any more. */
static bool hand_on(struct serve *serve)
{
	struct record_buffer *records = worker_records(serve->worker);
	uint32_t count = records->records;

	serve->written_ns = serve->now_ns;
	if (!records->length)
		return true;
	if (!journal_writer_append(serve->journal, records, serve->minute)) {
		worker_journalled(serve->worker, count, serve->minute, false);
		serve->uncommitted = true;
		serve->failing_ns = 0;
		return true;
	}
	if (!serve->failing_ns)
		serve->failing_ns = serve->now_ns;
	if (serve->now_ns - serve->failing_ns < JOURNAL_PATIENCE_NS)
		return false;
	worker_journalled(serve->worker, count, serve->minute, true);
	record_buffer_reset(records);
	return true;
}

/* Group commit: at least every commit_milliseconds, at the change of minutes, and where the buffer fills. False: do not
 * go on. */
static bool keep_journal(struct serve *serve)
{
	uint32_t minute = (uint32_t)(serve->now_ns / NS_PER_MINUTE);
	bool due = serve->now_ns - serve->written_ns >= serve->settings.start->commit_milliseconds * NS_PER_MS;

	if (due || minute != serve->minute || worker_full(serve->worker)) {
		if (!hand_on(serve))
			return false;
		if (due && serve->uncommitted && !journal_writer_commit(serve->journal))
			serve->uncommitted = false;
	}
	serve->minute = minute;
	return true;
}

/* Time of the turn; never goes back, as worker.h asks, nor stands still, or no timer would fire after the clock was set
 * back. */
static void read_clock(struct serve *serve)
{
	uint64_t read_ns = clock_monotonic_ns();

	serve->now_ns = clock_follow(serve->now_ns, clock_utc_ns(), read_ns - serve->read_ns);
	serve->read_ns = read_ns;
	__atomic_store_n(&serve->mine->heartbeat_ns, read_ns, __ATOMIC_RELAXED);
}

/* Gives the worker what lies in the ring next; returns how many records it took. */
static unsigned take_some(struct serve *serve)
{
	struct worker_record records[WORKER_BATCH];
	uint64_t positions[WORKER_BATCH];
	unsigned count = 0, taken;

	for (; count < WORKER_BATCH; count++) {
		positions[count] = drain_position(serve->drain);
		if (!drain_next(serve->drain, &records[count].bytes, &records[count].length))
			break;
	}
	taken = worker_events(serve->worker, records, count, serve->now_ns);
	if (taken < count)
		drain_rewind(serve->drain, positions[taken]);
	drain_release(serve->drain);
	return taken;
}

/* Takes a batch of events and runs the timers; true where there may be more. */
static bool take_batch(struct serve *serve)
{
	unsigned taken = WORKER_BATCH;

	for (unsigned i = 0; i < BATCH_EVENTS / WORKER_BATCH && taken == WORKER_BATCH; i++)
		taken = take_some(serve);
	worker_tick(serve->worker, serve->now_ns);
	return taken == WORKER_BATCH || worker_full(serve->worker);
}

/* Milliseconds until something is due. */
static int wait_time(const struct serve *serve)
{
	uint64_t due = worker_next_tick(serve->worker);
	uint64_t now_ns = clock_follow(serve->now_ns, clock_utc_ns(), clock_monotonic_ns() - serve->read_ns), wait_ns;

	wait_ns = due > now_ns ? due - now_ns : 0;
	if (wait_ns > WAIT_MAX_NS)
		wait_ns = WAIT_MAX_NS;
	if (transmit_waiting(serve->transmit) && wait_ns > NS_PER_MS)
		wait_ns = NS_PER_MS;
	return (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void wait(struct serve *serve, int milliseconds)
{
	struct epoll_event events[2];
	int count = epoll_wait(serve->epoll, events, 2, milliseconds);
	uint64_t ignored;

	for (int i = 0; i < count; i++)
		if (events[i].data.u32 && read(serve->wake, &ignored, sizeof(ignored)) < 0)
			continue; /* another turn has read it */
}

/* One turn. True where the next one should follow at once. */
static bool turn(struct serve *serve)
{
	bool more = true;

	read_clock(serve);
	take_segment(serve);
	want_segment(serve);
	if (!journal_writer_segment(serve->journal))
		return false;
	for (unsigned batch = 0; more && batch < BATCHES_A_TURN; batch++) {
		read_clock(serve);
		if (!keep_journal(serve))
			return false;
		more = take_batch(serve);
	}
	return more;
}

static bool stopping(struct serve *serve)
{
	bool stop;

	pthread_mutex_lock(&serve->lock);
	stop = serve->stop;
	pthread_mutex_unlock(&serve->lock);
	return stop;
}

/* Hands on what waits, for the last time: a journal that fails now gets no second chance, and its records count as
 * shed. */
static void hand_on_finally(struct serve *serve)
{
	struct record_buffer *records = worker_records(serve->worker);
	uint32_t count = records->records;
	bool failed = journal_writer_append(serve->journal, records, serve->minute) != 0;

	worker_journalled(serve->worker, count, serve->minute, failed);
	record_buffer_reset(records);
}

/* Ends and records all flows. */
static void end(struct serve *serve)
{
	uint32_t left;

	hand_on_finally(serve);
	do {
		read_clock(serve);
		serve->minute = (uint32_t)(serve->now_ns / NS_PER_MINUTE);
		left = worker_end_all(serve->worker, FLOW_END_shutdown, serve->now_ns);
		hand_on_finally(serve);
	} while (left);
	finish_segment(serve);
}

void *serve_run(void *argument)
{
	struct serve *serve = argument;

	while (!stopping(serve)) {
		bool at_once = turn(serve);

		if (!at_once)
			wait(serve, journal_writer_segment(serve->journal) ? wait_time(serve)
									   : (int)(WAIT_MAX_NS / NS_PER_MS));
	}
	end(serve);
	return NULL;
}
