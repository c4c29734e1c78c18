/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * endpoint.h - the inside of a worker, shared by the files that make up its TCP endpoint.
 *
 * In:  nothing. Out: struct worker and what each of its files offers the others. Included by worker.c, account.c,
 * flow_life.c, dialogue.c, tcp_input.c, tcp_output.c, frame.c and syn_watch.c only; everyone else includes worker.h.
 *
 * Way of an event: worker.c (checks the record, takes it once) -> tcp_input.c (RFC 9293, 3.10.7) -> dialogue.c (bytes
 * to the conversation, its answer into the output queue) -> tcp_output.c (segments) -> frame.c (headers, checksums) ->
 * frame_sink. flow_life.c opens and ends flows; account.c writes the page.
 */
#ifndef OTORI_RESPONDER_ENDPOINT_H
#define OTORI_RESPONDER_ENDPOINT_H

#include "../../include/otori/event.h"
#include "responder/flow.h"
#include "responder/limits.h"
#include "responder/reassembly.h"
#include "responder/syn_watch.h"
#include "responder/timer_wheel.h"
#include "responder/worker.h"

struct worker {
	struct worker_settings settings;
	struct frame_sink sink;
	bool sends; /* there is a sink, and it is no replay */
	struct responder_page *page;
	struct responder_worker_page *mine;
	struct flow_table flows;
	struct timer_wheel wheel;
	struct chunk_pool chunks;
	struct run_pool runs;
	struct conversation_pool conversations;
	struct record_buffer records;
	struct syn_watch *syns;
	uint8_t *scratch; /* CONVERSATION_SCRATCH_BYTES */
	uint8_t *stream;  /* STREAM_BYTES: in-order bytes on their way to a conversation */
	uint64_t base_ns; /* of tick 0 */
	uint64_t now_ns;
	uint64_t tick; /* of now_ns, ms */
	uint64_t segment;
	uint32_t places;	  /* ids made of segment */
	uint32_t records_counted; /* records.records when the call began */
	uint64_t random;
	uint64_t challenge_second;
	uint32_t challenges; /* sent in challenge_second */
	uint32_t acks;	     /* in ack_list */
	uint32_t ack_list[ACK_LIST];
	uint16_t ip_id;
};

/* A segment as it is taken from an event; options parsed. */
struct segment {
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags;
	bool has_timestamps;
	uint32_t tsval, tsecr;
	unsigned sack_ranges;
	struct sack_range sack[TALK_SACK_RANGES];
	struct slice payload;
};

/* account.c: the page. port_index as in page.h; minute since 1970. */
void account_recover(struct worker *worker);
uint32_t account(struct worker *worker, uint32_t minute, unsigned port_index, bool ipv6, enum responder_term term,
		 int64_t delta);
void account_flow(struct worker *worker, const struct flow *flow, enum responder_term term, int64_t delta);
void account_frame(struct worker *worker, const struct flow *flow, enum responder_term term);
/* Around every call that may append records: counts those that it made. The owner empties the buffer only in between.
 */
void account_records_begin(struct worker *worker);
void account_records(struct worker *worker);
void account_pools(struct worker *worker);
unsigned account_port(const struct worker *worker, uint16_t port_be);
uint32_t minute_of(uint64_t time_ns);

/* flow_life.c */
bool flow_open(struct worker *worker, const struct otori_event *event, const struct flow_key *key, uint32_t hash,
	       const struct segment *segment);
/* Ends a flow: records it unless that was done, says RST where the reason asks for it, gives everything back. */
void flow_close(struct worker *worker, struct flow *flow, enum flow_end reason);
/* Where chunks are scarce: ends one flow of those that hold many, on behalf of all others. */
void flow_make_room(struct worker *worker);
/* Writes the access of a flow whose both sides have closed; TCP goes on. */
void flow_record(struct worker *worker, struct flow *flow, enum flow_end reason);
void flow_enter_state(struct worker *worker, struct flow *flow, enum flow_state state);
struct talk *flow_need_talk(struct worker *worker, struct flow *flow);
/* Puts the flow's timer where its next deadline is. */
void flow_schedule(struct worker *worker, struct flow *flow);
/* The flow's timer has fired: whatever is due is done. */
void flow_timer(struct worker *worker, struct flow *flow);
struct endpoints flow_endpoints(const struct flow *flow);
uint64_t worker_new_id(struct worker *worker);

/* dialogue.c: each returns false where the flow has ended. */
bool dialogue_begin(struct worker *worker, struct flow *flow);
bool dialogue_input(struct worker *worker, struct flow *flow, struct slice bytes);
bool dialogue_half_closed(struct worker *worker, struct flow *flow);

/* tcp_input.c */
void segment_of(const struct otori_event *event, const uint8_t *options, struct slice payload, struct segment *segment);
bool segment_fits(const struct flow *flow, const struct segment *segment);
void tcp_input(struct worker *worker, struct flow *flow, const struct segment *segment);
void tcp_stray(struct worker *worker, const struct otori_event *event, const struct flow_key *key,
	       const struct segment *segment);

/* tcp_ack.c: false where the segment is to be dropped, or the flow has ended. */
bool tcp_acknowledged(struct worker *worker, struct flow *flow, const struct segment *segment);

/* tcp_output.c */
void tcp_output(struct worker *worker, struct flow *flow);
void tcp_send_ack(struct worker *worker, struct flow *flow);
/* Tells the client that the window, which we let shut, is open again, if it is. */
void tcp_reopen(struct worker *worker, struct flow *flow);
void tcp_ack_later(struct worker *worker, struct flow *flow);
void tcp_flush_acks(struct worker *worker);
void tcp_challenge(struct worker *worker, struct flow *flow);
void tcp_send_reset(struct worker *worker, struct flow *flow);
void tcp_retransmission_timer(struct worker *worker, struct flow *flow);
void tcp_retransmit_first(struct worker *worker, struct flow *flow);
void tcp_retransmit_hole(struct worker *worker, struct flow *flow);
void tcp_arm_retransmission(struct worker *worker, struct flow *flow);
void tcp_path_mtu(struct worker *worker, struct flow *flow, uint32_t seq, uint32_t mtu);
uint32_t tcp_segment_bytes(const struct flow *flow);

/* frame.c */
struct frame {
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	uint16_t ip_id;
	uint8_t option_bytes;
	uint8_t options[40];
	uint32_t payload_offset, payload_bytes; /* in queue */
};
/* Builds the frame of a flow in the sink. False where the sink had no room (counted). */
bool frame_send(struct worker *worker, const struct flow *flow, const struct frame *frame,
		const struct byte_queue *queue);

#endif
