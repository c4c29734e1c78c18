-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0016_rollups_whole.sql - all roll-ups are made anew and compared together, those of 0014 and 0015 too; the summary adds up quicker.
--
-- In:  rollup_rebuild and rollup_difference of 0005, functions bare_* of 0014 and 0015. Out: both of these names, for all roll-ups; function
-- sensor_summary. Called by operators, tests and readers.

set local role otori_owner;
set local search_path to otori;

alter function rollup_rebuild(text, boolean) rename to rollup_rebuild_sums;
comment on function rollup_rebuild_sums(text, boolean) is 'The part of rollup_rebuild that makes sums of accesses and mails anew';

-- Days are told apart in rollup_syn, so those that retention took the rows of stay as they are.
create function rollup_rebuild_syn(of_sensor text) returns void
	language plpgsql
	set search_path = otori, pg_temp
as $$
declare
	first_day date := (select min((bare.quarter at time zone 'UTC')::date) from syn_source as bare where bare.sensor = of_sensor);
begin
	if first_day is null then
		return;
	end if;
	delete from rollup_syn as kept where kept.sensor = of_sensor and kept.quarter >= first_day::timestamp at time zone 'UTC';
	delete from rollup_syn_day as kept where kept.sensor = of_sensor and kept.day >= first_day;
	insert into rollup_syn_day (sensor, day, summed)
		select distinct of_sensor, (bare.quarter at time zone 'UTC')::date, false from syn_source as bare where bare.sensor = of_sensor;
	perform rollup_syn_sum(of_sensor, 'infinity');
end
$$;
comment on function rollup_rebuild_syn(text) is 'The part of rollup_rebuild that makes rollup_syn anew';

create function rollup_rebuild(of_sensor text default null, forced boolean default false) returns void
	language plpgsql
	set search_path = otori, pg_temp
as $$
declare
	one text;
begin
	perform rollup_rebuild_sums(of_sensor, forced);
	for one in
		select known.sensor from sensor as known where known.sensor = of_sensor or of_sensor is null
		union select bare.sensor from syn_source as bare where of_sensor is null
		union select bare.sensor from access as bare where of_sensor is null
		union select kept.sensor from rollup_chain as kept where of_sensor is null
		union select of_sensor where of_sensor is not null
		order by 1
	loop
		perform rollup_lock(one);
		perform rollup_rebuild_syn(one);
		delete from rollup_chain as kept where kept.sensor = one;
		insert into rollup_chain (sensor, access, started_at, source, hops, path)
			select sensor, access, started_at, source, hops, path from bare_chain(one);
	end loop;
end
$$;
comment on function rollup_rebuild(text, boolean) is 'Makes the roll-ups of one sensor or (null) of all anew from the bare tables. Those know only what retention has left: where roll-ups reach further back, it refuses, unless forced';

alter view rollup_difference rename to rollup_difference_sums;
comment on view rollup_difference_sums is 'The part of rollup_difference that compares sums of accesses and mails';

create view rollup_difference as
	select sensor, rollup, kept, bare
	from rollup_difference_sums
	union all
	select coalesce(kept.sensor, bare.sensor), 'rollup_syn', to_jsonb(kept), to_jsonb(bare)
	from rollup_syn as kept
	full join (
		select rows.sensor, rows.quarter, rows.decoy_port, rows.syns, rows.sources
		from bare_syn(null) as rows
		join rollup_syn_day as covered on covered.sensor = rows.sensor and covered.day = (rows.quarter at time zone 'UTC')::date and covered.summed
	) as bare on bare.sensor = kept.sensor and bare.quarter = kept.quarter and bare.decoy_port = kept.decoy_port
	-- the order of adding moves the last digits of a sum of fractions
	where (kept.sources is distinct from bare.sources or abs(kept.syns - bare.syns) > 1e-9 * kept.syns)
		and not exists (
			select from rollup_syn_day as waiting
			where waiting.sensor = kept.sensor and waiting.day = (kept.quarter at time zone 'UTC')::date and not waiting.summed
		)
	union all
	select coalesce(kept.sensor, bare.sensor), 'rollup_chain', to_jsonb(kept), to_jsonb(bare)
	from rollup_chain as kept
	full join bare_chain(null) as bare on bare.sensor = kept.sensor and bare.access = kept.access and bare.started_at = kept.started_at
	where kept is distinct from bare;
comment on view rollup_difference is 'Rows of the roll-ups that are not what the bare tables give; empty: all is right. It reads all rows, so it takes its time. Where retention has taken rows away, the roll-ups of those differ, and are right';
comment on column rollup_difference.sensor is 'Name of the sensor';
comment on column rollup_difference.rollup is 'The roll-up';
comment on column rollup_difference.kept is 'Its row; null: it has none';
comment on column rollup_difference.bare is 'What the bare tables give; null: nothing';

grant select on rollup_difference to otori_loader, otori_read;
revoke execute on function rollup_rebuild, rollup_rebuild_syn from public;

-- Visitors are counted by country, which needs no order among some hundred thousand of them.
-- Sources come from the roll-up, unless there were accesses on days that nobody observed: then from the bare rows of the other days.
create or replace function sensor_summary(from_time timestamptz, to_time timestamptz, of_sensor text default null)
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
		select rows.sensor, rows.source, bool_or(rows.accesses > 0) as proxied, bool_or(rows.attempts > 0) as direct
		from counted_sources(from_time, to_time, of_sensor) as rows
		where (select count(*) from stray) = 0 or rows.sensor not in (select stray.sensor from stray)
		group by rows.sensor, rows.source
		union all
		select access.sensor, access.source, bool_or(access.protocol is distinct from 'smtp'),
			bool_or(access.protocol is not distinct from 'smtp' and access.depth >= 'rcpt')
		from access
		join observed_bucket as bucket on bucket.sensor = access.sensor and bucket.bucket_key = bucket_key(access.started_at, '1 day')
		where (select count(*) from stray) > 0 and access.sensor in (select stray.sensor from stray) and access.depth >= 'payload'
			and access.started_at >= from_time and access.started_at < to_time
		group by access.sensor, access.source
	), home as (
		select visitor.sensor, nullif(known.country, 'ZZ') as country, count(*) filter (where visitor.proxied) as sources,
			count(*) filter (where visitor.direct) as direct_sources
		from visitor
		left join source as known on known.sensor = visitor.sensor and known.source = visitor.source
		group by visitor.sensor, nullif(known.country, 'ZZ')
	), origin as (
		select home.sensor, sum(home.sources)::bigint as sources, count(home.country) filter (where home.sources > 0) as countries,
			sum(home.direct_sources)::bigint as direct_sources, count(home.country) filter (where home.direct_sources > 0) as direct_countries
		from home
		group by home.sensor
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
