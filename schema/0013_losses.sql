-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0013_losses.sql - what a sensor could not take, by day and cause.
--
-- In:  tables ledger, journal_segment. Out: function losses, view losses_daily. Read by whoever must say how far a day's figures can be
-- trusted: ledger_balance says that all is accounted for, and this what it was accounted for as. The terms are those of
-- include/otori/counters.h, collector/responder/page.h and the loader.

set local role otori_owner;
set local search_path to otori;

-- Causes, what is lost by each, and what that means for the figures. One list: the view takes its units, the page of the schema its text.
create function loss_causes() returns table (term text, unit text, meaning text)
	language sql immutable parallel safe
begin atomic
	select causes.term, causes.unit, causes.meaning
	from (values
		('ring_full_syn', 'samples', 'a SYN was counted but its sample found no room in the ring: counters are whole, syn_sample and syn_source hold fewer rows'),
		('ring_full_open', 'packets', 'a handshake''s last ACK found no room in the ring: the visitor sends again, else the conversation is missing'),
		('ring_full_segment', 'packets', 'a segment found no room in the ring: the visitor sends it again'),
		('ring_full_unreachable', 'packets', 'an ICMP error about a conversation found no room in the ring'),
		('refused_rate_limited', 'packets', 'a SYN or echo request over a limit (by /24 or /48, or in all): counted, not answered'),
		('refused_no_responder', 'packets', 'came while nobody was there to answer: counted, not answered'),
		('refused_flow_table_full', 'packets', 'a handshake was completed while no slot for it was free: no conversation'),
		('refused_transmit_failed', 'packets', 'an answer did not fit into the frame that asked'),
		('refused_guard', 'packets', 'the guard refused an answer: a fault of otori, to be reported'),
		('frames_dropped', 'packets', 'the responder''s answer could not be sent: sent again where it matters'),
		('malformed', 'events', 'an event in the ring that was none: a fault of otori, to be reported'),
		('set_aside', 'events', 'an event on which the responder died twice: kept for inquiry'),
		('lost_crash', 'conversations', 'open when the responder died'),
		('lost_pool_exhausted', 'conversations', 'no room for one more in the responder''s memory'),
		('lost_records_full', 'conversations', 'its record found no room on the way to the journal'),
		('lost_journal_failed', 'conversations', 'its record could not be written'),
		('records_shed', 'records', 'dropped before the journal, which did not keep up'),
		('records_set_aside', 'records', 'in a segment that could not be loaded: see journal_segment.set_aside')
	) as causes (term, unit, meaning);
end;
comment on function loss_causes() is 'Terms of the ledger that are losses, the unit of each, and what is missing then; all other refused_* terms are not losses but what the packets deserved, and syn_unsampled is the share of SYNs that was not to be sampled';

create function losses(from_time timestamptz, to_time timestamptz, of_sensor text default null, bucket interval default '1 day')
	returns table (sensor text, begins_at timestamptz, cause text, amount bigint, unit text)
	language sql stable parallel safe
begin atomic
	select counted.sensor, bucket_begin(counted.bucket_key, bucket), counted.cause, counted.amount::bigint, counted.unit
	from (
		select ledger.sensor, bucket_key(ledger.minute, bucket) as bucket_key, ledger.term as cause, sum(ledger.value) as amount, causes.unit
		from ledger
		join loss_causes() as causes on causes.term = ledger.term
		where ledger.minute >= coalesce(from_time, '-infinity') and ledger.minute < coalesce(to_time, 'infinity')
			and (of_sensor is null or ledger.sensor = of_sensor)
		group by ledger.sensor, bucket_key(ledger.minute, bucket), ledger.term, causes.unit
		union all
		select segment.sensor, bucket_key(segment.created_at, bucket),
			case when segment.set_aside is null then 'segment_cut' else 'segment_set_aside' end, count(*), 'segments'
		from journal_segment as segment
		where (segment.cut or segment.set_aside is not null)
			and segment.created_at >= coalesce(from_time, '-infinity') and segment.created_at < coalesce(to_time, 'infinity')
			and (of_sensor is null or segment.sensor = of_sensor)
		group by 1, 2, 3
	) as counted
	where counted.amount <> 0 and check_period(from_time, to_time, of_sensor, bucket);
end;
comment on function losses(timestamptz, timestamptz, text, interval) is 'What could not be taken, within bounds, in each bucket of time (an hour to a year, local calendar); rows only where something was lost; causes as in losses_daily';

create view losses_daily as
	select sensor, begins_at::date as day, cause, amount, unit
	from losses('-infinity', 'infinity', null, '1 day');
comment on view losses_daily is 'What could not be taken, by day and cause: no row is no loss. Beside it belong observation_gaps (nothing was counted at all) and ledger_balance (whether the account closes)';
comment on column losses_daily.sensor is 'Name of the sensor';
comment on column losses_daily.day is 'The day (session''s TimeZone), of segments the one on which they were begun';
comment on column losses_daily.cause is 'A term of loss_causes(), segment_cut (a journal segment that ended within a frame: what came before was loaded) or segment_set_aside (one that could not be loaded)';
comment on column losses_daily.amount is 'How many';
comment on column losses_daily.unit is 'Of what: packets, samples, events, conversations, records, segments. Units are never added up';

revoke execute on function loss_causes, losses from public;
grant execute on function loss_causes, losses to otori_read, otori_loader;
grant select on losses_daily to otori_read, otori_loader;
