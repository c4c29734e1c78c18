-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: buckets follow the local calendar over every change of clocks; bounds are exact and to is exclusive; what can't be is one clear error.
begin;
\ir rows.psql
set local timezone to 'UTC';
select plan(65);

-- Asia/Kathmandu: a quarter off the hour
select observe('kathmandu', '2020-01-01 00:00+05:45', '2020-01-03 00:00+05:45', '203.0.113.10', '8080', 'replay');
select pg_temp.saw('kathmandu', '2020-01-01 00:00+05:45'), pg_temp.saw('kathmandu', '2020-01-01 23:59:59.999999+05:45'),
	pg_temp.saw('kathmandu', '2020-01-02 00:00+05:45');
-- America/New_York: 6 November 2011 has 25 hours, 13 March 2011 has 23
select observe('york', '2011-11-05 00:00-04', '2011-11-08 00:00-05', '203.0.113.10', '8080', 'replay');
select observe('york', '2011-03-13 00:00-05', '2011-03-14 00:00-04', '203.0.113.10', '8080', 'replay');
select pg_temp.saw('york', '2011-11-06 01:30-04'), pg_temp.saw('york', '2011-11-06 01:30-05'), pg_temp.saw('york', '2011-11-06 01:45-05');
-- Pacific/Apia: 29 December 2011 (-10) is followed by the 31st (+14)
select observe('apia', '2011-12-28 00:00-10', '2012-01-02 00:00+14', '203.0.113.10', '8080', 'replay');
select pg_temp.saw('apia', '2011-12-29 23:59:59.999999-10'), pg_temp.saw('apia', '2011-12-31 00:00+14'), pg_temp.saw('apia', '2012-01-01 12:00+14');
-- Australia/Lord_Howe: clocks move by half an hour, forward on 2 October 2011 at 2:00, back on 1 April 2012 at 2:00
select observe('lord', '2011-10-02 00:00+10:30', '2011-10-02 06:00+11', '203.0.113.10', '8080', 'replay');
select observe('lord', '2012-04-01 00:00+11', '2012-04-01 05:00+10:30', '203.0.113.10', '8080', 'replay');
select pg_temp.saw('lord', '2011-10-02 02:45+11'), pg_temp.saw('lord', '2012-04-01 01:45+11'), pg_temp.saw('lord', '2012-04-01 01:45+10:30');
select pg_temp.sum_up();

set local timezone to 'Asia/Kathmandu';
select results_eq($$select day, accesses from accesses_by_port_daily where sensor = 'kathmandu' order by 1$$,
	$$values ('2020-01-01'::date, 2::bigint), ('2020-01-02', 1)$$, 'days of Kathmandu');
set local timezone to 'Asia/Tokyo';
select results_eq($$select day, accesses from accesses_by_port_daily where sensor = 'kathmandu' order by 1$$,
	$$values ('2020-01-01'::date, 1::bigint), ('2020-01-02', 2), ('2020-01-03', 0)$$, 'the same in Tokyo');
set local timezone to 'America/New_York';
select results_eq($$select day, accesses from accesses_by_port_daily where sensor = 'york' order by 1$$,
	$$values ('2011-03-13'::date, 0::bigint), ('2011-11-05', 0), ('2011-11-06', 3), ('2011-11-07', 0)$$, 'days of New York');
select is((select count(*) from accesses_by_port('2011-11-06', '2011-11-07', 'york', '1 hour')), 25::bigint, 'a day of 25 hours');
select is((select count(*) from accesses_by_port('2011-03-13', '2011-03-14', 'york', '1 hour')), 23::bigint, 'a day of 23 hours');
select results_eq($$select begins_at, accesses from accesses_by_port('2011-11-06', '2011-11-07', 'york', '1 hour') where accesses > 0 order by 1$$,
	$$values ('2011-11-06 01:00-04'::timestamptz, 1::bigint), ('2011-11-06 01:00-05', 2)$$, 'an hour that the clock shows twice is two');
select results_eq($$select begins_at, accesses from accesses_by_port('2011-11-06', '2011-11-06 06:00', 'york', '2 hours') order by 1$$,
	$$values ('2011-11-06 00:00-04'::timestamptz, 3::bigint), ('2011-11-06 02:00-05', 0), ('2011-11-06 04:00-05', 0)$$, 'two hours that last three');
