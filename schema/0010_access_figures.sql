-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0010_access_figures.sql - the figures of accesses: by port, by relay port, by country, by line; activity on ports; chains of proxies.
--
-- In:  functions of 0009, tables source, relay_destination, syn_source, hop. Out: a function with bounds and a view for each figure. Called by
-- readers (role otori_read).
--
-- What is counted: conversations with depth >= payload. Direct mail (protocol smtp) is left out. "Per server" divides by the decoys
-- observed in that bucket of time. A bucket that was observed and saw nothing is a row with 0, one that was not observed is no
-- row. Quotients and shares are not rounded; a share is a fraction of 1. Bounds: from_time is included, to_time is not.

set local role otori_owner;
set local search_path to otori;

create function accesses_by_port(from_time timestamptz, to_time timestamptz, of_sensor text default null, bucket interval default '1 day')
	returns table (begins_at timestamptz, sensor text, decoy_port integer, accesses bigint, servers bigint, accesses_per_server numeric)
	language sql stable parallel safe
begin atomic
	select observed.begins_at, observed.sensor, counted.decoy_port, counted.accesses, observed.servers,
		counted.accesses::numeric / nullif(observed.servers, 0)
	from observed(from_time, to_time, of_sensor, bucket) as observed
	join (
		select part.sensor, part.bucket_key, part.decoy_port, sum(part.accesses)::bigint as accesses
		from (
			select offered.sensor, offered.bucket_key, offered.decoy_port, 0::bigint as accesses
			from observed_port(from_time, to_time, of_sensor, bucket) as offered
			union all
			select rows.sensor, bucket_key(rows.quarter, bucket), rows.decoy_port, rows.accesses
			from counted_accesses(from_time, to_time, of_sensor) as rows
			where rows.accesses > 0
		) as part
		group by part.sensor, part.bucket_key, part.decoy_port
	) as counted on counted.sensor = observed.sensor and counted.bucket_key = observed.bucket_key
	where check_period(from_time, to_time, of_sensor, bucket);
end;
comment on function accesses_by_port(timestamptz, timestamptz, text, interval) is 'Figure 4 within bounds: accesses by listening port in each bucket of time (an hour to a year, local calendar); accesses_per_server = accesses / decoy addresses observed in that bucket; a row for each port that was offered in it';

create or replace view accesses_by_port_daily as
	select begins_at::date as day, sensor, decoy_port, accesses, servers, accesses_per_server
	from accesses_by_port('-infinity', 'infinity', null, '1 day');
comment on view accesses_by_port_daily is 'Figure 4: accesses per server per day by listening port; divided by the decoy addresses observed on that day; a row for each port that was offered on that day';

create function accesses_by_relay_port(from_time timestamptz, to_time timestamptz, of_sensor text default null,
	bucket interval default '1 day')
	returns table (begins_at timestamptz, sensor text, decoy_port integer, relay_port integer, class class, accesses bigint, servers bigint,
		accesses_per_server numeric)
	language sql stable parallel safe
begin atomic
	select observed.begins_at, observed.sensor, counted.decoy_port, nullif(counted.relay_port, -1), counted.class, counted.accesses,
		observed.servers, counted.accesses::numeric / nullif(observed.servers, 0)
	from observed(from_time, to_time, of_sensor, bucket) as observed
	join (
		select rows.sensor, bucket_key(rows.quarter, bucket) as bucket_key, rows.decoy_port, rows.relay_port, rows.class,
			sum(rows.accesses)::bigint as accesses
		from counted_accesses(from_time, to_time, of_sensor) as rows
		where rows.accesses > 0
		group by 1, 2, 3, 4, 5
	) as counted on counted.sensor = observed.sensor and counted.bucket_key = observed.bucket_key
	where check_period(from_time, to_time, of_sensor, bucket);
end;
comment on function accesses_by_relay_port(timestamptz, timestamptz, text, interval) is 'Figures 5a to 5d within bounds: accesses by listening port, relay port and class in each bucket of time (an hour to a year, local calendar); accesses_per_server = accesses / decoy addresses observed in that bucket; no rows with 0; the sum over listening ports is figure 5a';

create or replace view accesses_by_relay_port_daily as
	select begins_at::date as day, sensor, decoy_port, relay_port, class, accesses, servers, accesses_per_server
	from accesses_by_relay_port('-infinity', 'infinity', null, '1 day');
comment on view accesses_by_relay_port_daily is 'Figures 5a to 5d: accesses per server per day by listening port, relay port and class; divided by the decoy addresses observed on that day; no rows with 0; the sum over listening ports is figure 5a';

