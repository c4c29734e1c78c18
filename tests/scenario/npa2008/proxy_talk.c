// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * proxy_talk.c - see proxy_talk.h: a row a form.
 *
 * In:  a request. Out: what both sides say. The attacks are those of exploit_talk.c.
 */
#include "proxy_talk.h"
#include "exploit_talk.h"
#include "say.h"

#include <stdio.h>

#define REQUEST_BYTES 1024

static const char *const agents[] = { "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
				      "Mozilla/5.0 (Windows; U; Windows NT 5.1; rv:1.8.1)",
				      "Opera/9.02 (Windows NT 5.1; U; en)", "Java/1.5.0_09" };

static void say_text(struct stream *stream, const char *text)
{
	stream_say(stream, text, strlen(text));
}

/* --- HTTP --- */

static void http_connect(struct stream *stream, const struct proxy_request *request, struct proxy_answer *answer)
{
	bool ipv6 = strchr(request->host, ':') != NULL;
	unsigned minor = random_below(&stream->random, 2);
	char text[REQUEST_BYTES], extra[200] = "";

	if (random_chance(&stream->random, 500))
		snprintf(extra, sizeof(extra), "User-Agent: %s\r\n", agents[random_below(&stream->random, 4)]);
	snprintf(text, sizeof(text), "CONNECT %s%s%s:%d HTTP/1.%u\r\n%s\r\n", ipv6 ? "[" : "", request->host,
		 ipv6 ? "]" : "", request->port, minor, extra);
	say_text(stream, text);
	snprintf(text, sizeof(text), "HTTP/1.%u 200 Connection established\r\n\r\n", minor);
	stream_answer_text(stream, text);
	answer->protocol = "http";
	answer->depth = "request";
	answer->tunnel = answer->asked = true;
}

static void page(struct stream *stream)
{
	stream_answer_text(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 39\r\n\r\n"
				   "<html><body>It works here</body></html>");
}

/* One to four requests on one connection: one access. */
static void http_absolute(struct stream *stream, const struct proxy_request *request, struct proxy_answer *answer)
{
	unsigned requests = random_chance(&stream->random, 250) ? random_between(&stream->random, 2, 4) : 1;
	char text[REQUEST_BYTES], port[8] = "";

	if (request->port != 80)
		snprintf(port, sizeof(port), ":%d", request->port);
	for (unsigned i = 0; i < requests; i++) {
		/* what follows on the same connection goes elsewhere: the first decides */
		snprintf(
			text, sizeof(text),
			"GET http://%s%s/%s%u HTTP/1.1\r\nHost: %s%s\r\nUser-Agent: %s\r\nProxy-Connection: %s\r\n\r\n",
			i ? "other.follow.example" : request->host, i ? ":81" : port, i ? "page" : "", i,
			i ? "other.follow.example" : request->host, i ? ":81" : port,
			agents[random_below(&stream->random, 4)], i + 1 < requests ? "keep-alive" : "close");
		say_text(stream, text);
		page(stream);
	}
	answer->protocol = "http";
	answer->depth = "request";
	answer->asked = true;
}

static void http_origin(struct stream *stream, const struct proxy_request *request, struct proxy_answer *answer)
{
	char text[REQUEST_BYTES];

	(void)request;
	snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\nUser-Agent: %s\r\n\r\n",
		 random_chance(&stream->random, 500) ? "/" : "/index.html", agents[random_below(&stream->random, 4)]);
	say_text(stream, text);
	page(stream);
	answer->protocol = "http";
	answer->depth = "request";
}

/* --- SOCKS --- */

static size_t put_port(uint8_t *at, int port)
{
	at[0] = (uint8_t)(port >> 8);
	at[1] = (uint8_t)port;
	return 2;
}

