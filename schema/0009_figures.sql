-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0009_figures.sql - what all figures rest on: bounds and buckets of time, what was observed within them, and what was counted.
--
-- In:  tables of 0001, roll-ups of 0005. Out: bucket_key, check_period, observed, observed_port, counted_*. Called by the figures of
-- 0010 to 0012, which are functions with bounds; each view is its function over all time.
--
-- Bounds: from_time is included, to_time is not; -infinity and infinity are all time. What counted_* give is exact for any bounds: whole
-- quarters of an hour come from the roll-ups, the ragged ends from the bare tables; where a roll-up has no time, all time comes
-- from the roll-up and any other bounds from the bare tables (functions bare_* of 0005, which say what is counted). These are SQL functions with one query, so that the planner puts
-- them in line: with bounds that are constants the branches that don't apply are not even planned.

-- To compile a query takes longer than to run it, where sums are added up; and sums of some hundred thousand sources are sorted on disk
-- in the 4 MB that PostgreSQL gives by default. Whoever has set more keeps it.
do $$
begin
	execute format('alter database %I set jit to off', current_database());
	if pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('64MB') then
		execute format('alter database %I set work_mem to %L', current_database(), '64MB');
	end if;
end
$$;

set local role otori_owner;
set local search_path to otori;

-- Days and longer ones begin with local midnight (date_trunc, date_bin on the local clock). An hour that the clock shows twice is two
-- buckets, since the mark at its beginning was reached twice; a mark that the clock jumped over is reached when it jumps.
create function bucket_key(at_time timestamptz, bucket interval) returns timestamptz
	language sql stable parallel safe
	return case
		when bucket = interval '1 day' then date_trunc('day', at_time)
		when bucket < interval '1 day' then case
			when (at_time - (at_time::timestamp - date_bin(bucket, at_time::timestamp, '2000-01-03')))::timestamp
				= date_bin(bucket, at_time::timestamp, '2000-01-03')
			then at_time - (at_time::timestamp - date_bin(bucket, at_time::timestamp, '2000-01-03'))
			else date_bin(bucket, at_time::timestamp, '2000-01-03')::timestamptz
		end
		when extract(year from bucket) = 0 and extract(month from bucket) = 0 then
			date_bin(bucket, at_time::timestamp, '2000-01-03')::timestamptz
		else (date '0001-01-01' - interval '1 year' + div(extract(year from at_time) * 12 + extract(month from at_time) - 1,
			extract(year from bucket) * 12 + extract(month from bucket))::integer * bucket)::timestamptz
	end;
comment on function bucket_key(timestamptz, interval) is 'The bucket of time that holds at_time, by the calendar of the session''s TimeZone: weeks begin on Monday, several days are counted from Monday 2000-01-03, several months from January of the year 0. The same for all times of a bucket; its first moment, but for buckets that begin in an hour which the clock shows twice (function bucket_begin)';

create function bucket_begin(key timestamptz, bucket interval) returns timestamptz
	language sql stable parallel safe
	return case
		when bucket < interval '1 day' then key
		when (key - interval '1 hour')::timestamp = key::timestamp then key - interval '1 hour'
		when (key - interval '30 minutes')::timestamp = key::timestamp then key - interval '30 minutes'
		else key
	end;
comment on function bucket_begin(timestamptz, interval) is 'First moment of a bucket: where the clock shows midnight twice, the first of both';

create function bucket_limit(begins_at timestamptz, bucket interval) returns timestamptz
	language sql stable parallel safe
	return case
		when bucket < interval '1 day' then begins_at + bucket + interval '4 hours'
		else bucket_begin(bucket_key(begins_at + bucket, bucket), bucket)
	end;
comment on function bucket_limit(timestamptz, interval) is 'A time that all of a bucket lies before: where it is a day or longer, the first moment behind it; else a few hours more, for changes of clocks';

-- It is a condition without columns in each figure, which is judged once, before any row is read. A condition beside it that a bound of null
-- makes null would be all of the answer, and this one never judged: such a bound is taken for all time there (coalesce).
create function check_period(from_time timestamptz, to_time timestamptz, of_sensor text, bucket interval default '1 day') returns boolean
	language plpgsql stable parallel safe
	set search_path = otori, pg_temp
as $$
declare
	months numeric := extract(year from bucket) * 12 + extract(month from bucket);
	days numeric := extract(day from bucket);
	seconds numeric := extract(hour from bucket) * 3600 + extract(minute from bucket) * 60 + extract(second from bucket);
