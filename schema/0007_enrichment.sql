-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0007_enrichment.sql - what the enrichment keeps beside the figures: dated answers, exchangers, suspects of open relays.
--
-- In:  tables of 0001, roll-ups of 0005. Out: history of answers, the cache of looked-up names, view and function
-- open_relay_suspects. Written by collector/enrichment (role otori_enrich); read by the report.
--
-- An answer once given stays: source and relay_destination hold the current one, which is what all views take; a newer database
-- gives a further answer only where the operator asks for it (otori enrich --refresh), and source_answer and
-- relay_destination_answer keep every one with the date of the database it came from.

do $$
begin
	if to_regrole('otori_enrich') is null then
		begin
			create role otori_enrich nologin;
		exception
			-- another database of the same cluster may be set up at this moment: roles are the cluster's
			when duplicate_object or unique_violation then null;
		end;
	end if;
end
$$;

set local role otori_owner;
set local search_path to otori;

alter table source add column network_dated date;
comment on column source.country is 'ISO 3166 alpha-2; ZZ = unknown. The current answer, which the views take; all answers are in source_answer';
comment on column source.network_dated is 'Date of the network database that was asked for as_number and as_name; null: none was';

alter table relay_destination add column registered text;
comment on column relay_destination.country is 'ISO 3166 alpha-2; ZZ = unknown, or its addresses disagree. The current answer, which the views take; all answers are in relay_destination_answer';
comment on column relay_destination.addresses is 'Its addresses: of a host that is an address, itself; of a name, what the resolver said or, of an exchanger, what is in mail_exchanger. Empty: the name has none';
comment on column relay_destination.registered is 'Registered part of the name (public suffix list); null: an address, or nothing is registered';

alter table mail_exchanger add column origin text not null default 'file' check (origin in ('resolver', 'file'));
alter table mail_exchanger add column whole boolean not null default true;
alter table mail_exchanger add column registered text;
comment on table mail_exchanger is 'Mail exchangers of recipients'' domains, by resolver or by a dated file. The rows of a domain with one date are one whole answer';
comment on column mail_exchanger.exchanger is 'Name of an exchanger of it, lower case; the domain itself where it has no MX; a dot: the domain says that it takes no mail (null MX, RFC 7505); empty: looked up, none found';
comment on column mail_exchanger.valid_on is 'Day (UTC) for which that holds: of the file its date, of the resolver the day it was asked. For a mail the newest day not after it counts, else the earliest after it';
comment on column mail_exchanger.looked_up_at is 'When it was looked up; of a file the beginning of its date (UTC)';
comment on column mail_exchanger.origin is 'resolver: the operator''s resolver said so; file: a dated file, as from passive DNS';
comment on column mail_exchanger.whole is 'False: its addresses are not known, or its domain has more exchangers than are kept: a relay that is none of these may still be an exchanger, so it is no suspect';
comment on column mail_exchanger.registered is 'Registered part of the exchanger''s name (public suffix list): what exchangers of one operator share; null: none';

create table source_answer (
	sensor text not null,
	source inet not null,
	kind text not null check (kind in ('country', 'network')),
	dated date not null,
	country text,
	as_number bigint,
	as_name text,
	looked_up_at timestamptz not null,
	primary key (sensor, source, kind, dated)
);
comment on table source_answer is 'Every answer that was given about visitors; the current one is in source, and only that is taken by views';
comment on column source_answer.sensor is 'Name of the sensor';
comment on column source_answer.source is 'Address of the visitor';
comment on column source_answer.kind is 'country or network: which database was asked';
comment on column source_answer.dated is 'Date of that database';
comment on column source_answer.country is 'ISO 3166 alpha-2; ZZ = it does not know; null: a network database';
comment on column source_answer.as_number is 'Number of the autonomous system; null: it does not know, or a country database';
comment on column source_answer.as_name is 'Name of the autonomous system; null: it does not know, or a country database';
comment on column source_answer.looked_up_at is 'When it was asked';

