/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text_report.c - a report for a reader: the summary in sentences, then every figure as a table.
 *
 * In:  the list of figures, a database. Out: text. Called by write.c. Whatever strangers wrote passes table.c, which
 * defuses it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "database/text.h"
#include "report/formats.h"
#include "report/summary.h"
#include "report/table.h"
#include "report/value.h"
#include "report/words.h"

/* What json and csv are for; a reader wants the top of it. A macro, since it is put into SQL. */
#define ROWS_SHOWN 50
#define STRING_OF(number) #number
#define STRING(number) STRING_OF(number)

/* Longer periods are shown by month, and those by year. */
#define DAYS_SHOWN 62
#define MONTHS_SHOWN 62

/* The days, months or years of tables by bucket. */
struct bucket {
	const char *sql;
	int day_bytes; /* of YYYY-MM-DD that are shown */
	struct phrase heading, by;
};

static const struct bucket buckets[] = {
	{ "day", 10, PHRASE("day", "日"), PHRASE(", by day", "(日別)") },
	{ "date_trunc('month', day::timestamp)::date", 7, PHRASE("month", "月"), PHRASE(", by month", "(月別)") },
	{ "date_trunc('year', day::timestamp)::date", 4, PHRASE("year", "年"), PHRASE(", by year", "(年別)") },
};

/* The text of one sensor. */
struct page {
	struct report *report;
	enum language language;
	const struct bucket *bucket;
};

static int out_of_memory(struct report *report)
{
	return database_fail(report->text, report->text_bytes, -ENOMEM, "out of memory");
}

/* SQL as it is run, indented; ends in a semicolon, so that it can be pasted. */
static void print_sql(struct report *report, const char *filled)
{
	fputs("    ", report->out);
	for (const char *at = filled; *at; at++) {
		fputc(*at, report->out);
		if (*at == '\n')
			fputs("    ", report->out);
	}
	fputs(";\n\n", report->out);
}

/* Fills in, shows and runs; the caller clears the result. */
static PGresult *ask(struct report *report, const char *sql)
{
	char *filled = report_fill_in(report, sql);
	PGresult *result;

	if (!filled)
		return NULL;
	if (report->request->show_sql)
		print_sql(report, filled);
	result = report_query(report, filled);
	free(filled);
	return result;
}

/* The first rows of a figure, one more than are shown, so that it is known whether there are more. */
static PGresult *ask_figure(struct report *report, const struct figure *figure)
{
	char *sql;
	PGresult *result;

	if (asprintf(&sql, "select *\nfrom (\n%s\n) as figure\nlimit " STRING(ROWS_SHOWN) " + 1", figure->sql) < 0) {
		out_of_memory(report);
		return NULL;
	}
	result = ask(report, sql);
	free(sql);
	return result;
}

/* A heading of a table by bucket: that of the day and of the servers goes by the bucket. */
static const char *heading(const struct page *page, const struct figure_column *column)
{
	static const struct phrase servers = PHRASE("servers", "サーバ数");

	if (!strcmp(column->name, "bucket"))
		return page->bucket->heading.in[page->language];
	if (!strcmp(column->name, "server_days") && page->bucket == buckets)
		return servers.in[page->language];
	return column->heading.in[page->language];
}

static int set_value(const struct page *page, struct table *table, int cell, const struct figure_column *column,
		     const char *value)
{
	char words[VALUE_WORDS_BYTES], day[16];

	if (!strcmp(column->name, "bucket")) {
		snprintf(day, sizeof day, "%.*s", page->bucket->day_bytes, value);
		return table_set(table, cell, day);
	}
	return table_set(table, cell, *value ? value_words(column->kind, value, page->language, words) : "-");
}

