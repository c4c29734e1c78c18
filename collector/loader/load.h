/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load.h - one segment on its way into the database: a transaction and the rows that are gathered for it.
 *
 * In:  decoded records. Out: rows, by COPY BINARY. load.c holds the transaction and the pump; each load_*.c turns the
 * records of one group of tables into rows. Called by loader.c. May not touch files.
 *
 * Errors: 0, or
 *   -EAGAIN   the database is away, full, or not what we need: nothing is wrong with the segment, try again later
 *   -EPROTO   the database refuses the data: the segment is to be set aside
 *   -EBADMSG  the records are damaged: likewise
 *   -EEXIST   another segment with this number was loaded or set aside before
 *   -ENOMEM   memory is short: try again later
 * with one line about it in load.text.
 */
#ifndef OTORI_LOAD_H
#define OTORI_LOAD_H

#include <libpq-fe.h>

#include "journal/journal.h"
#include "loader/copy_binary.h"
#include "loader/copy_sender.h"
#include "loader/payload_identity.h"
#include "loader/subject.h"
#include "loader/sum_table.h"

/* X(NAME, table, columns in the order in which load_*.c fills them; the first is always the sensor). */
#define LOAD_TABLES(X) \
	X(ACCESS, "otori.access", \
	  "sensor, access, started_at, ended_at, decoy, decoy_port, source, source_port, vlan_outer, vlan_inner, " \
	  "protocol, relay_host, relay_host_raw, relay_port, class, depth, exploit, end_reason, bytes_in, bytes_out, " \
	  "first_segment_bytes, payload_sha256, payload_truncated, mss, tcp_window, window_scale, sack, ttl, hops, " \
	  "mails, conflicting_bytes, smtp_kind") \
	X(HOP, "otori.hop", \
	  "sensor, access, requested_at, position, level, protocol, method, relay_host, relay_host_raw, relay_port, " \
	  "target, user_agent, user_id, raw, to_loopback, to_private, to_decoy, to_source, refused") \
	X(CREDENTIAL, "otori.credential", \
	  "sensor, segment, place, seen_at, access, level, mechanism, username, username_raw, secret, secret_raw, " \
	  "secret_hash, secret_bytes") \
	X(MAIL, "otori.mail", \
	  "sensor, mail, received_at, access, decoy, decoy_port, source, source_port, vlan_outer, vlan_inner, " \
	  "relay_host, relay_host_raw, relay_port, direct, complete, helo, helo_raw, mail_from, mail_from_raw, " \
	  "subject, header, size_bytes, truncated, recipients, probe") \
	X(MAIL_PART, "otori.mail_part", "sensor, mail, byte_offset, stored_at, access, bytes") \
	X(MAIL_RECIPIENT, "otori.mail_recipient", "sensor, mail, received_at, position, address, address_raw") \
	X(PROBE_MAIL, "otori.probe_mail", \
	  "sensor, mail, received_at, decoy, decoy_port, source, subject, found_in, encoding, mailbox") \
	X(PAYLOAD, "otori.payload", "sensor, sha256, size_bytes, bytes, first_seen_at") \
	X(SYN_SAMPLE, "otori.syn_sample", \
	  "sensor, segment, place, seen_at, source, source_port, decoy, decoy_port, vlan_outer, vlan_inner, " \
	  "probability, seq, tcp_window, ip_id, ttl, dont_fragment, options") \
	X(SYN_SOURCE, "otori.syn_source", "sensor, quarter, source, decoy_port, segment, syns, estimated, tools") \
	X(LEDGER, "otori.ledger", "sensor, minute, port, family, term, segment, value") \
	X(PACKET_COUNT, "otori.packet_count", "sensor, minute, port, family, segment, " LOAD_PACKET_COLUMNS) \
	X(ROLLUP_SOURCE, "otori.rollup_source", "sensor, source, relay_port, accesses, attempts") \
	X(ROLLUP_MEMBER, "otori.rollup_domain_member", "sensor, recipient_domain, kind, member") \
	X(VIOLATION, "otori.violation", "sensor, segment, place, seen_at, reported_by, what, frame")

#define LOAD_PACKET_COLUMNS \
	"seen, seen_bytes, passed, answered, taken, refused, syn_sampled, syn_unsampled, syn, backscatter, rst, fin, " \
	"payload, ack, other_tcp, icmp, other"

#define LOAD_ENUM_TABLE(NAME, table, columns) LOAD_##NAME,
enum load_table { LOAD_TABLES(LOAD_ENUM_TABLE) LOAD_TABLE_COUNT };

