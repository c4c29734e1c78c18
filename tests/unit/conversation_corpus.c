// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conversation_corpus.c - the client bytes of public captures give what the corpus's index says, however they are cut.
 *
 * In:  ../shared/corpus (EXPECT.tsv and captures); skipped where it is missing. Out: status 0 where all holds.
 * Holds: protocol, relay, depth, class, hops, mails and recipients of each listed stream; and for every stream with client
 * bytes the same output and records whole, byte by byte and in random cuts. And: those streams are exploits that are listed
 * as such, by that rule, and none else. And: no mail is taken for a probe, of the decoy it came through or of any other,
 * and nobody for a relay tester.
 */
#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include "exploits/match.h"
#include "probe/probe.h"
#include "probe/smtp_kind.h"
#include "visit.h"

#define STREAM_MAX_BYTES (256 * 1024)
#define SEGMENTS_MAX 4096

struct segment {
	uint32_t seq, length;
	const uint8_t *bytes; /* owned */
};

/* A line of EXPECT.tsv. */
struct line {
	char file[128], client[64], server[64];
	unsigned int client_port, server_port, bytes, place; /* place: how many streams of the same 4-tuple came before */
};

static const char corpus[] = "../shared/corpus";

static bool same_endpoint(const struct address *a, uint16_t a_port, const char *b, unsigned int b_port)
{
	struct address address;

	return a_port == b_port && !address_parse(b, &address) && address_equal(a, &address);
}

static uint16_t be16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static uint32_t be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Offset of the IP header, or 0xffff. */
static size_t link_bytes(int link, const uint8_t *p, size_t length)
{
	size_t at = 14;

	if (link == DLT_NULL || link == DLT_LOOP)
		return 4;
	if (link == DLT_RAW)
		return 0;
	if (link != DLT_EN10MB || length < 14)
		return 0xffff;
	while (length >= at + 4 && (be16(p + at - 2) == 0x8100 || be16(p + at - 2) == 0x88a8 || be16(p + at - 2) == 0x9100))
		at += 4;
	if (be16(p + at - 2) < 0x600) /* LLC and SNAP: 8 more */
		return at + 8;
	return be16(p + at - 2) == 0x0800 || be16(p + at - 2) == 0x86dd ? at : 0xffff;
}

struct packet {
	struct address source, destination;
	uint16_t source_port, destination_port;
	uint32_t seq;
	uint8_t flags;
	const uint8_t *payload;
	size_t payload_bytes;
};

static bool read_tcp(struct packet *packet, const uint8_t *p, size_t length)
{
	size_t header;

	if (length < 20)
		return false;
	header = (size_t)(p[12] >> 4) * 4;
	if (header < 20 || header > length)
		return false;
	packet->source_port = be16(p);
	packet->destination_port = be16(p + 2);
	packet->seq = be32(p + 4);
	packet->flags = p[13];
	packet->payload = p + header;
	packet->payload_bytes = length - header;
	return true;
}

static bool read_ip(struct packet *packet, const uint8_t *p, size_t length)
{
	memset(packet, 0, sizeof(*packet));
	if (length >= 20 && p[0] >> 4 == 4) {
		size_t header = (size_t)(p[0] & 15) * 4, total = be16(p + 2);

		if (total > length)
			total = length; /* cut by the capture's snap length: what is there counts */
		if (p[9] != 6 || header < 20 || total < header || (be16(p + 6) & 0x3fff))
			return false;
		memcpy(packet->source.bytes, p + 12, 4);
		memcpy(packet->destination.bytes, p + 16, 4);
		return read_tcp(packet, p + header, total - header);
	}
	if (length >= 40 && p[0] >> 4 == 6) {
		size_t at = 40, end = 40u + be16(p + 4);
		uint8_t next = p[6];

		if (end > length)
			return false;
		while ((next == 0 || next == 43 || next == 44 || next == 60) && at + 8 <= end) {
			size_t step = next == 44 ? 8 : (size_t)(p[at + 1] + 1) * 8;

			next = p[at];
			at += step;
		}
		if (next != 6 || at > end)
			return false;
		packet->source.ipv6 = packet->destination.ipv6 = true;
		memcpy(packet->source.bytes, p + 8, 16);
		memcpy(packet->destination.bytes, p + 24, 16);
		return read_tcp(packet, p + at, end - at);
	}
	return false;
}

