-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0012_summary.sql - what a sensor saw in all, in one row.
--
-- In:  figures of 0009 to 0011. Out: function and view sensor_summary. Called by readers (role otori_read).
--
-- It counts what came on days that were observed: those alone its quotients divide by.

set local role otori_owner;
set local search_path to otori;

-- Sources come from the roll-up, unless there were accesses on days that nobody observed: then from the bare rows of the other days.
create function sensor_summary(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, first_day date, last_day date, days bigint, servers bigint, accesses bigint, sources bigint,
		countries bigint, accesses_per_server numeric, accesses_per_server_per_day numeric, direct_mail_attempts bigint,
		direct_mail_sources bigint, direct_mail_countries bigint, mails bigint, mails_per_day numeric, busiest_day date,
		busiest_day_mails bigint)
	language sql stable parallel safe
begin atomic
	with observed_bucket as materialized (
		select observed.sensor, observed.bucket_key, observed.servers
		from observed(from_time, to_time, of_sensor, '1 day') as observed
	), period as (
		select bucket.sensor, min(bucket.bucket_key)::date as first_day, max(bucket.bucket_key)::date as last_day, count(*) as days,
			sum(bucket.servers) as server_days
		from observed_bucket as bucket
		group by bucket.sensor
	), covered as (
		select ever.sensor, ever.servers,
			set_masklen(broadcast(ever.prefix)::inet, case family(ever.prefix) when 4 then 32 else 128 end) as last_address,
			max(set_masklen(broadcast(ever.prefix)::inet, case family(ever.prefix) when 4 then 32 else 128 end)) over (
				partition by ever.sensor, family(ever.prefix) order by ever.prefix
				rows between unbounded preceding and 1 preceding) as covered_until
		from (
			select distinct decoy.sensor, decoy.prefix, decoy.servers
			from decoy
			join observation_bucket(from_time, to_time, of_sensor, '1 day') as touched on touched.sensor = decoy.sensor
				and touched.began_at = decoy.began_at
		) as ever
	), distinct_servers as (
		select covered.sensor, sum(covered.servers)::bigint as servers
		from covered
		where covered.covered_until is null or covered.covered_until < covered.last_address
		group by covered.sensor
	), daily as materialized (
		select rows.sensor, bucket_key(rows.quarter, '1 day') as bucket_key, sum(rows.accesses)::bigint as accesses,
			sum(rows.attempts)::bigint as attempts
		from counted_accesses(from_time, to_time, of_sensor) as rows
		group by 1, 2
	), stray as materialized (
		select distinct daily.sensor
		from daily
		left join observed_bucket as bucket on bucket.sensor = daily.sensor and bucket.bucket_key = daily.bucket_key
		where bucket.sensor is null
	), counted as (
		select daily.sensor, sum(daily.accesses)::bigint as accesses, sum(daily.attempts)::bigint as attempts
		from daily
		join observed_bucket as bucket on bucket.sensor = daily.sensor and bucket.bucket_key = daily.bucket_key
		group by daily.sensor
	), visitor as (
		select rows.sensor, rows.source, sum(rows.accesses) > 0 as proxied, sum(rows.attempts) > 0 as direct
		from counted_sources(from_time, to_time, of_sensor) as rows
		where rows.sensor not in (select stray.sensor from stray)
		group by rows.sensor, rows.source
		union all
		select access.sensor, access.source, bool_or(access.protocol is distinct from 'smtp'),
			bool_or(access.protocol is not distinct from 'smtp' and access.depth >= 'rcpt')
		from access
		join observed_bucket as bucket on bucket.sensor = access.sensor and bucket.bucket_key = bucket_key(access.started_at, '1 day')
		where (select count(*) from stray) > 0 and access.sensor in (select stray.sensor from stray) and access.depth >= 'payload'
			and access.started_at >= from_time and access.started_at < to_time
		group by access.sensor, access.source
	), origin as (
		select visitor.sensor,
			count(*) filter (where visitor.proxied) as sources,
			count(distinct nullif(known.country, 'ZZ')) filter (where visitor.proxied) as countries,
			count(*) filter (where visitor.direct) as direct_sources,
			count(distinct nullif(known.country, 'ZZ')) filter (where visitor.direct) as direct_countries
		from visitor
		left join source as known on known.sensor = visitor.sensor and known.source = visitor.source
		group by visitor.sensor
	), mail_of_day as materialized (
		select rows.sensor, bucket_key(rows.quarter, '1 day') as bucket_key, sum(rows.mails)::bigint as mails
		from counted_mails(from_time, to_time, of_sensor) as rows
		join observed_bucket as bucket on bucket.sensor = rows.sensor and bucket.bucket_key = bucket_key(rows.quarter, '1 day')
		where not rows.direct and rows.mails > 0
		group by 1, 2
	), mailed as (
		select mail_of_day.sensor, sum(mail_of_day.mails)::bigint as mails
		from mail_of_day
		group by mail_of_day.sensor
	), busiest as (
		select distinct on (mail_of_day.sensor) mail_of_day.sensor, mail_of_day.bucket_key::date as day, mail_of_day.mails
		from mail_of_day
		order by mail_of_day.sensor, mail_of_day.mails desc, mail_of_day.bucket_key
	)
	select period.sensor, period.first_day, period.last_day, period.days, coalesce(distinct_servers.servers, 0),
		coalesce(counted.accesses, 0), coalesce(origin.sources, 0), coalesce(origin.countries, 0),
		coalesce(counted.accesses, 0)::numeric / nullif(distinct_servers.servers, 0),
		coalesce(counted.accesses, 0)::numeric / nullif(period.server_days, 0),
		coalesce(counted.attempts, 0), coalesce(origin.direct_sources, 0), coalesce(origin.direct_countries, 0),
		coalesce(mailed.mails, 0), coalesce(mailed.mails, 0)::numeric / period.days, busiest.day, coalesce(busiest.mails, 0)
	from period
	left join distinct_servers on distinct_servers.sensor = period.sensor
	left join counted on counted.sensor = period.sensor
	left join origin on origin.sensor = period.sensor
	left join mailed on mailed.sensor = period.sensor
	left join busiest on busiest.sensor = period.sensor
	where check_period(from_time, to_time, of_sensor);