begin
	if from_time is null or to_time is null then
		raise exception 'the bounds are % and %: expected two times (-infinity and infinity for all)',
			coalesce(from_time::text, 'null'), coalesce(to_time::text, 'null')
			using errcode = 'null_value_not_allowed';
	end if;
	if from_time > to_time then
		raise exception 'from % is after to %', from_time, to_time using errcode = 'invalid_parameter_value';
	end if;
	if bucket is null or (months <> 0)::integer + (days <> 0)::integer + (seconds <> 0)::integer <> 1
		or months not between 0 and 12 or days not between 0 and 366 or seconds not between 0 and 86400
		or (seconds > 0 and (mod(seconds, 3600) <> 0 or mod(86400, seconds) <> 0)) then
		raise exception 'a bucket of % is not possible: expected 1, 2, 3, 4, 6, 8 or 12 hours, or days, weeks or months up to a year',
			coalesce(bucket::text, 'null')
			using errcode = 'invalid_parameter_value';
	end if;
	if of_sensor is not null and not exists (select from sensor where sensor = of_sensor) then
		raise exception 'no sensor "%" is known: expected %', left(of_sensor, 63),
			coalesce((select string_agg(sensor, ', ' order by sensor) from (select sensor from sensor order by sensor limit 10) as known),
				'one whose journal was loaded')
			using errcode = 'invalid_parameter_value';
	end if;
	if mod(extract(timezone from now()), 900) <> 0 then
		raise exception 'time zone % is not whole quarters of an hour off UTC: expected a name such as Asia/Tokyo or UTC',
			current_setting('TimeZone')
			using errcode = 'invalid_parameter_value';
	end if;
	return true;
end
$$;
comment on function check_period(timestamptz, timestamptz, text, interval) is 'True, or an error that says what was expected: bounds in order, a sensor that is known (null: all), a bucket from an hour to a year, a time zone whose days begin on quarters of an hour';

-- Steps are shorter than any bucket, so that none is stepped over, whatever clocks do.
create function observation_bucket(from_time timestamptz, to_time timestamptz, of_sensor text default null, bucket interval default '1 day')
	returns table (sensor text, began_at timestamptz, ports integer[], bucket_key timestamptz)
	language sql stable parallel safe
begin atomic
	select distinct part.sensor, part.began_at, part.ports, bucket_key(moment.at_time, bucket)
	from (
		select observation.sensor, observation.began_at, observation.ports, greatest(observation.began_at, from_time) as first_moment,
			least(greatest(observation.began_at, observation.until_at - interval '1 microsecond'), to_time - interval '1 microsecond')
				as last_moment
		from observation
		where from_time < to_time and observation.began_at < to_time
			and (observation.until_at > from_time or observation.began_at >= from_time)
			and (of_sensor is null or observation.sensor = of_sensor)
	) as part
	cross join lateral (
		select generate_series(part.first_moment, part.last_moment,
			case when bucket < interval '1 day' then interval '15 minutes' else interval '12 hours' end) as at_time
		union all
		select part.last_moment
	) as moment;
end;
comment on function observation_bucket(timestamptz, timestamptz, text, interval) is 'The buckets of time that each observation touches, within the bounds; its end is exclusive';

-- Prefixes are nested or disjoint. In their order a prefix comes before those within it, so one is within another where an earlier one
-- ends behind it: counting addresses once needs no comparison of each with each.
create function observed(from_time timestamptz, to_time timestamptz, of_sensor text default null, bucket interval default '1 day')
	returns table (sensor text, bucket_key timestamptz, begins_at timestamptz, servers bigint)
	language sql stable parallel safe
begin atomic
	with prefix_of_bucket as (
		select distinct touched.sensor, touched.bucket_key, decoy.prefix, decoy.servers
		from observation_bucket(from_time, to_time, of_sensor, bucket) as touched
		left join decoy on decoy.sensor = touched.sensor and decoy.began_at = touched.began_at
	), covered as (
		select ever.sensor, ever.bucket_key, ever.servers,
			set_masklen(broadcast(ever.prefix)::inet, case family(ever.prefix) when 4 then 32 else 128 end) as last_address,
			max(set_masklen(broadcast(ever.prefix)::inet, case family(ever.prefix) when 4 then 32 else 128 end)) over (
				partition by ever.sensor, ever.bucket_key, family(ever.prefix) order by ever.prefix
				rows between unbounded preceding and 1 preceding) as covered_until
		from prefix_of_bucket as ever
	)
	select covered.sensor, covered.bucket_key, bucket_begin(covered.bucket_key, bucket),
		coalesce(sum(covered.servers) filter (where covered.covered_until is null or covered.covered_until < covered.last_address), 0)::bigint
	from covered
	group by covered.sensor, covered.bucket_key;