/* Segments of the client's side of one stream; the place-th SYN of the 4-tuple begins it. Returns their number. */
static size_t read_segments(const struct line *line, struct segment *segments, uint32_t *first_seq)
{
	char path[256], error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	size_t count = 0;
	unsigned int syns = 0;
	bool known = false;
	pcap_t *pcap;

	snprintf(path, sizeof(path), "%s/%s", corpus, line->file);
	pcap = pcap_open_offline(path, error);
	visit_check(pcap != NULL, error);
	while (pcap_next_ex(pcap, &header, &bytes) == 1 && count < SEGMENTS_MAX) {
		size_t at = link_bytes(pcap_datalink(pcap), bytes, header->caplen);
		struct packet packet;
		uint8_t *copy;

		if (at > header->caplen || !read_ip(&packet, bytes + at, header->caplen - at))
			continue;
		if (!same_endpoint(&packet.source, packet.source_port, line->client, line->client_port) ||
		    !same_endpoint(&packet.destination, packet.destination_port, line->server, line->server_port))
			continue;
		if ((packet.flags & 2) && (!known || packet.seq + 1 != *first_seq) && syns++ == line->place) {
			*first_seq = packet.seq + 1;
			known = true;
			while (count)
				free((void *)(uintptr_t)segments[--count].bytes);
		}
		if (syns > line->place + 1)
			break;
		if (!packet.payload_bytes || (packet.flags & 4))
			continue;
		if (!known) {
			*first_seq = packet.seq;
			known = true;
		}
		copy = malloc(packet.payload_bytes);
		visit_check(copy != NULL, "no memory");
		memcpy(copy, packet.payload, packet.payload_bytes);
		segments[count].seq = packet.seq + ((packet.flags & 2) ? 1 : 0);
		segments[count].length = (uint32_t)packet.payload_bytes;
		segments[count++].bytes = copy;
	}
	pcap_close(pcap);
	return count;
}

/* In-order bytes up to the first hole; the first byte that arrived wins. Returns their number. */
static size_t read_stream(const struct line *line, uint8_t *stream)
{
	static struct segment segments[SEGMENTS_MAX];
	static uint8_t have[STREAM_MAX_BYTES];
	uint32_t first = 0;
	size_t count = read_segments(line, segments, &first), length = 0;

	memset(have, 0, sizeof(have));
	for (size_t i = 0; i < count; i++) {
		for (uint32_t b = 0; b < segments[i].length; b++) {
			uint32_t at = segments[i].seq + b - first;

			if (at < STREAM_MAX_BYTES && !have[at]) {
				have[at] = 1;
				stream[at] = segments[i].bytes[b];
			}
		}
		free((void *)(uintptr_t)segments[i].bytes);
	}
	while (length < STREAM_MAX_BYTES && have[length])
		length++;
	return length;
}

static struct visit *run(const struct line *line, struct slice bytes, unsigned int cut)
{
	struct visit *visit = visit_open((uint16_t)line->server_port);

	visit->policy.replay = true;
	visit_check(!address_parse(line->client, &visit->endpoints.source), "client address");
	visit_check(!address_parse(line->server, &visit->endpoints.decoy), "server address");
	visit->endpoints.source_port = (uint16_t)line->client_port;
	visit_begin(visit);
	visit_say_cut(visit, bytes, cut);
	if (cut & 1)
		visit_half_close(visit);
	visit_end(visit);
	visit->wish.close = false; /* a half-close asks for it */
	return visit;
}

