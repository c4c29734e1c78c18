-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: on random rows (seeded) every figure, within any bounds, in any zone and bucket, is what an independent query over the bare
-- tables gives; and every view is its function over all time.
begin;
\ir rows.psql
\ir naive.psql
set local jit to off;
set local timezone to 'UTC';
select setseed(0.20080229);

-- four stretches, each with a change of clocks or a day that a zone skipped; two sensors; a day without an observation in the second
create temporary table stretch (place integer, first_time timestamptz, last_time timestamptz);
insert into stretch values (0, '2011-10-01 03:10', '2011-10-03 20:00'), (1, '2011-11-05 12:34:56.789', '2011-11-09 00:00'),
	(2, '2011-12-28 22:07', '2012-01-01 13:00'), (3, '2012-03-31 06:00', '2012-04-02 23:59:59.999999');
select make_partitions(first_time - interval '20 days', last_time + interval '20 days') from stretch;
create temporary view moment as
	select n, first_time + random() * (last_time - first_time) as at_time, place from (
		select n, floor(random() * 4)::integer as place_wanted from generate_series(1, 900) as n) as drawn
	join stretch on place = place_wanted;

select observe('s', first_time, case place when 1 then first_time + interval '20 hours' else last_time end, '203.0.113.8/30,203.0.113.9', '8080,3128,25', 'run')
	from stretch;
select observe('s', '2011-11-08 03:33', '2011-11-09', '203.0.113.8/31', '8080,1080', 'run');
select observe('t', '2011-12-29', '2012-01-01 12:00', '203.0.113.10', '8080', 'replay');

-- Accesses of every kind. Those of s on 6 November after the observation's end stray: no daily figure has them.
insert into access (sensor, access, started_at, ended_at, decoy, decoy_port, source, source_port, protocol, relay_host, relay_port, class, depth,
		exploit, end_reason, bytes_in, bytes_out, first_segment_bytes, payload_truncated, hops, mails, conflicting_bytes, smtp_kind)
	select case when place = 2 and n % 3 = 0 then 't' else 's' end, n, at_time, at_time, '203.0.113.8'::inet + n % 4, port, '198.51.100.0'::inet + visitor, 4,
		protocol, case when relay is not null then (array['a.example', 'A.Example.', 'b.example', '192.0.2.1'])[1 + n % 4] end, relay,
		case when n % 7 = 0 then 'exploit' when protocol = 'smtp' or relay in (25, 465, 587) then 'mail' when relay = 80 then 'web'
			when relay is not null then 'tunnel' else 'other' end::class,
		case when protocol is null then 'ack' else (array['payload', 'request', 'rcpt', 'data'])[1 + n % 4] end::depth, null,
		'fin', 1, 1, 1, false, 0, 0, 0, case when protocol = 'smtp' then (array['relay_test', 'mail', 'other'])[1 + n % 3] end
	from (
		select n, at_time, place, case when place = 2 and n % 3 = 0 then 8080 else (array[8080, 3128])[1 + floor(random() * 2)::integer] end as port,
			floor(random() * 40)::integer as visitor, (array['http', 'socks4', 'socks5', 'smtp', 'smtp', null])[1 + floor(random() * 6)::integer] as protocol,
			(array[25, 25, 80, 80, 443, 465, 6667, null])[1 + floor(random() * 8)::integer] as relay_wanted from moment
	) as drawn
	cross join lateral (select case when protocol in ('http', 'socks4', 'socks5') then relay_wanted end as relay) as asked;
insert into source (sensor, source, country, line_class, looked_up_at)
	select s, '198.51.100.0'::inet + n, (array['JP', 'TW', 'US', 'ZZ'])[1 + n % 4], (array['residential', 'hosting', null])[1 + n % 3], now()
	from generate_series(0, 30) as n cross join unnest(array['s', 't']) as s where n % 5 <> 0;
insert into relay_destination (sensor, relay_host, country, looked_up_at) values ('s', 'a.example', 'TW', now()), ('s', '192.0.2.1', 'US', now()),
	('t', 'b.example', 'CN', now());

