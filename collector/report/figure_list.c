/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * figure_list.c - every figure of the report, in its order.
 *
 * In:  the views and functions of schema/. Out: the list in figure.h. Holds no code but the search by name.
 */
#include "report/figure.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define COLUMNS(list) list, COUNT(list)

#define COLUMN(name, kind, en, ja) \
	{ \
		name, kind, PHRASE(en, ja) \
	}

/* Columns that many figures share: one heading for one meaning. */
#define DAY COLUMN("day", KIND_DAY, "day", "日")
#define SENSOR COLUMN("sensor", KIND_SENSOR, "sensor", "センサ")
#define DECOY_PORT COLUMN("decoy_port", KIND_PORT, "listening port", "待ち受けポート")
#define RELAY_PORT COLUMN("relay_port", KIND_PORT, "relay port", "中継先ポート")
#define RELAY_HOST COLUMN("relay_host", KIND_TEXT, "relay host", "中継先")
#define CLASS COLUMN("class", KIND_WORD, "class", "種別")
#define ACCESSES COLUMN("accesses", KIND_COUNT, "accesses", "アクセス件数")
#define ATTEMPTS COLUMN("attempts", KIND_COUNT, "attempts", "試行件数")
#define MAILS COLUMN("mails", KIND_COUNT, "mails", "メール件数")
#define SERVERS COLUMN("servers", KIND_COUNT, "servers", "サーバ数")
#define SOURCES COLUMN("sources", KIND_COUNT, "addresses", "発信元IPアドレス数")
#define SOURCE COLUMN("source", KIND_ADDRESS, "source", "発信元")
#define COUNTRY COLUMN("country", KIND_COUNTRY, "country", "国/地域")
#define SHARE COLUMN("share", KIND_SHARE, "share", "比率")
#define DECOY COLUMN("decoy", KIND_ADDRESS, "decoy", "観測用IPアドレス")
#define MAILBOX COLUMN("mailbox", KIND_TEXT, "reports to", "通知先")
#define DOMAIN COLUMN("recipient_domain", KIND_TEXT, "recipients' domain", "宛先ドメイン")
#define FIRST_SEEN COLUMN("first_seen", KIND_TIME, "first seen", "初回")
#define LAST_SEEN COLUMN("last_seen", KIND_TIME, "last seen", "最終")
#define LINE_CLASS COLUMN("line_class", KIND_WORD, "line", "回線種別")

/* In tables by bucket: of a day the servers, of a longer bucket servers times days, which quotients divide by. */
#define SERVER_DAYS COLUMN("server_days", KIND_COUNT, "server-days", "延べサーバ日数")
#define PER_DAY COLUMN("per_server_per_day", KIND_QUOTIENT, "per server per day", "1サーバ1日あたり")

/*
 * Functions are asked with the sensor and the bounds, so that they read no more than these. Those of days give the
 * moment at which each begins.
 */
#define OF_PERIOD "({since}, {until}, {sensor})\n"
#define DAYS_OF(figure) \
	"(select begins_at::date as day, daily.* from " figure "({since}, {until}, {sensor}) as daily) as daily\n"
#define OBSERVED_DAYS \
	"(select bucket_key::date as day, daily.* from observed({since}, {until}, {sensor}) as daily) as daily\n"

/* Server-days of each bucket, days without anything among them. */
#define OBSERVED \
	"with observed as (\n" \
	"  select {bucket} as bucket, sum(servers) as server_days\n" \
	"  from " OBSERVED_DAYS "  group by 1\n" \
	")\n"

/* --- what was observed in all ------------------------------------------------------------------------------------ */

