-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: days are those of the session's zone; a day that was observed and saw nothing is a row with 0, one that was not is no row; days
-- on which clocks change are days like others.
begin;
\ir rows.psql
select plan(11);

-- observed from 1 to 4 November 2007 of Tokyo, which begins and ends at 15:00 UTC; nothing on the 3rd
select observe('tokyo', '2007-11-01 00:00+09', '2007-11-05 00:00+09', '203.0.113.10', '8080,25', 'replay');
select pg_temp.saw('tokyo', '2007-11-01 00:00:00+09');
select pg_temp.saw('tokyo', '2007-11-02 23:59:59.999999+09');
select pg_temp.saw('tokyo', '2007-11-04 00:00:00+09');
select pg_temp.saw('tokyo', '2007-11-04 08:59:59+09');
set local timezone to 'Asia/Tokyo';
select pg_temp.sum_up();
select results_eq($$select day, decoy_port, accesses from accesses_by_port_daily where sensor = 'tokyo' order by 1, 2$$,
	$$values ('2007-11-01'::date, 25, 0::bigint), ('2007-11-01', 8080, 1), ('2007-11-02', 25, 0), ('2007-11-02', 8080, 1),
		('2007-11-03', 25, 0), ('2007-11-03', 8080, 0), ('2007-11-04', 25, 0), ('2007-11-04', 8080, 2)$$,
	'four days of Tokyo, with zeros');
select results_eq($$select day, accesses from accesses_by_relay_port_daily where sensor = 'tokyo' order by 1$$,
	$$values ('2007-11-01'::date, 1::bigint), ('2007-11-02', 1), ('2007-11-04', 2)$$, 'no zeros by relay port');
select results_eq($$select day, mails from mails_daily where sensor = 'tokyo' order by 1$$,
	$$values ('2007-11-01'::date, 0::bigint), ('2007-11-02', 0), ('2007-11-03', 0), ('2007-11-04', 0)$$, 'zeros of mails');
select results_eq($$select day, attempts from direct_mail_daily where sensor = 'tokyo' order by 1$$,
	$$values ('2007-11-01'::date, 0::bigint), ('2007-11-02', 0), ('2007-11-03', 0), ('2007-11-04', 0)$$, 'zeros of direct mail');
set local timezone to 'UTC';
select results_eq($$select day, accesses from accesses_by_port_daily where sensor = 'tokyo' and decoy_port = 8080 order by 1$$,
	$$values ('2007-10-31'::date, 1::bigint), ('2007-11-01', 0), ('2007-11-02', 1), ('2007-11-03', 2), ('2007-11-04', 0)$$,
	'the same are five days of UTC');

-- half an hour off: zones with half hours have days, too
set local timezone to 'Asia/Kolkata';
select results_eq($$select day, accesses from accesses_by_port_daily where sensor = 'tokyo' and decoy_port = 8080 order by 1$$,
	$$values ('2007-10-31'::date, 1::bigint), ('2007-11-01', 0), ('2007-11-02', 1), ('2007-11-03', 1), ('2007-11-04', 1)$$,
	'and five days of India');

-- Berlin: 25 March 2007 has 23 hours, 28 October 2007 has 25
select observe('berlin', '2007-03-24 00:00+01', '2007-03-27 00:00+02', '203.0.113.10', '8080', 'replay');
select pg_temp.saw('berlin', '2007-03-25 00:30+01');
select pg_temp.saw('berlin', '2007-03-25 23:30+02');
select pg_temp.saw('berlin', '2007-03-26 00:30+02');
select observe('berlin', '2007-10-27 00:00+02', '2007-10-30 00:00+01', '203.0.113.10', '8080', 'replay');
select pg_temp.saw('berlin', '2007-10-28 00:30+02');
select pg_temp.saw('berlin', '2007-10-28 02:30+02');
select pg_temp.saw('berlin', '2007-10-28 02:30+01');
select pg_temp.saw('berlin', '2007-10-28 23:30+01');
set local timezone to 'Europe/Berlin';
select pg_temp.sum_up();
select results_eq($$select day, accesses from accesses_by_port_daily where sensor = 'berlin' order by 1$$,
	$$values ('2007-03-24'::date, 0::bigint), ('2007-03-25', 2), ('2007-03-26', 1), ('2007-10-27', 0), ('2007-10-28', 4), ('2007-10-29', 0)$$,
	'days of 23 and 25 hours');

-- two runs on one day, one over midnight, and a day between that nobody observed; an observation of a moment is of a day
select observe('runs', '2007-05-01 01:00+00', '2007-05-01 02:00+00', '203.0.113.10', '8080', 'run');
select observe('runs', '2007-05-01 23:00+00', '2007-05-02 01:00+00', '203.0.113.10', '8080,1080', 'run');
select observe('runs', '2007-05-04 12:00+00', '2007-05-04 12:00+00', '203.0.113.10', '3128', 'run');
set local timezone to 'UTC';
select results_eq($$select day, servers from observed_day where sensor = 'runs' order by 1$$,
	$$values ('2007-05-01'::date, 1::bigint), ('2007-05-02', 1), ('2007-05-04', 1)$$, 'two runs of a day are one day');
select results_eq($$select day, decoy_port from accesses_by_port_daily where sensor = 'runs' order by 1, 2$$,
	$$values ('2007-05-01'::date, 1080), ('2007-05-01', 8080), ('2007-05-02', 1080), ('2007-05-02', 8080), ('2007-05-04', 3128)$$,
	'each day has the ports that were offered on it');
-- the end of a running observation moves on, and never back
select observe('runs', '2007-05-04 12:00+00', '2007-05-05 12:00+00', '203.0.113.10', '3128', 'run');
select observe('runs', '2007-05-04 12:00+00', '2007-05-04 13:00+00', '203.0.113.10', '3128', 'run');
select results_eq($$select until_at from observation where sensor = 'runs' and began_at = '2007-05-04 12:00+00'$$,
	$$values ('2007-05-05 12:00+00'::timestamptz)$$, 'an end moves on, not back');
select is_empty($$select day from direct_mail_daily where sensor = 'runs'$$, 'no direct mail where port 25 was not offered');

select finish();
rollback;