end;
comment on function sensor_summary(timestamptz, timestamptz, text) is 'The text of the report within bounds: what each sensor saw, over the days that it observed (session''s TimeZone); columns and divisors as in view sensor_summary';

create or replace view sensor_summary as
	select sensor, first_day, last_day, days, servers, accesses, sources, countries, accesses_per_server,
		accesses_per_server_per_day, direct_mail_attempts, direct_mail_sources, direct_mail_countries, mails, mails_per_day,
		busiest_day, busiest_day_mails
	from sensor_summary('-infinity', 'infinity');
comment on view sensor_summary is 'Text of the report: what a sensor saw in all, over the days that it observed; accesses_per_server divides by distinct decoy addresses, accesses_per_server_per_day by server-days, mails_per_day by days';

-- the name and the bounds of 0.1
create or replace function sensor_summary_of(first_wanted date, last_wanted date)
	returns table (sensor text, first_day date, last_day date, days bigint, servers bigint, accesses bigint, sources bigint,
		countries bigint, accesses_per_server numeric, accesses_per_server_per_day numeric, direct_mail_attempts bigint,
		direct_mail_sources bigint, direct_mail_countries bigint, mails bigint, mails_per_day numeric, busiest_day date,
		busiest_day_mails bigint)
	language sql stable
begin atomic
	select summary.sensor, summary.first_day, summary.last_day, summary.days, summary.servers, summary.accesses, summary.sources,
		summary.countries, summary.accesses_per_server, summary.accesses_per_server_per_day, summary.direct_mail_attempts,
		summary.direct_mail_sources, summary.direct_mail_countries, summary.mails, summary.mails_per_day, summary.busiest_day,
		summary.busiest_day_mails
	from sensor_summary(first_wanted::timestamptz, (last_wanted + 1)::timestamptz) as summary;
end;
comment on function sensor_summary_of(date, date) is 'sensor_summary by days: from the first to the last named, both included';

revoke execute on function sensor_summary from public;
grant execute on function sensor_summary to otori_read, otori_loader;

-- what was loaded before there were roll-ups
select rollup_rebuild();
