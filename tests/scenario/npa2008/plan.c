// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plan.c - reads a plan: a table of statements, and what must add up.
 *
 * In:  a text file. Out: struct plan, or one line that says where it is wrong. May not draw a number: totals are what
 * is written.
 */
#include "plan.h"
#include "calendar.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>

#define WORDS 16

struct reader {
	struct plan *plan;
	struct plan_sensor *sensor; /* the one that was named last; NULL: none yet */
	const char *path;
	unsigned line;
	char *words[WORDS];
	int word_count;
};

#define BAD(reader, ...) say_bad((reader)->path, (reader)->line, __VA_ARGS__)

static unsigned number(const struct reader *reader, int word)
{
	char *end;
	unsigned long value;

	if (word >= reader->word_count)
		BAD(reader, "a number is missing behind '%s'", reader->words[reader->word_count - 1]);
	value = strtoul(reader->words[word], &end, 10);
	if (*end || end == reader->words[word] || value > 100000000)
		BAD(reader, "'%s': expected a number up to 100000000", reader->words[word]);
	return (unsigned)value;
}

static void text(const struct reader *reader, int word, char *to, size_t size)
{
	if (word >= reader->word_count)
		BAD(reader, "a word is missing behind '%s'", reader->words[reader->word_count - 1]);
	if ((size_t)snprintf(to, size, "%s", reader->words[word]) >= size)
		BAD(reader, "'%s' is longer than %zu bytes", reader->words[word], size - 1);
}

static int relay_port(const struct reader *reader, int word)
{
	if (word < reader->word_count && !strcmp(reader->words[word], "-"))
		return -1;
	return (int)number(reader, word);
}

static struct ip address(const struct reader *reader, int word)
{
	struct ip ip;

	if (word >= reader->word_count || !ip_read(reader->words[word], &ip))
		BAD(reader, "expected an address as word %d", word + 1);
	return ip;
}

static int day(const struct reader *reader, int word)
{
	int found = word < reader->word_count ? calendar_day(reader->words[word]) : -1;

	if (found < 0)
		BAD(reader, "expected a day, YYYY-MM-DD, as word %d", word + 1);
	return found;
}

static int day_of_period(const struct reader *reader, int word)
{
	int found = day(reader, word) - reader->sensor->first_day;

	if (found < 0 || found >= reader->sensor->days)
		BAD(reader, "'%s' is not in the period", reader->words[word]);
	return found;
}

/* The next row of a list. */
#define NEXT(reader, list, count) \
	((count) < sizeof(list) / sizeof((list)[0]) ? &(list)[(count)++] : (BAD(reader, "too many rows"), &(list)[0]))

/* --- statements about all --- */

static void read_seed(struct reader *reader)
{
	reader->plan->seed = number(reader, 1);
}

static void read_zone(struct reader *reader)
{
	text(reader, 1, reader->plan->zone, sizeof(reader->plan->zone));
	calendar_zone(reader->plan->zone);
}

static void read_layout(struct reader *reader)
{
	text(reader, 1, reader->plan->layout, sizeof(reader->plan->layout));
}

static void read_domains(struct reader *reader)
{
	reader->plan->domains = number(reader, 1);
}

static void read_country(struct reader *reader)
{
	struct plan_country *country = NEXT(reader, reader->plan->countries, reader->plan->country_count);

	text(reader, 1, country->code, sizeof(country->code));
	country->ipv4 = address(reader, 2);
	country->has_ipv6 = reader->word_count > 3;
	if (country->has_ipv6)
		country->ipv6 = address(reader, 3);
}

static void read_item(const struct reader *reader, struct plan_item *item)
{
	text(reader, 1, item->name, sizeof(item->name));
	item->count = number(reader, 2);
}

static void read_fault(struct reader *reader)
{
	read_item(reader, NEXT(reader, reader->plan->faults, reader->plan->fault_count));
}

/* --- statements about a sensor --- */

static void read_sensor(struct reader *reader)
{
	reader->sensor = NEXT(reader, reader->plan->sensors, reader->plan->sensor_count);
	text(reader, 1, reader->sensor->name, sizeof(reader->sensor->name));
	strcpy(reader->sensor->capture, "pcap");
}

static void read_capture(struct reader *reader)
{
	text(reader, 1, reader->sensor->capture, sizeof(reader->sensor->capture));
	if (strcmp(reader->sensor->capture, "pcap") && strcmp(reader->sensor->capture, "pcapng"))
		BAD(reader, "expected pcap or pcapng");
}

/* All addresses of a prefix are decoys. */
static void read_prefix(struct reader *reader, const char *prefix)
{
	struct plan_sensor *sensor = reader->sensor;
	char network[IP_TEXT_BYTES];
	const char *slash = strchr(prefix, '/');
	struct ip ip;
	unsigned bits, whole;

	snprintf(network, sizeof(network), "%.*s", slash ? (int)(slash - prefix) : (int)strlen(prefix), prefix);
	if (!ip_read(network, &ip))
		BAD(reader, "'%s': expected a prefix", prefix);
	whole = ip.ipv6 ? 128 : 32;
	bits = slash ? (unsigned)atoi(slash + 1) : whole;
	if (bits > whole || whole - bits > 8)
		BAD(reader, "'%s': expected a prefix of at most 256 addresses", prefix);
	for (uint32_t i = 0; i < 1u << (whole - bits); i++)
		*NEXT(reader, sensor->decoys, sensor->decoy_count) = ip_plus(ip, i);
}

