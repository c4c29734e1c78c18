// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * smtp_command.c - the commands of the mail server (RFC 5321): lines to answers.
 *
 * In:  one line. Out: its answer, the envelope in the state, credentials. Called by mimic_smtp.c.
 * A command is a row of the table: what must hold before it (check) and what it does (proceed).
 */
#include "probe/smtp_path.h"
#include "protocols/secrets.h"
#include "protocols/smtp.h"
#include "protocols/sniff.h"

#include <strings.h>

/* One command in hand. */
struct command {
	struct turn *turn;
	struct smtp_state *state;
	struct slice argument;	    /* behind the name, trimmed */
	uint64_t argument_position; /* in the payload */
};

static void say(const struct command *command, const char *text)
{
	turn_say(command->turn, slice_of_text(text));
	turn_say(command->turn, slice_of_text("\r\n"));
}

/* --- greeting --- */

static void greeted(const struct command *command)
{
	smtp_forget_envelope(command->turn, command->state);
	byte_queue_clear(command->turn->chunks, &command->state->helo);
	(void)byte_queue_append(command->turn->chunks, &command->state->helo, command->argument);
}

static void proceed_helo(const struct command *command)
{
	char name[256];

	greeted(command);
	turn_sayf(command->turn, "250 %s\r\n", smtp_host_name(command->turn, name));
}

static void proceed_ehlo(const struct command *command)
{
	const struct mimic_policy *policy = command->turn->policy;
	char name[256];

	greeted(command);
	turn_sayf(command->turn,
		  "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-VRFY\r\n250-ETRN\r\n%s250-AUTH PLAIN LOGIN\r\n",
		  smtp_host_name(command->turn, name), (unsigned long long)policy->mail_max_bytes,
		  policy->offer_starttls ? "250-STARTTLS\r\n" : "");
	say(command, "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 DSN");
}

/* --- envelope --- */

static bool check_no_mail(const struct command *command)
{
	if (!command->state->mail_open)
		return true;
	say(command, "503 5.5.1 Error: nested MAIL command");
	return false;
}

static bool check_mail(const struct command *command)
{
	if (command->state->mail_open)
		return true;
	say(command, "503 5.5.1 Error: need MAIL command");
	return false;
}

/* SIZE= of MAIL (RFC 1870): larger than what we take is refused, but in a replay the recorded server decided. */
static bool too_large(const struct command *command, struct slice parameters)
{
	const struct mimic_policy *policy = command->turn->policy;
	uint64_t size = 0;

	while (parameters.length && !smtp_begins(parameters, "SIZE=")) {
		const uint8_t *blank = memchr(parameters.bytes, ' ', parameters.length);

		if (!blank)
			return false;
		parameters = smtp_trim(slice_of(blank, parameters.length - (size_t)(blank - parameters.bytes)));
	}
	for (size_t i = 5; i < parameters.length && parameters.bytes[i] >= '0' && parameters.bytes[i] <= '9'; i++) {
		if (size > UINT64_MAX / 20)
			break;
		size = size * 10 + (uint64_t)(parameters.bytes[i] - '0');
	}
	return !policy->replay && policy->mail_max_bytes && size > policy->mail_max_bytes;
}

static void proceed_mail(const struct command *command)
{
	struct smtp_state *state = command->state;
	struct slice address, rest;

	if (!smtp_read_path(command->argument, "FROM", &address, &rest)) {
		say(command, "501 5.5.4 Syntax: MAIL FROM:<address>");
		return;
	}
	if (too_large(command, rest)) {
		say(command, "552 5.3.4 Message size exceeds fixed limit");
		return;
	}
	smtp_forget_envelope(command->turn, state);
	(void)byte_queue_append(command->turn->chunks, &state->mail_from, address);
	state->mail_open = true;
	say(command, "250 2.1.0 Ok");
}