end;
comment on function observed(timestamptz, timestamptz, text, interval) is 'The buckets of time in which a sensor observed, if only for a moment, and how many servers it was in each: distinct decoy addresses (an IPv6 prefix shorter than /112 counts as one)';

create function observed_port(from_time timestamptz, to_time timestamptz, of_sensor text default null, bucket interval default '1 day')
	returns table (sensor text, bucket_key timestamptz, decoy_port integer)
	language sql stable parallel safe
begin atomic
	select distinct touched.sensor, touched.bucket_key, offered.port
	from observation_bucket(from_time, to_time, of_sensor, bucket) as touched
	cross join lateral unnest(touched.ports) as offered (port);
end;
comment on function observed_port(timestamptz, timestamptz, text, interval) is 'The ports that a sensor''s decoys offered in each bucket of time in which it observed';

create or replace view observation_day as
	select sensor, began_at, ports, bucket_key::date as day
	from observation_bucket('-infinity', 'infinity', null, '1 day');
comment on column observation_day.day is 'A day on which it observed, if only for a moment; a day that the zone skipped is none';

create or replace view observed_day as
	select sensor, bucket_key::date as day, servers
	from observed('-infinity', 'infinity', null, '1 day');

create or replace view observed_port_day as
	select sensor, bucket_key::date as day, decoy_port
	from observed_port('-infinity', 'infinity', null, '1 day');

-- Observations that touch or overlap are one stretch: an end that lies behind all beginnings so far ends none.
create function observation_gaps(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, stopped_at timestamptz, resumed_at timestamptz, lasted interval)
	language sql stable parallel safe
begin atomic
	select gap.sensor, greatest(gap.stopped_at, from_time), least(gap.resumed_at, to_time),
		least(gap.resumed_at, to_time) - greatest(gap.stopped_at, from_time)
	from (
		select observation.sensor, observation.began_at as resumed_at,
			max(observation.until_at) over (partition by observation.sensor order by observation.began_at
				rows between unbounded preceding and 1 preceding) as stopped_at
		from observation
		where of_sensor is null or observation.sensor = of_sensor
	) as gap
	where gap.stopped_at < gap.resumed_at and gap.resumed_at > coalesce(from_time, '-infinity')
		and gap.stopped_at < coalesce(to_time, 'infinity')
		and check_period(from_time, to_time, of_sensor);
end;
comment on function observation_gaps(timestamptz, timestamptz, text) is 'When a sensor did not observe, between its first and its last observation, within the bounds: what came in a gap is no zero but unknown';

create view observation_gaps as
	select sensor, stopped_at, resumed_at, lasted
	from observation_gaps('-infinity', 'infinity');
comment on view observation_gaps is 'When a sensor did not observe, between its first and its last observation: what came in a gap is no zero but unknown';
comment on column observation_gaps.sensor is 'Name of the sensor';
comment on column observation_gaps.stopped_at is 'First moment of the gap: the end of the observation before it';
comment on column observation_gaps.resumed_at is 'When the sensor observed again';
comment on column observation_gaps.lasted is 'How long the gap lasted: resumed_at - stopped_at';

create function counted_accesses(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, quarter timestamptz, decoy_port integer, relay_port integer, class class, accesses bigint, attempts bigint)
	language sql stable parallel safe
begin atomic
	select rolled.sensor, rolled.quarter, rolled.decoy_port, rolled.relay_port, rolled.class, rolled.accesses, rolled.attempts
	from rollup_access as rolled
	where rolled.quarter >= from_time and rolled.quarter < quarter_of(to_time)
		and (of_sensor is null or rolled.sensor = of_sensor)
	union all
	select early.sensor, early.quarter, early.decoy_port, early.relay_port, early.class, early.accesses, early.attempts
	from bare_access(of_sensor, from_time, least(to_time, quarter_of(from_time) + interval '15 minutes')) as early
	where quarter_of(from_time) <> from_time
	union all
	select late.sensor, late.quarter, late.decoy_port, late.relay_port, late.class, late.accesses, late.attempts
	from bare_access(of_sensor, quarter_of(to_time), to_time) as late
	where quarter_of(to_time) <> to_time
		and quarter_of(to_time) >= from_time;
end;
comment on function counted_accesses(timestamptz, timestamptz, text) is 'Columns as in rollup_access, within any bounds: whole quarters from the roll-up, ragged ends from table access; a quarter may come in several rows';

create function counted_mails(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, quarter timestamptz, direct boolean, probe boolean, mails bigint)
	language sql stable parallel safe
