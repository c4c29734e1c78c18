-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0004_ledger.sql - the ledger's equations, minute by minute.
--
-- In:  table ledger. Out: ledger_balance_by_port, ledger_balance. Read by the lab, status and whoever wants to know whether all is
-- accounted for. The terms are those of include/otori/counters.h and collector/responder/page.h.

set local role otori_owner;
set local search_path to otori;

-- Records are counted when they are made, not by port, and the loader knows no ports: those two equations are of the whole minute.
create view ledger_balance_by_port as
	with counted as (
		select sensor, minute, port, family,
			sum(value) filter (where term = 'seen') as seen,
			sum(value) filter (where term in ('passed', 'answered', 'taken') or starts_with(term, 'refused_')) as verdicts,
			sum(value) filter (where starts_with(term, 'kind_')) as kinds,
			sum(value) filter (where term = 'kind_syn' and port > 0) as syns,
			sum(value) filter (where term in ('syn_sampled', 'syn_unsampled')) as syns_judged,
			sum(value) filter (where term = 'emitted_syn') as emitted_syn,
			sum(value) filter (where term in ('read_syn', 'ring_full_syn')) as arrived_syn,
			sum(value) filter (where term = 'emitted_open') as emitted_open,
			sum(value) filter (where term in ('read_open', 'ring_full_open')) as arrived_open,
			sum(value) filter (where term = 'emitted_segment') as emitted_segment,
			sum(value) filter (where term in ('read_segment', 'ring_full_segment')) as arrived_segment,
			sum(value) filter (where term = 'emitted_unreachable') as emitted_unreachable,
			sum(value) filter (where term in ('read_unreachable', 'ring_full_unreachable')) as arrived_unreachable,
			sum(value) filter (where term = 'opened') as opened,
			sum(value) filter (where term in ('open', 'recorded') or starts_with(term, 'lost_')) as ended,
			sum(value) filter (where term = 'records_made') as made,
			sum(value) filter (where term in ('records_journalled', 'records_shed')) as journalled_or_shed,
			sum(value) filter (where term = 'records_journalled') as journalled,
			sum(value) filter (where term in ('loaded', 'records_set_aside')) as loaded
		from ledger
		group by sensor, minute, port, family
	), whole_minute as (
		select sensor, minute, sum(made) as made, sum(journalled_or_shed) as journalled_or_shed, sum(journalled) as journalled,
			sum(loaded) as loaded
		from counted
		group by sensor, minute
	), side as (
		select sensor, minute, port, family, equation, left_side, right_side
		from counted cross join lateral (values
			('packets', seen, verdicts),
			('kinds', seen, kinds),
			('syns', syns, syns_judged),
			('events_syn', emitted_syn, arrived_syn),
			('events_open', emitted_open, arrived_open),
			('events_segment', emitted_segment, arrived_segment),
			('events_unreachable', emitted_unreachable, arrived_unreachable),
			('conversations', opened, ended)) as balance (equation, left_side, right_side)
		union all
		select sensor, minute, 0, 0, equation, left_side, right_side
		from whole_minute cross join lateral (values
			('records', made, journalled_or_shed),
			('journal', journalled, loaded)) as balance (equation, left_side, right_side)
	)
	select sensor, minute, equation, port, family, coalesce(left_side, 0)::bigint as left_side,
		coalesce(right_side, 0)::bigint as right_side, (coalesce(left_side, 0) - coalesce(right_side, 0))::bigint as difference
	from side
	where left_side is not null or right_side is not null;
comment on view ledger_balance_by_port is 'Both sides of each equation of the ledger, by minute, port and family';
comment on column ledger_balance_by_port.sensor is 'Name of the sensor';
comment on column ledger_balance_by_port.minute is 'Start of the minute';
comment on column ledger_balance_by_port.equation is 'packets: seen = passed + answered + taken + refused; kinds: seen = sum of the kinds; syns: SYNs to decoy ports = sampled + unsampled; events_KIND: emitted = read + ring_full; conversations: opened = open + recorded + lost; records: made = journalled + shed; journal: journalled = loaded + set aside (the difference waits)';
comment on column ledger_balance_by_port.port is 'Decoy port; 0 = all other ports, or an equation without port';
comment on column ledger_balance_by_port.family is '4 or 6; 0 = an equation without family';
comment on column ledger_balance_by_port.left_side is 'What came in';
comment on column ledger_balance_by_port.right_side is 'What became of it';
comment on column ledger_balance_by_port.difference is 'left_side - right_side';

create view ledger_balance as
	select sensor, minute, equation,
		coalesce(nullif(sum(difference), 0), sum(greatest(difference, 0)))::bigint as difference
	from ledger_balance_by_port
	group by sensor, minute, equation;
comment on view ledger_balance is 'Whether all is accounted for: a row for each minute and equation that anything was counted for';
comment on column ledger_balance.sensor is 'Name of the sensor';
comment on column ledger_balance.minute is 'Start of the minute';
comment on column ledger_balance.equation is 'As in ledger_balance_by_port';
comment on column ledger_balance.difference is 'What is missing on the right side: 0 = every port and family is even; where shortage and surplus of two ports cancel out, the shortage alone';

grant select on ledger_balance, ledger_balance_by_port to otori_read, otori_loader;