create table relay_destination_answer (
	sensor text not null,
	relay_host text not null,
	looked_up_at timestamptz not null,
	country text not null,
	country_dated date,
	addresses inet[] not null,
	primary key (sensor, relay_host, looked_up_at)
);
comment on table relay_destination_answer is 'Every answer that was given about hosts to which relays were asked for; the current one is in relay_destination, and only that is taken by views';
comment on column relay_destination_answer.sensor is 'Name of the sensor';
comment on column relay_destination_answer.relay_host is 'The host, lower case, without a final dot';
comment on column relay_destination_answer.looked_up_at is 'When it was looked up';
comment on column relay_destination_answer.country is 'ISO 3166 alpha-2; ZZ = unknown, or its addresses disagree';
comment on column relay_destination_answer.country_dated is 'Date of the country database that was asked; null: none was';
comment on column relay_destination_answer.addresses is 'Its addresses as they were then';

create table name_lookup (
	sensor text not null,
	name text not null,
	kind text not null check (kind in ('exchangers', 'addresses')),
	state text not null check (state in ('waiting', 'found', 'none', 'unknown', 'refused')),
	addresses inet[] not null default '{}',
	detail text,
	failures integer not null default 0,
	wanted_at timestamptz,
	asked_at timestamptz,
	ask_again_at timestamptz not null default now(),
	primary key (sensor, name, kind)
);
comment on table name_lookup is 'Names that are asked of the operator''s resolver, and what became of it: the queue and the cache. Empty where no resolver was ever named';
comment on column name_lookup.sensor is 'Name of the sensor';
comment on column name_lookup.name is 'The name, lower case, without a final dot';
comment on column name_lookup.kind is 'exchangers: a recipient''s domain, asked for MX; addresses: a relay or an exchanger, asked for A and AAAA';
comment on column name_lookup.state is 'waiting: not asked yet; found; none: there is no such name, or no record of that kind; unknown: the resolver failed, did not answer or answered something else, asked again later; refused: no name that is ever asked (detail says why)';
comment on column name_lookup.addresses is 'Of kind addresses: what was found, 64 at most';
comment on column name_lookup.detail is 'What is worth knowing of the state, such as why it is unknown; null: nothing';
comment on column name_lookup.failures is 'How often in a row the answer was unknown; each doubles the time until it is asked again, up to a day';
comment on column name_lookup.wanted_at is 'Time of the newest mail that makes it wanted; a domain is asked again where that is later than asked_at and the answer is too old';
comment on column name_lookup.asked_at is 'When it was asked last; null: not yet';
comment on column name_lookup.ask_again_at is 'Until then the answer holds (its TTL, between an hour and a week)';
create index name_lookup_due on name_lookup (sensor, kind, ask_again_at);

create table mail_record_warning (
	sensor text not null,
	domain text not null,
	exchanger text not null,
	address inet not null,
	first_found_at timestamptz not null,
	last_found_at timestamptz not null,
	primary key (sensor, domain, exchanger, address)
);
comment on table mail_record_warning is 'Mail records of DNS that point at a decoy: while there are any, figures 9 and 10 (direct_mail_daily, direct_mail_countries) count mail that was meant for the decoy';
comment on column mail_record_warning.sensor is 'Name of the sensor';
comment on column mail_record_warning.domain is 'The domain with that record';
comment on column mail_record_warning.exchanger is 'The exchanger that its record names';
comment on column mail_record_warning.address is 'Address of that exchanger: one of the sensor''s decoys';
comment on column mail_record_warning.first_found_at is 'When a look-up first found it';
comment on column mail_record_warning.last_found_at is 'When a look-up last found it';

-- What shares a network counts as one operator.
create function operator_networks(addresses inet[]) returns cidr[]
	language sql immutable strict parallel safe
	return (select coalesce(array_agg(distinct network(set_masklen(address, case family(address) when 4 then 24 else 48 end))), '{}')
		from unnest(addresses) as address);
comment on function operator_networks(inet[]) is 'The networks (/24, of IPv6 /48) in which these addresses are';

