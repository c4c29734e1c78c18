-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0011_mail_figures.sql - the figures of mail: direct attempts, mails by day and kind, probes and their waves, targeted domains, suspects.
--
-- In:  functions of 0009, tables source, mail, probe_mail, view relay_verdict. Out: a function with bounds and a view for each figure. Called by readers (role
-- otori_read).
--
-- What is counted: an attempt is a conversation in SMTP with the decoy itself (protocol smtp, on whatever port) that named a recipient.
-- Mails are complete ones through a proxy request; direct ones are left out. Quotients and shares are not rounded; a share is a
-- fraction of 1. Bounds: from_time is included, to_time is not.

set local role otori_owner;
set local search_path to otori;

create function direct_mail(from_time timestamptz, to_time timestamptz, of_sensor text default null, bucket interval default '1 day')
	returns table (begins_at timestamptz, sensor text, attempts bigint, servers bigint, attempts_per_server numeric)
	language sql stable parallel safe
begin atomic
	select observed.begins_at, observed.sensor, counted.attempts, observed.servers,
		counted.attempts::numeric / nullif(observed.servers, 0)
	from observed(from_time, to_time, of_sensor, bucket) as observed
	join (
		select part.sensor, part.bucket_key, sum(part.attempts)::bigint as attempts
		from (
			select offered.sensor, offered.bucket_key, 0::bigint as attempts
			from observed_port(from_time, to_time, of_sensor, bucket) as offered
			where offered.decoy_port = 25
			union all
			select rows.sensor, bucket_key(rows.quarter, bucket), rows.attempts
			from counted_accesses(from_time, to_time, of_sensor) as rows
			where rows.attempts > 0
		) as part
		group by part.sensor, part.bucket_key
	) as counted on counted.sensor = observed.sensor and counted.bucket_key = observed.bucket_key
	where check_period(from_time, to_time, of_sensor, bucket);
end;
comment on function direct_mail(timestamptz, timestamptz, text, interval) is 'Figure 9 within bounds: relay attempts by SMTP spoken to the decoy itself in each bucket of time (an hour to a year, local calendar); attempts_per_server = attempts / decoy addresses observed in that bucket; a row for each in which port 25 was offered, and for each with attempts';

create or replace view direct_mail_daily as
	select begins_at::date as day, sensor, attempts, servers, attempts_per_server
	from direct_mail('-infinity', 'infinity', null, '1 day');
comment on view direct_mail_daily is 'Figure 9: relay attempts by SMTP spoken to the decoy itself, on whatever port, per server per day; divided by the decoy addresses observed on that day; a row for each day on which port 25 was offered, and for each with attempts';

create function direct_mail_countries(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, country text, sources bigint, attempts bigint, share numeric)
	language sql stable parallel safe
begin atomic
	select visitor.sensor, coalesce(known.country, 'ZZ') as country, count(*), sum(visitor.attempts)::bigint,
		sum(visitor.attempts) / sum(sum(visitor.attempts)) over (partition by visitor.sensor)
	from (
		select rows.sensor, rows.source, sum(rows.attempts)::bigint as attempts
		from counted_sources(from_time, to_time, of_sensor) as rows
		where rows.attempts > 0
		group by rows.sensor, rows.source
	) as visitor
	left join source as known on known.sensor = visitor.sensor and known.source = visitor.source
	where check_period(from_time, to_time, of_sensor)
	group by 1, 2;
end;
comment on function direct_mail_countries(timestamptz, timestamptz, text) is 'Figure 10 within bounds: countries of the sources of direct relay attempts; share = attempts / all attempts of the sensor within the bounds; ZZ = unknown';

create view direct_mail_countries as
	select sensor, country, sources, attempts, share
	from direct_mail_countries('-infinity', 'infinity');
comment on view direct_mail_countries is 'Figure 10: countries of the sources of direct relay attempts; share is that of all attempts of the sensor';
comment on column direct_mail_countries.sensor is 'Name of the sensor';
comment on column direct_mail_countries.country is 'ISO 3166 alpha-2; ZZ = unknown';
comment on column direct_mail_countries.sources is 'Distinct source addresses';
comment on column direct_mail_countries.attempts is 'Direct conversations that named a recipient (depth rcpt or data)';
comment on column direct_mail_countries.share is 'attempts / all attempts of the sensor, a fraction of 1';

create function direct_mail_kinds(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, kind text, conversations bigint, sources bigint)
	language sql stable parallel safe
begin atomic
	select rows.sensor, rows.kind, sum(rows.conversations)::bigint, count(distinct rows.source)
	from counted_direct(from_time, to_time, of_sensor) as rows
	where rows.conversations > 0 and check_period(from_time, to_time, of_sensor)
	group by rows.sensor, rows.kind;
