-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: per server divides by the addresses observed on that day; prefixes count by their rule, and overlapping ones once.
begin;
\ir rows.psql
set local timezone to 'UTC';
select plan(15);

select is(prefix_servers('203.0.113.10'), 1::bigint, 'one address');
select is(prefix_servers('198.18.0.0/16'), 65536::bigint, 'a /16');
select is(prefix_servers('0.0.0.0/0'), 4294967296, 'all of IPv4');
select is(prefix_servers('2001:db8::1'), 1::bigint, 'one address of IPv6');
select is(prefix_servers('2001:db8:18::/112'), 65536::bigint, 'a /112');
select is(prefix_servers('2001:db8:18::/111'), 1::bigint, 'a shorter prefix is one server');
select is(prefix_servers('2001:db8::/32'), 1::bigint, 'so is a /32');

select observe('s', '2020-01-01', '2020-01-02', '203.0.113.10,203.0.113.11,203.0.113.12', '8080', 'run');
select observe('s', '2020-01-02', '2020-01-03', '198.18.0.0/16,2001:db8:18::/112,192.0.2.1,2001:db8:20::/64', '8080', 'run');
-- overlaps: within one observation and between two of the same day
select observe('s', '2020-01-03 00:00', '2020-01-03 12:00', '198.18.0.0/24,198.18.0.7/32,198.18.0.128/25,2001:db8::/64,2001:db8::1', '8080', 'run');
select observe('s', '2020-01-03 12:00', '2020-01-04 00:00', '198.18.0.0/23,198.18.3.0/24', '8080', 'run');
select pg_temp.saw('s', '2020-01-01 12:00'), pg_temp.saw('s', '2020-01-01 13:00');
select pg_temp.saw('s', '2020-01-02 12:00');
select pg_temp.sum_up();
select results_eq($$select day, servers from observed_day where sensor = 's' order by 1$$,
	$$values ('2020-01-01'::date, 3::bigint), ('2020-01-02', 131074), ('2020-01-03', 769)$$, 'servers of each day');
select results_eq($$select accesses, accesses_per_server from accesses_by_port_daily where sensor = 's' order by day$$,
	$$values (2::bigint, 2::numeric / 3), (1, 1::numeric / 131074), (0, 0::numeric / 769)$$, 'quotients of each day');
select ok((select accesses_per_server <> round(accesses_per_server, 6) from accesses_by_port_daily where sensor = 's' and day = '2020-01-01'),
	'quotients are not rounded');
-- 203.0.113.10-12, 198.18.0.0/16 (which holds the /23 and the /24), the /112, 192.0.2.1, two /64
select results_eq($$select days, servers, accesses_per_server, accesses_per_server_per_day from sensor_summary where sensor = 's'$$,
	$$values (3::bigint, 131078::bigint, 3::numeric / 131078, 3::numeric / (3 + 131074 + 769))$$,
	'the summary: distinct servers, and server-days');
select results_eq($$select days, servers, accesses_per_server, accesses_per_server_per_day from sensor_summary_of('2020-01-01', '2020-01-01')$$,
	$$values (1::bigint, 3::bigint, 2::numeric / 3, 2::numeric / 3)$$, 'the summary of one day');

-- the host's own address written with host bits, blanks, and IPv6 in full
select observe('t', '2020-01-01', '2020-01-02', ' 203.0.113.10 , 2001:0db8:0000:0000:0000:0000:0000:0001/128,203.0.113.10/32', '8080', 'run');
select results_eq($$select prefix from decoy where sensor = 't' order by 1$$, $$values ('203.0.113.10/32'::cidr), ('2001:db8::1/128')$$,
	'prefixes are told apart by what they mean');
select observe('none', '2020-01-01', '2020-01-02', '', '8080', 'run');
select results_eq($$select servers, accesses, accesses_per_server from accesses_by_port_daily where sensor = 'none'$$,
	$$values (0::bigint, 0::bigint, null::numeric)$$, 'without decoys there is a day, and no quotient');
select throws_ok($$select observe('Not A Name', '2020-01-01', '2020-01-02', '', '8080', 'run')$$, '23514');

select finish();
rollback;
