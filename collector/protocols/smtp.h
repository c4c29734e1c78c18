/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smtp.h - what the three files of the mail server share: its state, its phases, its limits.
 *
 * In:  nothing. Out: struct smtp_state. Included by mimic_smtp.c (bytes to lines), smtp_command.c (lines to answers)
 * and smtp_data.c (DATA to records) only.
 */
#ifndef OTORI_SMTP_H
#define OTORI_SMTP_H

#include "protocols/mimic.h"

/* RFC 5321 asks for 512; a real server takes 2,048. What is longer is answered and skipped, never cut into two
 * commands. */
#define SMTP_LINE_MAX_BYTES 4096
#define SMTP_RECIPIENTS_MAX 1000
#define SMTP_RECIPIENT_BYTES_MAX (1024 * 1024) /* a thousand of the longest lines; in a replay the only limit */
#define SMTP_HEADER_MAX_BYTES 32768
/* Behind so much of a header block only the subject is kept: lists of recipients before it may be longer than all else.
 */
#define SMTP_HEADER_ALL_BYTES (SMTP_HEADER_MAX_BYTES - 2048)
/* A part of a mail in one record: a multiple of a chunk's content, at most TURN_BLOCK_BYTES. */
#define SMTP_PART_BYTES (8 * CHUNK_DATA_BYTES)

enum smtp_phase {
	SMTP_COMMAND,
	SMTP_AUTH_USERNAME, /* the next line is the user name of AUTH LOGIN */
	SMTP_AUTH_PASSWORD,
	SMTP_AUTH_PLAIN, /* the next line is the message of AUTH PLAIN */
	SMTP_DATA,
	SMTP_BDAT, /* bytes that BDAT announced are skipped */
};

/* Where in a line of DATA the next byte stands. */
enum smtp_place { PLACE_LINE_START, PLACE_DOT, PLACE_DOT_CR, PLACE_IN_LINE };

/* The same for the header block: it ends at an empty line. */
enum smtp_header { HEADER_LINE_START, HEADER_CR, HEADER_IN_LINE, HEADER_OVER };

enum smtp_late { LATE_KEPT = 8 /* length of "subject:" */, LATE_LEFT_OUT };

struct smtp_state {
	uint8_t phase;	      /* enum smtp_phase; written by smtp_enter_phase only */
	uint8_t place;	      /* enum smtp_place */
	uint8_t header_place; /* enum smtp_header */
	bool header_late;     /* behind SMTP_HEADER_ALL_BYTES */
	uint8_t late_match;   /* letters of "subject:" that the line began with; LATE_KEPT, LATE_LEFT_OUT */
	bool mail_open;	      /* MAIL was accepted */
	bool line_too_long;
	bool may_be_tls; /* STARTTLS was the last command */
	bool truncated;	 /* the mail is longer than what is stored */
	uint32_t recipients;
	uint64_t mail;	       /* id */
	uint64_t size_bytes;   /* of the mail, unstuffed */
	uint64_t stored_bytes; /* handed on as parts */
	uint64_t skip_bytes;   /* of BDAT */
	uint64_t body_offset;  /* in the mail; UINT64_MAX = its header goes on */
	uint64_t heard_at_ns;  /* when the last byte of the mail came */
	struct byte_queue helo, mail_from, username;
	struct byte_queue recipient_list; /* u16 length, address, ... */
	struct byte_queue header;
	struct byte_queue scan; /* struct scan_stream between two parts of a body */
};

_Static_assert(sizeof(struct smtp_state) <= MIMIC_STATE_BYTES, "state must fit");

/* mimic_smtp.c: the only place where the phase changes. */
void smtp_enter_phase(struct smtp_state *state, enum smtp_phase phase);
/* The server's name: that of the host asked for, or one of the decoy's own. text holds 256 bytes. */
const char *smtp_host_name(struct turn *turn, char *text);

/*
 * smtp_command.c: one line without its end, in a command or AUTH phase. The line's bytes are already kept;
 * line_position is where they begin in the payload.
 */
void smtp_command(struct turn *turn, struct smtp_state *state, struct slice line, uint64_t line_position);
/* Blanks what is secret in a line that broke off; true where it is a line that ends in a secret. */
bool smtp_blank_rest(struct turn *turn, struct smtp_state *state, struct slice line, uint64_t line_position);

/* smtp_data.c: begins a mail; takes its bytes up to and with the final dot; records it, whole or broken off. */
void smtp_data_begin(struct turn *turn, struct smtp_state *state);
size_t smtp_data_input(struct turn *turn, struct smtp_state *state, struct slice bytes);
void smtp_data_end(struct turn *turn, struct smtp_state *state, bool complete);
/* Forgets the envelope (RSET, a new greeting, the end of a mail). */
void smtp_forget_envelope(struct turn *turn, struct smtp_state *state);

#endif
