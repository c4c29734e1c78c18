// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * proxy_visit.c - plays an access: a request for a relay, or what else is said to a proxy port; some go on in the
 * tunnel.
 *
 * In:  a visit. Out: a conversation on the tape, an access in the books, and a mail where one was begun and broke off.
 */
#include "proxy_talk.h"
#include "say.h"
#include "smtp_talk.h"
#include "visit.h"

struct played {
	struct stream stream;
	struct proxy_answer answer;
	const char *depth;
	char chain[2 * WORLD_HOST_BYTES + 32], next_host[WORLD_HOST_BYTES];
	bool chained;
};

static const struct domain *any_domain(const struct scene *scene, struct random *random)
{
	return &scene->world->domains[random_below(random, (uint32_t)scene->world->domain_count)];
}

static void book_broken(struct scene *scene, const struct visit *visit, struct played *played,
			const struct letter *letter, size_t size)
{
	struct mail_fact fact = {
		.received_ns = played->stream.arrived_ns,
		.client = visit->client,
		.server = visit->server,
		.relay_host = played->chained ? played->next_host : visit->host,
		.relay_port = played->chained ? 25 : visit->relay_port,
		.mail_from = letter->mail_from,
		.size_bytes = size,
		.recipients = { letter->recipients[0] },
		.recipient_count = 1,
	};

	books_mail(scene->books, &fact);
}

/* A mail that is begun and breaks off is no mail in the figures. */
static void break_off(struct scene *scene, const struct visit *visit, struct played *played)
{
	struct letter *letter = must_have(sizeof(*letter));
	struct random *random = &played->stream.random;
	size_t size;

	letter->recipient_count = 1;
	snprintf(letter->recipients[0], sizeof(letter->recipients[0]), "lost%u@%s", random_below(random, 1000),
		 any_domain(scene, random)->name);
	letter_write(letter, random, &visit->server, 900);
	smtp_talk_hello(&played->stream, letter->helo);
	smtp_talk_envelope(&played->stream, letter);
	size = smtp_talk_broken(&played->stream, letter);
	played->depth = "rcpt";
	book_broken(scene, visit, played, letter, size);
	free(letter);
}

/* An envelope without DATA is no mail at all. */
static void only_envelope(struct scene *scene, struct played *played)
{
	struct letter *letter = must_have(sizeof(*letter));
	struct random *random = &played->stream.random;

	letter->recipient_count = 1;
	snprintf(letter->recipients[0], sizeof(letter->recipients[0]), "user%u@%s", random_below(random, 1000),
		 any_domain(scene, random)->name);
	snprintf(letter->mail_from, sizeof(letter->mail_from), "bulk@offer.example");
	smtp_talk_hello(&played->stream, "client.offer.example");
	smtp_talk_envelope(&played->stream, letter);
	smtp_talk_quit(&played->stream);
	played->depth = "rcpt";
	free(letter);
}

static void talk_mail(struct scene *scene, const struct visit *visit, struct played *played)
{
	uint32_t kind = random_below(&played->stream.random, 10);

	if (kind < 4)
		return;
	if (kind < 7) {
		smtp_talk_hello(&played->stream, "client.offer.example");
		smtp_talk_quit(&played->stream);
		played->depth = "inner";
	} else if (kind < 9) {
		only_envelope(scene, played);
	} else {
		break_off(scene, visit, played);
	}
}

static void talk_web(struct played *played)
{
	static const char request[] = "GET / HTTP/1.0\r\nHost: www.example\r\n\r\n";

	if (random_chance(&played->stream.random, 400))
		return;
	stream_say(&played->stream, request, sizeof(request) - 1);
	stream_answer_text(&played->stream, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
	played->depth = "inner";
}

/* Through the first proxy to another one, and through that to a mail server. */
static void talk_chain(struct scene *scene, const struct visit *visit, struct played *played)
{
	struct random *random = &played->stream.random;
	const struct domain *domain = any_domain(scene, random);
	struct proxy_request request = { .form = strstr(visit->form, "socks") ? "socks4a" : "http-connect",
					 .port = 25 };
	struct proxy_answer answer;

	snprintf(played->next_host, sizeof(played->next_host), "%s", domain->exchangers[0].name);
	request.host = played->next_host;
	played->chained = true;
	proxy_talk(&played->stream, &request, &answer);
	snprintf(played->chain, sizeof(played->chain), "%s:%d > %s:25", visit->host, visit->relay_port,
		 played->next_host);
	played->depth = "inner";
	talk_mail(scene, visit, played);
}

static void talk(struct scene *scene, const struct visit *visit, struct played *played)
{
	bool chain = !strncmp(visit->form, "chain-", 6);
	struct proxy_request request = { .form = chain ? "http-connect" : visit->form,
					 .host = visit->host,
					 .port = visit->relay_port };

	proxy_talk(&played->stream, &request, &played->answer);
	if (!played->answer.known)
		say_bad("plan", 0, "no such form: %s", visit->form);
	played->depth = played->answer.depth;
	if (chain)
		talk_chain(scene, visit, played);
	else if (played->answer.tunnel && visit->relay_port == 25)
		talk_mail(scene, visit, played);
	else if (played->answer.tunnel && visit->relay_port == 80)
		talk_web(played);
}

void proxy_visit(struct scene *scene, const struct visit *visit)
{
	struct played played = { .chained = false };
	struct access_fact fact = { .client = visit->client, .server = visit->server, .relay_port = -1 };

	visit_stream(scene, visit, &played.stream);
	stream_open(&played.stream);
	talk(scene, visit, &played);
	stream_close(&played.stream, visit_end(&played.stream));
	fact.started_ns = played.stream.started_ns;
	fact.protocol = played.answer.protocol;
	if (played.answer.asked) {
		fact.relay_host = visit->host;
		fact.relay_port = visit->relay_port;
	}
	fact.class = visit_class(visit->form, fact.relay_host, fact.relay_port);
	fact.depth = played.depth ? played.depth : "?";
	fact.exploit = played.answer.exploit;
	fact.bytes_in = played.stream.client_said;
	fact.chain = played.chained ? played.chain : NULL;
	books_access(scene->books, &fact);
}