static const struct figure_column summary_columns[] = {
	SENSOR,
	{ "first_day", KIND_DAY, PHRASE("first day", "観測開始日") },
	{ "last_day", KIND_DAY, PHRASE("last day", "観測終了日") },
	{ "days", KIND_COUNT, PHRASE("days", "観測日数") },
	SERVERS,
	ACCESSES,
	SOURCES,
	{ "countries", KIND_COUNT, PHRASE("countries", "国/地域数") },
	{ "accesses_per_server", KIND_QUOTIENT, PHRASE("per server", "1サーバあたり") },
	{ "accesses_per_server_per_day", KIND_QUOTIENT, PHRASE("per server per day", "1サーバ1日あたり") },
	{ "direct_mail_attempts", KIND_COUNT, PHRASE("direct attempts", "25/TCP試行件数") },
	{ "direct_mail_sources", KIND_COUNT, PHRASE("their addresses", "同発信元IPアドレス数") },
	{ "direct_mail_countries", KIND_COUNT, PHRASE("their countries", "同国/地域数") },
	{ "direct_mail_attempts_per_server", KIND_QUOTIENT, PHRASE("per server", "1サーバあたり") },
	{ "direct_mail_attempts_per_server_per_day", KIND_QUOTIENT, PHRASE("per server per day", "1サーバ1日あたり") },
	MAILS,
	{ "mails_per_day", KIND_QUOTIENT, PHRASE("mails a day", "1日あたりメール件数") },
	{ "busiest_day", KIND_DAY, PHRASE("busiest day", "最多日") },
	{ "busiest_day_mails", KIND_COUNT, PHRASE("its mails", "最多日の件数") },
};

static const struct figure_column port_columns[] = {
	SENSOR,
	DECOY_PORT,
	ACCESSES,
	SHARE,
	{ "accesses_per_server", KIND_QUOTIENT, PHRASE("per server", "1サーバあたり") },
	{ "accesses_per_server_per_day", KIND_QUOTIENT, PHRASE("per server per day", "1サーバ1日あたり") },
	{ "web", KIND_COUNT, PHRASE("web", "Web") },
	{ "web_share", KIND_SHARE, PHRASE("share", "比率") },
	{ "mail", KIND_COUNT, PHRASE("mail", "メール") },
	{ "mail_share", KIND_SHARE, PHRASE("share", "比率") },
	{ "exploits", KIND_COUNT, PHRASE("exploits", "脆弱性を突く攻撃") },
	{ "exploits_share", KIND_SHARE, PHRASE("share", "比率") },
};

static const char port_sql[] =
	"with daily as (\n"
	"  select decoy_port, sum(accesses) as accesses, sum(servers) as server_days\n"
	"  from " DAYS_OF(
		"accesses_by_port") "  group by decoy_port\n"
				    "), asked as (\n"
				    "  select decoy_port, sum(accesses) filter (where relay_port = 80) as web,\n"
				    "         sum(accesses) filter (where relay_port = 25) as mail,\n"
				    "         sum(accesses) filter (where class = 'exploit') as exploits\n"
				    "  from " DAYS_OF(
					    "accesses_by_relay_port") "  group by decoy_port\n"
								      ")\n"
								      "select {sensor} as sensor, decoy_port, "
								      "accesses, accesses::numeric / "
								      "nullif(sum(accesses) over (), 0) as "
								      "share,\n"
								      "       accesses::numeric / (select "
								      "nullif(servers, 0) from sensor_summary({since}, "
								      "{until}, {sensor}))\n"
								      "         as accesses_per_server,\n"
								      "       accesses::numeric / nullif(server_days, "
								      "0) as accesses_per_server_per_day,\n"
								      "       coalesce(web, 0) as web, coalesce(web, "
								      "0)::numeric / nullif(accesses, 0) as "
								      "web_share,\n"
								      "       coalesce(mail, 0) as mail, "
								      "coalesce(mail, 0)::numeric / nullif(accesses, "
								      "0) as mail_share,\n"
								      "       coalesce(exploits, 0) as exploits, "
								      "coalesce(exploits, 0)::numeric / "
								      "nullif(accesses, 0) as "
								      "exploits_share\n"
								      "from daily left join asked using (decoy_port)\n"
								      "order by decoy_port";

static const struct figure_column finding_columns[] = {
	SENSOR,
	{ "probe_mails", KIND_COUNT, PHRASE("probe mails", "探索メール") },
	{ "probe_waves", KIND_COUNT, PHRASE("waves", "探索後の大量メール") },
	{ "suspect_relays", KIND_COUNT, PHRASE("suspected relays", "オープンリレーの疑い") },
	{ "suspect_mails", KIND_COUNT, PHRASE("mails to them", "同メール件数") },
	{ "relay_chains", KIND_COUNT, PHRASE("chains", "多段中継") },
};

