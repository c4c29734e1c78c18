-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- figures_peers.sql - the views of the report once more, out of the bare tables: what they would cost without roll-ups.
--
-- In:  the schema. Out: a view in schema bench for each view of that name whose rows come from roll-ups. Included by figures, which also
-- compares what both give. Where there is a choice, the form that PostgreSQL answers sooner.

set search_path to otori, public;

create view bench.proxied as
	select sensor, started_at, decoy_port, source, relay_host, relay_port, class from access where depth >= 'payload' and protocol is distinct from 'smtp';
create view bench.attempted as
	select sensor, started_at, source from access where depth >= 'rcpt' and protocol = 'smtp';

create view bench.accesses_by_port_daily as
	select observed.day, observed.sensor, offered.decoy_port, coalesce(counted.accesses, 0) as accesses, observed.servers,
		coalesce(counted.accesses, 0)::numeric / nullif(observed.servers, 0) as accesses_per_server
	from observed_day as observed
	join observed_port_day as offered on offered.sensor = observed.sensor and offered.day = observed.day
	left join (select sensor, started_at::date as day, decoy_port, count(*) as accesses from bench.proxied group by 1, 2, 3) as counted
		on counted.sensor = observed.sensor and counted.day = observed.day and counted.decoy_port = offered.decoy_port;
create view bench.accesses_by_relay_port_daily as
	select observed.day, observed.sensor, counted.decoy_port, counted.relay_port, counted.class, counted.accesses, observed.servers,
		counted.accesses::numeric / nullif(observed.servers, 0) as accesses_per_server
	from observed_day as observed
	join (
		select sensor, started_at::date as day, decoy_port, case when class <> 'exploit' then relay_port end as relay_port, class, count(*) as accesses
		from bench.proxied group by 1, 2, 3, 4, 5
	) as counted on counted.sensor = observed.sensor and counted.day = observed.day;
create view bench.direct_mail_daily as
	select observed.day, observed.sensor, coalesce(counted.attempts, 0) as attempts, observed.servers,
		coalesce(counted.attempts, 0)::numeric / nullif(observed.servers, 0) as attempts_per_server
	from observed_day as observed
	left join observed_port_day as offered on offered.sensor = observed.sensor and offered.day = observed.day and offered.decoy_port = 25
	left join (select sensor, started_at::date as day, count(*) as attempts from bench.attempted group by 1, 2) as counted
		on counted.sensor = observed.sensor and counted.day = observed.day
	where offered.decoy_port is not null or counted.attempts is not null;
create view bench.mails_daily as
	select observed.day, observed.sensor, coalesce(counted.mails, 0) as mails, observed.servers,
		coalesce(counted.mails, 0)::numeric / nullif(observed.servers, 0) as mails_per_server
	from observed_day as observed
	left join (select sensor, received_at::date as day, count(*) as mails from mail where complete and not direct group by 1, 2) as counted
		on counted.sensor = observed.sensor and counted.day = observed.day;
create view bench.mail_kinds as
	select sensor, received_at::date as day, case when probe then 'probe' else 'mail' end as kind, count(*) as mails
	from mail where complete and not direct group by 1, 2, 3;

create view bench.visitor as
	select counted.sensor, counted.source, counted.accesses, known.country, known.line_class
	from (select sensor, source, count(*) as accesses from bench.proxied group by 1, 2) as counted
	left join source as known on known.sensor = counted.sensor and known.source = counted.source;
create view bench.source_countries as
	select sensor, coalesce(country, 'ZZ') as country, count(*) as sources, sum(accesses)::bigint as accesses,
		sum(accesses) / sum(sum(accesses)) over (partition by sensor) as share
	from bench.visitor group by 1, 2;
create view bench.source_lines as
	select sensor, coalesce(line_class, 'unknown') as line_class, count(*) as sources, sum(accesses)::bigint as accesses,
		sum(accesses) / sum(sum(accesses)) over (partition by sensor) as share
	from bench.visitor group by 1, 2;
create view bench.op25b_share as
	select counted.sensor, relay_port, coalesce(known.line_class, 'unknown') as line_class, sum(accesses)::bigint as accesses,
		sum(accesses) / sum(sum(accesses)) over (partition by counted.sensor) as share
	from (select sensor, source, relay_port, count(*) as accesses from bench.proxied where class = 'mail' group by 1, 2, 3) as counted
	left join source as known on known.sensor = counted.sensor and known.source = counted.source
	group by 1, 2, 3;
create view bench.relay_countries as
	select counted.sensor, relay_port, coalesce(known.country, 'ZZ') as country, count(*) as destinations, sum(accesses)::bigint as accesses,
		sum(accesses) / sum(sum(accesses)) over (partition by counted.sensor, relay_port) as share
	from (
		select sensor, relay_port, destination_name(relay_host) as host, count(*) as accesses
		from bench.proxied where class <> 'exploit' and relay_host is not null group by 1, 2, 3
	) as counted
	left join relay_destination as known on known.sensor = counted.sensor and known.relay_host = counted.host
	group by 1, 2, 3;