static void proceed_rcpt(const struct command *command)
{
	struct chunk_pool *chunks = command->turn->chunks;
	struct smtp_state *state = command->state;
	struct slice address, rest;
	uint8_t length[2];

	if (!smtp_read_path(command->argument, "TO", &address, &rest) || !address.length) {
		say(command, "501 5.5.4 Syntax: RCPT TO:<address>");
		return;
	}
	length[0] = (uint8_t)(address.length >> 8);
	length[1] = (uint8_t)address.length;
	if ((state->recipients >= SMTP_RECIPIENTS_MAX && !command->turn->policy->replay) ||
	    state->recipient_list.length + address.length + 2 > SMTP_RECIPIENT_BYTES_MAX ||
	    chunks->chunks - chunks->used < (address.length + 2) / CHUNK_DATA_BYTES + 2) {
		say(command, "452 4.5.3 Error: too many recipients");
		return;
	}
	(void)byte_queue_append(chunks, &state->recipient_list, slice_of(length, 2)); /* there is room: just asked */
	(void)byte_queue_append(chunks, &state->recipient_list, address);
	state->recipients++;
	turn_depth(command->turn, DEPTH_rcpt);
	say(command, "250 2.1.5 Ok");
}

static bool check_data(const struct command *command)
{
	if (!command->state->mail_open)
		say(command, "503 5.5.1 Error: need RCPT command");
	else if (!command->state->recipients)
		say(command, "554 5.5.1 Error: no valid recipients");
	else
		return true;
	return false;
}

static void proceed_data(const struct command *command)
{
	say(command, "354 End data with <CR><LF>.<CR><LF>");
	smtp_data_begin(command->turn, command->state);
}

/* Not offered, so refused; but the bytes it announces follow, and are no commands (RFC 3030, section 4.2). */
static void proceed_bdat(const struct command *command)
{
	uint64_t size = 0;

	for (size_t i = 0; i < command->argument.length; i++) {
		uint8_t byte = command->argument.bytes[i];

		if (byte < '0' || byte > '9' || size > UINT64_MAX / 20)
			break;
		size = size * 10 + (uint64_t)(byte - '0');
	}
	say(command, "502 5.5.1 Error: command not implemented");
	command->state->skip_bytes = size;
	if (size)
		smtp_enter_phase(command->state, SMTP_BDAT);
}

/* --- the rest --- */

static void proceed_rset(const struct command *command)
{
	smtp_forget_envelope(command->turn, command->state);
	say(command, "250 2.0.0 Ok");
}

static void proceed_noop(const struct command *command)
{
	say(command, "250 2.0.0 Ok");
}

/* Some users exist and some don't, the same at all times: one answer for everybody is a mark of decoys. */
static void proceed_vrfy(const struct command *command)
{
	uint64_t hash = turn_decoy_hash(command->turn, command->argument);
	struct slice shown = command->argument;

	if (!shown.length) {
		say(command, "501 5.5.4 Syntax: VRFY address");
		return;
	}
	if (shown.length > 256)
		shown.length = 256;
	turn_sayf(command->turn, hash % 3 ? "252 2.0.0 " : "550 5.1.1 <");
	turn_say(command->turn, shown);
	say(command, hash % 3 ? "" : ">: Recipient address rejected: User unknown in local recipient table");
}

static void proceed_not_implemented(const struct command *command)
{
	say(command, "502 5.5.1 Error: command not implemented");
}

static void proceed_help(const struct command *command)
{
	say(command, "214 2.0.0 See RFC 5321");
}

static void proceed_starttls(const struct command *command)
{
	command->state->may_be_tls = true;
	if (command->turn->policy->offer_starttls || command->turn->policy->replay)
		say(command, "220 2.0.0 Ready to start TLS");
	else
		proceed_not_implemented(command);
}

static void proceed_quit(const struct command *command)
{
	say(command, "221 2.0.0 Bye");
	turn_close(command->turn);
}

/* --- AUTH (RFC 4954): every password is right --- */