/* --- section 2: the proxies -------------------------------------------------------------------------------------- */

static const struct figure_column activity_columns[] = {
	DAY, SENSOR, DECOY_PORT, { "syns", KIND_QUOTIENT, PHRASE("SYNs", "SYN数") }, SOURCES, ACCESSES,
};
static const struct figure_column activity_table_columns[] = {
	{ "bucket", KIND_DAY, PHRASE("day", "日") },
	DECOY_PORT,
	{ "syns", KIND_QUOTIENT, PHRASE("SYNs", "SYN数") },
	ACCESSES,
};
static const struct figure_table activity_table = { "select {bucket} as bucket, decoy_port, sum(syns), sum(accesses)\n"
						    "from " DAYS_OF("port_activity") "group by 1, 2\n"
										     "order by 1, 2",
						    false, COLUMNS(activity_table_columns) };

static const struct figure_column by_port_columns[] = {
	DAY,	  SENSOR,  DECOY_PORT,
	ACCESSES, SERVERS, { "accesses_per_server", KIND_QUOTIENT, PHRASE("per server", "1サーバあたり") },
};
static const struct figure_column by_port_behind[] = {
	{ "all", KIND_COUNT, PHRASE("all", "合計") },
	SERVER_DAYS,
	PER_DAY,
};
static const struct figure_table by_port_table = {
	OBSERVED
	"select bucket, decoy_port || '/TCP', decoy_port, accesses, sum(accesses) over of_bucket, server_days,\n"
	"       sum(accesses) over of_bucket / nullif(server_days, 0)\n"
	"from (select {bucket} as bucket, decoy_port, sum(accesses) as accesses\n"
	"      from " DAYS_OF("accesses_by_port") "      group by 1, 2) as counted\n"
						  "join observed using (bucket)\n"
						  "window of_bucket as (partition by bucket)\n"
						  "order by bucket, decoy_port",
	true, COLUMNS(by_port_behind)
};

static const struct figure_column relay_port_columns[] = {
	DAY,   SENSOR,	 DECOY_PORT, RELAY_PORT,
	CLASS, ACCESSES, SERVERS,    { "accesses_per_server", KIND_QUOTIENT, PHRASE("per server", "1サーバあたり") },
};
static const struct figure_column relay_port_all_columns[] = {
	DAY,
	SENSOR,
	RELAY_PORT,
	CLASS,
	ACCESSES,
	SERVERS,
	{ "accesses_per_server", KIND_QUOTIENT, PHRASE("per server", "1サーバあたり") },
};

static const char relay_port_all_sql[] =
	"select day, sensor, relay_port, class, sum(accesses) as accesses, max(servers) as servers,\n"
	"       sum(accesses_per_server) as accesses_per_server\n"
	"from " DAYS_OF("accesses_by_relay_port") "group by day, sensor, relay_port, class\n"
						  "order by day, relay_port, class";

#define RELAY_PORT_SQL(condition) \
	"select day, sensor, decoy_port, relay_port, class, accesses, servers, accesses_per_server\n" \
	"from " DAYS_OF("accesses_by_relay_port") "where decoy_port " condition "\n" \
						  "order by day, decoy_port, relay_port, class"

/* A column for what is asked for often; relays to other ports share one, or a table would have a thousand. */
#define RELAY_PORT_TABLE(condition) \
	{ \
		OBSERVED \
		"select bucket, kind, place, accesses, sum(accesses) over of_bucket, server_days,\n" \
		"       sum(accesses) over of_bucket / nullif(server_days, 0)\n" \
		"from (select {bucket} as bucket,\n" \
		"             case when class = 'exploit' then 'exploit' when relay_port is null then 'none'\n" \
		"                  when relay_port in (25, 80, 443, 465, 587) then relay_port || '/TCP' else " \
		"'others' " \
		"end as kind,\n" \
		"             case when class = 'exploit' then 65538 when relay_port is null then 65537\n" \
		"                  when relay_port in (25, 80, 443, 465, 587) then relay_port else 65536 end as " \
		"place,\n" \
		"             sum(accesses) as accesses\n" \
		"      from " DAYS_OF("accesses_by_relay_port") condition \
			"      group by 1, 2, 3) as counted\n" \
			"join observed using (bucket)\n" \
			"window of_bucket as (partition by bucket)\n" \
			"order by bucket, place", \
			true, COLUMNS(by_port_behind) \
	}