create function span_text(span interval) returns text
	language sql immutable strict parallel safe
	return case
		when extract(epoch from span) < 3600 then 'less than an hour'
		when extract(epoch from span) < 172800 then floor(extract(epoch from span) / 3600) || ' hours'
		when extract(epoch from span) < 2 * 365.25 * 86400 then floor(extract(epoch from span) / 86400) || ' days'
		else floor(extract(epoch from span) / (365.25 * 86400)) || ' years'
	end;
comment on function span_text(interval) is 'A span of time in words, in hours, days or years';

create view exchanger_answer as
	with answer as (
		select given.sensor, given.domain, given.valid_on, max(given.looked_up_at) as looked_up_at, min(given.origin) as origin,
			bool_and(given.whole) as whole, bool_or(given.exchanger = '.') as takes_no_mail,
			coalesce(array_agg(distinct given.exchanger) filter (where given.exchanger not in ('', '.')), '{}') as exchangers,
			coalesce(array_agg(distinct given.registered) filter (where given.registered is not null), '{}') as registered,
			coalesce(array_agg(distinct reached.address) filter (where reached.address is not null), '{}') as addresses,
			coalesce(array_agg(distinct concat_ws(' ', given.exchanger, host(given.addresses[1]), host(given.addresses[2])))
				filter (where given.exchanger not in ('', '.')), '{}') as described
		from mail_exchanger as given
		left join lateral unnest(given.addresses) as reached (address) on true
		group by given.sensor, given.domain, given.valid_on
	)
	select sensor, domain, valid_on,
		case when lag(valid_on) over in_order is null then '-infinity'::date else valid_on end as holds_from,
		coalesce(lead(valid_on) over in_order, 'infinity'::date) as holds_until,
		looked_up_at, origin, whole, takes_no_mail, exchangers, registered, addresses, operator_networks(addresses) as networks,
		described
	from answer
	window in_order as (partition by sensor, domain order by valid_on);
comment on view exchanger_answer is 'The exchangers of a recipient''s domain as one answer gave them. For a mail that answer holds which is the newest not after its day (UTC), else the earliest after it';
comment on column exchanger_answer.sensor is 'Name of the sensor';
comment on column exchanger_answer.domain is 'Domain of a recipient';
comment on column exchanger_answer.valid_on is 'As in mail_exchanger';
comment on column exchanger_answer.holds_from is 'First day whose mails it holds for; -infinity of the earliest answer';
comment on column exchanger_answer.holds_until is 'The first day for which it does not hold any more: that of the next answer, or infinity';
comment on column exchanger_answer.looked_up_at is 'When it was looked up';
comment on column exchanger_answer.origin is 'resolver or file';
comment on column exchanger_answer.whole is 'False: not all exchangers or addresses are known';
comment on column exchanger_answer.takes_no_mail is 'True: the domain says that it takes no mail (null MX)';
comment on column exchanger_answer.exchangers is 'Names of the exchangers; empty: none were found';
comment on column exchanger_answer.registered is 'Registered parts of those names';
comment on column exchanger_answer.addresses is 'Their addresses';
comment on column exchanger_answer.networks is 'The /24 and /48 in which those are';
comment on column exchanger_answer.described is 'Each exchanger with its first two addresses, for people';