static void authenticated(const struct command *command)
{
	smtp_enter_phase(command->state, SMTP_COMMAND);
	byte_queue_clear(command->turn->chunks, &command->state->username);
	say(command, "235 2.7.0 Authentication successful");
}

/* authorization identity NUL user name NUL password, in base64 (RFC 4616). Text that is no base64 is a secret as it is.
 */
static void take_plain(const struct command *command, struct slice text)
{
	uint8_t decoded[SMTP_LINE_MAX_BYTES];
	int length = base64_decode(text, decoded, sizeof(decoded));
	struct slice user = { 0 }, secret = text;

	if (length > 0) {
		const uint8_t *first = memchr(decoded, 0, (size_t)length);
		const uint8_t *second = first ? memchr(first + 1, 0, (size_t)(decoded + length - first) - 1) : NULL;

		if (second) {
			user = slice_of(first + 1, (size_t)(second - first) - 1);
			secret = slice_of(second + 1, (size_t)(decoded + length - second) - 1);
		}
	}
	turn_credential(command->turn, "smtp_plain", user, secret);
	authenticated(command);
}

static void take_username(const struct command *command, struct slice text)
{
	uint8_t decoded[SMTP_LINE_MAX_BYTES];
	int length = base64_decode(text, decoded, sizeof(decoded));

	byte_queue_clear(command->turn->chunks, &command->state->username);
	(void)byte_queue_append(command->turn->chunks, &command->state->username,
				length > 0 ? slice_of(decoded, (size_t)length) : text);
	smtp_enter_phase(command->state, SMTP_AUTH_PASSWORD);
	say(command, "334 UGFzc3dvcmQ6");
}

static void take_password(const struct command *command, struct slice text)
{
	uint8_t decoded[SMTP_LINE_MAX_BYTES], user[SMTP_LINE_MAX_BYTES];
	int length = base64_decode(text, decoded, sizeof(decoded));
	size_t user_bytes = byte_queue_peek(command->turn->chunks, &command->state->username, 0, user, sizeof(user));

	turn_credential(command->turn, "smtp_login", slice_of(user, user_bytes),
			length > 0 ? slice_of(decoded, (size_t)length) : text);
	authenticated(command);
}

/* "AUTH mechanism initial-response": where the response begins in the argument, or its length where there is none. */
static size_t initial_response(struct slice argument, struct slice *mechanism)
{
	size_t end = 0;

	while (end < argument.length && argument.bytes[end] != ' ' && argument.bytes[end] != '\t')
		end++;
	*mechanism = slice_of(argument.bytes, end);
	while (end < argument.length && (argument.bytes[end] == ' ' || argument.bytes[end] == '\t'))
		end++;
	return end;
}

static void proceed_auth(const struct command *command)
{
	struct slice mechanism, initial;
	size_t at = initial_response(command->argument, &mechanism);
	bool login = mechanism.length == 5 && smtp_begins(mechanism, "LOGIN");

	initial = slice_of(command->argument.bytes + at, command->argument.length - at);
	if (!login)
		turn_blank(command->turn, command->argument_position + at, initial.length);
	if (login && initial.length) {
		take_username(command, initial);
	} else if (login) {
		smtp_enter_phase(command->state, SMTP_AUTH_USERNAME);
		say(command, "334 VXNlcm5hbWU6");
	} else if (mechanism.length == 5 && smtp_begins(mechanism, "PLAIN") && initial.length) {
		take_plain(command, initial);
	} else if (mechanism.length == 5 && smtp_begins(mechanism, "PLAIN")) {
		smtp_enter_phase(command->state, SMTP_AUTH_PLAIN);
		say(command, "334 ");
	} else {
		say(command, "504 5.5.4 Unrecognized authentication type");
	}
}

