-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0003_views.sql - the figures: accesses, direct mail and mails by day, and the summary of a sensor.
--
-- In:  tables of 0001. Out: the views that the report prints and others rely on. Called by readers (role otori_read).
--
-- What is counted: conversations with depth >= payload. Direct mail (protocol smtp) is left out of every accesses_* view. Days are those
-- of the session's TimeZone. A day that was observed and saw nothing is a row with 0, a day that was not observed is no row. "Per
-- server" divides by the decoys observed on that day. Quotients are not rounded.

set local role otori_owner;
set local search_path to otori;

create view observation_day as
	select sensor, began_at, ports,
		generate_series(began_at::date::timestamp, greatest(began_at, until_at - interval '1 microsecond')::date::timestamp,
			interval '1 day')::date as day
	from observation;
comment on view observation_day is 'The days (session''s TimeZone) that each observation touches; its end is exclusive';
comment on column observation_day.sensor is 'Name of the sensor';
comment on column observation_day.began_at is 'The observation, by its beginning';
comment on column observation_day.ports is 'Ports that were offered';
comment on column observation_day.day is 'A day on which it observed, if only for a moment';

-- Prefixes are nested or disjoint. In their order a prefix comes before those within it, so one is within another where an earlier one
-- ends behind it: counting addresses once needs no comparison of each with each.
create view observed_day as
	with prefix_of_day as (
		select distinct observed.sensor, observed.day, decoy.prefix, decoy.servers
		from observation_day as observed
		left join decoy on decoy.sensor = observed.sensor and decoy.began_at = observed.began_at
	), covered as (
		select sensor, day, servers,
			set_masklen(broadcast(prefix)::inet, case family(prefix) when 4 then 32 else 128 end) as last_address,
			max(set_masklen(broadcast(prefix)::inet, case family(prefix) when 4 then 32 else 128 end)) over (
				partition by sensor, day, family(prefix) order by prefix
				rows between unbounded preceding and 1 preceding) as covered_until
		from prefix_of_day
	)
	select sensor, day, coalesce(sum(servers) filter (where covered_until is null or covered_until < last_address), 0)::bigint as servers
	from covered
	group by sensor, day;
comment on view observed_day is 'The days on which a sensor observed, and how many servers it was on each';
comment on column observed_day.sensor is 'Name of the sensor';
comment on column observed_day.day is 'The day (session''s TimeZone)';
comment on column observed_day.servers is 'Distinct decoy addresses observed on that day (an IPv6 prefix shorter than /112 counts as one)';

create view observed_port_day as
	select distinct sensor, day, offered.port as decoy_port
	from observation_day cross join lateral unnest(ports) as offered (port);
comment on view observed_port_day is 'The ports that a sensor''s decoys offered on each day it observed';
comment on column observed_port_day.sensor is 'Name of the sensor';
comment on column observed_port_day.day is 'The day (session''s TimeZone)';
comment on column observed_port_day.decoy_port is 'The port';

create view accesses_by_port_daily as
	select observed.day, observed.sensor, offered.decoy_port, coalesce(counted.accesses, 0) as accesses, observed.servers,
		coalesce(counted.accesses, 0)::numeric / nullif(observed.servers, 0) as accesses_per_server
	from observed_day as observed
	join observed_port_day as offered on offered.sensor = observed.sensor and offered.day = observed.day
	left join (
		select sensor, started_at::date as day, decoy_port, count(*) as accesses
		from access
		where depth >= 'payload' and protocol is distinct from 'smtp'
		group by sensor, started_at::date, decoy_port
	) as counted on counted.sensor = observed.sensor and counted.day = observed.day and counted.decoy_port = offered.decoy_port;
comment on view accesses_by_port_daily is 'Figure 4: accesses per server per day by listening port; a row for each port that was offered on that day';
comment on column accesses_by_port_daily.day is 'The day (session''s TimeZone)';
comment on column accesses_by_port_daily.sensor is 'Name of the sensor';
comment on column accesses_by_port_daily.decoy_port is 'Port of the decoys';
comment on column accesses_by_port_daily.accesses is 'Accesses with depth >= payload, without direct mail';
comment on column accesses_by_port_daily.servers is 'Decoy addresses observed on that day';
comment on column accesses_by_port_daily.accesses_per_server is 'accesses / servers';

create view accesses_by_relay_port_daily as
	select observed.day, observed.sensor, counted.decoy_port, counted.relay_port, counted.class, counted.accesses, observed.servers,
		counted.accesses::numeric / nullif(observed.servers, 0) as accesses_per_server
	from observed_day as observed
	join (
		select sensor, started_at::date as day, decoy_port, case when class <> 'exploit' then relay_port end as relay_port, class,
			count(*) as accesses
		from access
		where depth >= 'payload' and protocol is distinct from 'smtp'
		group by 1, 2, 3, 4, 5
	) as counted on counted.sensor = observed.sensor and counted.day = observed.day;
