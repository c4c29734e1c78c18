-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0014_rollup_syn.sql - SYNs and their distinct sources by quarter of an hour, so that the sources of a day need not be told apart again.
--
-- In:  table syn_source. Out: rollup_syn, which days it covers, and function port_activity on top of it. Called by collector/loader (in the
-- transaction that loads the rows) and by readers.
--
-- How many distinct sources came in a day can't be summed up from its quarters, and where a day begins depends on the zone. But a source is new in
-- a day exactly where its last SYN lies before the day's begin. So each quarter keeps how many of its sources had not come for how long: that many
-- are new in a day that began so long before. Summed over a day's quarters that is the number of its sources, exactly, in whatever zone.
--
-- What a quarter keeps depends on the 25 hours before it, so a UTC day is summed when it is over, and once more where a late
-- segment brings rows to it. Days that are not summed are counted from the rows, as ever: the newest one or two, and what nobody told of.

set local role otori_owner;
set local search_path to otori;

create table rollup_syn (
	sensor text not null,
	quarter timestamptz not null,
	decoy_port integer not null,
	syns double precision not null,
	sources integer[] not null,
	primary key (sensor, quarter, decoy_port)
);
comment on table rollup_syn is 'SYNs and their distinct sources by quarter of an hour and port, of the UTC days that rollup_syn_day calls summed';
comment on column rollup_syn.sensor is 'Name of the sensor';
comment on column rollup_syn.quarter is 'Start of the quarter of an hour';
comment on column rollup_syn.decoy_port is 'TCP port of the decoys';
comment on column rollup_syn.syns is 'SYNs as estimated from the sample: the sum of syn_source.estimated';
comment on column rollup_syn.sources is 'Element n: distinct sources that had not come to the port in the n - 1 quarters before; the last element holds for all longer times up to 25 hours. So the first is all sources of the quarter';

create table rollup_syn_day (
	sensor text not null,
	day date not null,
	summed boolean not null,
	primary key (sensor, day)
);
comment on table rollup_syn_day is 'UTC days of which rows of syn_source were loaded';
comment on column rollup_syn_day.sensor is 'Name of the sensor';
comment on column rollup_syn_day.day is 'The day (UTC)';
comment on column rollup_syn_day.summed is 'True: rollup_syn holds all of it; false: it waits for its end, or late rows came';

-- The one place that says what rollup_syn sums. Quarters are numbered; a gap of 100 of them is as good as any longer one, since no day has more.
create function bare_syn(of_sensor text, from_time timestamptz default '-infinity', to_time timestamptz default 'infinity')
	returns setof rollup_syn
	language sql stable parallel safe
begin atomic
	with visit as (
		select rows.sensor, rows.decoy_port, rows.source, (date_part('epoch', rows.quarter) / 900)::integer as number, sum(rows.estimated) as syns
		from syn_source as rows
		where (rows.sensor = of_sensor or of_sensor is null) and rows.quarter >= from_time - interval '25 hours' and rows.quarter < to_time
		group by rows.sensor, rows.decoy_port, rows.source, rows.quarter
	), away as (
		select visit.sensor, visit.decoy_port, visit.number, visit.syns,
			least(coalesce(visit.number - lag(visit.number) over (
				partition by visit.sensor, visit.decoy_port, visit.source order by visit.number), 100), 100) as gap
		from visit
	), counted as (
		select away.sensor, away.number, away.decoy_port, away.gap, count(*) as sources, sum(away.syns) as syns
		from away
		group by away.sensor, away.number, away.decoy_port, away.gap
	), listed as (
		select counted.sensor, to_timestamp(counted.number * 900.0) as quarter, counted.decoy_port, sum(counted.syns) as syns,
			sum(counted.sources) as sources, array_agg(counted.gap) as gaps, array_agg(counted.sources) as of_gaps,
			coalesce(max(counted.gap) filter (where counted.gap < 100), 0) as longest
		from counted
		group by counted.sensor, counted.number, counted.decoy_port
	)
	select listed.sensor, listed.quarter, listed.decoy_port, listed.syns,
		case when listed.longest = 0 then array[listed.sources::integer] else array(
			select (listed.sources - coalesce(sum(of_gap.sources) filter (where of_gap.gap <= quarters.before), 0))::integer
			from generate_series(0, listed.longest) as quarters (before)
			cross join unnest(listed.gaps, listed.of_gaps) as of_gap (gap, sources)
			group by quarters.before
			order by quarters.before
		) end
	from listed
	where listed.quarter >= from_time;
