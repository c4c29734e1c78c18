/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - what the sensor leaves behind, as typed records: the content of the journal.
 *
 * In:  structs from the conversation, the flow and the supervisor. Out: bytes appended to a record_buffer, and the same
 * structs read back by the loader. Called by protocols/, responder/, supervisor/ (append) and loader/ (decode).
 * May not do I/O, look at a clock, or know SQL.
 *
 * Encoding: a record is u8 kind, u32 length of the body, body; integers little endian; strings and bytes as u32 length
 * and bytes; addresses as u8 (4 or 6) and 4 or 16 bytes. Kinds and fields are append-only: a journal written by an
 * older version must load. Decoding checks every length.
 */
#ifndef OTORI_RECORD_H
#define OTORI_RECORD_H

#include "base/slice.h"

enum record_kind {
	RECORD_ACCESS = 1,
	RECORD_HOP = 2,
	RECORD_CREDENTIAL = 3,
	RECORD_MAIL_PART = 4,
	RECORD_MAIL = 5,
	RECORD_MAIL_RECIPIENT = 6,
	RECORD_SYN_SAMPLE = 7,
	RECORD_LEDGER = 8,
	RECORD_OBSERVATION = 9,
	RECORD_VIOLATION = 10,
	RECORD_SYN_SOURCE = 11,
};

/* access.depth, in this order (ANALYSIS). X(name). The types of schema/ are compared with these lists at each
 * migration.
 */
#define RECORD_DEPTHS(X) X(ack) X(payload) X(request) X(inner) X(rcpt) X(data)
/* access.class. */
#define RECORD_CLASSES(X) X(exploit) X(mail) X(web) X(tunnel) X(other)
/*
 * probe_mail.found_in and .encoding: of several places or spellings the first of these lists counts. Append-only, as
 * their numbers are in the journal. The checks of schema/ are compared with these lists at each migration.
 */
#define RECORD_PROBE_PLACES(X) X(subject) X(body) X(message_id) X(helo) X(mail_from) X(rcpt_to) X(header)
#define RECORD_PROBE_ENCODINGS(X) X(dotted) X(reversed) X(decimal) X(hex) X(base64)

/* access.smtp_kind; the loader makes it of the payload (probe/smtp_kind.h). */
#define RECORD_SMTP_KINDS(X) X(relay_test) X(mail) X(other)

#define RECORD_ENUM_DEPTH(name) DEPTH_##name,
enum depth { RECORD_DEPTHS(RECORD_ENUM_DEPTH) DEPTH_COUNT };
#define RECORD_ENUM_CLASS(name) CLASS_##name,
enum access_class { RECORD_CLASSES(RECORD_ENUM_CLASS) CLASS_COUNT };

#define RECORD_ENUM_PROBE_PLACE(name) PROBE_PLACE_##name,
enum probe_place { PROBE_PLACE_NONE, RECORD_PROBE_PLACES(RECORD_ENUM_PROBE_PLACE) PROBE_PLACE_COUNT };
#define RECORD_ENUM_PROBE_ENCODING(name) PROBE_ENCODING_##name,
enum probe_encoding { PROBE_ENCODING_NONE, RECORD_PROBE_ENCODINGS(RECORD_ENUM_PROBE_ENCODING) PROBE_ENCODING_COUNT };

#define RECORD_ENUM_SMTP_KIND(name) SMTP_KIND_##name,
enum smtp_kind { RECORD_SMTP_KINDS(RECORD_ENUM_SMTP_KIND) SMTP_KIND_COUNT };

/* Flags of a destination that was asked for (hop.flags). */
#define HOP_LOOPBACK 1 /* 127.0.0.0/8, ::1, localhost */
#define HOP_PRIVATE 2  /* RFC 1918, link local, unique local */
#define HOP_DECOY 4    /* an address of this sensor */
#define HOP_SOURCE 8   /* the visitor's own address or its /24 or /48: a connect-back test */
#define HOP_REFUSED 16 /* BIND, UDP ASSOCIATE and the like: recorded, refused */

/* Who talked to whom; the identity of a conversation. */
struct endpoints {
	struct address source, decoy;
	uint16_t source_port, decoy_port; /* host byte order */
	uint16_t vlan[2];		  /* VLAN ids, outer first */
	uint8_t vlan_count;
};