begin atomic
	select rolled.sensor, rolled.quarter, rolled.direct, rolled.probe, rolled.mails
	from rollup_mail as rolled
	where rolled.quarter >= from_time and rolled.quarter < quarter_of(to_time)
		and (of_sensor is null or rolled.sensor = of_sensor)
	union all
	select early.sensor, early.quarter, early.direct, early.probe, early.mails
	from bare_mail(of_sensor, from_time, least(to_time, quarter_of(from_time) + interval '15 minutes')) as early
	where quarter_of(from_time) <> from_time
	union all
	select late.sensor, late.quarter, late.direct, late.probe, late.mails
	from bare_mail(of_sensor, quarter_of(to_time), to_time) as late
	where quarter_of(to_time) <> to_time
		and quarter_of(to_time) >= from_time;
end;
comment on function counted_mails(timestamptz, timestamptz, text) is 'Columns as in rollup_mail, within any bounds: whole quarters from the roll-up, ragged ends from table mail; a quarter may come in several rows';

create function counted_sources(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, source inet, relay_port integer, accesses bigint, attempts bigint)
	language sql stable parallel safe
begin atomic
	select rolled.sensor, rolled.source, rolled.relay_port, rolled.accesses, rolled.attempts
	from rollup_source as rolled
	where from_time = '-infinity' and to_time = 'infinity' and (of_sensor is null or rolled.sensor = of_sensor)
	union all
	select bare.sensor, bare.source, bare.relay_port, bare.accesses, bare.attempts
	from bare_source(of_sensor, from_time, to_time) as bare
	where from_time > '-infinity' or to_time < 'infinity';
end;
comment on function counted_sources(timestamptz, timestamptz, text) is 'Columns as in rollup_source: from there over all time, from table access within other bounds';

create function counted_destinations(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, relay_host text, relay_port integer, accesses bigint)
	language sql stable parallel safe
begin atomic
	select rolled.sensor, rolled.relay_host, rolled.relay_port, rolled.accesses
	from rollup_destination as rolled
	where from_time = '-infinity' and to_time = 'infinity' and (of_sensor is null or rolled.sensor = of_sensor)
	union all
	select bare.sensor, bare.relay_host, bare.relay_port, bare.accesses
	from bare_destination(of_sensor, from_time, to_time) as bare
	where from_time > '-infinity' or to_time < 'infinity';
end;
comment on function counted_destinations(timestamptz, timestamptz, text) is 'Columns as in rollup_destination: from there over all time, from table access within other bounds';

create function counted_direct(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, source inet, kind text, conversations bigint)
	language sql stable parallel safe
begin atomic
	select rolled.sensor, rolled.source, rolled.kind, rolled.conversations
	from rollup_direct as rolled
	where from_time = '-infinity' and to_time = 'infinity' and (of_sensor is null or rolled.sensor = of_sensor)
	union all
	select bare.sensor, bare.source, bare.kind, bare.conversations
	from bare_direct(of_sensor, from_time, to_time) as bare
	where from_time > '-infinity' or to_time < 'infinity';
end;
comment on function counted_direct(timestamptz, timestamptz, text) is 'Columns as in rollup_direct: from there over all time, from table access within other bounds';

create function counted_domains(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, recipient_domain text, mails bigint, recipients bigint, sources bigint, relay_hosts bigint,
		first_seen timestamptz, last_seen timestamptz)
	language sql stable parallel safe
begin atomic
	select rolled.sensor, rolled.recipient_domain, rolled.mails, rolled.recipients, rolled.sources, rolled.relay_hosts,
		rolled.first_seen, rolled.last_seen
	from rollup_domain as rolled
	where from_time = '-infinity' and to_time = 'infinity' and (of_sensor is null or rolled.sensor = of_sensor)
	union all
	select bare.sensor, bare.recipient_domain, bare.mails, bare.recipients, bare.sources, bare.relay_hosts, bare.first_seen,
		bare.last_seen
	from bare_domain(of_sensor, from_time, to_time) as bare
	where from_time > '-infinity' or to_time < 'infinity';
end;
comment on function counted_domains(timestamptz, timestamptz, text) is 'Columns as in rollup_domain: from there over all time, from tables mail and mail_recipient within other bounds';

grant select on observation_gaps to otori_read, otori_loader;

revoke execute on function bucket_key, bucket_begin, bucket_limit, check_period, observation_bucket, observed, observed_port, observation_gaps,
	counted_accesses, counted_mails, counted_sources, counted_destinations, counted_direct,
	counted_domains from public;
grant execute on function bucket_key, bucket_begin, bucket_limit, check_period, observation_bucket, observed, observed_port, observation_gaps,
	counted_accesses, counted_mails, counted_sources, counted_destinations, counted_direct,
	counted_domains to otori_read, otori_loader;