comment on view accesses_by_relay_port_daily is 'Figures 5a to 5d: accesses per server per day by listening port, relay port and class; no rows with 0; the sum over listening ports is figure 5a';
comment on column accesses_by_relay_port_daily.day is 'The day (session''s TimeZone)';
comment on column accesses_by_relay_port_daily.sensor is 'Name of the sensor';
comment on column accesses_by_relay_port_daily.decoy_port is 'Port of the decoys';
comment on column accesses_by_relay_port_daily.relay_port is 'Port of the relay that was asked for first; null: none was asked for, or class exploit';
comment on column accesses_by_relay_port_daily.class is 'What the accesses were for';
comment on column accesses_by_relay_port_daily.accesses is 'Accesses with depth >= payload, without direct mail';
comment on column accesses_by_relay_port_daily.servers is 'Decoy addresses observed on that day';
comment on column accesses_by_relay_port_daily.accesses_per_server is 'accesses / servers';

create view direct_mail_daily as
	select observed.day, observed.sensor, coalesce(counted.attempts, 0) as attempts, observed.servers,
		coalesce(counted.attempts, 0)::numeric / nullif(observed.servers, 0) as attempts_per_server
	from observed_day as observed
	left join observed_port_day as offered on offered.sensor = observed.sensor and offered.day = observed.day and offered.decoy_port = 25
	left join (
		select sensor, started_at::date as day, count(*) as attempts
		from access
		where depth >= 'rcpt' and protocol = 'smtp'
		group by sensor, started_at::date
	) as counted on counted.sensor = observed.sensor and counted.day = observed.day
	where offered.decoy_port is not null or counted.attempts is not null;
comment on view direct_mail_daily is 'Figure 9: relay attempts by SMTP spoken to the decoy itself, on whatever port; a row for each day on which port 25 was offered, and for each with attempts';
comment on column direct_mail_daily.day is 'The day (session''s TimeZone)';
comment on column direct_mail_daily.sensor is 'Name of the sensor';
comment on column direct_mail_daily.attempts is 'Direct conversations that named a recipient (depth rcpt or data)';
comment on column direct_mail_daily.servers is 'Decoy addresses observed on that day';
comment on column direct_mail_daily.attempts_per_server is 'attempts / servers';

create view mails_daily as
	select observed.day, observed.sensor, coalesce(counted.mails, 0) as mails, observed.servers,
		coalesce(counted.mails, 0)::numeric / nullif(observed.servers, 0) as mails_per_server
	from observed_day as observed
	left join (
		select sensor, received_at::date as day, count(*) as mails
		from mail
		where complete and not direct
		group by sensor, received_at::date
	) as counted on counted.sensor = observed.sensor and counted.day = observed.day;
comment on view mails_daily is 'Figure 12: complete mails taken through a proxy request, per server per day; a row for each day that was observed';
comment on column mails_daily.day is 'The day (session''s TimeZone)';
comment on column mails_daily.sensor is 'Name of the sensor';
comment on column mails_daily.mails is 'Complete mails through a proxy request (direct ones are left out)';
comment on column mails_daily.servers is 'Decoy addresses observed on that day';
comment on column mails_daily.mails_per_server is 'mails / servers';

-- The summary of some days; the view below is that of all. Bounds on the times themselves let months be left out.
create function sensor_summary_of(first_wanted date, last_wanted date)
	returns table (sensor text, first_day date, last_day date, days bigint, servers bigint, accesses bigint, sources bigint,
		countries bigint, accesses_per_server numeric, accesses_per_server_per_day numeric, direct_mail_attempts bigint,
		direct_mail_sources bigint, direct_mail_countries bigint, mails bigint, mails_per_day numeric, busiest_day date,
		busiest_day_mails bigint)
	language sql stable
