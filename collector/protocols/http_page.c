// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http_page.c - what the web answers through the decoy.
 *
 * In:  a request and what is known of the decoy. Out: a whole response. Called by mimic_http.c.
 * Sites are data: the tables below. May not resolve, fetch or copy a real site.
 */
#include "protocols/http_page.h"
#include "protocols/secrets.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

/* Text that is put together in memory of fixed size; what does not fit is left out. */
struct text {
	char *bytes;
	size_t length, capacity;
};

__attribute__((format(printf, 2, 3))) static void text_add(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text->bytes + text->length, text->capacity - text->length, format, arguments);
	va_end(arguments);
	if (length > 0 && (size_t)length < text->capacity - text->length)
		text->length += (size_t)length;
}

/* Adds a stranger's bytes as HTML: markup is escaped, what is not printable is a question mark. At most 512 bytes of
 * it. */
static void text_add_html(struct text *text, struct slice bytes)
{
	for (size_t i = 0; i < bytes.length && i < 512; i++) {
		uint8_t byte = bytes.bytes[i];

		if (byte == '<' || byte == '>' || byte == '&')
			text_add(text, "%s", byte == '<' ? "&lt;" : byte == '>' ? "&gt;" : "&amp;");
		else
			text_add(text, "%c", byte < 0x20 || byte >= 0x7f ? '?' : byte);
	}
}

/* A response before it is said. */
struct response {
	int status;
	const char *reason, *type, *server;
	struct text body;
	uint32_t filler_bytes; /* blank text behind the body */
};

/* --- sites that tell a visitor his address --- */

enum echo_form {
	ECHO_PLAIN,
	ECHO_LINE,
	ECHO_JSON_IP,
	ECHO_JSON_ORIGIN,
	ECHO_JSON_QUERY,
	ECHO_DYNDNS,
	ECHO_FIXED,
	ECHO_EMPTY
};

/* path: what the path begins with; argument: what it must hold besides, or NULL. */
static const struct site {
	const char *host, *path, *argument;
	enum echo_form form;
	const char *fixed;
} sites[] = {
	{ "api.ipify.org", "/", "format=json", ECHO_JSON_IP, NULL },
	{ "api.ipify.org", "/", NULL, ECHO_PLAIN, NULL },
	{ "api64.ipify.org", "/", NULL, ECHO_PLAIN, NULL },
	{ "ifconfig.me", "/", NULL, ECHO_PLAIN, NULL },
	{ "ident.me", "/", NULL, ECHO_PLAIN, NULL },
	{ "ipecho.net", "/plain", NULL, ECHO_PLAIN, NULL },
	{ "icanhazip.com", "/", NULL, ECHO_LINE, NULL },
	{ "ipv4.icanhazip.com", "/", NULL, ECHO_LINE, NULL },
	{ "checkip.amazonaws.com", "/", NULL, ECHO_LINE, NULL },
	{ "ifconfig.co", "/ip", NULL, ECHO_LINE, NULL },
	{ "ipinfo.io", "/ip", NULL, ECHO_LINE, NULL },
	{ "ipinfo.io", "/", NULL, ECHO_JSON_IP, NULL },
	{ "ip-api.com", "/line", NULL, ECHO_LINE, NULL },
	{ "ip-api.com", "/json", NULL, ECHO_JSON_QUERY, NULL },
	{ "httpbin.org", "/ip", NULL, ECHO_JSON_ORIGIN, NULL },
	{ "checkip.dyndns.org", "/", NULL, ECHO_DYNDNS, NULL },
	{ "checkip.dyndns.com", "/", NULL, ECHO_DYNDNS, NULL },
	{ "detectportal.firefox.com", "/success.txt", NULL, ECHO_FIXED, "success\n" },
	{ "www.msftconnecttest.com", "/connecttest.txt", NULL, ECHO_FIXED, "Microsoft Connect Test" },
	{ "connectivitycheck.gstatic.com", "/generate_204", NULL, ECHO_EMPTY, NULL },
};

/* Host of a request: where it is asked for, or inside a tunnel the Host header, without its port. */
static struct slice request_host(const struct http_request *request)
{
	struct slice host = request->form == HTTP_ORIGIN ? request->host_header : request->host;
	const uint8_t *colon;