create function source_countries(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, country text, sources bigint, accesses bigint, share numeric)
	language sql stable parallel safe
begin atomic
	select visitor.sensor, coalesce(known.country, 'ZZ') as country, count(*), sum(visitor.accesses)::bigint,
		sum(visitor.accesses) / sum(sum(visitor.accesses)) over (partition by visitor.sensor)
	from (
		select rows.sensor, rows.source, sum(rows.accesses)::bigint as accesses
		from counted_sources(from_time, to_time, of_sensor) as rows
		where rows.accesses > 0
		group by rows.sensor, rows.source
	) as visitor
	left join source as known on known.sensor = visitor.sensor and known.source = visitor.source
	where check_period(from_time, to_time, of_sensor)
	group by 1, 2;
end;
comment on function source_countries(timestamptz, timestamptz, text) is 'Figure 6 within bounds: countries of the sources of accesses; share = accesses / all accesses of the sensor within the bounds; ZZ = unknown';

create view source_countries as
	select sensor, country, sources, accesses, share
	from source_countries('-infinity', 'infinity');
comment on view source_countries is 'Figure 6: countries of the sources of accesses; share is that of all accesses of the sensor';
comment on column source_countries.sensor is 'Name of the sensor';
comment on column source_countries.country is 'ISO 3166 alpha-2; ZZ = unknown';
comment on column source_countries.sources is 'Distinct source addresses';
comment on column source_countries.accesses is 'Accesses with depth >= payload, without direct mail';
comment on column source_countries.share is 'accesses / all accesses of the sensor, a fraction of 1';

create function source_lines(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, line_class text, sources bigint, accesses bigint, share numeric)
	language sql stable parallel safe
begin atomic
	select visitor.sensor, coalesce(known.line_class, 'unknown') as line_class, count(*), sum(visitor.accesses)::bigint,
		sum(visitor.accesses) / sum(sum(visitor.accesses)) over (partition by visitor.sensor)
	from (
		select rows.sensor, rows.source, sum(rows.accesses)::bigint as accesses
		from counted_sources(from_time, to_time, of_sensor) as rows
		where rows.accesses > 0
		group by rows.sensor, rows.source
	) as visitor
	left join source as known on known.sensor = visitor.sensor and known.source = visitor.source
	where check_period(from_time, to_time, of_sensor)
	group by 1, 2;
end;
comment on function source_lines(timestamptz, timestamptz, text) is 'Kinds of line of the sources of accesses by their reverse names, within bounds (text to figure 6); share = accesses / all accesses of the sensor within the bounds';

create view source_lines as
	select sensor, line_class, sources, accesses, share
	from source_lines('-infinity', 'infinity');
comment on view source_lines is 'Text to figure 6: kinds of line of the sources of accesses by their reverse names; share is that of all accesses of the sensor';
comment on column source_lines.sensor is 'Name of the sensor';
comment on column source_lines.line_class is 'Kind of line (residential, hosting, ...); unknown = not judged';
comment on column source_lines.sources is 'Distinct source addresses';
comment on column source_lines.accesses is 'Accesses with depth >= payload, without direct mail';
comment on column source_lines.share is 'accesses / all accesses of the sensor, a fraction of 1';

create function op25b_share(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, relay_port integer, line_class text, accesses bigint, share numeric)
	language sql stable parallel safe
begin atomic
	select visitor.sensor, visitor.relay_port, coalesce(known.line_class, 'unknown') as line_class, sum(visitor.accesses)::bigint,
		sum(visitor.accesses) / sum(sum(visitor.accesses)) over (partition by visitor.sensor)
	from counted_sources(from_time, to_time, of_sensor) as visitor
	left join source as known on known.sensor = visitor.sensor and known.source = visitor.source
	where visitor.relay_port <> -1 and visitor.accesses > 0 and check_period(from_time, to_time, of_sensor)
	group by 1, 2, 3;
end;
comment on function op25b_share(timestamptz, timestamptz, text) is 'Accesses of class mail by relay port and kind of line, within bounds (section 6, note 8: what a block of outbound 25/TCP would have stopped); share = accesses / all accesses of class mail of the sensor within the bounds';

create view op25b_share as
	select sensor, relay_port, line_class, accesses, share
	from op25b_share('-infinity', 'infinity');