end;
comment on function direct_mail_kinds(timestamptz, timestamptz, text) is 'What direct SMTP conversations were about, within bounds (reference section): numbers of conversations with depth >= payload and of their distinct sources, nothing is divided';

create view direct_mail_kinds as
	select sensor, kind, conversations, sources
	from direct_mail_kinds('-infinity', 'infinity');
comment on view direct_mail_kinds is 'Reference section (figures 9 and 10): what direct SMTP conversations were about: relays are searched for; numbers, nothing is divided';
comment on column direct_mail_kinds.sensor is 'Name of the sensor';
comment on column direct_mail_kinds.kind is 'relay_test (a series of routes, the decoy''s own address, no DATA), mail, other';
comment on column direct_mail_kinds.conversations is 'Direct conversations with depth >= payload';
comment on column direct_mail_kinds.sources is 'Distinct source addresses of those';

create function mails(from_time timestamptz, to_time timestamptz, of_sensor text default null, bucket interval default '1 day')
	returns table (begins_at timestamptz, sensor text, mails bigint, servers bigint, mails_per_server numeric)
	language sql stable parallel safe
begin atomic
	select observed.begins_at, observed.sensor, coalesce(counted.mails, 0), observed.servers,
		coalesce(counted.mails, 0)::numeric / nullif(observed.servers, 0)
	from observed(from_time, to_time, of_sensor, bucket) as observed
	left join (
		select rows.sensor, bucket_key(rows.quarter, bucket) as bucket_key, sum(rows.mails)::bigint as mails
		from counted_mails(from_time, to_time, of_sensor) as rows
		where not rows.direct
		group by 1, 2
	) as counted on counted.sensor = observed.sensor and counted.bucket_key = observed.bucket_key
	where check_period(from_time, to_time, of_sensor, bucket);
end;
comment on function mails(timestamptz, timestamptz, text, interval) is 'Figure 12 within bounds: complete mails through a proxy request in each bucket of time (an hour to a year, local calendar) that was observed; mails_per_server = mails / decoy addresses observed in that bucket';

create or replace view mails_daily as
	select begins_at::date as day, sensor, mails, servers, mails_per_server
	from mails('-infinity', 'infinity', null, '1 day');
comment on view mails_daily is 'Figure 12: complete mails taken through a proxy request, per server per day; divided by the decoy addresses observed on that day; a row for each day that was observed';

create function mail_kinds(from_time timestamptz, to_time timestamptz, of_sensor text default null, bucket interval default '1 day')
	returns table (sensor text, begins_at timestamptz, kind text, mails bigint)
	language sql stable parallel safe
begin atomic
	select observed.sensor, observed.begins_at, counted.kind, counted.mails
	from observed(from_time, to_time, of_sensor, bucket) as observed
	join (
		select rows.sensor, bucket_key(rows.quarter, bucket) as bucket_key, case when rows.probe then 'probe' else 'mail' end as kind,
			sum(rows.mails)::bigint as mails
		from counted_mails(from_time, to_time, of_sensor) as rows
		where not rows.direct and rows.mails > 0
		group by 1, 2, 3
	) as counted on counted.sensor = observed.sensor and counted.bucket_key = observed.bucket_key
	where check_period(from_time, to_time, of_sensor, bucket);
end;
comment on function mail_kinds(timestamptz, timestamptz, text, interval) is 'Sections 2(2) and 4(1) within bounds: complete mails through a proxy request in each bucket of time (an hour to a year, local calendar), probes apart; numbers, nothing is divided; no rows with 0';

create view mail_kinds as
	select sensor, begins_at::date as day, kind, mails
	from mail_kinds('-infinity', 'infinity', null, '1 day');
comment on view mail_kinds is 'Sections 2(2) and 4(1): how much of the mail is search for open proxies; numbers by day, nothing is divided; no rows with 0; the sum over kinds is that of mails_daily';
comment on column mail_kinds.sensor is 'Name of the sensor';
comment on column mail_kinds.day is 'The day (session''s TimeZone)';
comment on column mail_kinds.kind is 'probe (a probe mail, see probe_mails) or mail (all others)';
comment on column mail_kinds.mails is 'Complete mails through a proxy request';

create function targeted_domains(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, recipient_domain text, mails bigint, recipients bigint, sources bigint, relay_hosts bigint,
		first_seen timestamptz, last_seen timestamptz)
	language sql stable parallel safe
begin atomic
	select rows.sensor, rows.recipient_domain, rows.mails, rows.recipients, rows.sources, rows.relay_hosts, rows.first_seen, rows.last_seen
	from counted_domains(from_time, to_time, of_sensor) as rows
	where rows.mails > 0 and check_period(from_time, to_time, of_sensor);
end;
comment on function targeted_domains(timestamptz, timestamptz, text) is 'Text to figure 14 within bounds: domains of the recipients of complete mails through a proxy request; numbers, nothing is divided';