	if (request->form == HTTP_ORIGIN && host.length) {
		colon = memchr(host.bytes, ':', host.length);
		if (colon && host.bytes[0] != '[')
			host.length = (size_t)(colon - host.bytes);
	}
	return host;
}

static bool has_part(struct slice text, const char *part)
{
	size_t length = strlen(part);

	for (size_t i = 0; i + length <= text.length; i++)
		if (!strncasecmp((const char *)text.bytes + i, part, length))
			return true;
	return false;
}

static const struct site *find_site(struct slice host, struct slice path)
{
	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		const struct site *site = &sites[i];
		size_t length = strlen(site->path);

		if (!http_is(host, site->host))
			continue;
		if (length > 1 && (path.length < length || memcmp(path.bytes, site->path, length)))
			continue;
		if (!site->argument || has_part(path, site->argument))
			return site;
	}
	return NULL;
}

static void make_echo(struct response *response, const struct site *site, const char *address)
{
	struct text *body = &response->body;

	response->type = "text/plain; charset=utf-8";
	switch (site->form) {
	case ECHO_PLAIN:
		text_add(body, "%s", address);
		break;
	case ECHO_LINE:
		text_add(body, "%s\n", address);
		break;
	case ECHO_JSON_IP:
		response->type = "application/json";
		text_add(body, "{\"ip\":\"%s\"}", address);
		break;
	case ECHO_JSON_ORIGIN:
		response->type = "application/json";
		text_add(body, "{\n  \"origin\": \"%s\"\n}\n", address);
		break;
	case ECHO_JSON_QUERY:
		response->type = "application/json; charset=utf-8";
		text_add(body, "{\"status\":\"success\",\"query\":\"%s\"}", address);
		break;
	case ECHO_DYNDNS:
		response->type = "text/html";
		text_add(body,
			 "<html><head><title>Current IP Check</title></head><body>Current IP Address: "
			 "%s</body></html>\r\n",
			 address);
		break;
	case ECHO_FIXED:
		text_add(body, "%s", site->fixed);
		break;
	case ECHO_EMPTY:
		response->status = 204;
		response->reason = "No Content";
		break;
	}
}

/* --- proxy judges --- */