select results_eq($$select begins_at from accesses_by_port('2011-03-13', '2011-03-13 06:00', 'york', '2 hours') order by 1$$,
	$$values ('2011-03-13 00:00-05'::timestamptz), ('2011-03-13 03:00-04'), ('2011-03-13 04:00-04')$$, 'two hours that last one');
select results_eq($$select begins_at, accesses from accesses_by_port('2011-11-01', '2011-12-01', 'york', '7 days') order by 1$$,
	$$values ('2011-10-31 00:00-04'::timestamptz, 3::bigint), ('2011-11-07 00:00-05', 0)$$, 'weeks begin on Monday');
select results_eq($$select begins_at, accesses from accesses_by_port('-infinity', 'infinity', 'york', '1 month') order by 1$$,
	$$values ('2011-03-01 00:00-05'::timestamptz, 0::bigint), ('2011-11-01 00:00-04', 3)$$, 'months');
select results_eq($$select begins_at, accesses from accesses_by_port('-infinity', 'infinity', 'york', '3 months') order by 1$$,
	$$values ('2011-01-01 00:00-05'::timestamptz, 0::bigint), ('2011-10-01 00:00-04', 3)$$, 'quarters of a year');
select results_eq($$select begins_at, accesses from accesses_by_port('-infinity', 'infinity', 'york', '1 year') order by 1$$,
	$$values ('2011-01-01 00:00-05'::timestamptz, 3::bigint)$$, 'years');
select is((select count(*) from accesses_by_port('2011-11-06', '2011-11-07', 'york', '24 hours')), 1::bigint, '24 hours are a day');
set local timezone to 'Pacific/Apia';
select results_eq($$select day, accesses from accesses_by_port_daily where sensor = 'apia' order by 1$$,
	$$values ('2011-12-28'::date, 0::bigint), ('2011-12-29', 1), ('2011-12-31', 1), ('2012-01-01', 1)$$, 'a day that a zone skipped is no row');
select results_eq($$select days, servers, accesses_per_server_per_day from sensor_summary where sensor = 'apia'$$, $$values (4::bigint, 1::bigint, 0.75)$$,
	'and is not among the days of the summary');
select results_eq($$select day from observation_day where sensor = 'apia' order by 1$$, $$select day from observed_day where sensor = 'apia' order by 1$$,
	'nor in the views of what was observed');
set local timezone to 'Australia/Lord_Howe';
select results_eq($$select begins_at, accesses from accesses_by_port('2011-10-02', '2011-10-03', 'lord', '1 hour') where accesses > 0$$,
	$$values ('2011-10-02 02:30+11'::timestamptz, 1::bigint)$$, 'an hour that lasts half of one begins when the clock jumps into it');
select results_eq($$select begins_at, accesses from accesses_by_port('2012-04-01', '2012-04-02', 'lord', '1 hour') where accesses > 0$$,
	$$values ('2012-04-01 01:00+11'::timestamptz, 2::bigint)$$, 'an hour that lasts one and a half');
set local timezone to 'America/Havana';
select results_eq($$select bucket_begin(bucket_key(at_time, '1 day'), '1 day') from (values ('2011-11-13 00:30-04'::timestamptz), ('2011-11-13 00:30-05')) as v (at_time)$$,
	$$values ('2011-11-13 00:00-04'::timestamptz), ('2011-11-13 00:00-04')$$, 'where midnight comes twice, the day begins with the first');
set local timezone to 'America/Sao_Paulo';
select is(bucket_begin(bucket_key('2011-10-16 12:00-02', '1 day'), '1 day'), '2011-10-16 01:00-02'::timestamptz, 'where there is no midnight, at one');
set local timezone to 'UTC';

-- bounds: a moment before, at and behind
select results_eq($$select accesses from accesses_by_port('2020-01-01 18:14:59.999999', '2020-01-01 18:15:00', 'kathmandu')$$, $$values (1::bigint)$$, 'to is exclusive');
select results_eq($$select accesses from accesses_by_port('2020-01-01 18:15:00', '2020-01-01 18:15:00.000001', 'kathmandu')$$, $$values (1::bigint)$$, 'from is included');
select results_eq($$select accesses from accesses_by_port('2020-01-01 18:14:59.999999', '2020-01-01 18:15:00.000001', 'kathmandu')$$, $$values (2::bigint)$$, 'both');
select is_empty($$select accesses from accesses_by_port('2020-01-01 18:15', '2020-01-01 18:15', 'kathmandu')$$, 'no time, no row');
select is_empty($$select accesses from accesses_by_port('2030-01-01', '2031-01-01', 'kathmandu')$$, 'not observed, no row');