#define LOAD_PAYLOAD_MAX_BYTES 65536 /* as CONVERSATION_PAYLOAD_MAX_BYTES has it */
#define LOAD_TERMS_MAX 512	     /* distinct terms in one segment; the sensor has about a hundred */
#define LOAD_TERM_BYTES 192	     /* cleaning may make three bytes of one; terms have up to 40 */
#define LOAD_OBSERVATIONS_MAX 64     /* distinct beginnings in one segment; a sensor has one */
#define LOAD_OBSERVATION_BYTES 8192  /* of the text of decoys or ports */
#define LOAD_MONTHS 2760	     /* 1970 to 2199, as make_partitions has it */
#define LOAD_NEW_MONTHS_MAX 240	     /* that one segment may want; more is nothing a sensor saw */
/* From here on a full table of locks is the segment's own doing: a month takes a hundred until the commit. */
#define LOAD_NEW_MONTHS_MANY 24

struct exploit_rules;

struct load_observation {
	uint64_t began_at_ns, until_ns;
	char *decoys, *ports; /* owned */
	bool replay;
};

struct load {
	PGconn *connection; /* borrowed */
	struct journal_header header;
	uint32_t place;	  /* number of the record in hand within the segment, from 1 */
	uint64_t records; /* so far */
	uint64_t rows;	  /* so far, of all tables */
	bool in_transaction;
	int open;		    /* table whose rows were handed to the sender last, -1 = nothing is on its way */
	struct copy_sender *sender; /* owned */
	struct copy_buffer tables[LOAD_TABLE_COUNT];
	bool probe_open;			/* the last row of probe_mail waits for its mailbox */
	uint64_t probe_mail;			/* of this mail */
	uint64_t month_from_ns, month_until_ns; /* a month whose partitions are there: the last one asked for */
	uint8_t months[LOAD_MONTHS / 8];	/* months whose partitions are there */
	unsigned new_months;
	struct load_payload_batch *payload_batch; /* owned */
	struct payload_identities *payloads;
	struct load_exploits *exploits; /* owned */
	struct subject_decoder *subjects;
	struct load_rollups *rollups; /* owned */
	struct sum_table ledger, syn_sources, packets;
	char (*terms)[LOAD_TERM_BYTES]; /* names of ledger entries' terms; owned */
	uint16_t term_column[LOAD_TERMS_MAX];
	uint16_t term_count;
	int64_t (*packet_columns)[17]; /* by row of packets; owned */
	uint32_t packet_capacity;
	struct load_observation observations[LOAD_OBSERVATIONS_MAX];
	unsigned observation_count;
	bool came_second; /* why the last statement failed: another loader was first, and the next try finds what it did
			   */
	char text[512];
};

/* NULL where memory is short. rules: borrowed; NULL = those that are built in. */
struct load *load_new(const struct exploit_rules *rules);
void load_free(struct load *load);

/* A new connection: prepares it; what was known of the old one is forgotten. */
int load_connect(struct load *load, PGconn *connection);

/*
 * The life of a segment: begin, records and frames, commit or abort. begin gives 1 where this very segment was loaded
 * already (nothing is begun then). Any error leaves the transaction to load_abort.
 */
int load_begin(struct load *load, const struct journal_header *header);
int load_record(struct load *load, const struct record *record);
/* All records of a frame are in: counts them as loaded in that minute. */
int load_frame(struct load *load, uint32_t records, uint32_t minute);
int load_commit(struct load *load, uint64_t file_bytes, bool cut);
void load_abort(struct load *load);

/* A transaction of its own says that the segment could not be loaded: records by minute were set aside. */
struct load_minute {
	uint32_t minute;
	uint64_t records;
};
int load_set_aside(struct load *load, const struct journal_header *header, const struct load_minute *minutes,
		   size_t count, uint64_t file_bytes, const char *why);

/* --- for load_*.c ------------------------------------------------------------------------------------------------- */

/*
 * Makes *ns a time that the tables can hold (else that of the segment) and sees to it that the partitions of its month
 * are there. To be called before the row is begun.
 */
int load_time(struct load *load, uint64_t *ns);

/* ns as the database reads it in a statement; what lies past 2199 becomes its end. */
#define LOAD_TIME_TEXT_BYTES 48
void load_time_text(uint64_t ns, char text[LOAD_TIME_TEXT_BYTES]);

/* Begins a row of so many columns with the sensor; the other columns are the caller's to fill in. */
struct copy_buffer *load_row(struct load *load, enum load_table table, uint16_t columns);
/* The row is whole: sends what is worth sending. */
int load_row_end(struct load *load, enum load_table table);

/* The four columns of addresses and ports, in two orders, and the two of VLANs. */
void load_vlans(struct copy_buffer *row, const struct endpoints *endpoints);
/* Three columns of a destination: text, raw bytes, port; null where none was asked for. */
void load_relay(struct copy_buffer *row, struct slice host, int32_t port);