static bool is_judge(struct slice host, struct slice path)
{
	static const char *const marks[] = { "azenv",	 "proxyjudge", "prxjdg",  "judge",
					     "/env.cgi", "/env.php",   "prx.php", "httpheader" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (has_part(path, marks[i]) || has_part(host, marks[i]))
			return true;
	return false;
}

/* What a proxy takes out of a request before it passes it on: naming itself would spoil the visit. */
static bool is_proxy_header(struct slice name)
{
	return (name.length >= 6 && !strncasecmp((const char *)name.bytes, "Proxy-", 6)) || http_is(name, "Via") ||
	       http_is(name, "Forwarded") || http_is(name, "X-Forwarded-For");
}

/* CGI variables (RFC 3875, section 4.1) in the shape that judges print. */
static void make_judge(struct turn *turn, struct response *response, const struct http_request *request,
		       const char *address)
{
	struct slice rest = request->headers, name, value;
	struct text *body = &response->body;
	uint32_t port = 32768 + (uint32_t)(turn_decoy_hash(turn, request->target) % 28000);

	response->type = "text/html";
	text_add(body, "<html>\n<head>\n<title>AZ Environment variables 1.04</title>\n</head>\n<body>\n<pre>\n");
	while (http_header_next(&rest, &name, &value)) {
		if (!name.length || is_proxy_header(name))
			continue;
		text_add(body, "HTTP_");
		for (size_t i = 0; i < name.length && i < 64; i++) {
			uint8_t byte = name.bytes[i];

			text_add(body, "%c",
				 byte >= 'a' && byte <= 'z'   ? byte - 32
				 : byte >= 'A' && byte <= 'Z' ? byte
							      : '_');
		}
		text_add(body, " = ");
		text_add_html(body, value);
		text_add(body, "\n");
	}
	text_add(body, "REMOTE_ADDR = %s\nREMOTE_PORT = %u\nREQUEST_METHOD = ", address, port);
	text_add_html(body, request->method);
	text_add(body, "\nREQUEST_URI = ");
	text_add_html(body, request->path.length ? request->path : slice_of_text("/"));
	text_add(body, "\nREQUEST_TIME = %llu\n</pre>\n</body>\n</html>\n",
		 (unsigned long long)(turn->now_ns / 1000000000u));
}

/* --- pages of sites that nobody knows --- */

static const char *const words[] = {
	"about",    "account",	"archive",   "area",	   "article",	  "available",	   "before",	"between",
	"business", "calendar", "center",    "changes",	   "community",	  "company",	   "contact",	"content",
	"country",  "current",	"customer",  "details",	   "different",	  "directory",	   "document",	"download",
	"edition",  "events",	"every",     "family",	   "features",	  "first",	   "following", "free",
	"general",  "guide",	"history",   "house",	   "information", "international", "language",	"library",
	"local",    "market",	"members",   "message",	   "music",	  "national",	   "network",	"news",
	"office",   "online",	"order",     "other",	   "people",	  "photo",	   "place",	"please",
	"popular",  "present",	"price",     "products",   "program",	  "project",	   "public",	"quality",
	"reports",  "research", "resources", "results",	   "review",	  "school",	   "search",	"section",
	"service",  "shipping", "small",     "society",	   "software",	  "special",	   "sports",	"store",
	"street",   "support",	"system",    "technology", "through",	  "today",	   "travel",	"university",
	"update",   "using",	"version",   "video",	   "visitors",	  "water",	   "weather",	"welcome",
	"without",  "world",
};

#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

/* A small generator of numbers: the page is a function of its seed. */
static uint64_t next_number(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

static void add_sentence(struct text *body, uint64_t *seed)
{
	unsigned int count = 6 + (unsigned int)(next_number(seed) % 11);

	for (unsigned int i = 0; i < count; i++) {
		const char *word = words[next_number(seed) % WORD_COUNT];

		if (i)
			text_add(body, " %s", word);
		else
			text_add(body, "%c%s", word[0] - 32, word + 1);
	}
	text_add(body, ". ");
}

/* What some visitors look for on a known operator's page; only with impersonate = yes. */
static const struct {
	const char *host, *server, *words;
} operators[] = {
	{ "google.com", "gws", "Google Search" },
	{ "wikipedia.org", NULL, "A Wikimedia project" },
	{ "computerhistory.org", NULL, "Computer History Museum" },
};

static void add_operator(struct turn *turn, struct response *response, struct slice host)
{
	if (!turn->policy->impersonate)
		return;
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t length = strlen(operators[i].host);

		if (host.length < length ||
		    strncasecmp((const char *)host.bytes + host.length - length, operators[i].host, length))
			continue;
		if (operators[i].server)
			response->server = operators[i].server;
		text_add(&response->body, "<p>%s</p>\n", operators[i].words);
	}
}

static void make_page(struct turn *turn, struct response *response, const struct http_request *request,
		      struct slice host)
{
	uint64_t key[2] = { turn->policy->secret_key[0], keyed_hash(turn->policy->secret_key, request->path) };
	uint64_t seed = keyed_hash(key, host);
	struct text *body = &response->body;
	unsigned int paragraphs = 3 + (unsigned int)(next_number(&seed) % 6);

	response->type = next_number(&seed) & 1 ? "text/html; charset=UTF-8" : "text/html";
	text_add(body, "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>");
	text_add_html(body, host);
	text_add(body, " - %s %s</title>\n", words[next_number(&seed) % WORD_COUNT],
		 words[next_number(&seed) % WORD_COUNT]);
	text_add(body, "<link rel=\"stylesheet\" href=\"/css/%s.css\">\n</head>\n<body>\n<h1>",
		 words[next_number(&seed) % WORD_COUNT]);
	text_add_html(body, host);
	text_add(body, "</h1>\n<ul>\n");
	for (unsigned int i = 0; i < paragraphs; i++) {
		const char *word = words[next_number(&seed) % WORD_COUNT];

		text_add(body, "<li><a href=\"/%s/\">%c%s</a></li>\n", word, word[0] - 32, word + 1);
	}
	text_add(body, "</ul>\n");
	add_operator(turn, response, host);
	for (unsigned int i = 0; i < paragraphs; i++) {
		unsigned int sentences = 2 + (unsigned int)(next_number(&seed) % 4);

		text_add(body, "<p>");
		while (sentences--)
			add_sentence(body, &seed);
		text_add(body, "</p>\n");
	}
	text_add(body, "</body>\n</html>\n");
	if (turn->policy->page_bytes) {
		if (body->length > turn->policy->page_bytes)
			body->length = turn->policy->page_bytes;
		response->filler_bytes = turn->policy->page_bytes - (uint32_t)body->length;
	}
}

/* --- saying it --- */

static void say_date(struct turn *turn)
{
	time_t now = (time_t)(turn->now_ns / 1000000000u);
	struct tm when;
	char text[64];

	if (gmtime_r(&now, &when) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &when))
		turn_sayf(turn, "Date: %s\r\n", text);
}

