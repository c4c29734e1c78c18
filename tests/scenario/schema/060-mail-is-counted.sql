-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: direct attempts are SMTP to the decoy that named a recipient; mails are complete ones through a proxy; the summary has both.
begin;
\ir rows.psql
set local timezone to 'UTC';
select plan(5);

select observe('s', '2020-01-01', '2020-01-04', '203.0.113.10,203.0.113.11', '8080,25', 'run');
select observe('proxy', '2020-01-01', '2020-01-02', '203.0.113.10', '8080', 'run');
-- 1 January: banner only, EHLO only, a recipient, a mail; through a proxy; 2 January: on another port
select pg_temp.saw('s', '2020-01-01 01:00', port => 25, protocol => null, depth => 'ack', class => 'other', relay => null);
select pg_temp.saw('s', '2020-01-01 02:00', port => 25, protocol => 'smtp', depth => 'payload', class => 'mail', relay => null);
select pg_temp.saw('s', '2020-01-01 03:00', port => 25, protocol => 'smtp', depth => 'rcpt', class => 'mail', relay => null);
select pg_temp.saw('s', '2020-01-01 04:00', port => 25, protocol => 'smtp', depth => 'data', class => 'mail', relay => null, visitor => '198.51.100.2');
select pg_temp.saw('s', '2020-01-01 05:00', port => 8080, protocol => 'socks5', depth => 'data', class => 'mail', relay => 25, visitor => '198.51.100.3');
select pg_temp.saw('s', '2020-01-02 01:00', port => 8080, protocol => 'smtp', depth => 'rcpt', class => 'mail', relay => null, visitor => '198.51.100.2');
-- attempts on a sensor that does not offer 25
select pg_temp.saw('proxy', '2020-01-01 01:00', port => 8080, protocol => 'smtp', depth => 'rcpt', class => 'mail', relay => null);
select pg_temp.sum_up();
select results_eq($$select day, sensor, attempts, servers, attempts_per_server from direct_mail_daily order by sensor, day$$,
	$$values ('2020-01-01'::date, 'proxy', 1::bigint, 1::bigint, 1::numeric),
		('2020-01-01', 's', 2, 2, 1), ('2020-01-02', 's', 1, 2, 0.5), ('2020-01-03', 's', 0, 2, 0)$$, 'attempts by day');

select pg_temp.got('s', '2020-01-01 05:00'), pg_temp.got('s', '2020-01-01 06:00', complete => false);
select pg_temp.got('s', '2020-01-01 07:00', direct => true), pg_temp.got('s', '2020-01-03 07:00', direct => true);
select pg_temp.got('s', '2020-01-03 08:00');
select pg_temp.sum_up();
select results_eq($$select day, sensor, mails, servers, mails_per_server from mails_daily order by sensor, day$$,
	$$values ('2020-01-01'::date, 'proxy', 0::bigint, 1::bigint, 0::numeric),
		('2020-01-01', 's', 1, 2, 0.5), ('2020-01-02', 's', 0, 2, 0), ('2020-01-03', 's', 1, 2, 0.5)$$, 'mails by day');

insert into source (sensor, source, country, looked_up_at) values ('s', '198.51.100.1', 'JP', now()), ('s', '198.51.100.2', 'ZZ', now()),
	('s', '198.51.100.3', 'TW', now()), ('proxy', '198.51.100.2', 'US', now());
select results_eq(
	$$select first_day, last_day, days, servers, accesses, sources, countries, accesses_per_server, accesses_per_server_per_day,
		direct_mail_attempts, direct_mail_sources, direct_mail_countries, mails, mails_per_day, busiest_day, busiest_day_mails
		from sensor_summary where sensor = 's'$$,
	$$values ('2020-01-01'::date, '2020-01-03'::date, 3::bigint, 2::bigint, 1::bigint, 1::bigint, 1::bigint, 1::numeric / 2, 1::numeric / 6,
		3::bigint, 2::bigint, 1::bigint, 2::bigint, 2::numeric / 3, '2020-01-01'::date, 1::bigint)$$,
	'the summary; of two busiest days the earlier; ZZ is no country');
select results_eq(
	$$select accesses, direct_mail_attempts, direct_mail_sources, direct_mail_countries, mails, busiest_day, busiest_day_mails
		from sensor_summary where sensor = 'proxy'$$,
	$$values (0::bigint, 1::bigint, 1::bigint, 0::bigint, 0::bigint, null::date, 0::bigint)$$, 'without mails no day is the busiest');
select results_eq(
	$$select first_day, last_day, accesses, direct_mail_attempts, mails, busiest_day from sensor_summary_of('2020-01-02', '2020-01-09') where sensor = 's'$$,
	$$values ('2020-01-02'::date, '2020-01-03'::date, 0::bigint, 1::bigint, 1::bigint, '2020-01-03'::date)$$, 'the summary of some days');

select finish();
rollback;