end;
comment on function bare_syn(text, timestamptz, timestamptz) is 'What rollup_syn holds if it is right, of one sensor or (null) all, between two times that are whole quarters of an hour (the second excluded), out of table syn_source';

-- Days one after another are summed at once: each reads the day before it as well.
create function rollup_syn_sum(of_sensor text, before_day date) returns void
	language plpgsql security definer
	set search_path = otori, pg_temp
as $$
declare
	stretch record;
begin
	for stretch in
		select min(due.day)::timestamp at time zone 'UTC' as begins_at, (max(due.day) + 1)::timestamp at time zone 'UTC' as ends_before
		from (
			select waiting.day, waiting.day - row_number() over (order by waiting.day)::integer as run
			from rollup_syn_day as waiting
			where waiting.sensor = of_sensor and not waiting.summed and waiting.day < before_day
		) as due
		group by due.run
		order by 1
	loop
		delete from rollup_syn as kept
			where kept.sensor = of_sensor and kept.quarter >= stretch.begins_at and kept.quarter < stretch.ends_before;
		insert into rollup_syn (sensor, quarter, decoy_port, syns, sources)
			select bare.sensor, bare.quarter, bare.decoy_port, bare.syns, bare.sources
			from bare_syn(of_sensor, stretch.begins_at, stretch.ends_before) as bare;
	end loop;
	update rollup_syn_day as waiting set summed = true
		where waiting.sensor = of_sensor and not waiting.summed and waiting.day < before_day;
end
$$;
comment on function rollup_syn_sum(text, date) is 'Sums up the days of a sensor before one (UTC) that wait for it. Whoever calls it has the lock (rollup_lock)';

-- What came between a source's two visits changes the later one's gap, up to 25 hours on: in the two days that follow. Two hours after
-- its end a day is summed: by then all workers' segments have come.
create function rollup_add_syn(of_sensor text, quarters timestamptz[]) returns void
	language plpgsql security definer
	set search_path = otori, pg_temp
as $$
declare
	touched date[] := array(select distinct (came.quarter at time zone 'UTC')::date from unnest(quarters) as came (quarter));
	newest timestamptz := (select max(came.quarter) from unnest(quarters) as came (quarter));
begin
	update rollup_syn_day as late set summed = false
		where late.sensor = of_sensor and late.summed
			and exists (select from unnest(touched) as came (day) where late.day between came.day and came.day + 2);
	insert into rollup_syn_day (sensor, day, summed)
		select of_sensor, came.day, false from unnest(touched) as came (day)
		on conflict do nothing;
	perform rollup_syn_sum(of_sensor, ((newest - interval '2 hours') at time zone 'UTC')::date);
end
$$;
comment on function rollup_add_syn(text, timestamptz[]) is 'Tells of which quarters of an hour rows of syn_source were loaded, and sums up the days that are over';

-- Bucket by bucket: to tell apart the sources of one day at a time takes a table that fits the processor's cache. Days that lie within
-- the bounds and are summed come from rollup_syn.
create or replace function port_activity(from_time timestamptz, to_time timestamptz, of_sensor text default null, bucket interval default '1 day')
	returns table (begins_at timestamptz, sensor text, decoy_port integer, syns double precision, sources bigint, accesses bigint)
	language sql stable parallel safe