static const struct figure_table relay_port_all_table = RELAY_PORT_TABLE("");
static const struct figure_table relay_port_8080_table = RELAY_PORT_TABLE("      where decoy_port = 8080\n");
static const struct figure_table relay_port_3128_table = RELAY_PORT_TABLE("      where decoy_port = 3128\n");
static const struct figure_table relay_port_1080_table = RELAY_PORT_TABLE("      where decoy_port = 1080\n");
static const struct figure_table relay_port_other_table =
	RELAY_PORT_TABLE("      where decoy_port not in (8080, 3128, 1080)\n");

#define EXPLOIT COLUMN("exploit", KIND_TEXT, "rule", "攻撃の種類")
static const struct figure_column exploit_columns[] = { DAY, SENSOR, DECOY_PORT, EXPLOIT, ACCESSES, SOURCES };
static const struct figure_column exploit_table_columns[] = {
	DECOY_PORT,
	EXPLOIT,
	ACCESSES,
	{ "first_day", KIND_DAY, PHRASE("first day", "初回") },
	{ "last_day", KIND_DAY, PHRASE("last day", "最終") },
};
static const struct figure_table exploit_table = { "select decoy_port, exploit, sum(accesses), min(day), max(day)\n"
						   "from " DAYS_OF("exploits_by_rule") "group by 1, 2\n"
										       "order by 3 desc, 1, 2",
						   false, COLUMNS(exploit_table_columns) };
static const struct figure_column destination_columns[] = { SENSOR, RELAY_HOST, RELAY_PORT, ACCESSES };
static const struct figure_column source_country_columns[] = { SENSOR, COUNTRY, SOURCES, ACCESSES, SHARE };
static const struct figure_column line_columns[] = { SENSOR, LINE_CLASS, SOURCES, ACCESSES, SHARE };
static const struct figure_column relay_country_columns[] = {
	SENSOR, COUNTRY, { "destinations", KIND_COUNT, PHRASE("destinations", "中継先数") }, ACCESSES, SHARE,
};

/* --- the reference section: 25/TCP ------------------------------------------------------------------------------- */

static const struct figure_column direct_columns[] = {
	DAY, SENSOR, ATTEMPTS, SERVERS, { "attempts_per_server", KIND_QUOTIENT, PHRASE("per server", "1サーバあたり") },
};
static const struct figure_column direct_table_columns[] = {
	{ "bucket", KIND_DAY, PHRASE("day", "日") },
	ATTEMPTS,
	SERVER_DAYS,
	PER_DAY,
};
static const struct figure_table direct_table = {
	"select {bucket} as bucket, sum(attempts), sum(servers), sum(attempts) / "
	"nullif(sum(servers), 0)\n"
	"from " DAYS_OF("direct_mail") "group by 1\n"
				       "order by 1",
	false, COLUMNS(direct_table_columns)
};
static const struct figure_column direct_country_columns[] = { SENSOR, COUNTRY, SOURCES, ATTEMPTS, SHARE };
static const struct figure_column direct_kind_columns[] = {
	SENSOR,
	{ "kind", KIND_WORD, PHRASE("kind", "種類") },
	{ "conversations", KIND_COUNT, PHRASE("conversations", "接続件数") },
	SOURCES,
};

/* --- section 3: mail through the proxies ------------------------------------------------------------------------- */