/*
 * One TCP conversation whose handshake was completed; written once, when it ends (or breaks off).
 * access is its id: segment number << 24 | place, where segment is the journal segment that was open when the
 * conversation opened, so that hop, credential and mail, which are written earlier, can name it.
 */
struct record_access {
	uint64_t access;
	uint64_t started_at_ns, ended_at_ns; /* UTC; started when the handshake was completed */
	struct endpoints endpoints;
	struct slice protocol; /* http, socks4, ..., unknown_text; empty at depth ack */
	struct slice
		relay_host;   /* of the first request, as asked for (raw bytes; the loader cleans them); empty = none */
	int32_t relay_port;   /* -1 = none */
	uint8_t class;	      /* enum access_class */
	uint8_t depth;	      /* enum depth */
	struct slice exploit; /* name of the rule that matched; empty = none */
	struct slice
		end_reason; /* flow_close reason: fin, rst, idle, total, evicted, crash, shutdown, capture_end, ... */
	uint64_t bytes_in, bytes_out;
	uint32_t first_segment_bytes;
	struct slice payload;	   /* in-order client bytes without DATA of mails, at most 64 KiB, secrets blanked */
	uint8_t payload_truncated; /* 1 = there was more than was kept */
	/* Fingerprint of the SYN or, where it was not sampled, of the ACK; 0 where unknown. */
	uint16_t mss, window;
	uint8_t window_scale, ttl, sack; /* window_scale 15 = not offered */
	uint32_t hops;			 /* requests for a relay, nested ones included */
	uint32_t mails;
	uint32_t conflicting_bytes; /* bytes sent again with other content (first byte wins) */
};

/* A request within a conversation: the first, further ones and nested ones, in order. */
struct record_hop {
	uint64_t access;
	uint64_t requested_at_ns;
	uint16_t position;     /* 0 = first request of the conversation */
	uint16_t level;	       /* 0 = asked of the decoy itself, 1 = within its tunnel, ... */
	struct slice protocol; /* http, socks4, socks4a, socks5 */
	struct slice method;   /* CONNECT, GET, BIND, ... */
	struct slice relay_host;
	int32_t relay_port;
	struct slice target; /* URL or path as sent; empty for SOCKS */
	struct slice user_agent;
	struct slice user_id; /* SOCKS4 */
	struct slice raw;     /* the request's bytes (at most 8 KiB, secrets blanked) */
	uint8_t flags;	      /* HOP_* */
};

/* A user name and a secret that a client offered. Only a keyed hash and the length of the secret, unless secrets =
 * clear. */
struct record_credential {
	uint64_t access;
	uint64_t seen_at_ns;
	uint16_t level;
	struct slice mechanism; /* socks5, http_basic, smtp_login, smtp_plain, ... */
	struct slice username;
	struct slice secret;	 /* in clear, only where the operator asked for it; else empty */
	uint8_t secret_hash[32]; /* keyed; all zero where there was no secret */
	uint32_t secret_bytes;
};

/* Bytes of a mail as the sender wrote them (dots unstuffed, without the final dot), in order. */
struct record_mail_part {
	uint64_t access, mail;
	uint64_t offset;
	struct slice bytes;
};

/* A mail whose DATA was accepted; written when its end was seen or it broke off. Followed by its recipients. */
struct record_mail {
	uint64_t access, mail; /* mail: id like access */
	uint64_t received_at_ns;
	struct endpoints endpoints;
	struct slice relay_host; /* of the innermost hop; empty = direct */
	int32_t relay_port;	 /* -1 = none */
	uint8_t direct;		 /* 1 = SMTP was spoken to the decoy itself */
	uint8_t complete;
	struct slice helo;
	struct slice mail_from; /* without brackets and parameters */
	struct slice header;	/* header block, at most 32 KiB, as sent */
	uint64_t size_bytes;
	uint8_t truncated; /* 1 = longer than the limit; size_bytes counts on */
	uint32_t recipients;
	/* Since 0.2: where a complete mail names the decoy it came through, and how; 0 = it doesn't, or wasn't asked.
	 */
	uint8_t probe_place;	/* enum probe_place */
	uint8_t probe_encoding; /* enum probe_encoding */
};