static void read_decoys(struct reader *reader)
{
	char list[256], *rest = NULL;

	text(reader, 1, reader->sensor->prefixes, sizeof(reader->sensor->prefixes));
	text(reader, 1, list, sizeof(list));
	for (char *prefix = strtok_r(list, ",", &rest); prefix; prefix = strtok_r(NULL, ",", &rest))
		read_prefix(reader, prefix);
}

static void read_ports(struct reader *reader)
{
	for (int word = 1; word < reader->word_count; word++)
		*NEXT(reader, reader->sensor->ports, reader->sensor->port_count) = (uint16_t)number(reader, word);
}

static void read_period(struct reader *reader)
{
	reader->sensor->first_day = day(reader, 1);
	reader->sensor->days = day(reader, 2) - reader->sensor->first_day + 1;
	if (reader->sensor->days < 1 || reader->sensor->days > 3660)
		BAD(reader, "expected a period of 1 to 3660 days");
}

static void read_totals(struct reader *reader)
{
	reader->sensor->accesses = number(reader, 1);
	reader->sensor->attempts = number(reader, 2);
	reader->sensor->mails = number(reader, 3);
}

static void read_group(const struct reader *reader, struct plan_group *group)
{
	text(reader, 1, group->country, sizeof(group->country));
	group->sources = number(reader, 2);
	group->count = number(reader, 3);
	group->ipv6 = reader->word_count > 4 && !strcmp(reader->words[4], "ipv6");
	if (!group->sources || group->count < group->sources)
		BAD(reader, "%u conversations cannot come from %u addresses", group->count, group->sources);
	if (!plan_country(reader->plan, group->country))
		BAD(reader, "country %s has no block", group->country);
}

static void read_source(struct reader *reader)
{
	read_group(reader, NEXT(reader, reader->sensor->sources, reader->sensor->source_count));
}

static void read_direct(struct reader *reader)
{
	read_group(reader, NEXT(reader, reader->sensor->direct, reader->sensor->direct_count));
}

static void read_sender(struct reader *reader)
{
	read_group(reader, NEXT(reader, reader->sensor->senders, reader->sensor->sender_count));
}

static void read_access(struct reader *reader)
{
	struct plan_access *access = NEXT(reader, reader->sensor->access, reader->sensor->access_count);

	access->port = (uint16_t)number(reader, 1);
	access->relay_port = relay_port(reader, 2);
	access->count = number(reader, 3);
	text(reader, 4, access->forms, sizeof(access->forms));
}

static void read_destination(struct reader *reader)
{
	struct plan_destination *row = NEXT(reader, reader->sensor->destinations, reader->sensor->destination_count);

	row->relay_port = relay_port(reader, 1);
	text(reader, 2, row->country, sizeof(row->country));
	row->hosts = number(reader, 3);
	row->count = number(reader, 4);
	if (!row->hosts || row->count < row->hosts)
		BAD(reader, "%u accesses cannot ask for %u hosts", row->count, row->hosts);
	if (strcmp(row->country, "ZZ") && !plan_country(reader->plan, row->country))
		BAD(reader, "country %s has no block", row->country);
}

static void read_noise(struct reader *reader)
{
	read_item(reader, NEXT(reader, reader->sensor->noise, reader->sensor->noise_count));
}

static void read_direct_form(struct reader *reader)
{
	read_item(reader, NEXT(reader, reader->sensor->direct_forms, reader->sensor->direct_form_count));
}

static void read_route(struct reader *reader)
{
	read_item(reader, NEXT(reader, reader->sensor->routes, reader->sensor->route_count));
}

static void read_mails(struct reader *reader)
{
	struct plan_mails *mails = NEXT(reader, reader->sensor->mail_days, reader->sensor->mail_day_count);

	mails->day = day_of_period(reader, 1);
	mails->count = number(reader, 2);
}

static void read_mail_bytes(struct reader *reader)
{
	reader->sensor->mail_bytes_least = number(reader, 1);
	reader->sensor->mail_bytes_most = number(reader, 2);
}

static void read_probe(struct reader *reader)
{
	struct plan_probe *probe = NEXT(reader, reader->sensor->probes, reader->sensor->probe_count);
	unsigned hours, minutes;

	probe->day = day_of_period(reader, 1);
	if (reader->word_count < 3 || sscanf(reader->words[2], "%2u:%2u", &hours, &minutes) != 2 || hours > 23 ||
	    minutes > 59)
		BAD(reader, "expected a time, HH:MM, as word 3");
	probe->second = hours * 3600 + minutes * 60;
	text(reader, 3, probe->found_in, sizeof(probe->found_in));
	text(reader, 4, probe->encoding, sizeof(probe->encoding));
	text(reader, 5, probe->mailbox, sizeof(probe->mailbox));
}

