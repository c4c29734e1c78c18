-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: the figures of accesses by country, line, relay port and port are what one counts by hand on a few rows.
begin;
\ir rows.psql
set local timezone to 'Asia/Tokyo';
select plan(17);

select observe('s', '2020-01-01 00:00+09', '2020-01-03 00:00+09', '203.0.113.10,203.0.113.11', '1080,8080', 'run');
select observe('other', '2020-01-01 00:00+09', '2020-01-02 00:00+09', '203.0.113.10', '8080', 'run');
insert into source (sensor, source, country, line_class, looked_up_at) values ('s', '198.51.100.1', 'JP', 'residential', now()),
	('s', '198.51.100.2', 'JP', null, now()), ('s', '198.51.100.3', 'ZZ', 'hosting', now()), ('s', '198.51.100.9', 'TW', 'residential', now());
insert into relay_destination (sensor, relay_host, country, looked_up_at) values ('s', 'mx.example', 'TW', now()), ('s', '192.0.2.1', 'US', now()),
	('other', 'www.example', 'CN', now());

-- mail to 25: .1 twice (one host, written in three ways), .2 once; to 465: .4, who was not looked up
select pg_temp.saw('s', '2020-01-01 01:00+09', relay => 25, class => 'mail', host => 'MX.example', visitor => '198.51.100.1');
select pg_temp.saw('s', '2020-01-01 02:00+09', relay => 25, class => 'mail', host => 'mx.example.', visitor => '198.51.100.1', port => 1080);
select pg_temp.saw('s', '2020-01-02 02:00+09', relay => 25, class => 'mail', host => '192.0.2.1', visitor => '198.51.100.2');
select pg_temp.saw('s', '2020-01-01 03:00+09', relay => 465, class => 'mail', host => 'mx.example', visitor => '198.51.100.4');
-- web to 80: .3 three times; an exploit that asked for 80 and one that asked for 25 are apart, whoever only connected is nowhere
select pg_temp.saw('s', '2020-01-01 04:00+09', host => 'www.example', visitor => '198.51.100.3');
select pg_temp.saw('s', '2020-01-01 05:00+09', host => 'www.example', visitor => '198.51.100.3');
select pg_temp.saw('s', '2020-01-01 06:00+09', host => '192.0.2.1', visitor => '198.51.100.3');
select pg_temp.saw('s', '2020-01-01 07:00+09', class => 'exploit', relay => 80, host => 'bad.example', visitor => '198.51.100.9');
select pg_temp.saw('s', '2020-01-01 07:30+09', class => 'exploit', relay => 25, host => 'bad.example', visitor => '198.51.100.9');
select pg_temp.saw('s', '2020-01-01 08:00+09', depth => 'ack', protocol => null, relay => null, class => 'other', visitor => '198.51.100.8');
-- direct mail and another sensor
select pg_temp.saw('s', '2020-01-01 09:00+09', protocol => 'smtp', depth => 'data', class => 'mail', relay => null, visitor => '198.51.100.7');
select pg_temp.saw('other', '2020-01-01 09:00+09', host => 'www.example', visitor => '198.51.100.1');
select pg_temp.sum_up();

select results_eq($$select country, sources, accesses, share from source_countries where sensor = 's' order by country$$,
	$$values ('JP', 2::bigint, 3::bigint, 3::numeric / 9), ('TW', 1, 2, 2::numeric / 9), ('ZZ', 2, 4, 4::numeric / 9)$$,
	'figure 6: ZZ is a row, direct mail and mere connects are none');
select results_eq($$select country, sources, accesses, share from source_countries('2020-01-02 00:00+09', '2020-01-03 00:00+09', 's')$$,
	$$values ('JP', 1::bigint, 1::bigint, 1::numeric)$$, 'figure 6 of one day');
