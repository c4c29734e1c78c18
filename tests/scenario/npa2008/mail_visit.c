// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mail_visit.c - plays mails that are sent through the proxy: a request, perhaps by a further proxy, then one mail or
 * several.
 *
 * In:  a visit whose form is a way (route.h). Out: a conversation, an access, mails in the books.
 */
#include "proxy_talk.h"
#include "route.h"
#include "say.h"
#include "smtp_talk.h"
#include "visit.h"

static void draw_recipients(struct letter *letter, const struct route *route, struct random *random)
{
	size_t count = random_chance(random, 800) ? 1 : random_between(random, 2, 4);

	letter->recipient_count = 0;
	for (; letter->recipient_count < count; letter->recipient_count++) {
		snprintf(letter->recipients[letter->recipient_count], LETTER_ADDRESS_BYTES, "user%u@%s",
			 random_below(random, 2000), route->domain);
		letter->suspect[letter->recipient_count] = route->suspect;
	}
	if (route->other_domain[0]) {
		snprintf(letter->recipients[letter->recipient_count], LETTER_ADDRESS_BYTES, "user%u@%s",
			 random_below(random, 2000), route->other_domain);
		letter->suspect[letter->recipient_count++] = true;
	}
}

/* Most are short: the least of two draws. */
static size_t draw_size(const struct plan_sensor *sensor, struct random *random)
{
	uint32_t a = random_between(random, sensor->mail_bytes_least, sensor->mail_bytes_most);
	uint32_t b = random_between(random, sensor->mail_bytes_least, sensor->mail_bytes_most);

	return a < b ? a : b;
}

static void write_letter(struct scene *scene, const struct visit *visit, const struct route *route,
			 struct letter *letter, struct random *random)
{
	size_t size = draw_size(scene->sensor, random);

	if (!visit->probe) {
		draw_recipients(letter, route, random);
		letter_write(letter, random, &visit->server, size);
		return;
	}
	letter->recipient_count = 1;
	letter->suspect[0] = false;
	snprintf(letter->recipients[0], LETTER_ADDRESS_BYTES, "%s", visit->probe->mailbox);
	letter_write_probe(letter, random, &visit->server, 700, visit->probe->found_in, visit->probe->encoding);
}

static void book(struct scene *scene, const struct visit *visit, const struct stream *stream, const struct route *route,
		 const struct letter *letter)
{
	struct mail_fact fact = {
		.received_ns = stream->arrived_ns,
		.client = visit->client,
		.server = visit->server,
		.relay_host = route->host,
		.relay_port = 25,
		.complete = true,
		.mail_from = letter->mail_from,
		.subject = letter->subject_hostile ? NULL : letter->subject,
		.size_bytes = letter->size,
		.recipient_count = letter->recipient_count,
		.found_in = letter->found_in,
		.encoding = letter->encoding,
	};

	for (size_t i = 0; i < letter->recipient_count; i++) {
		fact.recipients[i] = letter->recipients[i];
		fact.suspect[i] = letter->suspect[i];
	}
	books_mail(scene->books, &fact);
}

static void send_mails(struct scene *scene, const struct visit *visit, struct stream *stream, const struct route *route)
{
	struct letter *letter = must_have(sizeof(*letter));

	for (unsigned i = 0; i < visit->mails; i++) {
		if (i == 1 && visit->pause_until_ns > stream->now_ns)
			stream->now_ns = visit->pause_until_ns + random_between(&stream->random, 1000, 20000000);
		write_letter(scene, visit, route, letter, &stream->random);
		if (!i)
			smtp_talk_hello(stream, letter->helo);
		smtp_talk_envelope(stream, letter);
		smtp_talk_data(stream, letter);
		book(scene, visit, stream, route, letter);
		stream_answer_text(stream, "250 2.0.0 Ok: queued as 4A6B1C22F\r\n");
	}
	free(letter);
}

/* The requests, up to the mail server. */
static void ask_for_relay(struct stream *stream, const struct route *route, struct access_fact *fact, char *chain,
			  size_t size)
{
	struct proxy_request first = { .form = "http-connect", .host = route->host, .port = 25 };
	struct proxy_request second = { .form = route->proxy_form, .host = route->host, .port = 25 };
	struct proxy_answer answer;

	if (route->proxy[0]) {
		first.host = route->proxy;
		first.port = route->proxy_port;
	}
	proxy_talk(stream, &first, &answer);
	if (route->proxy[0]) {
		proxy_talk(stream, &second, &answer);
		snprintf(chain, size, "%s:%d > %s:25", route->proxy, route->proxy_port, route->host);
		fact->chain = chain;
	}
	fact->relay_host = first.host;
	fact->relay_port = first.port;
	fact->class = visit_class(first.form, first.host, first.port);
}

void mail_visit(struct scene *scene, const struct visit *visit)
{
	struct access_fact fact = {
		.client = visit->client, .server = visit->server, .protocol = "http", .depth = "data"
	};
	char chain[2 * WORLD_HOST_BYTES + 32];
	struct stream stream;
	struct route route = { .proxy_port = 0 };

	visit_stream(scene, visit, &stream);
	if (visit->probe)
		snprintf(route.host, sizeof(route.host), "mx.%s", strchr(visit->probe->mailbox, '@') + 1);
	else
		route_draw(&route, scene->world, &stream.random, visit->form);
	stream_open(&stream);
	ask_for_relay(&stream, &route, &fact, chain, sizeof(chain));
	send_mails(scene, visit, &stream, &route);
	if (random_chance(&stream.random, 700))
		smtp_talk_quit(&stream);
	stream_close(&stream, visit_end(&stream));
	fact.started_ns = stream.started_ns;
	fact.bytes_in = stream.client_said;
	books_access(scene->books, &fact);
}