/* What the check expects: not for the generator. */
static void read_expect(struct reader *reader)
{
	(void)reader;
}

static const struct statement {
	const char *word;
	bool of_sensor;
	void (*read)(struct reader *reader);
} statements[] = {
	{ "seed", false, read_seed },
	{ "zone", false, read_zone },
	{ "country-layout", false, read_layout },
	{ "domains", false, read_domains },
	{ "country", false, read_country },
	{ "fault", false, read_fault },
	{ "sensor", false, read_sensor },
	{ "capture", true, read_capture },
	{ "decoys", true, read_decoys },
	{ "ports", true, read_ports },
	{ "period", true, read_period },
	{ "totals", true, read_totals },
	{ "sources", true, read_source },
	{ "direct", true, read_direct },
	{ "senders", true, read_sender },
	{ "access", true, read_access },
	{ "destinations", true, read_destination },
	{ "noise", true, read_noise },
	{ "direct-form", true, read_direct_form },
	{ "route", true, read_route },
	{ "mails", true, read_mails },
	{ "mail-bytes", true, read_mail_bytes },
	{ "probe", true, read_probe },
	{ "expect", false, read_expect },
	{ "print", false, read_expect },
};

static void read_line(struct reader *reader, char *line)
{
	char *rest = NULL;

	line[strcspn(line, "#\n")] = 0;
	reader->word_count = 0;
	for (char *word = strtok_r(line, " \t", &rest); word && reader->word_count < WORDS;
	     word = strtok_r(NULL, " \t", &rest))
		reader->words[reader->word_count++] = word;
	if (!reader->word_count)
		return;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (strcmp(reader->words[0], statements[i].word))
			continue;
		if (statements[i].of_sensor && !reader->sensor)
			BAD(reader, "'%s' stands before any sensor", reader->words[0]);
		statements[i].read(reader);
		return;
	}
	BAD(reader, "unknown statement '%s'", reader->words[0]);
}

static unsigned long sum_groups(const struct plan_group *groups, size_t count)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += groups[i].count;
	return sum;
}

static void must_be(const char *path, const char *sensor, const char *what, unsigned long sum, unsigned long total)
{
	if (sum != total)
		say_bad(path, 0, "sensor %s: %s add up to %lu, not to %lu", sensor, what, sum, total);
}

static void check_destinations(const char *path, const struct plan_sensor *sensor, int port)
{
	unsigned long asked = 0, there = 0;

	for (size_t i = 0; i < sensor->access_count; i++)
		if (sensor->access[i].relay_port == port && strncmp(sensor->access[i].forms, "exploit", 7))
			asked += sensor->access[i].count;
	for (size_t i = 0; i < sensor->destination_count; i++)
		if (sensor->destinations[i].relay_port == port)
			there += sensor->destinations[i].count;
	must_be(path, sensor->name, port == 25 ? "the destinations of port 25" : "the destinations of port 80", there,
		asked);
}

static void check(const char *path, const struct plan_sensor *sensor)
{
	unsigned long asked = 0, mails = 0;

	for (size_t i = 0; i < sensor->access_count; i++)
		asked += sensor->access[i].count;
	for (size_t i = 0; i < sensor->mail_day_count; i++)
		mails += sensor->mail_days[i].count;
	must_be(path, sensor->name, "the accesses by port", asked, sensor->accesses);
	must_be(path, sensor->name, "the accesses by country", sum_groups(sensor->sources, sensor->source_count),
		sensor->accesses);
	must_be(path, sensor->name, "the attempts by country", sum_groups(sensor->direct, sensor->direct_count),
		sensor->attempts);
	must_be(path, sensor->name, "the mails by day", mails, sensor->mails);
	check_destinations(path, sensor, 25);
	check_destinations(path, sensor, 80);
	if (!sensor->days || !sensor->decoy_count || !sensor->port_count)
		say_bad(path, 0, "sensor %s: period, decoys and ports must be there", sensor->name);
}

void plan_read(struct plan *plan, const char *path)
{
	struct reader reader = { .plan = plan, .path = path };
	FILE *file = fopen(path, "r");
	char line[1024];

	memset(plan, 0, sizeof(*plan));
	if (!file)
		say_bad(path, 0, "cannot be read");
	while (fgets(line, sizeof(line), file)) {
		reader.line++;
		if (!strchr(line, '\n'))
			BAD(&reader, "the line is longer than %zu bytes", sizeof(line) - 2);
		read_line(&reader, line);
	}
	fclose(file);
	if (!plan->zone[0] || !plan->sensor_count)
		say_bad(path, 0, "a zone and a sensor must be there");
	for (size_t i = 0; i < plan->sensor_count; i++)
		check(path, &plan->sensors[i]);
}

const struct plan_country *plan_country(const struct plan *plan, const char *code)
{
	for (size_t i = 0; i < plan->country_count; i++)
		if (!strcmp(plan->countries[i].code, code))
			return &plan->countries[i];
	return NULL;
}

unsigned plan_item(const struct plan_item *items, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(items[i].name, name))
			return items[i].count;
	return 0;
}