static const struct figure_column mail_columns[] = {
	DAY, SENSOR, MAILS, SERVERS, { "mails_per_server", KIND_QUOTIENT, PHRASE("per server", "1サーバあたり") },
};
static const struct figure_column mail_table_columns[] = {
	{ "bucket", KIND_DAY, PHRASE("day", "日") },
	MAILS,
	SERVER_DAYS,
	PER_DAY,
};
static const struct figure_table mail_table = {
	"select {bucket} as bucket, sum(mails), sum(servers), sum(mails) / nullif(sum(servers), 0)\n"
	"from " DAYS_OF("mails") "group by 1\n"
				 "order by 1",
	false, COLUMNS(mail_table_columns)
};
static const struct figure_column mail_kind_columns[] = {
	SENSOR,
	DAY,
	{ "kind", KIND_WORD, PHRASE("kind", "種類") },
	MAILS,
};
static const struct figure_table mail_kind_table = {
	"select {bucket} as bucket, kind, case kind when 'probe' then 1 else 2 end, "
	"sum(mails)\n"
	"from " DAYS_OF("mail_kinds") "group by 1, 2\n"
				      "order by 1, 3",
	true, NULL, 0
};
static const struct figure_column subject_columns[] = {
	SENSOR,
	{ "subject", KIND_TEXT, PHRASE("subject", "件名") },
	MAILS,
	SOURCES,
};

/* --- section 4: what it means ------------------------------------------------------------------------------------ */

static const struct figure_column probe_columns[] = {
	SENSOR,
	{ "received_at", KIND_TIME, PHRASE("received at", "受信日時") },
	DECOY,
	DECOY_PORT,
	SOURCE,
	MAILBOX,
	{ "subject", KIND_TEXT, PHRASE("subject", "件名") },
	{ "found_in", KIND_WORD, PHRASE("found in", "記載箇所") },
	{ "encoding", KIND_WORD, PHRASE("encoding", "表記") },
	{ "answered_at", KIND_TIME, PHRASE("answered at", "応答日時") },
};
static const struct figure_column wave_columns[] = {
	SENSOR,
	{ "probed_at", KIND_TIME, PHRASE("probed at", "探索日時") },
	DECOY,
	MAILBOX,
	{ "wave_started_at", KIND_TIME, PHRASE("wave began at", "大量メール開始日時") },
	{ "delay_seconds", KIND_SECONDS, PHRASE("delay", "経過時間") },
	MAILS,
	SOURCES,
	{ "answered_at", KIND_TIME, PHRASE("answered at", "応答日時") },
};
static const struct figure_column domain_columns[] = {
	SENSOR,	    DOMAIN,
	MAILS,	    { "recipients", KIND_COUNT, PHRASE("recipients", "宛先数") },
	SOURCES,    { "relay_hosts", KIND_COUNT, PHRASE("relay hosts", "中継先数") },
	FIRST_SEEN, LAST_SEEN,
};
static const struct figure_column suspect_columns[] = {
	SENSOR,
	RELAY_HOST,
	RELAY_PORT,
	DOMAIN,
	MAILS,
	FIRST_SEEN,
	LAST_SEEN,
	{ "evidence", KIND_TEXT, PHRASE("evidence", "根拠") },
	{ "looked_up_at", KIND_TIME, PHRASE("looked up at", "調査日時") },
};
static const struct figure_column chain_columns[] = {
	SENSOR,
	{ "started_at", KIND_TIME, PHRASE("started at", "開始日時") },
	SOURCE,
	{ "hops", KIND_COUNT, PHRASE("hops", "段数") },
	{ "path", KIND_TEXT, PHRASE("path", "経路") },
};
static const struct figure_column op25b_columns[] = { SENSOR, RELAY_PORT, LINE_CLASS, ACCESSES, SHARE };

#define OF(list) .columns = (list), .column_count = COUNT(list)