/* What a stream must give. recipients: of all mails; mails counts complete ones. */
static const struct expectation {
	const char *file;
	unsigned int client_port;
	const char *protocol, *host;
	int32_t port;
	const char *class, *depth;
	unsigned int hops, mails, broken, recipients, credentials;
} expectations[] = {
	{ "http/connect-smtp-8240.pcap", 3378, "http", "mailin03.sul.t-online.de", 25, "mail", "data", 1, 1, 0, 1, 0 },
	{ "http/connect-tls-ipv6-loopback.pcap", 52522, "http", "secure.newegg.com", 443, "web", "inner", 1, 0, 0, 0, 0 },
	{ "http/absolute-get-uppercase-scheme.pcap", 52679, "http", "bro.org", 80, "web", "request", 1, 0, 0, 0, 0 },
	{ "http/squid-absolute-3128.pcap", 7237, "http", "detectportal.firefox.com", 80, "web", "request", 1, 0, 0, 0, 0 },
	{ "http/squid-absolute-3128.pcap", 7238, "http", "detectportal.firefox.com", 80, "web", "request", 2, 0, 0, 0, 0 },
	{ "http/connect-tls-http10-8080.pcap", 54723, "http", "ts01-b.cloudsink.net", 443, "web", "inner", 1, 0, 0, 0, 0 },
	{ "http/connect-no-200-reply-8080.pcap", 62227, "http", "secure-assets.rubiconproject.com", 443, "web", "inner", 1, 0, 0, 0, 0 },
	{ "http/connect-stray-newline.pcap", 60464, "http", "abc", 443, "web", "inner", 1, 0, 0, 0, 0 },
	{ "http/request-byte-by-byte.pcap", 59406, "http", "", -1, "other", "request", 0, 0, 0, 0, 0 },
	{ "http/smuggling-8080.pcap", 44202, "http", "", -1, "other", "request", 0, 0, 0, 0, 0 },
	{ "http/manipulated-8080.pcap", 33632, "http", "", -1, "other", "request", 0, 0, 0, 0, 0 },
	{ "http/manipulated-8080.pcap", 33684, "http", "", -1, "other", "request", 0, 0, 0, 0, 0 },
	{ "socks/socks5-user-password-bob.pcap", 55951, "socks5", "192.168.0.2", 22, "tunnel", "request", 1, 0, 0, 0, 1 },
	{ "socks/socks5-tls-google.pcap", 59580, "socks5", "www.google.com", 443, "web", "inner", 1, 0, 0, 0, 0 },
	{ "socks/socks4-4a-5-http.pcap", 53533, "socks4", "93.184.216.119", 80, "web", "inner", 1, 0, 0, 0, 0 },
	{ "socks/socks4-4a-5-http.pcap", 53534, "socks4a", "www.example.com", 80, "web", "inner", 1, 0, 0, 0, 0 },
	{ "socks/socks4-4a-5-http.pcap", 53535, "socks5", "93.184.216.119", 80, "web", "inner", 1, 0, 0, 0, 0 },
	{ "socks/socks5-auth-fail-ok.pcap", 54068, "socks5", "", -1, "other", "payload", 0, 0, 0, 0, 0 },
	{ "socks/socks5-auth-fail-ok.pcap", 54069, "socks5", "", -1, "other", "payload", 0, 0, 0, 0, 1 },
	{ "socks/socks5-auth-fail-ok.pcap", 54072, "socks5", "93.184.216.119", 80, "web", "inner", 1, 0, 0, 0, 1 },
	{ "socks/socks4a-userid-one-sided.pcap", 50606, "socks4a", "login.live.com", 443, "web", "request", 1, 0, 0, 0, 0 },
	{ "socks/socks5-rdp.pcap", 2276, "socks5", "10.0.0.1", 3389, "tunnel", "inner", 1, 0, 0, 0, 0 },
	{ "socks/socks5-http-ip-fragments.pcap", 1637, "socks5", "", -1, "other", "payload", 0, 0, 0, 0, 0 },
	{ "smtp/auth-login-and-3-rcpt.pcap", 1470, "smtp", "", -1, "mail", "data", 0, 1, 0, 1, 1 },
	{ "smtp/auth-login-and-3-rcpt.pcap", 49648, "smtp", "", -1, "mail", "data", 0, 1, 0, 3, 0 },
	{ "smtp/auth-login-and-3-rcpt.pcap", 49285, "unknown_binary", "", -1, "other", "payload", 0, 0, 0, 0, 0 },
	{ "smtp/auth-login-and-3-rcpt.pcap", 49655, "tls", "", -1, "other", "payload", 0, 0, 0, 0, 0 },
	{ "smtp/one-side-only-2-mails.pcap", 57722, "smtp", "", -1, "mail", "data", 0, 2, 0, 2, 0 },
	{ "smtp/commands-out-of-sequence.pcap", 44478, "smtp", "", -1, "mail", "data", 0, 2, 0, 2, 0 },
	{ "smtp/600-recipients.pcap", 60606, "smtp", "", -1, "mail", "data", 0, 1, 0, 600, 0 },
	{ "smtp/starttls-ipv4-ipv6.pcap", 57406, "smtp", "", -1, "mail", "payload", 0, 0, 0, 0, 0 },
	{ "smtp/starttls-ipv4-ipv6.pcap", 7562, "smtp", "", -1, "mail", "payload", 0, 0, 0, 0, 0 },
	{ "smtp/all-pipelined-first-write.pcap", 50328, "smtp", "", -1, "mail", "data", 0, 1, 0, 1, 0 },
	{ "smtp/no-brackets-dot-dot.pcap", 42971, "smtp", "", -1, "mail", "rcpt", 0, 0, 1, 1, 0 },
	{ "smtp/subject-base64-utf8-mixed.pcap", 35803, "smtp", "", -1, "mail", "data", 0, 1, 0, 1, 0 },
	{ "smtp/subject-raw-cp1252.pcap", 40531, "smtp", "", -1, "mail", "data", 0, 1, 0, 1, 0 },
	{ "smtp/auth-plain-587.pcap", 3293, "smtp", "", -1, "mail", "data", 0, 1, 0, 1, 1 },
	{ "smtp/bdat-pipelined-8bitmime.pcap", 56074, "smtp", "", -1, "mail", "rcpt", 0, 0, 0, 0, 0 },
	{ "smtp/rset-pipelined-2-mails.pcap", 56980, "smtp", "", -1, "mail", "data", 0, 2, 0, 2, 0 },
	{ "smtp/vrfy-expn-help.pcap", 51822, "smtp", "", -1, "mail", "data", 0, 1, 0, 1, 0 },
	{ "smtp/nested-mail-from.pcap", 50536, "smtp", "", -1, "mail", "data", 0, 1, 0, 1, 0 },
	{ "exploit/smb-on-port-80.pcap", 46735, "smb", "", -1, "other", "payload", 0, 0, 0, 0, 0 },
	{ "exploit/jsonrpc-8080.pcap", 36646, "unknown_text", "", -1, "other", "payload", 0, 0, 0, 0, 0 },
	{ "exploit/jsonrpc-8080.pcap", 51084, "http", "", -1, "other", "request", 0, 0, 0, 0, 0 },
	{ "exploit/proxy-protocol-v1.pcap", 48502, "proxy_protocol", "", -1, "other", "payload", 0, 0, 0, 0, 0 },
	{ "exploit/formmail-relay-http09.pcap", 1035, "http", "", -1, "other", "request", 0, 0, 0, 0, 0 },
	{ "exploit/webdav-search-overflow-reassembly.pcap", 2564, "http", "", -1, "other", "payload", 0, 0, 0, 0, 0 },
	{ "exploit/log4shell-header-vlan106.pcap", 57932, "http", "", -1, "other", "request", 0, 0, 0, 0, 0 },
	{ "tcp/exact-overlap-8080.pcap", 12345, "unknown_text", "", -1, "other", "payload", 0, 0, 0, 0, 0 },
	{ "tcp/split-clienthello.pcap", 49927, "tls", "", -1, "other", "payload", 0, 0, 0, 0, 0 },
	{ "l2/ipv6-extension-headers-atomic-fragments.pcap", 36951, "http", "", -1, "other", "request", 0, 0, 0, 0, 0 },
};

