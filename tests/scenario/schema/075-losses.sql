-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: what was lost is a row a day and cause, and what is no loss is none.
--
begin;
select plan(6);
set local search_path to otori, public;
set local timezone to 'Asia/Tokyo';

select make_partitions('2007-11-01', '2007-12-01');
insert into sensor (sensor) values ('a'), ('b');
insert into ledger (sensor, minute, port, family, term, segment, value) values
	('a', '2007-11-05 14:59+00', 1080, 4, 'ring_full_segment', 1, 3),
	('a', '2007-11-05 14:59+00', 1080, 6, 'ring_full_segment', 1, 2),
	('a', '2007-11-05 15:00+00', 1080, 4, 'ring_full_segment', 1, 7),
	('a', '2007-11-05 15:00+00', 1080, 4, 'lost_crash', 2, 1),
	('a', '2007-11-05 15:00+00', 0, 0, 'records_shed', 2, 4),
	('a', '2007-11-05 15:00+00', 1080, 4, 'refused_bad_tcp_checksum', 2, 50),
	('a', '2007-11-05 15:00+00', 1080, 4, 'syn_unsampled', 2, 50),
	('a', '2007-11-06 15:00+00', 1080, 4, 'lost_crash', 2, 5),
	('a', '2007-11-06 15:00+00', 1080, 4, 'lost_crash', 3, -5),
	('b', '2007-11-05 15:00+00', 25, 4, 'refused_rate_limited', 2, 9);
insert into journal_segment (sensor, segment, writer, created_at, records, file_bytes, cut, set_aside) values
	('a', 1, 0, '2007-11-05 15:00+00', 10, 100, false, null),
	('a', 2, 0, '2007-11-05 15:00+00', 10, 100, true, null),
	('a', 3, 0, '2007-11-05 15:00+00', 0, 100, false, 'a checksum is wrong');

select results_eq(
	$$ select sensor, day, cause, amount, unit from losses_daily order by sensor, day, cause $$,
	$$ values ('a', '2007-11-05'::date, 'ring_full_segment', 5::bigint, 'packets'),
		('a', '2007-11-06', 'lost_crash', 1, 'conversations'),
		('a', '2007-11-06', 'records_shed', 4, 'records'),
		('a', '2007-11-06', 'ring_full_segment', 7, 'packets'),
		('a', '2007-11-06', 'segment_cut', 1, 'segments'),
		('a', '2007-11-06', 'segment_set_aside', 1, 'segments'),
		('b', '2007-11-06', 'refused_rate_limited', 9, 'packets') $$,
	'losses by day of the session''s time zone; what packets deserved is none; a loss that was taken back is none');
select results_eq(
	$$ select cause, amount from losses('2007-11-05 15:00+00', '2007-11-05 15:01+00', 'b') $$,
	$$ values ('refused_rate_limited', 9::bigint) $$, 'within bounds, of one sensor');
select results_eq(
	$$ select sensor, begins_at, sum(amount)::bigint from losses('2007-11-01 00:00+09', '2007-12-01 00:00+09', null, '1 month')
		where cause = 'ring_full_segment' group by 1, 2 $$,
	$$ values ('a', '2007-11-01 00:00+09'::timestamptz, 12::bigint) $$, 'by month');
select throws_ok($$ select * from losses(null, now()) $$, '22004', null, 'a bound of null is refused');
-- the terms are the program's: one that it never counts would be a loss that nobody sees
select set_eq(
	$$ select term from loss_causes() where starts_with(term, 'lost_') $$,
	$$ values ('lost_crash'), ('lost_pool_exhausted'), ('lost_records_full'), ('lost_journal_failed') $$,
	'all ways to lose a conversation are there');
set local role otori_read;
select lives_ok($$ select * from losses_daily $$, 'a reader may ask');
select * from finish();
rollback;