/* A table of which each row is a row of the result. */
static int print_rows(struct page *page, const PGresult *result, const struct figure_column *columns, size_t count)
{
	struct table *table = table_new();
	int rows = PQntuples(result) > ROWS_SHOWN && columns[0].kind != KIND_DAY ? ROWS_SHOWN : PQntuples(result);
	int error = table ? 0 : -ENOMEM;

	for (size_t column = 0; !error && column < count; column++) {
		if (columns[column].kind != KIND_SENSOR)
			error = table_column(table, heading(page, columns + column),
					     value_is_numeric(columns[column].kind)) < 0
					? -ENOMEM
					: 0;
	}
	for (int row = 0; !error && row < rows; row++) {
		int cell = 0;

		error = table_row(table);
		for (size_t column = 0; !error && column < count; column++) {
			if (columns[column].kind != KIND_SENSOR)
				error = set_value(page, table, cell++, columns + column,
						  report_value(result, row, (int)column));
		}
	}
	if (!error)
		table_print(table, "  ", page->report->out);
	table_free(table);
	return error ? out_of_memory(page->report) : 0;
}

/* The kinds of a result by bucket, ordered by their places; each becomes a column. */
struct kind_column {
	const char *name;
	long place;
};

enum by_kind_column { BY_BUCKET, BY_KIND, BY_PLACE, BY_COUNT, BY_BEHIND };

/* Collects the kinds; returns how many, at most room. */
static int find_kinds(const PGresult *result, struct kind_column *kinds, int room)
{
	int count = 0;

	for (int row = 0; row < PQntuples(result); row++) {
		long place = strtol(report_value(result, row, BY_PLACE), NULL, 10);
		int at = 0;

		while (at < count && kinds[at].place < place)
			at++;
		if ((at < count && kinds[at].place == place) || count == room)
			continue;
		memmove(kinds + at + 1, kinds + at, (size_t)(count - at) * sizeof *kinds);
		kinds[at] = (struct kind_column){ report_value(result, row, BY_KIND), place };
		count++;
	}
	return count;
}

static int set_kind(struct table *table, const PGresult *result, int row, const struct kind_column *kinds,
		    int kind_count)
{
	char words[WORDS_NUMBER_BYTES];

	for (int kind = 0; kind < kind_count; kind++) {
		if (!strcmp(kinds[kind].name, report_value(result, row, BY_KIND)))
			return table_set(table, 1 + kind, words_count(report_value(result, row, BY_COUNT), words));
	}
	return 0;
}

/* Begins a row: its bucket, and what stands behind the kinds. */
static int begin_bucket(struct page *page, struct table *table, const PGresult *result, int row, int kind_count,
			const struct figure_table *form)
{
	static const struct figure_column bucket = { .name = "bucket", .kind = KIND_DAY };
	int error = table_row(table);

	if (!error)
		error = set_value(page, table, 0, &bucket, report_value(result, row, BY_BUCKET));
	for (size_t column = 0; !error && column < form->column_count; column++)
		error = set_value(page, table, 1 + kind_count + (int)column, form->columns + column,
				  report_value(result, row, BY_BEHIND + (int)column));
	return error;
}

/* A table with a row for each bucket and a column for each kind of thing. */
static int print_by_kind(struct page *page, const PGresult *result, const struct figure_table *form)
{
	struct kind_column kinds[TABLE_COLUMNS_MAX];
	int kind_count = find_kinds(result, kinds, TABLE_COLUMNS_MAX - 1 - (int)form->column_count);
	struct table *table = table_new();
	const char *last = NULL;
	int error = table && table_column(table, page->bucket->heading.in[page->language], false) == 0 ? 0 : -ENOMEM;

	for (int kind = 0; !error && kind < kind_count; kind++) {
		char words[VALUE_WORDS_BYTES];

		error = table_column(table, value_words(KIND_WORD, kinds[kind].name, page->language, words), true) < 0
				? -ENOMEM
				: 0;
	}
	for (size_t column = 0; !error && column < form->column_count; column++)
		error = table_column(table, heading(page, form->columns + column), true) < 0 ? -ENOMEM : 0;
	for (int row = 0; !error && row < PQntuples(result); row++) {
		const char *bucket = report_value(result, row, BY_BUCKET);

		if (!last || strcmp(bucket, last) != 0)
			error = begin_bucket(page, table, result, row, kind_count, form);
		last = bucket;
		if (!error)
			error = set_kind(table, result, row, kinds, kind_count);
	}
	if (!error)
		table_print(table, "  ", page->report->out);
	table_free(table);
	return error ? out_of_memory(page->report) : 0;
}