select results_eq($$select line_class, sources, accesses, share from source_lines where sensor = 's' order by line_class$$,
	$$values ('hosting', 1::bigint, 3::bigint, 3::numeric / 9), ('residential', 2, 4, 4::numeric / 9), ('unknown', 2, 2, 2::numeric / 9)$$,
	'lines: who was not judged is unknown');
select results_eq($$select relay_port, line_class, accesses, share from op25b_share where sensor = 's' order by 1, 2$$,
	$$values (25, 'residential', 2::bigint, 0.5), (25, 'unknown', 1, 0.25), (465, 'unknown', 1, 0.25)$$, 'what a block of 25/TCP would have stopped');
select results_eq($$select country, destinations, accesses, share from mail_relay_countries where sensor = 's' order by 1$$,
	$$values ('TW', 1::bigint, 2::bigint, 2::numeric / 3), ('US', 1, 1, 1::numeric / 3)$$, 'figure 7: one host however it is written; port 25 alone, exploits apart');
select results_eq($$select country, destinations, accesses, share from web_relay_countries where sensor = 's' order by 1$$,
	$$values ('US', 1::bigint, 1::bigint, 1::numeric / 3), ('ZZ', 1, 2, 2::numeric / 3)$$, 'figure 8: what another sensor knows is not taken');
select results_eq($$select country, destinations, accesses, share from web_relay_countries('-infinity', '2020-01-01 04:00:00.000001+09', 's')$$,
	$$values ('ZZ', 1::bigint, 1::bigint, 1::numeric)$$, 'figure 8 within bounds: to is exclusive');
select results_eq($$select day, decoy_port, accesses from accesses_by_port_daily where sensor = 's' order by 1, 2$$,
	$$values ('2020-01-01'::date, 1080, 1::bigint), ('2020-01-01', 8080, 7), ('2020-01-02', 1080, 0), ('2020-01-02', 8080, 1)$$, 'figure 4');
select results_eq($$select begins_at, accesses, servers, accesses_per_server from accesses_by_port('2020-01-01 02:59+09', '2020-01-01 05:00:00.5+09', 's', '2 hours')
	where decoy_port = 8080 order by 1$$,
	$$values ('2020-01-01 02:00+09'::timestamptz, 1::bigint, 2::bigint, 0.5), ('2020-01-01 04:00+09', 2, 2, 1)$$,
	'figure 4 by two hours, between ragged bounds: a bucket that is cut has what lies within');

-- SYNs: sampled at 1/4 and at 1, a source in two quarters and two segments of a day is one source
insert into syn_source (sensor, quarter, source, decoy_port, segment, syns, estimated, tools) values
	('s', '2020-01-01 00:00+09', '198.51.100.1', 8080, 1, 2, 8, 0), ('s', '2020-01-01 00:00+09', '198.51.100.1', 8080, 2, 1, 1, 0),
	('s', '2020-01-01 23:45+09', '198.51.100.1', 8080, 2, 1, 1, 0), ('s', '2020-01-02 00:00+09', '198.51.100.1', 8080, 2, 1, 1, 0),
	('s', '2020-01-01 12:00+09', '198.51.100.2', 8080, 2, 3, 3, 0), ('s', '2020-01-01 12:00+09', '198.51.100.2', 1080, 2, 1, 1.5, 0);
select results_eq($$select day, decoy_port, syns, sources, accesses from port_activity_daily where sensor = 's' order by 1, 2$$,
	$$values ('2020-01-01'::date, 1080, 1.5::double precision, 1::bigint, 1::bigint), ('2020-01-01', 8080, 13, 2, 7), ('2020-01-02', 1080, 0, 0, 0),
		('2020-01-02', 8080, 1, 1, 1)$$, 'what came to the ports');
select results_eq($$select sum(syns) from port_activity('2020-01-01 12:00+09', '2020-01-02 00:00+09', 's', '12 hours')$$, $$values (5.5::double precision)$$,
	'half a day of it');