comment on view op25b_share is 'Section 6, note 8: accesses of class mail by relay port and kind of line: what a block of outbound 25/TCP would have stopped; share is that of all accesses of class mail of the sensor';
comment on column op25b_share.sensor is 'Name of the sensor';
comment on column op25b_share.relay_port is 'Port that a relay was asked for to: 25, 465 or 587';
comment on column op25b_share.line_class is 'Kind of line of the source; unknown = not judged';
comment on column op25b_share.accesses is 'Accesses of class mail with depth >= payload, without direct mail';
comment on column op25b_share.share is 'accesses / all accesses of class mail of the sensor, a fraction of 1';

create function relay_countries(of_port integer, from_time timestamptz, to_time timestamptz, of_sensor text)
	returns table (sensor text, country text, destinations bigint, accesses bigint, share numeric)
	language sql stable parallel safe
begin atomic
	select asked.sensor, coalesce(known.country, 'ZZ') as country, count(nullif(asked.relay_host, '')), sum(asked.accesses)::bigint,
		sum(asked.accesses) / sum(sum(asked.accesses)) over (partition by asked.sensor)
	from counted_destinations(from_time, to_time, of_sensor) as asked
	left join relay_destination as known on known.sensor = asked.sensor and known.relay_host = asked.relay_host
	where asked.relay_port = of_port and check_period(from_time, to_time, of_sensor)
	group by 1, 2;
end;
comment on function relay_countries(integer, timestamptz, timestamptz, text) is 'Countries of the relay destinations that were asked for on one port, within bounds; share = accesses / all that asked for a relay to that port at this sensor within the bounds; ZZ = unknown';

create function mail_relay_countries(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, country text, destinations bigint, accesses bigint, share numeric)
	language sql stable parallel safe
begin atomic
	select wanted.sensor, wanted.country, wanted.destinations, wanted.accesses, wanted.share
	from relay_countries(25, from_time, to_time, of_sensor) as wanted;
end;
comment on function mail_relay_countries(timestamptz, timestamptz, text) is 'Figure 7 within bounds: countries of the relay destinations asked for on 25/TCP, exploits apart; share = accesses / all of these of the sensor within the bounds; ZZ = unknown';

create view mail_relay_countries as
	select sensor, country, destinations, accesses, share
	from mail_relay_countries('-infinity', 'infinity');
comment on view mail_relay_countries is 'Figure 7: countries of the relay destinations asked for on 25/TCP, exploits apart; share is that of all of these of the sensor';
comment on column mail_relay_countries.sensor is 'Name of the sensor';
comment on column mail_relay_countries.country is 'ISO 3166 alpha-2; ZZ = unknown, or the addresses of a name disagree';
comment on column mail_relay_countries.destinations is 'Distinct hosts that were asked for (lower case, without a final dot)';
comment on column mail_relay_countries.accesses is 'Accesses with depth >= payload that asked for them first';
comment on column mail_relay_countries.share is 'accesses / all accesses that asked for a relay to 25/TCP, a fraction of 1';

create function web_relay_countries(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, country text, destinations bigint, accesses bigint, share numeric)
	language sql stable parallel safe
begin atomic
	select wanted.sensor, wanted.country, wanted.destinations, wanted.accesses, wanted.share
	from relay_countries(80, from_time, to_time, of_sensor) as wanted;
end;
comment on function web_relay_countries(timestamptz, timestamptz, text) is 'Figure 8 within bounds: countries of the relay destinations asked for on 80/TCP, exploits apart; share = accesses / all of these of the sensor within the bounds; ZZ = unknown';

create view web_relay_countries as
	select sensor, country, destinations, accesses, share
	from web_relay_countries('-infinity', 'infinity');
comment on view web_relay_countries is 'Figure 8: countries of the relay destinations asked for on 80/TCP, exploits apart; share is that of all of these of the sensor';
comment on column web_relay_countries.sensor is 'Name of the sensor';
comment on column web_relay_countries.country is 'ISO 3166 alpha-2; ZZ = unknown, or the addresses of a name disagree';
comment on column web_relay_countries.destinations is 'Distinct hosts that were asked for (lower case, without a final dot)';
comment on column web_relay_countries.accesses is 'Accesses with depth >= payload that asked for them first';
comment on column web_relay_countries.share is 'accesses / all accesses that asked for a relay to 80/TCP, a fraction of 1';

-- The estimate of syn_source, not the exact number of packet_count: it is what ANALYSIS asks for, and it counts the same SYNs whose sources
-- are counted beside it. Ragged ends come from the samples themselves, which know their moment.
create function counted_syns(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, quarter timestamptz, decoy_port integer, source inet, syns double precision)
	language sql stable parallel safe