create view bench.mail_relay_countries as select sensor, country, destinations, accesses, share from bench.relay_countries where relay_port = 25;
create view bench.web_relay_countries as select sensor, country, destinations, accesses, share from bench.relay_countries where relay_port = 80;

create view bench.direct_mail_countries as
	select counted.sensor, coalesce(known.country, 'ZZ') as country, count(*) as sources, sum(attempts)::bigint as attempts,
		sum(attempts) / sum(sum(attempts)) over (partition by counted.sensor) as share
	from (select sensor, source, count(*) as attempts from bench.attempted group by 1, 2) as counted
	left join source as known on known.sensor = counted.sensor and known.source = counted.source
	group by 1, 2;
create view bench.direct_mail_kinds as
	select sensor, kind, sum(conversations)::bigint as conversations, count(*) as sources
	from (
		select sensor, coalesce(smtp_kind, 'other') as kind, source, count(*) as conversations
		from access where depth >= 'payload' and protocol = 'smtp' group by 1, 2, 3
	) as visitor group by 1, 2;
create view bench.targeted_domains as
	select mail.sensor, recipient_domain(recipient.address) as recipient_domain, count(distinct mail.mail) as mails,
		count(distinct recipient_name(recipient.address)) as recipients, count(distinct mail.source) as sources,
		count(distinct destination_name(mail.relay_host)) as relay_hosts, min(mail.received_at) as first_seen, max(mail.received_at) as last_seen
	from mail
	join mail_recipient as recipient on recipient.sensor = mail.sensor and recipient.mail = mail.mail and recipient.received_at = mail.received_at
	where mail.complete and not mail.direct group by 1, 2;
create view bench.port_activity_daily as
	select coalesce(syn.day, counted.day) as day, coalesce(syn.sensor, counted.sensor) as sensor, coalesce(syn.decoy_port, counted.decoy_port) as decoy_port,
		coalesce(syn.syns, 0) as syns, coalesce(syn.sources, 0) as sources, coalesce(counted.accesses, 0) as accesses
	from (
		select sensor, day, decoy_port, sum(syns) as syns, count(*) as sources
		from (select sensor, quarter::date as day, decoy_port, source, sum(estimated) as syns from syn_source group by 1, 2, 3, 4) as visitor
		group by 1, 2, 3
	) as syn
	full join (select sensor, started_at::date as day, decoy_port, count(*) as accesses from bench.proxied group by 1, 2, 3) as counted
		on counted.sensor = syn.sensor and counted.day = syn.day and counted.decoy_port = syn.decoy_port;
-- bounds that are not all time: out of the bare tables (0009_figures.sql)
create view bench.open_relay_suspects as
	select sensor, relay_host, relay_port, recipient_domain, mails, first_seen, last_seen, evidence, looked_up_at
	from open_relay_suspects('1900-01-01', '2100-01-01');
create view bench.relay_chains as
	select sensor, started_at, source, hops, path from bare_chain(null);
create view bench.sensor_summary as
	with visitor as (
		select sensor, source, protocol is not distinct from 'smtp' as direct, count(*) as conversations
		from access where depth >= case when protocol = 'smtp' then 'rcpt'::depth else 'payload'::depth end group by 1, 2, 3
	), counted as (
		select visitor.sensor, sum(conversations) filter (where not direct)::bigint as accesses, count(*) filter (where not direct) as sources,
			count(distinct nullif(country, 'ZZ')) filter (where not direct) as countries, sum(conversations) filter (where direct)::bigint as attempts,
			count(*) filter (where direct) as direct_sources, count(distinct nullif(country, 'ZZ')) filter (where direct) as direct_countries
		from visitor left join source as known on known.sensor = visitor.sensor and known.source = visitor.source
		group by visitor.sensor
	), observed as (
		select sensor, min(day) as first_day, max(day) as last_day, count(*) as days, max(servers) as servers, sum(servers) as server_days
		from observed_day group by sensor
	), mailed as (
		select sensor, sum(mails)::bigint as mails, (array_agg(day order by mails desc, day))[1] as busiest_day, max(mails) as busiest_day_mails
		from bench.mails_daily group by sensor
	)
	select observed.sensor, first_day, last_day, days, servers, accesses, sources, countries, accesses::numeric / servers as accesses_per_server,
		accesses::numeric / server_days as accesses_per_server_per_day, attempts as direct_mail_attempts, direct_sources as direct_mail_sources,
		direct_countries as direct_mail_countries, mails, mails::numeric / days as mails_per_day, busiest_day, busiest_day_mails
	from observed join counted on counted.sensor = observed.sensor join mailed on mailed.sensor = observed.sensor;

-- The rows of a view, put together so that two of them can be compared, and the seconds that it took.
create function bench.look(name text) returns table (seconds double precision, answer text)
	language plpgsql
as $$
declare
	began timestamptz := clock_timestamp();
begin
	execute format('select count(*) || '' rows '' || coalesce(sum(hashtextextended(one::text, 0)), 0) from (select %s from %s) as one',
		(select string_agg(quote_ident(attname), ', ' order by attname) from pg_attribute where attrelid = name::regclass and attnum > 0), name) into answer;
	seconds := extract(epoch from clock_timestamp() - began);
	return next;
end
$$;