-- requests: some nested, some repeated, some refused, some without a host
insert into hop (sensor, access, requested_at, position, level, protocol, relay_host, relay_port, raw, to_loopback, to_private, to_decoy, to_source, refused)
	select sensor, access, started_at + position * interval '1 second', position, least(position, case when random() < 0.5 then level_wanted else 0 end), 'http',
		case when random() < 0.9 then 'p' || position end, 3128, '', false, false, false, false, random() < 0.1
	from access cross join generate_series(0, 3) as position cross join lateral (select floor(random() * 3 + position * 0)::integer as level_wanted) as drawn
	where access % 4 = 0;

-- mails: a flood after probes, and mails by the way
insert into mail (sensor, mail, received_at, access, decoy, decoy_port, source, source_port, relay_host, relay_port, direct, complete, mail_from, header,
		size_bytes, truncated, recipients, probe)
	select case when place = 2 and n % 2 = 0 then 't' else 's' end, n, at_time, n, '203.0.113.8'::inet + n % 3, 8080, '198.51.100.0'::inet + n % 17, 4,
		(array['mx.example', 'MX.example.', '192.0.2.25'])[1 + n % 3], 25, n % 11 = 0, n % 13 <> 0, '', '', 1, false, 2, n % 29 = 0
	from moment where n <= 500;
insert into mail_recipient (sensor, mail, received_at, position, address, address_raw)
	select sensor, mail, received_at, position, (array['u1@one.example', 'U1@One.Example.', 'u2@two.example', 'nobody', '"a@b"@three.example', 'u@'])
		[1 + (mail * 7 + position * 5) % 6], '' from mail cross join generate_series(0, 2) as position;
insert into probe_mail (sensor, mail, received_at, decoy, decoy_port, source, mailbox, subject, found_in, encoding)
	select sensor, mail, received_at, decoy, decoy_port, source, 'box@example', 'x', 'subject', 'dotted' from mail where probe and complete and not direct;

-- SYNs, sampled with several probabilities, and their sums by quarter in deltas of two segments
insert into syn_sample (sensor, segment, place, seen_at, source, source_port, decoy, decoy_port, probability, seq, tcp_window, ip_id, ttl, dont_fragment, options)
	select case when place = 2 and n % 3 = 0 then 't' else 's' end, n % 2, n, at_time, '198.51.100.0'::inet + n % 23, 4, '203.0.113.8', 8080,
		(array[1, 0.5, 0.25])[1 + n % 3], 1, 1, 1, 64, true, '' from moment;
insert into syn_source (sensor, quarter, source, decoy_port, segment, syns, estimated, tools)
	select sensor, to_timestamp(floor(extract(epoch from seen_at) / 900) * 900), source, decoy_port, segment, count(*), sum(1 / probability), 0
	from syn_sample group by 1, 2, 3, 4, 5;
select pg_temp.sum_up();
-- days that wait to be summed, and some that nobody told of
update rollup_syn_day set summed = false where random() < 0.3;
delete from rollup_syn_day where random() < 0.1;

create temporary table figure (name text);
insert into figure values ('accesses_by_port'), ('accesses_by_relay_port'), ('direct_mail'), ('mails'), ('mail_kinds'), ('port_activity'), ('source_countries'),
	('source_lines'), ('op25b_share'), ('mail_relay_countries'), ('web_relay_countries'), ('direct_mail_countries'), ('direct_mail_kinds'), ('targeted_domains'),
	('probe_mails'), ('probe_waves'), ('relay_chains'), ('sensor_summary');