/* Comment lines behind the page, numbered so that bytes which change places are seen. */
static void say_filler(struct turn *turn, uint32_t bytes)
{
	struct text line = { turn->page, 0, TURN_PAGE_BYTES };
	uint32_t number = 0;

	while (bytes) {
		size_t part;

		text_add(&line, "<!-- %08x ........................................ -->\n", number++);
		if (line.length < 4096 && line.length < bytes)
			continue;
		part = line.length < bytes ? line.length : bytes;
		turn_say(turn, slice_of(line.bytes, part));
		bytes -= (uint32_t)part;
		line.length = 0;
	}
}

static void say_response(struct turn *turn, const struct http_request *request, const struct response *response,
			 bool keep_alive)
{
	size_t length = response->body.length + response->filler_bytes;
	bool body = !http_is(request->method, "HEAD") && response->status != 204;

	if (request->version == 9) { /* HTTP/0.9: the page alone */
		turn_say(turn, slice_of(response->body.bytes, response->body.length));
		say_filler(turn, response->filler_bytes);
		return;
	}
	turn_sayf(turn, "HTTP/1.%d %d %s\r\n", request->version == 11 ? 1 : 0, response->status, response->reason);
	say_date(turn);
	turn_sayf(turn, "Server: %s\r\n", response->server);
	if (response->status != 204)
		turn_sayf(turn, "Content-Type: %s\r\nContent-Length: %zu\r\n", response->type, length);
	turn_sayf(turn, "Connection: %s\r\n\r\n", keep_alive ? "keep-alive" : "close");
	if (body)
		turn_say(turn, slice_of(response->body.bytes, response->body.length));
	if (body)
		say_filler(turn, response->filler_bytes);
}

static const char *server_name(struct turn *turn, struct slice host)
{
	static const char *const servers[] = { "nginx",
					       "Apache",
					       "nginx/1.18.0 (Ubuntu)",
					       "Apache/2.4.41 (Ubuntu)",
					       "nginx/1.22.1",
					       "Apache/2.4.57 (Debian)",
					       "LiteSpeed" };

	return servers[keyed_hash(turn->policy->secret_key, host) % (sizeof(servers) / sizeof(servers[0]))];
}

void http_error(struct turn *turn, const struct http_request *request, int status, const char *reason, bool keep_alive)
{
	struct response response = {
		.status = status,
		.reason = reason,
		.type = "text/html",
		.server = server_name(turn, slice_of(turn_endpoints(turn)->decoy.bytes, 16)),
		.body = { turn->page, 0, TURN_PAGE_BYTES },
	};

	text_add(&response.body,
		 "<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<h1>%d %s</h1>\r\n</body>\r\n</html>\r\n",
		 status, reason, status, reason);
	say_response(turn, request, &response, keep_alive);
}

void http_page(struct turn *turn, const struct http_request *request, bool through, bool keep_alive)
{
	struct slice host = request_host(request);
	char address[ADDRESS_TEXT_BYTES];
	const struct site *site;
	struct response response = {
		.status = 200,
		.reason = "OK",
		.server = server_name(turn, host),
		.body = { turn->page, 0, TURN_PAGE_BYTES },
	};

	if (turn_closing(turn))
		return;
	if (!through) {
		http_error(turn, request, 400, "Bad Request", keep_alive);
		return;
	}
	address_text(&turn_endpoints(turn)->decoy, address);
	site = find_site(host, request->path.length ? request->path : slice_of_text("/"));
	if (site)
		make_echo(&response, site, address);
	else if (is_judge(host, request->path))
		make_judge(turn, &response, request, address);
	else
		make_page(turn, &response, request, host);
	say_response(turn, request, &response, keep_alive);
}