const struct figure figures[] = {
	{ .name = "sensor_summary",
	  .section = "2(2)",
	  .relation = "sensor_summary",
	  .title = PHRASE("Summary", "概要"),
	  .sql = "select sensor, first_day, last_day, days, servers, accesses, sources, countries, "
		 "accesses_per_server,\n"
		 "       accesses_per_server_per_day, direct_mail_attempts, direct_mail_sources, "
		 "direct_mail_countries,\n"
		 "       direct_mail_attempts::numeric / nullif(servers, 0) as direct_mail_attempts_per_server,\n"
		 "       direct_mail_attempts::numeric /\n"
		 "         (select nullif(sum(observed.servers), 0) from observed({since}, {until}, {sensor}))\n"
		 "         as direct_mail_attempts_per_server_per_day,\n"
		 "       mails, mails_per_day, busiest_day, busiest_day_mails\n"
		 "from sensor_summary({since}, {until}, {sensor})",
	  OF(summary_columns),
	  .only_summary = true },
	{ .name = "port_summary",
	  .section = "2(2)",
	  .relation = "accesses_by_port_daily, accesses_by_relay_port_daily",
	  .title = PHRASE("Accesses by listening port", "待ち受けポート別のアクセス件数"),
	  .sql = port_sql,
	  OF(port_columns),
	  .only_summary = true },
	{ .name = "findings",
	  .section = "4",
	  .relation = "mail_kinds, probe_waves, open_relay_suspects, relay_chains",
	  .title = PHRASE("What was found", "観測結果"),
	  .sql = "select {sensor} as sensor,\n"
		 "       (select coalesce(sum(mails), 0) from mail_kinds" OF_PERIOD
		 "        where kind = 'probe') as probe_mails,\n"
		 "       (select count(*) from probe_waves" OF_PERIOD "        where mails > 0) as probe_waves,\n"
		 "       (select count(distinct (relay_host, relay_port)) from open_relay_suspects" OF_PERIOD
		 "       ) as suspect_relays,\n"
		 "       (select coalesce(sum(mails), 0) from open_relay_suspects" OF_PERIOD
		 "       ) as suspect_mails,\n"
		 "       (select count(*) from relay_chains" OF_PERIOD "       ) as relay_chains",
	  OF(finding_columns),
	  .only_summary = true },
	{ .name = "port_activity_daily",
	  .section = "2",
	  .relation = "port_activity_daily",
	  .title = PHRASE("Activity on the ports", "各ポートに対するアクセスの定常観測"),
	  .sql = "select day, sensor, decoy_port, syns, sources, accesses\n"
		 "from " DAYS_OF("port_activity") "order by day, decoy_port",
	  OF(activity_columns),
	  .table = &activity_table },
	{ .name = "accesses_by_port_daily",
	  .number = "4",
	  .relation = "accesses_by_port_daily",
	  .title = PHRASE("Accesses by listening port", "オープンプロキシに対するアクセス状況(待ち受けポート別の推移)"),
	  .sql = "select day, sensor, decoy_port, accesses, servers, accesses_per_server\n"
		 "from " DAYS_OF("accesses_by_port") "order by day, decoy_port",
	  OF(by_port_columns),
	  .table = &by_port_table },
	{ .name = "accesses_by_relay_port_daily",
	  .number = "5a",
	  .relation = "accesses_by_relay_port_daily",
	  .title = PHRASE("Accesses by relay port", "オープンプロキシに対するアクセス状況(中継先ポート別の推移)"),
	  .sql = relay_port_all_sql,
	  OF(relay_port_all_columns),
	  .table = &relay_port_all_table },
	{ .name = "accesses_by_relay_port_daily_8080",
	  .number = "5b",
	  .relation = "accesses_by_relay_port_daily",
	  .title = PHRASE("Accesses to 8080/TCP by relay port", "8080/TCPへのオープンプロキシに対するアクセス状況"),
	  .sql = RELAY_PORT_SQL("= 8080"),
	  OF(relay_port_columns),
	  .table = &relay_port_8080_table },
	{ .name = "accesses_by_relay_port_daily_3128",
	  .number = "5c",
	  .relation = "accesses_by_relay_port_daily",
	  .title = PHRASE("Accesses to 3128/TCP by relay port", "3128/TCPへのオープンプロキシに対するアクセス状況"),
	  .sql = RELAY_PORT_SQL("= 3128"),
	  OF(relay_port_columns),
	  .table = &relay_port_3128_table },
	{ .name = "accesses_by_relay_port_daily_1080",
	  .number = "5d",
	  .relation = "accesses_by_relay_port_daily",
	  .title = PHRASE("Accesses to 1080/TCP by relay port", "1080/TCPへのオープンプロキシに対するアクセス状況"),
	  .sql = RELAY_PORT_SQL("= 1080"),
	  OF(relay_port_columns),
	  .table = &relay_port_1080_table },
	{ .name = "accesses_by_relay_port_daily_other",
	  .relation = "accesses_by_relay_port_daily",
	  .title = PHRASE("Accesses to all other ports by relay port",
			  "その他のポートへのオープンプロキシに対するアクセス状況"),
	  .sql = RELAY_PORT_SQL("not in (8080, 3128, 1080)"),
	  OF(relay_port_columns),
	  .table = &relay_port_other_table },
	{ .name = "exploits_by_rule_daily",
	  .section = "2(2)",
	  .relation = "exploits_by_rule_daily",
	  .title = PHRASE("Exploits by rule", "脆弱性を突く攻撃と考えられるアクセスの内訳"),
	  .sql = "select day, sensor, decoy_port, exploit, accesses, sources\n"
		 "from " DAYS_OF("exploits_by_rule") "order by day, decoy_port, exploit",
	  OF(exploit_columns),
	  .table = &exploit_table },
	{ .name = "relay_destinations",
	  .relation = "counted_destinations",
	  .title = PHRASE("Relays that were asked for most", "要求の多い中継先"),
	  .sql = "select sensor, relay_host, nullif(relay_port, -1) as relay_port, accesses\n"
		 "from counted_destinations" OF_PERIOD "where relay_host <> ''\n"
		 "order by accesses desc, relay_host, relay_port\n"
		 "limit 100",
	  OF(destination_columns) },
	{ .name = "source_countries",
	  .number = "6",
	  .relation = "source_countries",
	  .title = PHRASE("Countries of the sources", "オープンプロキシにアクセスした発信元の国/地域別比率"),
	  .sql = "select sensor, country, sources, accesses, share\n"
		 "from source_countries" OF_PERIOD "order by accesses desc, country",
	  OF(source_country_columns) },
	{ .name = "source_lines",
	  .section = "2(2), 4(3)",
	  .relation = "source_lines",
	  .title = PHRASE("Lines of the sources by their reverse names", "発信元の回線種別(逆引き結果による)"),
	  .sql = "select sensor, line_class, sources, accesses, share\n"
		 "from source_lines" OF_PERIOD "order by accesses desc, line_class",
	  OF(line_columns) },
	{ .name = "mail_relay_countries",
	  .number = "7",
	  .relation = "mail_relay_countries",
	  .title = PHRASE("Countries that mail was to be relayed to",
			  "オープンプロキシに対するメールの不正中継先の国/地域別比率"),
	  .sql = "select sensor, country, destinations, accesses, share\n"
		 "from mail_relay_countries" OF_PERIOD "order by accesses desc, country",
	  OF(relay_country_columns) },
	{ .name = "web_relay_countries",
	  .number = "8",
	  .relation = "web_relay_countries",
	  .title = PHRASE("Countries of the web servers that were asked for",
			  "オープンプロキシに対するWebのアクセス要求試行先の国/地域別比率"),
	  .sql = "select sensor, country, destinations, accesses, share\n"
		 "from web_relay_countries" OF_PERIOD "order by accesses desc, country",
	  OF(relay_country_columns) },
	{ .name = "direct_mail_daily",
	  .number = "9",
	  .relation = "direct_mail_daily",
	  .title = PHRASE("Attempts to relay mail directly (25/TCP)", "メールサーバに対するメールの不正中継試行の状況"),
	  .sql = "select day, sensor, attempts, servers, attempts_per_server\n"
		 "from " DAYS_OF("direct_mail") "order by day",
	  OF(direct_columns),
	  .table = &direct_table },
	{ .name = "direct_mail_countries",
	  .number = "10",
	  .relation = "direct_mail_countries",
	  .title = PHRASE("Countries of those who attempted it", "メール不正中継を試行した発信元国/地域別比率"),
	  .sql = "select sensor, country, sources, attempts, share\n"
		 "from direct_mail_countries" OF_PERIOD "order by attempts desc, country",
	  OF(direct_country_columns) },
	{ .name = "direct_mail_kinds",
	  .section = "2",
	  .relation = "direct_mail_kinds",
	  .title = PHRASE("Kinds of direct mail (25/TCP)", "メールサーバに対するアクセスの種類"),
	  .sql = "select sensor, kind, conversations, sources\n"
		 "from direct_mail_kinds" OF_PERIOD "order by conversations desc, kind",
	  OF(direct_kind_columns) },
	{ .name = "mails_daily",
	  .number = "12",
	  .relation = "mails_daily",
	  .title = PHRASE("Mails through the proxies", "オープンプロキシを不正中継するメールの受信状況"),
	  .sql = "select day, sensor, mails, servers, mails_per_server\n"
		 "from " DAYS_OF("mails") "order by day",
	  OF(mail_columns),
	  .table = &mail_table },
	{ .name = "mail_kinds",
	  .section = "2(2), 4(1)",
	  .relation = "mail_kinds",
	  .title = PHRASE("Probes among the mails", "探索行為に使用されたメールの内訳"),
	  .sql = "select sensor, day, kind, mails\n"
		 "from " DAYS_OF("mail_kinds") "order by day, kind",
	  OF(mail_kind_columns),
	  .table = &mail_kind_table },
	{ .name = "mail_subjects",
	  .relation = "mail",
	  .title = PHRASE("Most frequent subjects of mails through the proxies", "件数の多いメールの件名"),
	  .sql = "select sensor, subject, count(*) as mails, count(distinct source) as sources\n"
		 "from mail\n"
		 "where sensor = {sensor} and complete and not direct\n"
		 "  and received_at >= {since} and received_at < {until}\n"
		 "group by 1, 2\n"
		 "order by 3 desc, 2\n"
		 "limit 100",
	  OF(subject_columns) },
	{ .name = "probe_mails",
	  .number = "13",
	  .relation = "probe_mails",
	  .title = PHRASE("Probe mails", "メール不正中継が可能なオープンプロキシの探索行為"),
	  .sql = "select sensor, received_at, decoy, decoy_port, source, mailbox, subject, found_in, encoding, "
		 "answered_at\n"
		 "from probe_mails" OF_PERIOD "order by received_at, decoy, decoy_port, source",
	  OF(probe_columns) },
	{ .name = "probe_waves",
	  .number = "13",
	  .relation = "probe_waves",
	  .title = PHRASE("What followed the probes", "探索行為の後の大量の不正中継試行"),
	  .sql = "select sensor, probed_at, decoy, mailbox, wave_started_at, extract(epoch from delay) as "
		 "delay_seconds,\n"
		 "       mails, sources, answered_at\n"
		 "from probe_waves" OF_PERIOD "order by probed_at, decoy, mailbox",
	  OF(wave_columns) },
	{ .name = "targeted_domains",
	  .number = "14",
	  .relation = "targeted_domains",
	  .title = PHRASE("Domains that the mails went to", "迷惑メールの宛先ドメイン"),
	  .sql = "select sensor, recipient_domain, mails, recipients, sources, relay_hosts, first_seen, last_seen\n"
		 "from targeted_domains" OF_PERIOD "order by mails desc, recipient_domain",
	  OF(domain_columns) },
	{ .name = "open_relay_suspects",
	  .number = "15",
	  .relation = "open_relay_suspects",
	  .title = PHRASE("Suspected open relays", "オープンリレーメールサーバである可能性のある中継先"),
	  .sql = "select sensor, relay_host, relay_port, recipient_domain, mails, first_seen, last_seen, evidence,\n"
		 "       looked_up_at\n"
		 "from open_relay_suspects" OF_PERIOD "order by mails desc, relay_host, relay_port, recipient_domain",
	  OF(suspect_columns) },
	{ .name = "relay_chains",
	  .number = "16",
	  .relation = "relay_chains",
	  .title = PHRASE("Chains of relays", "多段の中継要求"),
	  .sql = "select sensor, started_at, source, hops, path\n"
		 "from relay_chains" OF_PERIOD "order by started_at, source, path",
	  OF(chain_columns) },
	{ .name = "op25b_share",
	  .section = "6",
	  .relation = "op25b_share",
	  .title = PHRASE("Mail that a block of outbound 25/TCP would have stopped",
			  "OP25Bが有効であったと考えられるメールの不正中継試行"),
	  .sql = "select sensor, relay_port, line_class, accesses, share\n"
		 "from op25b_share" OF_PERIOD "order by accesses desc, relay_port, line_class",
	  OF(op25b_columns) },
};

const size_t figure_count = COUNT(figures);

const struct figure *figure_named(const char *name)
{
	size_t i = 0;

	while (strcmp(figures[i].name, name) != 0)
		i++;
	return figures + i;
}