-- A relay that is an exchanger of any domain, by name or by address, is all that this exchanger is: its other names and addresses
-- are compared as well, since exchangers of one operator count as one.
create view relay_identity as
	with wanted as materialized (
		select distinct sensor, relay_host
		from rollup_relay_domain
	), exchanger_address as materialized (
		select distinct given.sensor, given.exchanger, given.registered, reached.address
		from mail_exchanger as given cross join lateral unnest(given.addresses) as reached (address)
	), own_address as materialized (
		select wanted.sensor, wanted.relay_host, reached.address
		from wanted
		join relay_destination as known on known.sensor = wanted.sensor and known.relay_host = wanted.relay_host
		cross join lateral unnest(known.addresses) as reached (address)
		union
		select wanted.sensor, wanted.relay_host, given.address
		from wanted
		join exchanger_address as given on given.sensor = wanted.sensor and given.exchanger = wanted.relay_host
	), same as (
		select own.sensor, own.relay_host, array_agg(distinct other.exchanger) as names, array_agg(distinct other.registered) as registered,
			array_agg(distinct other.address) as addresses
		from (
			select distinct own.sensor, own.relay_host, given.exchanger
			from own_address as own
			join exchanger_address as given on given.sensor = own.sensor and given.address = own.address
		) as own
		join exchanger_address as other on other.sensor = own.sensor and other.exchanger = own.exchanger
		group by 1, 2
	), own as (
		select sensor, relay_host, array_agg(address order by address) as addresses
		from own_address
		group by 1, 2
	)
	select own.sensor, own.relay_host, known.looked_up_at,
		own.relay_host || case when own.relay_host = host(own.addresses[1]) then ''
			else format(' (%s)', concat_ws(', ', host(own.addresses[1]), host(own.addresses[2]), host(own.addresses[3]))) end as described,
		array[own.relay_host] || coalesce(same.names, '{}') as names,
		array_remove(array[known.registered] || coalesce(same.registered, '{}'), null) as registered,
		own.addresses || coalesce(same.addresses, '{}') as addresses,
		operator_networks(own.addresses || coalesce(same.addresses, '{}')) as networks
	from own
	left join relay_destination as known on known.sensor = own.sensor and known.relay_host = own.relay_host
	left join same on same.sensor = own.sensor and same.relay_host = own.relay_host;
comment on view relay_identity is 'What is known of the hosts through which mail was to be relayed; a host without a known address is no row';
comment on column relay_identity.sensor is 'Name of the sensor';
comment on column relay_identity.relay_host is 'The host, lower case, without a final dot';
comment on column relay_identity.looked_up_at is 'When the resolver was asked for it; null: its addresses are known from a file';
comment on column relay_identity.described is 'The host with its first three addresses, for people';
comment on column relay_identity.names is 'Its name, and those of exchangers (of any domain) that have one of its addresses';
comment on column relay_identity.registered is 'Registered parts of those names';
comment on column relay_identity.addresses is 'Its addresses and those of these exchangers';
comment on column relay_identity.networks is 'The /24 and /48 in which those are';

create view relay_verdict as
	-- materialized: each is made once, and not for every pair again
	with answer as materialized (
		select sensor, domain, valid_on, holds_from, holds_until, looked_up_at, origin, whole, takes_no_mail, exchangers, registered,
			addresses, networks, described
		from exchanger_answer
	), relay as materialized (
		select sensor, relay_host, described, names, registered, addresses, networks
		from relay_identity
	)
	select pair.sensor, pair.relay_host, pair.recipient_domain, answer.valid_on, answer.holds_from, answer.holds_until,
		answer.looked_up_at,
		case
			when relay.relay_host is null then null
			when answer.exchangers && relay.names or answer.addresses && relay.addresses or answer.registered && relay.registered
				or answer.networks && relay.networks then false
			when answer.exchangers = '{}' and not answer.takes_no_mail then null
			when not answer.whole then null
			else true
		end as suspect,
		answer.origin,
		case
			when answer.takes_no_mail and answer.exchangers = '{}' then
				format('%s was asked to take mail for %s, which says that it takes no mail (null MX)', relay.described, answer.domain)
			else format('%s is none of the exchangers of %s (%s%s) by name or address, and shares no registered name, /24 or /48 with them',
				relay.described, answer.domain, array_to_string(answer.described[1:4], ', '),
				case when cardinality(answer.described) > 4 then format(' and %s more', cardinality(answer.described) - 4) end)
		end as finding
	from (
		select distinct sensor, relay_host, recipient_domain
		from rollup_relay_domain
	) as pair
	join answer on answer.sensor = pair.sensor and answer.domain = pair.recipient_domain
	left join relay on relay.sensor = pair.sensor and relay.relay_host = pair.relay_host;