#define EXPECTATIONS (sizeof(expectations) / sizeof(expectations[0]))

/* The streams that are exploits, also those outside of a decoy's conversations: any other is none. */
static const struct {
	const char *file;
	unsigned int client_port;
	const char *rule;
} exploits[] = {
	{ "exploit/apache-traversal-cgi.pcap", 44740, "path_traversal_encoded" },
	{ "exploit/apache-traversal-cgi.pcap", 44744, "path_traversal_encoded" },
	{ "exploit/apache-traversal-cgi.pcap", 44748, "path_traversal_encoded" },
	{ "exploit/apache-traversal-cgi.pcap", 44752, "path_traversal_encoded" },
	{ "exploit/webdav-search-overflow-reassembly.pcap", 2564, "http_filled_line" },
	{ "exploit/log4shell-post-8080.pcap", 43420, "jndi_lookup" },
	{ "exploit/log4shell-post-8080.pcap", 43422, "jndi_lookup" },
	{ "exploit/log4shell-header-vlan106.pcap", 57932, "jndi_lookup" },
	{ "exploit/formmail-relay-http09.pcap", 1035, "form_mail_relay" },
	{ "tcp/fast-open-data-on-syn.pcap", 55534, "path_traversal" },
};

#define EXPLOITS (sizeof(exploits) / sizeof(exploits[0]))