/* A line that answers a challenge. */
static void take_auth(const struct command *command, struct slice line, uint64_t position)
{
	enum smtp_phase phase = (enum smtp_phase)command->state->phase;

	if (line.length == 1 && line.bytes[0] == '*') {
		smtp_enter_phase(command->state, SMTP_COMMAND);
		say(command, "501 5.7.0 Authentication aborted");
		return;
	}
	if (phase == SMTP_AUTH_USERNAME) {
		take_username(command, line);
		return;
	}
	turn_blank(command->turn, position, line.length);
	if (phase == SMTP_AUTH_PASSWORD)
		take_password(command, line);
	else
		take_plain(command, line);
}

static const struct command_row {
	const char *name;
	bool (*check)(const struct command *command); /* false = refused, and said so */
	void (*proceed)(const struct command *command);
} commands[] = {
	{ "HELO", NULL, proceed_helo },
	{ "EHLO", NULL, proceed_ehlo },
	{ "MAIL", check_no_mail, proceed_mail },
	{ "RCPT", check_mail, proceed_rcpt },
	{ "DATA", check_data, proceed_data },
	{ "BDAT", NULL, proceed_bdat },
	{ "RSET", NULL, proceed_rset },
	{ "NOOP", NULL, proceed_noop },
	{ "VRFY", NULL, proceed_vrfy },
	{ "EXPN", NULL, proceed_not_implemented },
	{ "ETRN", NULL, proceed_not_implemented },
	{ "HELP", NULL, proceed_help },
	{ "AUTH", NULL, proceed_auth },
	{ "STARTTLS", NULL, proceed_starttls },
	{ "QUIT", NULL, proceed_quit },
};

/* The command's name is up to a blank or, as some clients write it, a colon. */
static size_t name_bytes(struct slice line)
{
	size_t length = 0;

	while (length < line.length && line.bytes[length] != ' ' && line.bytes[length] != '\t' &&
	       line.bytes[length] != ':')
		length++;
	return length;
}

static const struct command_row *find_command(struct slice line, size_t name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (name == strlen(commands[i].name) && smtp_begins(line, commands[i].name))
			return &commands[i];
	return NULL;
}

void smtp_command(struct turn *turn, struct smtp_state *state, struct slice line, uint64_t line_position)
{
	struct command command = { .turn = turn, .state = state };
	struct slice trimmed = smtp_trim(line);
	size_t name = name_bytes(trimmed);
	const struct command_row *row = find_command(trimmed, name);

	/* A command where a challenge's answer was due: the recorded server refused AUTH, or the client gave it up. */
	if (state->phase != SMTP_COMMAND && !row) {
		take_auth(&command, line, line_position);
		return;
	}
	smtp_enter_phase(state, SMTP_COMMAND);
	command.argument = smtp_trim(slice_of(trimmed.bytes + name, trimmed.length - name));
	command.argument_position = line_position + (uint64_t)(command.argument.bytes - line.bytes);
	if (!row) {
		say(&command, line.length ? "500 5.5.2 Error: command not recognized" : "500 5.5.2 Error: bad syntax");
		return;
	}
	turn_protocol(turn, "smtp");
	if (!row->check || row->check(&command))
		row->proceed(&command);
}

bool smtp_blank_rest(struct turn *turn, struct smtp_state *state, struct slice line, uint64_t line_position)
{
	struct slice trimmed = smtp_trim(line), mechanism;
	size_t at;

	if (state->phase == SMTP_AUTH_PASSWORD || state->phase == SMTP_AUTH_PLAIN) {
		turn_blank(turn, line_position, line.length);
		return true;
	}
	if (state->phase != SMTP_COMMAND || !smtp_begins(trimmed, "AUTH"))
		return false;
	trimmed = smtp_trim(slice_of(trimmed.bytes + 4, trimmed.length - 4));
	at = initial_response(trimmed, &mechanism);
	if (mechanism.length == 5 && smtp_begins(mechanism, "LOGIN"))
		return false;
	turn_blank(turn, line_position + (uint64_t)(trimmed.bytes - line.bytes) + at, trimmed.length - at);
	return true;
}