begin atomic
	with bucket_limits as (
		select bucket_of.sensor, bucket_of.bucket_key, bucket_of.begins_at, bucket_limit(bucket_of.begins_at, bucket) as ends_before
		from observed(from_time, to_time, of_sensor, bucket) as bucket_of
	), day as materialized (
		select limits.sensor, limits.bucket_key, limits.begins_at, limits.ends_before,
			bucket >= interval '1 day' and limits.ends_before - limits.begins_at <= interval '25 hours'
				and limits.begins_at >= from_time and limits.ends_before <= to_time
				and (
					select count(*)
					from rollup_syn_day as covered
					where covered.sensor = limits.sensor and covered.summed
						and covered.day between (limits.begins_at at time zone 'UTC')::date
							and ((limits.ends_before - interval '15 minutes') at time zone 'UTC')::date
				) = ((limits.ends_before - interval '15 minutes') at time zone 'UTC')::date - (limits.begins_at at time zone 'UTC')::date + 1
				as summed
		from bucket_limits as limits
	)
	select observed.begins_at, observed.sensor, counted.decoy_port, counted.syns, counted.sources, counted.accesses
	from day as observed
	join (
		select part.sensor, part.bucket_key, part.decoy_port, sum(part.syns) as syns, sum(part.sources)::bigint as sources,
			sum(part.accesses)::bigint as accesses
		from (
			select offered.sensor, offered.bucket_key, offered.decoy_port, 0::double precision as syns, 0::bigint as sources,
				0::bigint as accesses
			from observed_port(from_time, to_time, of_sensor, bucket) as offered
			union all
			select day.sensor, day.bucket_key, visitors.decoy_port, visitors.syns, visitors.sources, 0
			from day
			cross join lateral (
				select kept.decoy_port, sum(kept.syns) as syns,
					sum(kept.sources[1 + least((date_part('epoch', kept.quarter - day.begins_at) / 900)::integer, cardinality(kept.sources) - 1)])
						as sources
				from rollup_syn as kept
				where kept.sensor = day.sensor and kept.quarter >= day.begins_at and kept.quarter < day.ends_before
				group by kept.decoy_port
			) as visitors
			where day.summed
			union all
			select day.sensor, day.bucket_key, visitors.decoy_port, visitors.syns, visitors.sources, 0
			from day
			cross join lateral (
				select visitor.decoy_port, sum(visitor.syns) as syns, count(*) as sources
				from (
					select rows.decoy_port, rows.source, sum(rows.syns) as syns
					from counted_syns(from_time, to_time, of_sensor) as rows
					where rows.sensor = day.sensor and rows.quarter >= day.begins_at and rows.quarter < day.ends_before
						and (bucket >= interval '1 day' or bucket_key(rows.quarter, bucket) = day.bucket_key)
					group by rows.decoy_port, rows.source
				) as visitor
				group by visitor.decoy_port
			) as visitors
			where not day.summed
			union all
			select rows.sensor, bucket_key(rows.quarter, bucket), rows.decoy_port, 0, 0, rows.accesses
			from counted_accesses(from_time, to_time, of_sensor) as rows
			where rows.accesses > 0
		) as part
		group by part.sensor, part.bucket_key, part.decoy_port
	) as counted on counted.sensor = observed.sensor and counted.bucket_key = observed.bucket_key
	where check_period(from_time, to_time, of_sensor, bucket);
end;

grant select on rollup_syn, rollup_syn_day to otori_loader, otori_read;
revoke execute on function bare_syn, rollup_syn_sum, rollup_add_syn from public;
grant execute on function bare_syn to otori_read, otori_loader;
grant execute on function rollup_add_syn to otori_loader;

-- what was loaded before
insert into rollup_syn_day (sensor, day, summed)
	select distinct sensor, (quarter at time zone 'UTC')::date, false from syn_source;
select rollup_syn_sum(sensor, max(day) + 1) from rollup_syn_day group by sensor;