static void print_heading(struct page *page, const struct figure *figure)
{
	FILE *out = page->report->out;
	const char *title = figure->title.in[page->language];
	const char *by =
		figure->table && strstr(figure->table->sql, "{bucket}") ? page->bucket->by.in[page->language] : "";

	fputs("\n", out);
	if (page->language == LANGUAGE_JA) {
		if (figure->number || figure->section)
			fprintf(out, "%s%s ", figure->number ? "図" : "本文",
				figure->number ? figure->number : figure->section);
		fprintf(out, "%s%s [%s]\n\n", title, by, figure->relation);
		return;
	}
	if (figure->number || figure->section)
		fprintf(out, "%s %s. ", figure->number ? "Figure" : "Section",
			figure->number ? figure->number : figure->section);
	fprintf(out, "%s%s (%s)\n\n", title, by, figure->relation);
}

static int print_figure(struct page *page, const struct figure *figure)
{
	static const struct phrase none = PHRASE("None.", "該当なし。");
	static const struct phrase more = PHRASE("The first " STRING(ROWS_SHOWN) "; json and csv have all.",
						 "上位" STRING(ROWS_SHOWN) "件。json及びcsvには全件がある。");
	struct report *report = page->report;
	PGresult *result;
	int error = 0;

	print_heading(page, figure);
	result = figure->table ? ask(report, figure->table->sql) : ask_figure(report, figure);
	if (!result)
		return -EIO;
	if (!PQntuples(result))
		fprintf(report->out, "  %s\n", none.in[page->language]);
	else if (figure->table && figure->table->by_kind)
		error = print_by_kind(page, result, figure->table);
	else if (figure->table)
		error = print_rows(page, result, figure->table->columns, figure->table->column_count);
	else
		error = print_rows(page, result, figure->columns, figure->column_count);
	if (!error && !figure->table && PQntuples(result) > ROWS_SHOWN)
		fprintf(report->out, "  %s\n", more.in[page->language]);
	PQclear(result);
	return error;
}

static int print_summary(struct page *page)
{
	struct summary summary = { 0 };
	const struct {
		const char *figure;
		const PGresult **to;
	} parts[] = {
		{ "sensor_summary", &summary.sensor_summary },
		{ "port_summary", &summary.port_summary },
		{ "source_countries", &summary.source_countries },
		{ "mail_relay_countries", &summary.mail_relay_countries },
		{ "web_relay_countries", &summary.web_relay_countries },
		{ "direct_mail_countries", &summary.direct_mail_countries },
		{ "findings", &summary.findings },
	};
	PGresult *results[sizeof parts / sizeof *parts] = { 0 };
	int error = 0;

	for (size_t i = 0; !error && i < sizeof parts / sizeof *parts; i++) {
		*parts[i].to = results[i] = ask_figure(page->report, figure_named(parts[i].figure));
		error = results[i] ? 0 : -EIO;
	}
	if (!error && page->language == LANGUAGE_JA)
		summary_print_ja(&summary, page->report->out);
	else if (!error)
		summary_print_en(&summary, page->report->out);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		PQclear(results[i]);
	return error;
}

/* Name of the sensor, underlined. */
static int print_title(struct page *page)
{
	static const struct phrase title = PHRASE("otori: sensor ", "otori: センサ ");
	FILE *out = page->report->out;
	char *name = words_defuse(page->report->about->sensor, 63);

	if (!name)
		return out_of_memory(page->report);
	fprintf(out, "%s%s\n", title.in[page->language], name);
	for (size_t i = words_width(title.in[page->language]) + words_width(name); i; i--)
		fputc('=', out);
	fputs("\n", out);
	free(name);
	return 0;
}

static void print_countries_dated(struct page *page)
{
	const struct report_about *about = page->report->about;
	char words[WORDS_NUMBER_BYTES];
	FILE *out = page->report->out;
	bool japanese = page->language == LANGUAGE_JA, range = strcmp(about->country_first, about->country_last) != 0;

	if (!*about->country_first)
		fputs(japanese ? "国/地域は調査されていない(otori enrich)。"
			       : "Countries have not been looked up (otori enrich).",
		      out);
	else
		fprintf(out,
			japanese ? "国/地域は%s%s%sのデータベースによる。"
				 : "Countries are those of the database of %s%s%s.",
			about->country_first, range ? japanese ? "から" : " to " : "",
			range ? about->country_last : "");
	if (*about->country_first && strtod(about->unknown_share, NULL) > 0)
		fprintf(out,
			japanese ? "アクセスの%sは発信元の国/地域が不明である。"
				 : " That of the source is unknown for %s of the accesses.",
			words_percent(about->unknown_share, words));
	fputs("\n", out);
}