create view targeted_domains as
	select sensor, recipient_domain, mails, recipients, sources, relay_hosts, first_seen, last_seen
	from targeted_domains('-infinity', 'infinity');
comment on view targeted_domains is 'Text to figure 14 (the victim sees only the proxy): domains of the recipients of complete mails through a proxy request; numbers, nothing is divided';
comment on column targeted_domains.sensor is 'Name of the sensor';
comment on column targeted_domains.recipient_domain is 'What stands behind the last @ of a recipient''s address, lower case, without a final dot';
comment on column targeted_domains.mails is 'Mails with a recipient of this domain';
comment on column targeted_domains.recipients is 'Distinct recipients (lower case) of this domain';
comment on column targeted_domains.sources is 'Distinct source addresses that sent them';
comment on column targeted_domains.relay_hosts is 'Distinct relay hosts that were asked for';
comment on column targeted_domains.first_seen is 'When the first was received';
comment on column targeted_domains.last_seen is 'When the last was received';

create function probe_mails(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, received_at timestamptz, decoy inet, decoy_port integer, source inet, mailbox text, subject text,
		found_in text, encoding text, answered_at timestamptz)
	language sql stable parallel safe
begin atomic
	select probe.sensor, probe.received_at, probe.decoy, probe.decoy_port, probe.source, probe.mailbox, probe.subject, probe.found_in,
		probe.encoding, probe.answered_at
	from probe_mail as probe
	where probe.received_at >= coalesce(from_time, '-infinity') and probe.received_at < coalesce(to_time, 'infinity') and (of_sensor is null or probe.sensor = of_sensor)
		and check_period(from_time, to_time, of_sensor);
end;
comment on function probe_mails(timestamptz, timestamptz, text) is 'Figure 13 within bounds: probe mails, a row each, nothing is divided';

create view probe_mails as
	select sensor, received_at, decoy, decoy_port, source, mailbox, subject, found_in, encoding, answered_at
	from probe_mails('-infinity', 'infinity');
comment on view probe_mails is 'Figure 13: complete mails that carry the address and port of the decoy they came through: somebody looks for open proxies; a row each, nothing is divided';
comment on column probe_mails.sensor is 'Name of the sensor';
comment on column probe_mails.received_at is 'When the end of the mail was seen';
comment on column probe_mails.decoy is 'Address of the decoy';
comment on column probe_mails.decoy_port is 'TCP port of the decoy';
comment on column probe_mails.source is 'Address of the visitor';
comment on column probe_mails.mailbox is 'The mailbox it reports to: its first recipient, cleaned text';
comment on column probe_mails.subject is 'Subject, decoded (RFC 2047) and cleaned; null: no such field';
comment on column probe_mails.found_in is 'Where address and port were found: subject, body, message_id, helo, mail_from, rcpt_to, header';
comment on column probe_mails.encoding is 'How they were written: dotted, reversed, decimal, hex, base64';
comment on column probe_mails.answered_at is 'When it was handed to a mail server; null: it was not';

-- what came through a decoy in the days around a probe, without a look at the wide rows
create index mail_by_decoy on mail (sensor, decoy, received_at) include (source) where complete and not direct and not probe;

-- Seven days are 168 hours, whatever clocks do. Who came is counted for waves alone: it costs more than to count mails.
create function probe_waves(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, probed_at timestamptz, decoy inet, mailbox text, wave_started_at timestamptz, delay interval, mails bigint,
		sources bigint, answered_at timestamptz)
	language sql stable parallel safe
begin atomic
	select probe.sensor, probe.received_at, probe.decoy, probe.mailbox, wave.started_at, wave.started_at - probe.received_at,
		coalesce(wave.mails, 0), coalesce(wave.sources, 0), probe.answered_at
	from probe_mail as probe
	cross join lateral (
		select count(*) filter (where other.received_at < probe.received_at) as before,
			count(*) filter (where other.received_at > probe.received_at) as after
		from mail as other
		where other.sensor = probe.sensor and other.decoy = probe.decoy and other.complete and not other.direct and not other.probe
			and other.received_at >= probe.received_at - interval '168 hours' and other.received_at <= probe.received_at + interval '168 hours'
	) as near
	left join lateral (
		select min(other.received_at) as started_at, count(*) as mails, count(distinct other.source) as sources
		from mail as other
		where near.after >= 10 and near.after >= 5 * near.before
			and other.sensor = probe.sensor and other.decoy = probe.decoy and other.complete and not other.direct and not other.probe
			and other.received_at > probe.received_at and other.received_at <= probe.received_at + interval '168 hours'
	) as wave on true
	where probe.received_at >= coalesce(from_time, '-infinity') and probe.received_at < coalesce(to_time, 'infinity') and (of_sensor is null or probe.sensor = of_sensor)
		and check_period(from_time, to_time, of_sensor);