-- chains: p1 > mx; then one with two requests in a row at each level, a refused one and one without a host
create function pg_temp.asked(of_access bigint, place integer, nesting integer, host text, port integer, was_refused boolean default false) returns void
	language sql
as $$
	insert into hop (sensor, access, requested_at, position, level, protocol, relay_host, relay_port, raw, to_loopback, to_private, to_decoy, to_source, refused)
	select sensor, access, started_at + place * interval '1 second', place, nesting, 'http', host, port, '', false, false, false, false, was_refused
	from access where access = of_access
$$;
create temporary table conversation as
	select n, pg_temp.saw('s', '2020-01-01 10:00+09'::timestamptz + n * interval '1 minute', visitor => '198.51.100.1') as access from generate_series(1, 6) as n;
select pg_temp.asked(access, 0, 0, 'P1.example', 3128), pg_temp.asked(access, 1, 1, 'mx.example', 25) from conversation where n = 1;
select pg_temp.asked(access, 0, 0, 'first.example', 80), pg_temp.asked(access, 1, 0, 'p1.example', 8080), pg_temp.asked(access, 2, 1, 'bind.example', 1, true),
	pg_temp.asked(access, 3, 1, null, null), pg_temp.asked(access, 4, 1, '2001:db8::1', 1080), pg_temp.asked(access, 5, 2, '192.0.2.1', 25) from conversation where n = 2;
-- no chains: several of one level; one alone; a page asked for within a tunnel; a refused one within a tunnel
select pg_temp.asked(access, 0, 0, 'a', 80), pg_temp.asked(access, 1, 0, 'b', 80) from conversation where n = 3;
select pg_temp.asked(access, 0, 0, 'a', 80) from conversation where n = 4;
select pg_temp.asked(access, 0, 0, 'a', 80), pg_temp.asked(access, 1, 1, null, null) from conversation where n = 5;
select pg_temp.asked(access, 0, 0, 'a', 80), pg_temp.asked(access, 1, 1, 'b', 1, true) from conversation where n = 6;
select pg_temp.sum_up();
select results_eq($$select started_at, source, hops, path from relay_chains where sensor = 's' order by 1$$,
	$$values ('2020-01-01 10:01+09'::timestamptz, '198.51.100.1'::inet, 2::bigint, 'P1.example:3128 > mx.example:25'),
		('2020-01-01 10:02+09', '198.51.100.1', 3, 'p1.example:8080 > [2001:db8::1]:1080 > 192.0.2.1:25')$$, 'figure 16');
select results_eq($$select hops from relay_chains('2020-01-01 10:01:00.000001+09', '2020-01-01 10:03+09')$$, $$values (3::bigint)$$, 'figure 16 within bounds');

-- the summary leaves out days that nobody observed, and who came on them alone
select pg_temp.saw('s', '2020-01-05 12:00+09', visitor => '198.51.100.77');
select pg_temp.sum_up();
select results_eq($$select days, accesses, sources, countries, accesses_per_server, accesses_per_server_per_day, direct_mail_attempts, direct_mail_sources
	from sensor_summary where sensor = 's'$$, $$values (2::bigint, 15::bigint, 5::bigint, 2::bigint, 7.5, 3.75, 1::bigint, 1::bigint)$$,
	'the summary is of observed days, its sources too');
select results_eq($$select sum(accesses), sum(sources) from source_countries where sensor = 's'$$, $$values (16::numeric, 6::numeric)$$,
	'figures without days count all rows');
select results_eq($$select first_day, last_day, days, accesses, sources from sensor_summary('2020-01-02 00:00+09', '2020-01-02 02:00:00.000001+09', 's')$$,
	$$values ('2020-01-02'::date, '2020-01-02'::date, 1::bigint, 1::bigint, 1::bigint)$$, 'the summary within bounds');
select results_eq($$select stopped_at, resumed_at, lasted from observation_gaps where sensor = 's'$$,
	$$select null::timestamptz, null::timestamptz, null::interval where false$$, 'no gaps');

select finish();
rollback;
