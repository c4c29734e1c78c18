-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: each equation of the ledger is 0 where all is accounted for, and names what is missing where not.
begin;
\ir rows.psql
set local timezone to 'UTC';
select plan(9);

create function pg_temp.at() returns timestamptz language sql return '2020-01-01 00:00:00+00'::timestamptz;
-- port 8080: 10 packets; terms come in several segments, as deltas
select pg_temp.counted(pg_temp.at(), 8080, 4, term, value) from (values ('seen', 7), ('answered', 3), ('taken', 4), ('kind_syn', 4), ('kind_ack', 2),
	('kind_payload', 3), ('kind_rst', 1), ('syn_sampled', 3), ('syn_unsampled', 1), ('emitted_syn', 3), ('read_syn', 2), ('ring_full_syn', 1),
	('emitted_open', 2), ('read_open', 2), ('emitted_segment', 4), ('read_segment', 4), ('seen_bytes', 999), ('opened', 2), ('open', 2)) as v (term, value);
select pg_temp.counted(pg_temp.at(), 8080, 4, term, value, 2) from (values ('seen', 3), ('refused_martian', 1), ('refused_rate_limited', 1), ('taken', 1),
	('open', -2), ('recorded', 1), ('lost_crash', 1), ('frames_sent', 12), ('duplicate', 1), ('stray', 5)) as v (term, value);
-- all other ports: SYNs there are not sampled
select pg_temp.counted(pg_temp.at(), 0, 6, term, value) from (values ('seen', 5), ('passed', 4), ('refused_other_port', 1), ('kind_other', 4), ('kind_syn', 1))
	as v (term, value);
-- records have no port; the loader counts what it loaded
select pg_temp.counted(pg_temp.at(), 8080, 4, 'records_made', 6), pg_temp.counted(pg_temp.at(), 0, 4, 'records_made', 1);
select pg_temp.counted(pg_temp.at(), 0, 4, 'records_journalled', 6), pg_temp.counted(pg_temp.at(), 0, 4, 'records_shed', 1);
select pg_temp.counted(pg_temp.at(), 0, 0, 'loaded', 4), pg_temp.counted(pg_temp.at(), 0, 0, 'records_set_aside', 2);
select results_eq($$select sensor, minute, equation, difference from ledger_balance order by equation$$,
	$$select 's', pg_temp.at(), equation, 0::bigint from unnest(array['conversations', 'events_open', 'events_segment', 'events_syn',
		'journal', 'kinds', 'packets', 'records', 'syns']) as equation$$, 'a minute in which all is accounted for');
select results_eq($$select port, family::integer, left_side, right_side from ledger_balance_by_port where equation = 'packets' order by 1$$,
	$$values (0, 6, 5::bigint, 5::bigint), (8080, 4, 10, 10)$$, 'packets by port and family');

create function pg_temp.missing() returns setof text language sql
	as $$select equation || ' ' || difference from ledger_balance where difference <> 0 order by equation$$;
savepoint even;
select pg_temp.counted(pg_temp.at(), 8080, 4, 'seen', 1, 3);
select results_eq('select pg_temp.missing()', array['kinds 1', 'packets 1'], 'a packet without a verdict');
rollback to even;
select pg_temp.counted(pg_temp.at(), 8080, 4, 'recorded', -1, 3);
select results_eq('select pg_temp.missing()', array['conversations 1'], 'a conversation that is gone');
rollback to even;
select pg_temp.counted(pg_temp.at(), 8080, 4, 'emitted_unreachable', 1, 3);
select results_eq('select pg_temp.missing()', array['events_unreachable 1'], 'an event that never arrived');
rollback to even;
select pg_temp.counted(pg_temp.at(), 0, 0, 'loaded', -3, 3);
select results_eq('select pg_temp.missing()', array['journal 3'], 'three records wait');
rollback to even;
select pg_temp.counted(pg_temp.at(), 8080, 4, 'syn_unsampled', -1, 3);
select results_eq('select pg_temp.missing()', array['syns 1'], 'a SYN that is neither sampled nor not');
rollback to even;
-- one port has a packet too much, the other one too few: that is no balance
select pg_temp.counted(pg_temp.at(), 8080, 4, 'answered', 1, 3), pg_temp.counted(pg_temp.at(), 0, 6, 'passed', -1, 3);
select results_eq('select pg_temp.missing()', array['packets 1'], 'a surplus does not hide a shortage');
rollback to even;
select pg_temp.counted(pg_temp.at() + interval '1 minute', 8080, 6, 'records_shed', 2, 3);
select results_eq($$select minute, equation, difference from ledger_balance where difference <> 0$$,
	$$values (pg_temp.at() + interval '1 minute', 'records', -2::bigint)$$, 'minutes are apart');

select finish();
rollback;