end;
comment on function probe_waves(timestamptz, timestamptz, text) is 'Figure 13 within bounds (of the probes): what followed each probe mail; numbers, nothing is divided. A wave is the mail through that decoy, probes aside, in the 7 days after the probe, if it is at least 10 mails and at least 5 times that of the 7 days before';

create view probe_waves as
	select sensor, probed_at, decoy, mailbox, wave_started_at, delay, mails, sources, answered_at
	from probe_waves('-infinity', 'infinity');
comment on view probe_waves is 'Figure 13: what followed each probe mail; numbers, nothing is divided. A wave is the mail through that decoy, probes aside, in the 7 days (168 hours) after the probe, if it is at least 10 mails and at least 5 times that of the 7 days before; else its columns are null and 0';
comment on column probe_waves.sensor is 'Name of the sensor';
comment on column probe_waves.probed_at is 'When the probe mail was received';
comment on column probe_waves.decoy is 'Address of the decoy';
comment on column probe_waves.mailbox is 'The mailbox the probe reports to';
comment on column probe_waves.wave_started_at is 'First mail of the wave; null: no wave';
comment on column probe_waves.delay is 'wave_started_at - probed_at; null: no wave';
comment on column probe_waves.mails is 'Complete mails of the wave; 0: no wave';
comment on column probe_waves.sources is 'Distinct source addresses of the wave; 0: no wave';
comment on column probe_waves.answered_at is 'When the probe was handed to a mail server; null: it was not';

-- The view open_relay_suspects is in 0007, with why these two are planned as they are. This one looks at its bounds, so it is here.
create function open_relay_suspects(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, relay_host text, relay_port integer, recipient_domain text, mails bigint, first_seen timestamptz,
		last_seen timestamptz, evidence text, looked_up_at timestamptz)
	language sql stable
	set enable_nestloop to off
	set enable_mergejoin to off
begin atomic
	with sent as (
		select distinct mail.sensor, mail.mail, mail.received_at, destination_name(mail.relay_host) as relay_host,
			coalesce(mail.relay_port, -1) as relay_port, recipient_domain(recipient.address) as recipient_domain
		from mail
		join mail_recipient as recipient on recipient.sensor = mail.sensor and recipient.mail = mail.mail
			and recipient.received_at = mail.received_at
		where mail.received_at >= from_time and mail.received_at < to_time and recipient.received_at >= from_time
			and recipient.received_at < to_time and mail.complete and not mail.direct
			and (of_sensor is null or mail.sensor = of_sensor)
	), counted as (
		select sent.sensor, sent.relay_host, sent.relay_port, sent.recipient_domain, count(*) as mails, min(sent.received_at) as first_seen,
			max(sent.received_at) as last_seen, (array_agg(verdict.finding order by verdict.valid_on desc) filter (where verdict.suspect))[1] as finding,
			(array_agg(verdict.origin order by verdict.valid_on desc) filter (where verdict.suspect))[1] as origin,
			max(verdict.valid_on) filter (where verdict.suspect) as valid_on,
			max(verdict.looked_up_at) filter (where verdict.suspect) as looked_up_at
		from sent
		join relay_verdict as verdict on verdict.sensor = sent.sensor and verdict.relay_host = sent.relay_host
			and verdict.recipient_domain = sent.recipient_domain and verdict.suspect
			and (sent.received_at at time zone 'UTC')::date >= verdict.holds_from
			and (sent.received_at at time zone 'UTC')::date < verdict.holds_until
		group by 1, 2, 3, 4
	)
	select counted.sensor, counted.relay_host, counted.relay_port, counted.recipient_domain, counted.mails, counted.first_seen,
		counted.last_seen,
		counted.finding || '. ' || looked_up_text(counted.origin, counted.valid_on, counted.looked_up_at, counted.first_seen,
			counted.last_seen),
		counted.looked_up_at
	from counted
	where check_period(from_time, to_time, of_sensor);
end;
comment on function open_relay_suspects(timestamptz, timestamptz, text) is 'As view open_relay_suspects, of the mails received from the first moment on and before the second; of one sensor, or of all';

grant select on direct_mail_countries, direct_mail_kinds, mail_kinds, targeted_domains, probe_mails, probe_waves to otori_read, otori_loader;

revoke execute on function direct_mail, direct_mail_countries, direct_mail_kinds, mails, mail_kinds, targeted_domains, probe_mails,
	probe_waves, open_relay_suspects from public;
grant execute on function direct_mail, direct_mail_countries, direct_mail_kinds, mails, mail_kinds, targeted_domains, probe_mails,
	probe_waves, open_relay_suspects to otori_read, otori_loader;