create temporary table case_of (zone text, bucket interval, from_time timestamptz, to_time timestamptz, of_sensor text);
insert into case_of values
	('UTC', '1 day', '2011-09-01', '2012-06-01', null),
	('Asia/Tokyo', '1 day', '2011-10-01 15:00+00', '2012-01-01 00:00+09', 's'),
	('Asia/Kathmandu', '1 day', '2011-10-02 07:07:07.7', '2011-12-31 11:11:11.1', null),
	('Asia/Kathmandu', '3 hours', '2011-12-29 00:00+05:45', '2011-12-31 04:00', 't'),
	('America/New_York', '1 hour', '2011-11-05 20:03', '2011-11-07 09:09', 's'),
	('America/New_York', '6 hours', '2011-11-05 00:00', '2011-11-08 00:00', null),
	('America/New_York', '2 hours', '2011-11-06 05:31', '2011-11-06 05:32', null),
	('America/Havana', '1 day', '2011-11-01', '2011-11-20', 's'),
	('Pacific/Apia', '1 day', '2011-12-01', '2012-02-01', null),
	('Pacific/Apia', '12 hours', '2011-12-29 09:59:59.999999', '2012-01-01 00:00:00.000001', null),
	('Pacific/Apia', '7 days', '2011-12-01', '2012-02-01', 's'),
	('Australia/Lord_Howe', '1 hour', '2011-10-01 12:00', '2011-10-02 12:00', null),
	('Australia/Lord_Howe', '1 hour', '2012-03-31 12:00', '2012-04-01 12:00', 's'),
	('Australia/Lord_Howe', '1 day', '2012-03-31 00:00', '2012-04-05 00:00', 's'),
	('Europe/Berlin', '1 mon', '2011-10-02 10:00', '2012-04-01 12:34:56.7', null),
	('Europe/Berlin', '3 mons', '2011-10-02 10:00', '2012-04-01 12:34:56.7', 's'),
	('Asia/Tokyo', '1 year', '2011-10-02 10:00', '2012-04-01 12:34:56.7', null);

select plan((select count(*)::integer from figure) * (select count(*)::integer from case_of) + 22);

-- that the rows are worth the trouble
select ok((select count(*) from relay_chains) > 10, 'there are chains');
select ok(bool_or(summed) and not bool_and(summed), 'some days are summed, some are not') from rollup_syn_day;
select ok((select count(*) filter (where mails > 0) > 0 and count(*) filter (where mails = 0) > 0 from probe_waves), 'there are probes with and without a wave');
select ok((select sum(accesses) from accesses_by_port_daily where sensor = 's') < (select sum(accesses) from source_countries where sensor = 's'),
	'there are accesses on days that nobody observed');

create function pg_temp.check_case(one case_of) returns setof text
	language plpgsql
as $$
begin
	perform set_config('timezone', one.zone, true);
	perform pg_temp.look_at_the_clock(case when one.bucket is null then '1 day' else one.bucket end, one.from_time, one.to_time);
	return query select is(pg_temp.differences(name, one.from_time, one.to_time, one.of_sensor, one.bucket), 0::bigint,
		format('%s in %s, by %s, from %s to %s, sensor %s', name, one.zone, one.bucket, one.from_time, one.to_time, one.of_sensor))
		from figure where name <> 'sensor_summary';
	perform pg_temp.look_at_the_clock('1 day', one.from_time, one.to_time);
	return query select is(pg_temp.differences('sensor_summary', one.from_time, one.to_time, one.of_sensor, null), 0::bigint,
		format('sensor_summary in %s, from %s to %s, sensor %s', one.zone, one.from_time, one.to_time, one.of_sensor));
end
$$;
select pg_temp.check_case(case_of) from case_of;

-- views: by day, over all time
set local timezone to 'Pacific/Apia';
select pg_temp.look_at_the_clock('1 day', '2011-09-01', '2012-06-01');
create function pg_temp.view_of(name text) returns text
	language sql immutable
	return case name
	when 'accesses_by_port' then 'select day::timestamptz, sensor, decoy_port, accesses, servers, accesses_per_server from accesses_by_port_daily'
	when 'accesses_by_relay_port' then 'select day::timestamptz, sensor, decoy_port, relay_port, class, accesses, servers, accesses_per_server from accesses_by_relay_port_daily'
	when 'direct_mail' then 'select day::timestamptz, sensor, attempts, servers, attempts_per_server from direct_mail_daily'
	when 'mails' then 'select day::timestamptz, sensor, mails, servers, mails_per_server from mails_daily'
	when 'mail_kinds' then 'select sensor, day::timestamptz, kind, mails from mail_kinds'
	when 'port_activity' then 'select day::timestamptz, sensor, decoy_port, syns, sources, accesses from port_activity_daily'
	else 'select * from ' || name end;
select is(pg_temp.differences(name, '-infinity', 'infinity', null, '1 day', pg_temp.view_of(name)), 0::bigint, 'view ' || name) from figure;

select finish();
rollback;