static struct exploit_rules *rules;
static struct exploit_matcher *matcher;
static bool named[EXPLOITS];

static unsigned int failures;

static void differ(const struct line *line, const char *what, const char *got, const char *want)
{
	failures++;
	fprintf(stderr, "%s port %u: %s is %s, expected %s\n", line->file, line->client_port, what, got, want);
}

static void want_text(const struct line *line, const char *what, struct slice got, const char *want)
{
	char text[512];

	snprintf(text, sizeof(text), "%.*s", (int)got.length, got.length ? (const char *)got.bytes : "");
	if (!visit_is(got, want))
		differ(line, what, text, want);
}

static void want_number(const struct line *line, const char *what, int64_t got, int64_t want)
{
	char a[32], b[32];

	snprintf(a, sizeof(a), "%lld", (long long)got);
	snprintf(b, sizeof(b), "%lld", (long long)want);
	if (got != want)
		differ(line, what, a, b);
}

#define NAME(name) #name,
static const char *const depth_names[] = { RECORD_DEPTHS(NAME) };
static const char *const class_names[] = { RECORD_CLASSES(NAME) };

static void check(const struct line *line, const struct expectation *want, const struct visit *visit)
{
	const struct record_access *access = &visit->access;
	struct record record;
	unsigned int complete = 0, broken = 0;

	for (unsigned int i = 0; visit_record(visit, RECORD_MAIL, i, &record); i++)
		*(record.mail.complete ? &complete : &broken) += 1;
	want_text(line, "protocol", access->protocol, want->protocol);
	want_text(line, "relay_host", access->relay_host, want->host);
	want_number(line, "relay_port", access->relay_port, want->port);
	want_text(line, "class", slice_of_text(class_names[access->class]), want->class);
	want_text(line, "depth", slice_of_text(depth_names[access->depth]), want->depth);
	want_number(line, "hops", access->hops, want->hops);
	want_number(line, "mails", complete, want->mails);
	want_number(line, "mails that broke off", broken, want->broken);
	want_number(line, "recipients", visit_count(visit, RECORD_MAIL_RECIPIENT), want->recipients);
	want_number(line, "credentials", visit_count(visit, RECORD_CREDENTIAL), want->credentials);
}

static void check_exploit(const struct line *line, const struct record_access *access)
{
	int rule = exploit_match(matcher, exploit_form_of(access->protocol), access->payload);
	const char *got = rule == EXPLOIT_NONE ? "" : rules->rules[rule].name, *want = "";

	for (size_t i = 0; i < EXPLOITS; i++) {
		if (strcmp(exploits[i].file, line->file) || exploits[i].client_port != line->client_port)
			continue;
		want = exploits[i].rule;
		named[i] = true;
	}
	if (strcmp(got, want) != 0)
		differ(line, "exploit", got, want);
}