begin atomic
	select summed.sensor, summed.quarter, summed.decoy_port, summed.source, summed.estimated
	from syn_source as summed
	where summed.quarter >= from_time and summed.quarter < quarter_of(to_time)
		and (of_sensor is null or summed.sensor = of_sensor)
	union all
	select early.sensor, quarter_of(early.seen_at), early.decoy_port, early.source, 1 / early.probability
	from syn_sample as early
	where quarter_of(from_time) <> from_time
		and early.seen_at >= from_time and early.seen_at < to_time
		and early.seen_at < quarter_of(from_time) + interval '15 minutes'
		and (of_sensor is null or early.sensor = of_sensor)
	union all
	select late.sensor, quarter_of(late.seen_at), late.decoy_port, late.source, 1 / late.probability
	from syn_sample as late
	where quarter_of(to_time) <> to_time
		and quarter_of(to_time) >= from_time
		and late.seen_at >= quarter_of(to_time) and late.seen_at < to_time
		and (of_sensor is null or late.sensor = of_sensor);
end;
comment on function counted_syns(timestamptz, timestamptz, text) is 'SYNs to decoy ports by quarter, port and source within any bounds, estimated by the sampling probability; a source may come in several rows';

-- Bucket by bucket: to tell apart the sources of one day at a time takes a table that fits the processor's cache.
create function port_activity(from_time timestamptz, to_time timestamptz, of_sensor text default null, bucket interval default '1 day')
	returns table (begins_at timestamptz, sensor text, decoy_port integer, syns double precision, sources bigint, accesses bigint)
	language sql stable parallel safe
begin atomic
	select observed.begins_at, observed.sensor, counted.decoy_port, counted.syns, counted.sources, counted.accesses
	from observed(from_time, to_time, of_sensor, bucket) as observed
	join (
		select part.sensor, part.bucket_key, part.decoy_port, sum(part.syns) as syns, sum(part.sources)::bigint as sources,
			sum(part.accesses)::bigint as accesses
		from (
			select offered.sensor, offered.bucket_key, offered.decoy_port, 0::double precision as syns, 0::bigint as sources,
				0::bigint as accesses
			from observed_port(from_time, to_time, of_sensor, bucket) as offered
			union all
			select day.sensor, day.bucket_key, visitors.decoy_port, visitors.syns, visitors.sources, 0
			from (
				-- offset 0: the limits are found once, not for each partition
				select bucket_of.sensor, bucket_of.bucket_key, bucket_of.begins_at, bucket_limit(bucket_of.begins_at, bucket) as ends_before
				from observed(from_time, to_time, of_sensor, bucket) as bucket_of
				offset 0
			) as day
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
			union all
			select rows.sensor, bucket_key(rows.quarter, bucket), rows.decoy_port, 0, 0, rows.accesses
			from counted_accesses(from_time, to_time, of_sensor) as rows
			where rows.accesses > 0
		) as part
		group by part.sensor, part.bucket_key, part.decoy_port
	) as counted on counted.sensor = observed.sensor and counted.bucket_key = observed.bucket_key
	where check_period(from_time, to_time, of_sensor, bucket);
end;
comment on function port_activity(timestamptz, timestamptz, text, interval) is 'Section 2 within bounds: SYNs (estimated from the sampling probability), their distinct sources, and accesses in each bucket of time (an hour to a year, local calendar) by listening port; a row for each port that was offered in it';

create view port_activity_daily as
	select begins_at::date as day, sensor, decoy_port, syns, sources, accesses
	from port_activity('-infinity', 'infinity', null, '1 day');
comment on view port_activity_daily is 'Section 2: what came to each listening port on each day, before and beside the conversations; not divided by servers; a row for each port that was offered on that day';
comment on column port_activity_daily.day is 'The day (session''s TimeZone)';
comment on column port_activity_daily.sensor is 'Name of the sensor';
comment on column port_activity_daily.decoy_port is 'Port of the decoys';
comment on column port_activity_daily.syns is 'SYNs: the sum of 1 / sampling probability, exact where all were sampled (exact in any case: packet_count.syn, by minute)';
comment on column port_activity_daily.sources is 'Distinct source addresses of the sampled SYNs (may be forged)';
comment on column port_activity_daily.accesses is 'Accesses with depth >= payload, without direct mail';

-- few requests are nested
create index hop_nested on hop (sensor, access, requested_at) where level > 0 and relay_host is not null and not refused;