/* Takes over a result that is a failure, and judges it: -EAGAIN or -EPROTO. */
int load_judge(struct load *load, PGresult *result);

/* Runs one statement without parameters, or with; judges what came of it. */
int load_execute(struct load *load, const char *statement);
int load_execute_params(struct load *load, const char *statement, int count, const char *const *values);
/* The same, where formats says for each parameter whether it is binary (1), of so many bytes. */
int load_execute_binary(struct load *load, const char *statement, int count, const char *const *values,
			const int *lengths, const int *formats);

/* Hands all rows of a table that wait to the sender. */
int load_send(struct load *load, enum load_table table);
/* Sends the rows of all tables; none is on its way afterwards. */
int load_send_all(struct load *load);
/* Waits until all is sent and ends the COPY under way, if there is one, so that statements can run. */
int load_copy_end(struct load *load);

/* Name of a class in the database. */
const char *load_class_name(enum access_class class);

int load_access(struct load *load, const struct record_access *record);
int load_hop(struct load *load, const struct record_hop *record);
int load_credential(struct load *load, const struct record_credential *record);

struct load_payload_batch *load_payload_batch_new(void);
void load_payload_batch_free(struct load_payload_batch *batch);
/* Gives the identity of what a client said (at most LOAD_PAYLOAD_MAX_BYTES), and sees to it that the database has or
 * gets it. */
int load_payload(struct load *load, struct slice bytes, uint64_t first_seen_ns, uint8_t sha256[PAYLOAD_SHA256_BYTES]);
/* Makes rows of those payloads that wait and that the database doesn't have. */
int load_payloads_flush(struct load *load);
void load_payloads_clear(struct load *load);
/* Another sensor or another database: what it has is not known. */
void load_payloads_forget(struct load *load);

struct load_exploits *load_exploits_new(const struct exploit_rules *rules);
void load_exploits_free(struct load_exploits *exploits);
/* Outside a transaction: sees to it that table exploit_rule has the rules of this sensor. Another database may not. */
int load_exploits_tell(struct load *load);
void load_exploits_forget(struct load *load);
/* Name of the rule that a client's bytes match (static as long as load lives); empty: none. sha256 is their identity.
 */
struct slice load_exploit(struct load *load, struct slice protocol, struct slice payload, const uint8_t *sha256);

int load_mail(struct load *load, const struct record_mail *record);
/*
 * Ends a row of probe_mail that waits for its mailbox: with the first recipient, if this record is it. To be called
 * before each record and, with NULL, behind the last.
 */
int load_probe_mailbox(struct load *load, const struct record *next);
int load_mail_part(struct load *load, const struct record_mail_part *record);
int load_mail_recipient(struct load *load, const struct record_mail_recipient *record);

/* What counts of an access, as it stands in its row. */
struct load_counted {
	uint64_t started_ns;
	enum access_class class;
	enum depth depth;
	const char *smtp_kind; /* NULL: null */
};

struct load_rollups *load_rollups_new(void);
void load_rollups_free(struct load_rollups *rollups);
/* Add to the roll-ups what has become a row; a mail's recipients follow it. */
int load_rollup_access(struct load *load, const struct record_access *record, const struct load_counted *counted);
int load_rollup_mail(struct load *load, const struct record_mail *record, uint64_t received_ns, bool probe);
int load_rollup_recipient(struct load *load, const struct record_mail_recipient *record, uint64_t received_ns);
/* Tells that syn_source gets rows of this quarter of an hour. */
int load_rollup_syn(struct load *load, uint64_t quarter_ns);
/* Sends the sums, under the lock of the sensor's roll-ups. No COPY is under way. */
int load_rollups_flush(struct load *load);
void load_rollups_clear(struct load *load);
/* What was known of the roll-ups in the database may not hold any more. */
void load_rollups_forget(struct load *load);

int load_syn_sample(struct load *load, const struct record_syn_sample *record);
int load_syn_source(struct load *load, const struct record_syn_source *record);
/* Writes the sums as rows. */
int load_syn_sources_flush(struct load *load);

int load_ledger(struct load *load, const struct record_ledger *record);
/* Adds to a term of our own. */
int load_ledger_add(struct load *load, uint32_t minute, const char *term, int64_t value);
/* Writes the sums as rows of ledger and packet_count. */
int load_ledger_flush(struct load *load);
void load_ledger_clear(struct load *load);

int load_observation(struct load *load, const struct record_observation *record);
int load_observations_flush(struct load *load);
void load_observations_clear(struct load *load);
int load_violation(struct load *load, const struct record_violation *record);

#endif