/* No mail of the corpus names the decoy it came through, and no stream that of a sensor elsewhere. */
static void check_no_probe(const struct line *line, const struct visit *visit, struct slice bytes)
{
	static const uint16_t ports[] = { 1080, 3128, 8080, 25, 80 };
	static unsigned int seed = 1;
	struct record record;

	for (unsigned int i = 0; visit_record(visit, RECORD_MAIL, i, &record); i++)
		want_number(line, "place of a probe", record.mail.probe_place, 0);
	if (visit_is(visit->access.protocol, "smtp") && visit->access.mails) {
		struct record_access access = visit->access;

		access.endpoints = visit->endpoints;
		want_number(line, "kind of direct mail", smtp_kind(&access), SMTP_KIND_mail);
		access.mails = 0; /* and by its commands alone it is no relay test */
		want_number(line, "kind without its mails", smtp_kind(&access), SMTP_KIND_other);
	}
	for (unsigned int i = 0; i < 50; i++) {
		struct address address = { .ipv6 = i % 10 == 9 };
		struct scan_decoy decoy = { 0 };

		for (size_t b = 0; b < (address.ipv6 ? 16 : 4); b++)
			address.bytes[b] = (uint8_t)rand_r(&seed);
		scan_decoy(&decoy, &address, ports[i % 5]);
		want_number(line, "spelling of another decoy", scan_text(&decoy, bytes), 0);
	}
}

static bool checked[EXPECTATIONS];

static void check_line(const struct line *line)
{
	static uint8_t stream[STREAM_MAX_BYTES];
	size_t length = read_stream(line, stream);
	struct slice bytes = slice_of(stream, length);
	struct visit *whole;

	want_number(line, "in-order bytes", (int64_t)length, line->bytes);
	whole = run(line, bytes, 0);
	check_exploit(line, &whole->access);
	check_no_probe(line, whole, bytes);
	for (size_t i = 0; i < EXPECTATIONS; i++) {
		if (checked[i] || strcmp(expectations[i].file, line->file) || expectations[i].client_port != line->client_port)
			continue;
		check(line, &expectations[i], whole);
		checked[i] = true;
		break;
	}
	for (unsigned int cut = 1; cut < 8; cut++) {
		struct visit *cut_up = run(line, bytes, cut);
		const char *difference = visit_difference(whole, cut_up);

		if (difference)
			differ(line, "a cut stream", difference, "the same as whole");
		visit_close(cut_up);
	}
	visit_close(whole);
}

static bool same_stream(const struct line *a, const struct line *b)
{
	return !strcmp(a->file, b->file) && !strcmp(a->client, b->client) && !strcmp(a->server, b->server) &&
	       a->client_port == b->client_port && a->server_port == b->server_port;
}

int main(void)
{
	static struct line lines[512];
	char path[256], text[4096];
	size_t count = 0;
	unsigned int streams = 0;
	struct problem problem;
	FILE *expect;

	snprintf(path, sizeof(path), "%s/EXPECT.tsv", corpus);
	expect = fopen(path, "r");
	if (!expect) {
		printf("%s is missing\n", path);
		return 77;
	}
	if (exploit_rules_open(&rules, NULL, slice_of(NULL, 0), &problem)) {
		printf("%s\n", problem.text);
		return 1;
	}
	matcher = exploit_matcher_new(rules);
	while (fgets(text, sizeof(text), expect) && count < sizeof(lines) / sizeof(lines[0])) {
		struct line *line = &lines[count];

		if (sscanf(text, "%127s %*s %63s %u %63s %u %*s %*s %*s %*s %*s %*s %u", line->file, line->client,
			   &line->client_port, line->server, &line->server_port, &line->bytes) != 6)
			continue;
		for (size_t i = 0; i < count; i++)
			line->place += same_stream(&lines[i], line);
		count++;
		if (!line->bytes)
			continue;
		check_line(line);
		streams++;
	}
	fclose(expect);
	for (size_t i = 0; i < EXPECTATIONS; i++) {
		if (!checked[i]) {
			fprintf(stderr, "%s port %u: not in EXPECT.tsv\n", expectations[i].file, expectations[i].client_port);
			failures++;
		}
	}
	for (size_t i = 0; i < EXPLOITS; i++) {
		if (!named[i]) {
			fprintf(stderr, "%s port %u: not in EXPECT.tsv\n", exploits[i].file, exploits[i].client_port);
			failures++;
		}
	}
	exploit_matcher_free(matcher);
	exploit_rules_free(rules);
	printf("%u streams, %zu expectations, %u differences\n", streams, EXPECTATIONS, failures);
	return failures || !streams;
}