-- The path: the last request of the innermost level, and before it those through which its tunnel went, that is those behind which
-- no other came at their level or farther out. A conversation lasts a day at most (option total-seconds).
create function relay_chains(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, started_at timestamptz, source inet, hops bigint, path text)
	language sql stable parallel safe
begin atomic
	with nested as (
		select hop.sensor, hop.access, min(hop.requested_at) as requested_at
		from hop
		where hop.level > 0 and hop.relay_host is not null and not hop.refused
			and hop.requested_at >= from_time and hop.requested_at < to_time + interval '24 hours'
			and (of_sensor is null or hop.sensor = of_sensor)
		group by hop.sensor, hop.access
	), request as (
		select nested.sensor, nested.access, asked.position, asked.level, asked.relay_host, asked.relay_port, asked.requested_at,
			max(asked.level) over (partition by nested.sensor, nested.access) as innermost
		from nested
		cross join lateral (
			-- offset 0: one look into the index for each conversation, not all requests once
			select hop.position, hop.level, hop.relay_host, hop.relay_port, hop.requested_at
			from hop
			where hop.sensor = nested.sensor and hop.access = nested.access and hop.relay_host is not null and not hop.refused
				and hop.requested_at >= nested.requested_at - interval '24 hours'
				and hop.requested_at <= nested.requested_at + interval '24 hours'
			offset 0
		) as asked
	), ended as (
		select request.sensor, request.access, request.position, request.level, request.relay_host, request.relay_port, request.requested_at,
			max(request.position) filter (where request.level = request.innermost) over (partition by request.sensor, request.access)
				as last_position
		from request
	), followed as (
		select ended.sensor, ended.access, ended.position, ended.level, ended.relay_host, ended.relay_port, ended.requested_at,
			min(ended.level) over (partition by ended.sensor, ended.access order by ended.position desc
				rows between unbounded preceding and 1 preceding) as level_behind
		from ended
		where ended.position <= ended.last_position
	), chain as (
		select followed.sensor, followed.access, count(*) as hops, min(followed.requested_at) as requested_at,
			string_agg(case when followed.relay_host like '%:%' then '[' || followed.relay_host || ']' else followed.relay_host end
				|| coalesce(':' || followed.relay_port, ''), ' > ' order by followed.level) as path
		from followed
		where followed.level_behind is null or followed.level_behind > followed.level
		group by followed.sensor, followed.access
		having count(*) > 1
	)
	select chain.sensor, began.started_at, began.source, chain.hops, chain.path
	from chain
	cross join lateral (
		-- as above: not all accesses once
		select access.started_at, access.source
		from access
		where access.sensor = chain.sensor and access.access = chain.access
			and access.started_at <= chain.requested_at and access.started_at >= chain.requested_at - interval '24 hours'
		offset 0
	) as began
	where began.started_at >= coalesce(from_time, '-infinity') and began.started_at < coalesce(to_time, 'infinity')
		and check_period(from_time, to_time, of_sensor);
end;
comment on function relay_chains(timestamptz, timestamptz, text) is 'Figure 16 within bounds (of the conversations'' beginnings): conversations with nested requests, as paths through the proxies that were asked for';

create view relay_chains as
	select sensor, started_at, source, hops, path
	from relay_chains('-infinity', 'infinity');
comment on view relay_chains is 'Figure 16: nested requests: sensor > next proxy > mail server; a row for each conversation with two hops or more, counts of requests, nothing is divided. Requests of one level, one after another, are no chain, nor are refused ones or those that named no host';
comment on column relay_chains.sensor is 'Name of the sensor';
comment on column relay_chains.started_at is 'When the conversation began';
comment on column relay_chains.source is 'Address of the visitor';
comment on column relay_chains.hops is 'Number of requests on the path';
comment on column relay_chains.path is 'host:port > host:port, outermost first, as they were asked for (IPv6 in brackets)';

grant select on source_countries, source_lines, op25b_share, mail_relay_countries, web_relay_countries, port_activity_daily, relay_chains
	to otori_read, otori_loader;

revoke execute on function accesses_by_port, accesses_by_relay_port, source_countries, source_lines, op25b_share, relay_countries,
	mail_relay_countries, web_relay_countries, counted_syns, port_activity, relay_chains from public;
grant execute on function accesses_by_port, accesses_by_relay_port, source_countries, source_lines, op25b_share, relay_countries,
	mail_relay_countries, web_relay_countries, counted_syns, port_activity, relay_chains to otori_read, otori_loader;