struct record_mail_recipient {
	uint64_t mail;
	uint64_t received_at_ns; /* that of the mail */
	uint32_t position;
	struct slice address; /* without brackets and parameters */
};

/* A sampled SYN. */
struct record_syn_sample {
	uint64_t seen_at_ns;
	struct endpoints endpoints;
	uint32_t probability; /* 2^32-1 = 1.0 */
	uint32_t seq;
	uint16_t window, ip_id;
	uint8_t ttl, dont_fragment;
	struct slice options; /* raw TCP options */
};

/*
 * Sampled SYNs of one source to one port within one quarter of an hour: a delta, summed by views.
 * The worker accumulates and writes these; estimated SYNs = the sum of 1/probability.
 */
struct record_syn_source {
	uint64_t quarter_ns; /* start of the quarter, UTC */
	struct address source;
	uint16_t decoy_port;
	uint64_t syns;
	double estimated;
	uint32_t tools; /* bits: 1 zmap_old, 2 zmap, 4 masscan, 8 mirai, 16 two_phase... see record/syn_tools.h */
};

/*
 * A delta of one term of the ledger: (minute, port, family, term) += value. Terms are names such as seen, passed,
 * refused_no_handshake, emitted_open, read_open, opened, recorded, lost_crash, journalled, shed_mail.
 */
struct record_ledger {
	uint32_t minute; /* since 1970, UTC */
	uint16_t port;	 /* 0 = all other ports, or a term without port */
	uint8_t family;	 /* 4, 6, or 0 = a term without family */
	struct slice term;
	int64_t value;
};

/* From when to when a sensor observed which decoys and ports. Written at start, every minute and at the end; same
 * began_at = same row. */
struct record_observation {
	uint64_t began_at_ns, until_ns;
	struct slice decoys; /* comma separated prefixes */
	struct slice ports;  /* comma separated */
	struct slice origin; /* run or replay */
};

struct record_violation {
	uint64_t seen_at_ns;
	struct slice source; /* tc, module, supervisor */
	struct slice what;
	struct slice frame; /* head of the frame, may be empty */
};

/* A growing batch of encoded records. Memory is one owner's, fixed at open. */
struct record_buffer {
	uint8_t *bytes;
	size_t length, capacity;
	uint32_t records; /* in the buffer */
	uint64_t refused; /* appends that found no room, since open */
};

int record_buffer_open(struct record_buffer *buffer, size_t capacity);
void record_buffer_close(struct record_buffer *buffer);
/* Empties the buffer; keeps its memory. */
void record_buffer_reset(struct record_buffer *buffer);

/* Each appends one record: 0, or -ENOBUFS (nothing appended, refused counted). Slices are copied. */
int record_append_access(struct record_buffer *buffer, const struct record_access *record);
int record_append_hop(struct record_buffer *buffer, const struct record_hop *record);
int record_append_credential(struct record_buffer *buffer, const struct record_credential *record);
int record_append_mail_part(struct record_buffer *buffer, const struct record_mail_part *record);
int record_append_mail(struct record_buffer *buffer, const struct record_mail *record);
int record_append_mail_recipient(struct record_buffer *buffer, const struct record_mail_recipient *record);
int record_append_syn_sample(struct record_buffer *buffer, const struct record_syn_sample *record);
int record_append_syn_source(struct record_buffer *buffer, const struct record_syn_source *record);
int record_append_ledger(struct record_buffer *buffer, const struct record_ledger *record);
int record_append_observation(struct record_buffer *buffer, const struct record_observation *record);
int record_append_violation(struct record_buffer *buffer, const struct record_violation *record);

/* Any record, decoded; slices point into the bytes it was read from. */
struct record {
	enum record_kind kind;
	union {
		struct record_access access;
		struct record_hop hop;
		struct record_credential credential;
		struct record_mail_part mail_part;
		struct record_mail mail;
		struct record_mail_recipient mail_recipient;
		struct record_syn_sample syn_sample;
		struct record_syn_source syn_source;
		struct record_ledger ledger;
		struct record_observation observation;
		struct record_violation violation;
	};
};

/*
 * Reads the next record off the front of *bytes and moves *bytes behind it. 1 = a record, 0 = none left,
 * -EBADMSG = damaged. A kind that this version does not know is skipped.
 */
int record_next(struct slice *bytes, struct record *record);

#endif