comment on view relay_verdict is 'Whether a relay was an exchanger of a recipient''s domain, by each answer about that domain; pairs of complete mails through the proxies';
comment on column relay_verdict.sensor is 'Name of the sensor';
comment on column relay_verdict.relay_host is 'The host, lower case, without a final dot';
comment on column relay_verdict.recipient_domain is 'Domain of a recipient';
comment on column relay_verdict.valid_on is 'The answer, by its day';
comment on column relay_verdict.holds_from is 'As in exchanger_answer';
comment on column relay_verdict.holds_until is 'As in exchanger_answer';
comment on column relay_verdict.looked_up_at is 'When it was looked up';
comment on column relay_verdict.origin is 'As in exchanger_answer';
comment on column relay_verdict.finding is 'Of a suspect: what was compared with what';
comment on column relay_verdict.suspect is 'False: an exchanger by name or address, or it shares a registered name, a /24 or a /48 with one; true: not; null: unknown, since relay or exchangers could not be looked up';

create function looked_up_text(origin text, valid_on date, looked_up_at timestamptz, first_seen timestamptz, last_seen timestamptz)
	returns text
	language sql immutable parallel safe
	return case origin when 'file' then 'By a file of ' || to_char(valid_on, 'YYYY-MM-DD') || ', ' else 'Looked up ' end
		|| case
			when looked_up_at > last_seen then span_text(looked_up_at - last_seen) || ' after the last of these mails'
			when looked_up_at < first_seen then span_text(first_seen - looked_up_at) || ' before the first of these mails'
			else 'between the first and the last of these mails'
		end;
comment on function looked_up_text(text, date, timestamptz, timestamptz, timestamptz) is 'Where an answer about exchangers came from, and how long before or after the mails, in words';

-- Functions, since a plan may be forced only there: the planner expects one row where there are thousands of pairs of relay and domain
-- (their sensor is the same for all), and would compare each with each. Hash joins take seconds where that takes hours.
create function open_relay_suspects_in_all()
	returns table (sensor text, relay_host text, relay_port integer, recipient_domain text, mails bigint, first_seen timestamptz,
		last_seen timestamptz, evidence text, looked_up_at timestamptz)
	language sql stable
	set enable_nestloop to off
	set enable_mergejoin to off
begin atomic
	with verdict as materialized (
		select sensor, relay_host, recipient_domain, valid_on, holds_from, holds_until, looked_up_at, suspect, origin, finding
		from relay_verdict
	), judged as (
		select pair.sensor, pair.relay_host, pair.relay_port, pair.recipient_domain, pair.mails, pair.first_seen, pair.last_seen,
			count(*) as answers, count(*) filter (where verdict.suspect) as against,
			(array_agg(verdict.finding order by verdict.valid_on desc) filter (where verdict.suspect))[1] as finding,
			(array_agg(verdict.origin order by verdict.valid_on desc) filter (where verdict.suspect))[1] as origin,
			max(verdict.valid_on) filter (where verdict.suspect) as valid_on,
			max(verdict.looked_up_at) filter (where verdict.suspect) as looked_up_at
		from rollup_relay_domain as pair
		join verdict on verdict.sensor = pair.sensor and verdict.relay_host = pair.relay_host
			and verdict.recipient_domain = pair.recipient_domain
			and verdict.holds_from <= (pair.last_seen at time zone 'UTC')::date
			and verdict.holds_until > (pair.first_seen at time zone 'UTC')::date
		group by 1, 2, 3, 4, 5, 6, 7
		having count(*) filter (where verdict.suspect) > 0
	), changing_mail as materialized (
		-- the answers changed while the mails came, and so did the verdict: each mail by the answer that holds for it
		select judged.sensor, judged.relay_host, judged.relay_port, judged.recipient_domain, mail.received_at,
			(mail.received_at at time zone 'UTC')::date as day
		from judged
		join mail on mail.sensor = judged.sensor and destination_name(mail.relay_host) = judged.relay_host
			and coalesce(mail.relay_port, -1) = judged.relay_port and mail.received_at between judged.first_seen and judged.last_seen
		where judged.against < judged.answers and mail.complete and not mail.direct and exists (
			select from mail_recipient as recipient
			where recipient.sensor = mail.sensor and recipient.mail = mail.mail and recipient.received_at = mail.received_at
				and recipient_domain(recipient.address) = judged.recipient_domain)
	), changed as (
		select sent.sensor, sent.relay_host, sent.relay_port, sent.recipient_domain, count(*) as mails, min(sent.received_at) as first_seen,
			max(sent.received_at) as last_seen,
			(array_agg(verdict.finding order by verdict.valid_on desc) filter (where verdict.suspect))[1] as finding,
			(array_agg(verdict.origin order by verdict.valid_on desc) filter (where verdict.suspect))[1] as origin,
			max(verdict.valid_on) as valid_on, max(verdict.looked_up_at) as looked_up_at
		from changing_mail as sent
		join verdict on verdict.sensor = sent.sensor and verdict.relay_host = sent.relay_host
			and verdict.recipient_domain = sent.recipient_domain and verdict.suspect
			and sent.day >= verdict.holds_from and sent.day < verdict.holds_until
		group by 1, 2, 3, 4
	), counted as (
		select judged.sensor, judged.relay_host, judged.relay_port, judged.recipient_domain, judged.mails, judged.first_seen,
			judged.last_seen, judged.finding, judged.origin, judged.valid_on, judged.looked_up_at
		from judged
		where judged.against = judged.answers
		union all
		select changed.sensor, changed.relay_host, changed.relay_port, changed.recipient_domain, changed.mails, changed.first_seen,
			changed.last_seen, changed.finding, changed.origin, changed.valid_on, changed.looked_up_at
		from changed
	)
	select counted.sensor, counted.relay_host, counted.relay_port, counted.recipient_domain, counted.mails, counted.first_seen,
		counted.last_seen,
		counted.finding || '. ' || looked_up_text(counted.origin, counted.valid_on, counted.looked_up_at, counted.first_seen,
			counted.last_seen),
		counted.looked_up_at
	from counted;
