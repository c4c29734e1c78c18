// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * direct_visit.c - plays SMTP that is spoken to the decoy itself: search for open relays, and mail.
 *
 * In:  a visit whose form is relay-test, mail, mail-broken, recipient or hello. Out: a conversation, an access, perhaps
 * a mail.
 */
#include "say.h"
#include "smtp_talk.h"
#include "visit.h"

static void book_mail(struct scene *scene, const struct visit *visit, const struct stream *stream,
		      const struct letter *letter, bool complete, size_t size)
{
	struct mail_fact fact = {
		.received_ns = stream->arrived_ns,
		.client = visit->client,
		.server = visit->server,
		.relay_port = -1,
		.direct = true,
		.complete = complete,
		.mail_from = letter->mail_from,
		.subject = !complete || letter->subject_hostile ? NULL : letter->subject,
		.size_bytes = size,
		.recipients = { letter->recipients[0] },
		.recipient_count = 1,
	};

	books_mail(scene->books, &fact);
}

static void send_mail(struct scene *scene, const struct visit *visit, struct stream *stream, bool complete)
{
	struct letter *letter = must_have(sizeof(*letter));
	struct random *random = &stream->random;
	const struct world *world = scene->world;
	size_t size;

	letter->recipient_count = 1;
	snprintf(letter->recipients[0], sizeof(letter->recipients[0]), "user%u@%s", random_below(random, 1000),
		 world->domains[random_below(random, (uint32_t)world->domain_count)].name);
	letter_write(letter, random, &visit->server, random_between(random, 600, 3000));
	smtp_talk_hello(stream, letter->helo);
	smtp_talk_envelope(stream, letter);
	size = letter->size;
	if (complete)
		smtp_talk_data(stream, letter);
	else
		size = smtp_talk_broken(stream, letter);
	book_mail(scene, visit, stream, letter, complete, size);
	if (complete) {
		stream_answer_text(stream, "250 2.0.0 Ok: queued as 4A6B1C22F\r\n");
		smtp_talk_quit(stream);
	}
	free(letter);
}

static void only_recipient(struct stream *stream)
{
	static const char mail[] = "MAIL FROM:<check@seeker.example>\r\n",
			  recipient[] = "RCPT TO:<box@seeker.example>\r\n";

	smtp_talk_hello(stream, "seeker.example");
	stream_say(stream, mail, sizeof(mail) - 1);
	stream_answer_text(stream, "250 2.1.0 Ok\r\n");
	stream_say(stream, recipient, sizeof(recipient) - 1);
	stream_answer_text(stream, "554 5.7.1 Relay access denied\r\n");
	smtp_talk_quit(stream);
}

void direct_visit(struct scene *scene, const struct visit *visit)
{
	struct stream stream;
	struct access_fact fact = {
		.client = visit->client,
		.server = visit->server,
		.relay_port = -1,
		.protocol = "smtp",
		.class = "mail",
		.depth = "rcpt",
		.smtp_kind = "mail",
	};

	visit_stream(scene, visit, &stream);
	stream_open(&stream);
	if (!strcmp(visit->form, "relay-test")) {
		smtp_talk_hello(&stream, "seeker.example");
		smtp_talk_routes(&stream);
		smtp_talk_quit(&stream);
		fact.smtp_kind = "relay_test";
	} else if (!strcmp(visit->form, "mail")) {
		send_mail(scene, visit, &stream, true);
		fact.depth = "data";
	} else if (!strcmp(visit->form, "mail-broken")) {
		send_mail(scene, visit, &stream, false);
	} else if (!strcmp(visit->form, "recipient")) {
		only_recipient(&stream);
		fact.smtp_kind = "other";
	} else if (!strcmp(visit->form, "hello")) { /* no recipient: no attempt */
		smtp_talk_hello(&stream, "looker.example");
		smtp_talk_quit(&stream);
		fact.depth = "payload";
		fact.smtp_kind = "other";
	} else {
		say_bad("plan", 0, "no such direct form: %s", visit->form);
	}
	stream_close(&stream, visit_end(&stream));
	fact.started_ns = stream.started_ns;
	fact.bytes_in = stream.client_said;
	books_access(scene->books, &fact);
}