-- a stop is a gap: overlapping and touching observations are one stretch
select observe('stops', '2020-01-01 00:00', '2020-01-02 00:00', '203.0.113.10', '8080', 'run'), observe('stops', '2020-01-01 06:00', '2020-01-01 07:00', '203.0.113.10', '8080', 'run'),
	observe('stops', '2020-01-02 00:00', '2020-01-03 00:00', '203.0.113.10', '8080', 'run'), observe('stops', '2020-01-03 12:00', '2020-01-04 00:00', '203.0.113.10', '8080', 'run'),
	observe('stops', '2020-01-06 01:00', '2020-01-06 02:00', '203.0.113.10', '8080', 'run');
select results_eq($$select stopped_at, resumed_at, lasted from observation_gaps where sensor = 'stops' order by 1$$,
	$$values ('2020-01-03 00:00'::timestamptz, '2020-01-03 12:00'::timestamptz, '12:00'::interval), ('2020-01-04 00:00', '2020-01-06 01:00', '2 days 01:00')$$,
	'gaps between observations');
select results_eq($$select stopped_at, resumed_at, lasted from observation_gaps('2020-01-03 06:00', '2020-01-04 00:00', 'stops')$$,
	$$values ('2020-01-03 06:00'::timestamptz, '2020-01-03 12:00'::timestamptz, '06:00'::interval)$$, 'gaps within bounds');
select results_eq($$select begins_at from mails('2020-01-03 00:00', '2020-01-06 12:00', 'stops', '6 hours') order by 1$$,
	$$values ('2020-01-03 12:00'::timestamptz), ('2020-01-03 18:00'), ('2020-01-06 00:00')$$, 'a gap is no row');

-- errors
select throws_ok($$select from accesses_by_port('2020-01-02', '2020-01-01')$$, '22023', 'from 2020-01-02 00:00:00+00 is after to 2020-01-01 00:00:00+00');
select throws_ok($$select from sensor_summary('2020-01-02', '2020-01-01')$$, '22023', 'from 2020-01-02 00:00:00+00 is after to 2020-01-01 00:00:00+00');
select throws_ok($$select from mails(null, '2020-01-01')$$, '22004', 'the bounds are null and 2020-01-01 00:00:00+00: expected two times (-infinity and infinity for all)');
select throws_ok($$select from source_countries('2020-01-01', null)$$, '22004');
select throws_ok($$select from relay_chains('-infinity', 'infinity', 'nobody')$$, '22023', 'no sensor "nobody" is known: expected apia, kathmandu, lord, stops, york');
select throws_ok($$select from direct_mail('-infinity', 'infinity', 'york', '90 minutes')$$, '22023',
	'a bucket of 01:30:00 is not possible: expected 1, 2, 3, 4, 6, 8 or 12 hours, or days, weeks or months up to a year');
-- each figure's function looks at its bounds, whatever stands beside them
create function pg_temp.refusal(call text) returns text
	language plpgsql
as $$
begin
	execute 'select from ' || call;
	return 'none';
exception when others then
	return sqlstate;
end
$$;
select is(array(select pg_temp.refusal(figure || bounds) from unnest(array['(''2020-01-02'', ''2020-01-01'')', '(null, ''2020-01-01'')', '(''2020-01-01'', null)',
		'(''-infinity'', ''infinity'', ''nobody'')']) with ordinality as tried (bounds, place) order by place), array['22023', '22004', '22004', '22023'],
		figure || ' refuses wrong bounds')
	from (
		select proname::text as figure
		from pg_proc
		where pronamespace = 'otori'::regnamespace and proargnames[1:3] = '{from_time,to_time,of_sensor}' and proname !~ '^(counted_|observed|observation_bucket|check_)'
		order by 1
	) as listed;
create function pg_temp.refused(bucket interval) returns boolean
	language plpgsql
as $$
begin
	perform from port_activity('-infinity', 'infinity', 'york', bucket);
	return false;
exception when invalid_parameter_value then
	return true;
end
$$;
select ok(pg_temp.refused(bucket), 'a bucket of ' || coalesce(bucket::text, 'null') || ' is refused')
	from unnest(array['0', '-1 day', '5 hours', '30 minutes', '1 day 12 hours', '13 months', '367 days', null]::interval[]) as bucket;
set local timezone to '<x>-05:07';
select throws_ok($$select from accesses_by_port_daily$$, '22023');

select finish();
rollback;