begin atomic
	with wanted_day as (
		select day.sensor, day.day, day.servers
		from observed_day as day
		where day.day between first_wanted and last_wanted
	), observed as (
		select day.sensor, min(day.day) as first_day, max(day.day) as last_day, count(*) as days, sum(day.servers) as server_days
		from wanted_day as day
		group by day.sensor
	), covered as (
		select ever.sensor, ever.servers,
			set_masklen(broadcast(ever.prefix)::inet, case family(ever.prefix) when 4 then 32 else 128 end) as last_address,
			max(set_masklen(broadcast(ever.prefix)::inet, case family(ever.prefix) when 4 then 32 else 128 end)) over (
				partition by ever.sensor, family(ever.prefix) order by ever.prefix
				rows between unbounded preceding and 1 preceding) as covered_until
		from (
			select distinct decoy.sensor, decoy.prefix, decoy.servers
			from decoy
			join observation_day as day on day.sensor = decoy.sensor and day.began_at = decoy.began_at
			where day.day between first_wanted and last_wanted
		) as ever
	), distinct_servers as (
		select covered.sensor, sum(covered.servers)::bigint as servers
		from covered
		where covered.covered_until is null or covered.covered_until < covered.last_address
		group by covered.sensor
	), visitor as (
		-- one row for each visitor first: to tell a few addresses apart is cheaper than to sort all accesses by theirs
		select access.sensor, access.source, access.protocol = 'smtp' and access.protocol is not null as direct, count(*) as conversations
		from access
		join wanted_day as day on day.sensor = access.sensor and day.day = access.started_at::date
		where access.started_at >= first_wanted::timestamptz and access.started_at < (last_wanted + 1)::timestamptz
			and access.depth >= case when access.protocol = 'smtp' then 'rcpt'::depth else 'payload'::depth end
		group by 1, 2, 3
	), counted as (
		select visitor.sensor,
			sum(visitor.conversations) filter (where not visitor.direct) as accesses,
			count(*) filter (where not visitor.direct) as sources,
			count(distinct nullif(known.country, 'ZZ')) filter (where not visitor.direct) as countries,
			sum(visitor.conversations) filter (where visitor.direct) as direct_mail_attempts,
			count(*) filter (where visitor.direct) as direct_mail_sources,
			count(distinct nullif(known.country, 'ZZ')) filter (where visitor.direct) as direct_mail_countries
		from visitor
		left join source as known on known.sensor = visitor.sensor and known.source = visitor.source
		group by visitor.sensor
	), mailed as (
		select daily.sensor, sum(daily.mails)::bigint as mails
		from mails_daily as daily
		where daily.day between first_wanted and last_wanted
		group by daily.sensor
	), busiest as (
		select distinct on (daily.sensor) daily.sensor, daily.day, daily.mails
		from mails_daily as daily
		where daily.mails > 0 and daily.day between first_wanted and last_wanted
		order by daily.sensor, daily.mails desc, daily.day
	)
	select observed.sensor, observed.first_day, observed.last_day, observed.days, coalesce(distinct_servers.servers, 0),
		coalesce(counted.accesses, 0)::bigint, coalesce(counted.sources, 0), coalesce(counted.countries, 0),
		coalesce(counted.accesses, 0)::numeric / nullif(distinct_servers.servers, 0),
		coalesce(counted.accesses, 0)::numeric / nullif(observed.server_days, 0),
		coalesce(counted.direct_mail_attempts, 0)::bigint, coalesce(counted.direct_mail_sources, 0), coalesce(counted.direct_mail_countries, 0),
		mailed.mails, mailed.mails::numeric / observed.days, busiest.day, coalesce(busiest.mails, 0)
	from observed
	join mailed on mailed.sensor = observed.sensor
	left join distinct_servers on distinct_servers.sensor = observed.sensor
	left join counted on counted.sensor = observed.sensor
	left join busiest on busiest.sensor = observed.sensor;
end;
comment on function sensor_summary_of(date, date) is 'The summary of each sensor over the days from the first to the last named, both included (session''s TimeZone); columns as in view sensor_summary';

create view sensor_summary as
	select sensor, first_day, last_day, days, servers, accesses, sources, countries, accesses_per_server,
		accesses_per_server_per_day, direct_mail_attempts, direct_mail_sources, direct_mail_countries, mails, mails_per_day,
		busiest_day, busiest_day_mails
	from sensor_summary_of('-infinity', 'infinity');
comment on view sensor_summary is 'What a sensor saw in all, over the days that it observed';
comment on column sensor_summary.sensor is 'Name of the sensor';
comment on column sensor_summary.first_day is 'First day that was observed (session''s TimeZone)';
comment on column sensor_summary.last_day is 'Last day that was observed';
comment on column sensor_summary.days is 'Days that were observed';
comment on column sensor_summary.servers is 'Distinct decoy addresses over all days';
comment on column sensor_summary.accesses is 'Accesses with depth >= payload, without direct mail';
comment on column sensor_summary.sources is 'Distinct source addresses of those';
comment on column sensor_summary.countries is 'Distinct countries of those sources, unknown ones aside';
comment on column sensor_summary.accesses_per_server is 'accesses / servers';
comment on column sensor_summary.accesses_per_server_per_day is 'accesses / the sum over the days of the servers observed on each';
comment on column sensor_summary.direct_mail_attempts is 'Direct SMTP conversations that named a recipient';
comment on column sensor_summary.direct_mail_sources is 'Distinct source addresses of those';
comment on column sensor_summary.direct_mail_countries is 'Distinct countries of those sources, unknown ones aside';
comment on column sensor_summary.mails is 'Complete mails through a proxy request';
comment on column sensor_summary.mails_per_day is 'mails / days';
comment on column sensor_summary.busiest_day is 'The day with most of these mails, of two the earlier; null: there were none';
comment on column sensor_summary.busiest_day_mails is 'Mails of that day';

grant select on observation_day, observed_day, observed_port_day, accesses_by_port_daily, accesses_by_relay_port_daily,
	direct_mail_daily, mails_daily, sensor_summary to otori_read, otori_loader;
revoke execute on function sensor_summary_of(date, date) from public;
grant execute on function sensor_summary_of(date, date) to otori_read, otori_loader;