static void socks4(struct stream *stream, const struct proxy_request *request, struct proxy_answer *answer)
{
	static const char *const users[] = { "", "root", "proxy", "MOZILLA" };
	const char *user = users[random_below(&stream->random, 4)];
	uint8_t bytes[300] = { 4, 1 };
	const uint8_t granted[8] = { 0, 0x5a };
	bool named = !strcmp(request->form, "socks4a");
	size_t at = 2 + put_port(bytes + 2, request->port);
	struct ip ip;

	if (named)
		memcpy(bytes + at, "\0\0\0\1", 4);
	else if (ip_read(request->host, &ip) && !ip.ipv6)
		memcpy(bytes + at, ip.bytes, 4);
	else
		say_bad("plan", 0, "socks4 asks for addresses, not for %s", request->host);
	at += 4;
	memcpy(bytes + at, user, strlen(user) + 1);
	at += strlen(user) + 1;
	if (named) {
		memcpy(bytes + at, request->host, strlen(request->host) + 1);
		at += strlen(request->host) + 1;
	}
	stream_say(stream, bytes, at);
	stream_answer(stream, granted, sizeof(granted));
	answer->protocol = named ? "socks4a" : "socks4";
	answer->depth = "request";
	answer->tunnel = answer->asked = true;
}

static void socks5_methods(struct stream *stream)
{
	static const uint8_t one[] = { 5, 1, 0 }, two[] = { 5, 2, 0, 2 }, with_name[] = { 5, 1, 2 };
	static const uint8_t password[] = "\x01\x04user\x06secret";

	switch (random_below(&stream->random, 4)) {
	case 0:
		stream_say(stream, with_name, sizeof(with_name));
		stream_answer(stream, "\5\2", 2);
		stream_say(stream, password, sizeof(password) - 1);
		stream_answer(stream, "\1\0", 2);
		break;
	case 1:
		stream_say(stream, two, sizeof(two));
		stream_answer(stream, "\5\0", 2);
		break;
	default:
		stream_say(stream, one, sizeof(one));
		stream_answer(stream, "\5\0", 2);
		break;
	}
}

static void socks5(struct stream *stream, const struct proxy_request *request, struct proxy_answer *answer)
{
	uint8_t bytes[300] = { 5, 1, 0 };
	const uint8_t granted[10] = { 5, 0, 0, 1 };
	size_t at = 3, length = strlen(request->host);
	struct ip ip;

	socks5_methods(stream);
	if (ip_read(request->host, &ip)) {
		bytes[at++] = ip.ipv6 ? 4 : 1;
		memcpy(bytes + at, ip.bytes, ip.ipv6 ? 16 : 4);
		at += ip.ipv6 ? 16 : 4;
	} else {
		bytes[at++] = 3;
		bytes[at++] = (uint8_t)length;
		memcpy(bytes + at, request->host, length);
		at += length;
	}
	at += put_port(bytes + at, request->port);
	stream_say(stream, bytes, at);
	stream_answer(stream, granted, sizeof(granted));
	answer->protocol = "socks5";
	answer->depth = "request";
	answer->tunnel = answer->asked = true;
}

/* --- neither --- */

static void text(struct stream *stream, const struct proxy_request *request, struct proxy_answer *answer)
{
	(void)request;
	say_text(stream, "hello are you there\r\n");
	answer->protocol = "unknown_text";
	answer->depth = "payload";
}

static void binary(struct stream *stream, const struct proxy_request *request, struct proxy_answer *answer)
{
	static const uint8_t bytes[] = { 0x00, 0x17, 0x9a, 0x01, 0x02, 0xee, 0xf0, 0x03,
					 0x00, 0x88, 0x10, 0x00, 0x41, 0x05, 0x07, 0x1f };

	(void)request;
	stream_say(stream, bytes, sizeof(bytes));
	answer->protocol = "unknown_binary";
	answer->depth = "payload";
}

static const struct {
	const char *form;
	void (*talk)(struct stream *stream, const struct proxy_request *request, struct proxy_answer *answer);
	bool wants_host;
} forms[] = {
	{ "http-connect", http_connect, true },
	{ "http-absolute", http_absolute, true },
	{ "http-origin", http_origin, false },
	{ "socks4", socks4, true },
	{ "socks4a", socks4, true },
	{ "socks5", socks5, true },
	{ "text", text, false },
	{ "binary", binary, false },
};

void proxy_talk(struct stream *stream, const struct proxy_request *request, struct proxy_answer *answer)
{
	*answer = (struct proxy_answer){ .depth = "payload" };
	if (exploit_talk(stream, request->form, answer)) {
		answer->known = answer->exploit = true;
		return;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(forms[i].form, request->form))
			continue;
		if (forms[i].wants_host != (request->host != NULL))
			say_bad("plan", 0, "the form %s %s", request->form,
				forms[i].wants_host ? "asks for a relay" : "asks for none");
		forms[i].talk(stream, request, answer);
		answer->known = true;
		return;
	}
}
