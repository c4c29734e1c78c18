-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: figures count accesses with depth >= payload, without direct mail; by relay port exploits are apart.
begin;
\ir rows.psql
set local timezone to 'UTC';
select plan(4);

select observe('s', '2020-01-01', '2020-01-02', '203.0.113.10,203.0.113.11', '1080,8080,25', 'run');
select observe('other', '2020-01-01', '2020-01-02', '203.0.113.10', '8080', 'run');
select pg_temp.saw('s', '2020-01-01 01:00', depth => 'ack', protocol => null, relay => null, class => 'other');
select pg_temp.saw('s', '2020-01-01 02:00', depth => 'payload', relay => null, class => 'other', protocol => 'unknown_binary');
select pg_temp.saw('s', '2020-01-01 03:00', depth => 'request');
select pg_temp.saw('s', '2020-01-01 04:00', depth => 'inner');
select pg_temp.saw('s', '2020-01-01 05:00', depth => 'rcpt', relay => 25, class => 'mail');
select pg_temp.saw('s', '2020-01-01 06:00', depth => 'data', relay => 25, class => 'mail', port => 1080, protocol => 'socks5');
-- an exploit that asked for a relay, and one that did not
select pg_temp.saw('s', '2020-01-01 07:00', class => 'exploit', port => 1080, relay => 80, protocol => 'socks4');
select pg_temp.saw('s', '2020-01-01 08:00', class => 'exploit', port => 1080, relay => null, depth => 'payload', protocol => 'socks4');
-- direct mail is no access of these figures, on whatever port; a proxy request on port 25 is one
select pg_temp.saw('s', '2020-01-01 09:00', port => 25, protocol => 'smtp', class => 'mail', depth => 'data', relay => null);
select pg_temp.saw('s', '2020-01-01 10:00', port => 8080, protocol => 'smtp', class => 'mail', depth => 'rcpt', relay => null);
select pg_temp.saw('s', '2020-01-01 11:00', port => 25, relay => 443);
-- neither other sensors nor days that were not observed
select pg_temp.saw('other', '2020-01-01 12:00', port => 8080);
select pg_temp.saw('s', '2020-01-02 00:00');

select pg_temp.sum_up();
select results_eq(
	$$select day, sensor, decoy_port, accesses, servers, accesses_per_server from accesses_by_port_daily where sensor = 's' order by decoy_port$$,
	$$values ('2020-01-01'::date, 's', 25, 1::bigint, 2::bigint, 0.5), ('2020-01-01', 's', 1080, 3, 2, 1.5), ('2020-01-01', 's', 8080, 4, 2, 2)$$,
	'by listening port');
select results_eq(
	$$select day, sensor, decoy_port, relay_port, class::text, accesses, servers, accesses_per_server from accesses_by_relay_port_daily
		where sensor = 's' order by decoy_port, relay_port, class$$,
	$$values ('2020-01-01'::date, 's', 25, 443, 'web', 1::bigint, 2::bigint, 0.5),
		('2020-01-01', 's', 1080, 25, 'mail', 1, 2, 0.5), ('2020-01-01', 's', 1080, null, 'exploit', 2, 2, 1),
		('2020-01-01', 's', 8080, 25, 'mail', 1, 2, 0.5), ('2020-01-01', 's', 8080, 80, 'web', 2, 2, 1),
		('2020-01-01', 's', 8080, null, 'other', 1, 2, 0.5)$$,
	'by relay port');
select results_eq(
	$$select sum(accesses) from accesses_by_relay_port_daily where sensor = 's'$$,
	$$select sum(accesses) from accesses_by_port_daily where sensor = 's'$$, 'both come to the same');
select results_eq($$select accesses from accesses_by_port_daily where sensor = 'other'$$, $$values (1::bigint)$$, 'sensors are apart');

select finish();
rollback;
