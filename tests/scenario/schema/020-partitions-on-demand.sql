-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: months are made on demand, three ahead, once; what can't be a period of time is refused.
begin;
\ir rows.psql
select plan(9);

select throws_like($$insert into mail_part values ('s', 1, 0, '2006-09-30 12:00+00', 1, '')$$, 'no partition of relation%',
	'a row of a month that was not made is refused');
select is(make_partitions('2006-09-30 12:00+00', '2006-10-01 00:00+00'), 20, 'two months of ten tables');
select is(make_partitions('2006-09-30 12:00+00', '2006-10-01 00:00+00'), 0, 'they are made once');
select lives_ok($$insert into mail_part values ('s', 1, 0, '2006-09-30 12:00+00', 1, ''), ('s', 1, 1, '2006-10-31 23:59:59.999999+00', 1, '')$$,
	'rows of both months are taken');
select is_empty($$
	select ahead from generate_series(0, 3) as ahead
	where to_regclass('otori.access' || to_char(date_trunc('month', now() at time zone 'UTC') + ahead * interval '1 month', '"_"YYYY"_"MM')) is null
$$, 'this month and three ahead are there');
select throws_ok($$select make_partitions('2007-01-02', '2007-01-01')$$, '22023');
select throws_ok($$select make_partitions('1969-12-31 23:59+00', '1970-01-02')$$, '22008');
select throws_ok($$select make_partitions('2020-01-01', '2200-01-01 00:00+00')$$, '22008');
select throws_ok($$select make_partitions('1980-01-01', '2020-01-01')$$, '54000');

select finish();
rollback;