end;
comment on function open_relay_suspects_in_all() is 'What view open_relay_suspects shows; out of the roll-ups, and out of the mails only where the verdict about a relay changed while they came';

create view open_relay_suspects as
	select sensor, relay_host, relay_port, recipient_domain, mails, first_seen, last_seen, evidence, looked_up_at
	from open_relay_suspects_in_all();
comment on view open_relay_suspects is 'Figure 15: mails through the proxies whose relay is no exchanger of the recipient''s domain, so that it may be an open relay; a row for each relay and domain. Who could not be looked up is no row';
comment on column open_relay_suspects.sensor is 'Name of the sensor';
comment on column open_relay_suspects.relay_host is 'Host of the innermost hop, lower case, without a final dot';
comment on column open_relay_suspects.relay_port is 'Its port; -1: none was named';
comment on column open_relay_suspects.recipient_domain is 'Domain of recipients';
comment on column open_relay_suspects.mails is 'Complete mails with a recipient of this domain';
comment on column open_relay_suspects.first_seen is 'When the first was received';
comment on column open_relay_suspects.last_seen is 'When the last was received';
comment on column open_relay_suspects.evidence is 'What was compared with what, and how long before or after these mails it was looked up: years later it is weak evidence, not none';
comment on column open_relay_suspects.looked_up_at is 'When the exchangers were looked up; of a dated file the beginning of its date (UTC)';

revoke execute on function operator_networks(inet[]), span_text(interval),
	looked_up_text(text, date, timestamptz, timestamptz, timestamptz), open_relay_suspects_in_all() from public;
grant execute on function operator_networks(inet[]), span_text(interval),
	looked_up_text(text, date, timestamptz, timestamptz, timestamptz), open_relay_suspects_in_all()
	to otori_read, otori_loader, otori_enrich;
grant select on source_answer, relay_destination_answer, name_lookup, mail_record_warning, exchanger_answer, relay_identity, relay_verdict,
	open_relay_suspects to otori_read, otori_loader;

-- The enrichment reads what was seen and writes its own tables; of the history it changes nothing.
grant usage on schema otori to otori_enrich;
grant select on all tables in schema otori to otori_enrich;
grant execute on function recipient_domain(text), destination_name(text) to otori_enrich;
grant insert, update on source, relay_destination, mail_exchanger, name_lookup, mail_record_warning to otori_enrich;
grant insert on source_answer, relay_destination_answer to otori_enrich;