/* Is 25 among "25, 1080"? */
static bool offers_mail(const char *ports)
{
	for (const char *port = ports; *port; port += strspn(port, ", ")) {
		size_t length = strcspn(port, ",");

		if (length == 2 && !strncmp(port, "25", 2))
			return true;
		port += length;
	}
	return false;
}

/* When figures 9 and 10 mean what the report of 2008 means by them. */
static void print_condition(struct page *page)
{
	static const struct phrase condition = PHRASE("Figures 9 and 10 hold only while no mail service and no mail "
						      "record of DNS points at the decoys; the operator",
						      "図9及び図10は、観測用IPアドレスでメールの送受信サービスを行って"
						      "おらず、DNSにもメールに関するレコードが登録されていない"
						      "場合に限り有効である。");
	static const struct phrase not_stated = PHRASE(" has not stated that (mail_unadvertised of table sensor).",
						       "運用者はこれを確認していない(表sensorのmail_unadvertised)。");
	static const struct phrase denied = PHRASE(" states that one does (mail_unadvertised of table sensor).",
						   "運用者によればこれに該当しない(表sensorのmail_unadvertised)。");
	static const struct phrase found =
		PHRASE("Mail records of DNS that point at decoys, as found by the enrichment: %s "
		       "(table mail_record_warning). Figures 9 and 10 do not hold then.\n",
		       "観測用IPアドレスを指すDNSのメールに関するレコードが%s件確認された(表mail_record_warning)"
		       "ため、図9及び図10は有効でない。\n");
	const struct report_about *about = page->report->about;
	const char *stated = about->mail_unadvertised;
	char words[WORDS_NUMBER_BYTES];
	FILE *out = page->report->out;

	if (!offers_mail(about->ports))
		return;
	if (strcmp(about->mail_records, "0") != 0)
		fprintf(out, page->language == LANGUAGE_JA ? found.in[LANGUAGE_JA] : found.in[LANGUAGE_EN],
			words_count(about->mail_records, words));
	if (strcmp(stated, "t") != 0)
		fprintf(out, "%s%s\n", condition.in[page->language],
			*stated ? denied.in[page->language] : not_stated.in[page->language]);
}

static void print_about(struct page *page)
{
	static const struct phrase days = PHRASE("Days are those of %s. Made at %s by otori %s.\n",
						 "日付の区切りは%sによる。作成日時 %s (otori %s)。\n");
	const struct report_about *about = page->report->about;

	fprintf(page->report->out, page->language == LANGUAGE_JA ? days.in[LANGUAGE_JA] : days.in[LANGUAGE_EN],
		about->timezone, about->made_at, OTORI_VERSION);
	print_countries_dated(page);
	print_condition(page);
	fputs("\n", page->report->out);
	if (page->report->request->show_sql)
		fprintf(page->report->out, "    set timezone = '%s';\n\n", about->timezone);
}

static void choose_bucket(struct page *page)
{
	long days = strtol(page->report->about->days, NULL, 10);

	page->bucket = buckets + (days > DAYS_SHOWN) + (days > MONTHS_SHOWN * 31);
	page->report->bucket = page->bucket->sql;
}

static int print_sensor(struct page *page)
{
	int error;

	choose_bucket(page);
	error = print_title(page);
	if (!error) {
		print_about(page);
		error = print_summary(page);
	}
	for (size_t i = 0; !error && i < figure_count; i++) {
		if (!figures[i].only_summary)
			error = print_figure(page, figures + i);
	}
	return error;
}

int text_report(struct report *report, const PGresult *sensors)
{
	struct page page = { .report = report, .language = report->request->language };
	int error = 0;

	for (int row = 0; !error && row < PQntuples(sensors); row++) {
		report_choose_sensor(report, row);
		if (row)
			fputs("\n\n", report->out);
		error = print_sensor(&page);
	}
	return error;
}
