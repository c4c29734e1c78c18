-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0005_rollups.sql - sums that the loader keeps beside the rows, so that figures over millions of accesses answer at once.
--
-- In:  tables of 0001; mail.probe and access.smtp_kind of 0006. Out: tables rollup_*, and the functions that add to them, make them anew,
-- compare them and move them. Called by collector/loader (in the transaction that loads the rows they sum) and by whoever changes the
-- class of accesses; read by the views of 0009.
--
-- Times are in quarters of an hour, since the days of a session's TimeZone begin on one, whatever the zone. A figure is always
-- the one that the bare tables give: view rollup_difference compares, function rollup_rebuild makes all of them anew. Retention takes
-- rows away and leaves the roll-ups as they are.
--
-- Whoever changes the roll-ups of a sensor holds its lock (rollup_lock) until his transaction ends. So nobody sums up rows while
-- another adds to the sums, and two who touch the same keys can't wait for each other. The lock counts: who finds it as he left it knows
-- that nobody else has changed anything.

set local role otori_owner;
set local search_path to otori;

create function quarter_of(at_time timestamptz) returns timestamptz
	language sql immutable parallel safe
	return date_bin('15 minutes', at_time, '1970-01-01 00:00+00');
comment on function quarter_of(timestamptz) is 'Start of the quarter of an hour in which a time lies; days begin with a quarter, whatever the zone';

-- The three names below are made in C, too (collector/loader/rollup_names.c): a test holds one against the other. Only A to Z are folded,
-- so that neither depends on a collation. Cut, since strangers choose them and a key has limited room.
create function destination_name(host text) returns text
	language sql immutable parallel safe
	return left(lower(case when host like '%.' then left(host, -1) else host end collate "C"), 255);
comment on function destination_name(text) is 'A host as the figures tell hosts apart: lower case (A to Z), without a final dot, at most 255 characters';

create function recipient_domain(address text) returns text
	language sql immutable parallel safe
	return case when address like '%@%' then nullif(destination_name(split_part(address, '@', -1)), '') end;
comment on function recipient_domain(text) is 'What stands behind the last @ of an address of mail, lower case, without a final dot; null: nothing stands there';

create function recipient_name(address text) returns text
	language sql immutable parallel safe
	return left(lower(case when address like '%@%.' then left(address, -1) else address end collate "C"), 320);
comment on function recipient_name(text) is 'An address of mail as the figures tell recipients apart: lower case (A to Z), without the final dot of its domain, at most 320 characters (RFC 5321 allows no more)';

create table rollup_access (
	sensor text not null,
	quarter timestamptz not null,
	decoy_port integer not null,
	relay_port integer not null,
	class class not null,
	accesses bigint not null default 0,
	attempts bigint not null default 0,
	primary key (sensor, quarter, decoy_port, relay_port, class)
) with (fillfactor = 80);
comment on table rollup_access is 'Conversations by quarter of an hour, listening port, relay port and class';
comment on column rollup_access.sensor is 'Name of the sensor';
comment on column rollup_access.quarter is 'Start of the quarter of an hour in which they began';
comment on column rollup_access.decoy_port is 'TCP port of the decoys';
comment on column rollup_access.relay_port is 'Port of the relay that was asked for first; -1: none was asked for, or class exploit';
comment on column rollup_access.class is 'What they were for (type class)';
comment on column rollup_access.accesses is 'Conversations with depth >= payload, direct mail (protocol smtp) left out';
comment on column rollup_access.attempts is 'Conversations with protocol smtp and depth >= rcpt';

create table rollup_source (
	sensor text not null,
	source inet not null,
	relay_port integer not null,
	accesses bigint not null default 0,
	attempts bigint not null default 0,
	primary key (sensor, source, relay_port)
) with (fillfactor = 50);
comment on table rollup_source is 'Conversations by visitor, and by the port that mail was asked to be relayed to';
comment on column rollup_source.sensor is 'Name of the sensor';
comment on column rollup_source.source is 'Address of the visitor';
comment on column rollup_source.relay_port is 'Relay port of accesses of class mail; -1: of all others';
comment on column rollup_source.accesses is 'As in rollup_access';
comment on column rollup_source.attempts is 'As in rollup_access';

create table rollup_destination (
	sensor text not null,
	relay_host text not null,
	relay_port integer not null,
	accesses bigint not null default 0,
	primary key (sensor, relay_host, relay_port)
) with (fillfactor = 80);
comment on table rollup_destination is 'Accesses by the relay destination that was asked for first; exploits and direct mail are left out, and those that asked for neither host nor port';
comment on column rollup_destination.sensor is 'Name of the sensor';
comment on column rollup_destination.relay_host is 'The host, lower case, without a final dot (function destination_name); empty: a port was asked for, but no host';
comment on column rollup_destination.relay_port is 'Its port; -1: none was asked for';
comment on column rollup_destination.accesses is 'Accesses with depth >= payload';

create table rollup_direct (
	sensor text not null,
	source inet not null,
	kind text not null,
	conversations bigint not null default 0,
	primary key (sensor, source, kind)
);
comment on table rollup_direct is 'Direct conversations (protocol smtp, depth >= payload) by visitor and kind';
comment on column rollup_direct.sensor is 'Name of the sensor';
comment on column rollup_direct.source is 'Address of the visitor';
comment on column rollup_direct.kind is 'relay_test, mail, other: as access.smtp_kind';
comment on column rollup_direct.conversations is 'How many';

create table rollup_mail (
	sensor text not null,
	quarter timestamptz not null,
	direct boolean not null,
	probe boolean not null,
	mails bigint not null default 0,
	primary key (sensor, quarter, direct, probe)
);
comment on table rollup_mail is 'Complete mails by quarter of an hour';
comment on column rollup_mail.sensor is 'Name of the sensor';
comment on column rollup_mail.quarter is 'Start of the quarter of an hour in which their end was seen';
comment on column rollup_mail.direct is 'As in table mail';
comment on column rollup_mail.probe is 'As in table mail';
comment on column rollup_mail.mails is 'How many';

create table rollup_domain (
	sensor text not null,
	recipient_domain text not null,
	mails bigint not null default 0,
	recipients bigint not null default 0,
	sources bigint not null default 0,
	relay_hosts bigint not null default 0,
	first_seen timestamptz not null,
	last_seen timestamptz not null,
	primary key (sensor, recipient_domain)
);
comment on table rollup_domain is 'Complete mails through the proxies by the domain of their recipients; recipients without a domain are left out';
comment on column rollup_domain.sensor is 'Name of the sensor';
comment on column rollup_domain.recipient_domain is 'What stands behind the last @ of the address, lower case, without a final dot (function recipient_domain)';
comment on column rollup_domain.mails is 'Mails with a recipient of this domain';
comment on column rollup_domain.recipients is 'Distinct recipients (function recipient_name) of this domain';
comment on column rollup_domain.sources is 'Distinct visitors that sent them';
comment on column rollup_domain.relay_hosts is 'Distinct relay hosts that were asked for';
comment on column rollup_domain.first_seen is 'When the first was received';
comment on column rollup_domain.last_seen is 'When the last was received';

create table rollup_domain_member (
	sensor text not null,
	recipient_domain text not null,
	kind text not null check (kind in ('recipient', 'source', 'relay_host')),
	member text not null,
	primary key (sensor, recipient_domain, kind, member)
);
comment on table rollup_domain_member is 'What rollup_domain counts once: the distinct recipients, visitors and relay hosts of a domain';
comment on column rollup_domain_member.sensor is 'Name of the sensor';
comment on column rollup_domain_member.recipient_domain is 'As in rollup_domain';
comment on column rollup_domain_member.kind is 'recipient, source or relay_host';
comment on column rollup_domain_member.member is 'The address of mail (function recipient_name), the address of the visitor, or the host (function destination_name)';

create table rollup_relay_domain (
	sensor text not null,
	relay_host text not null,
	relay_port integer not null,
	recipient_domain text not null,
	mails bigint not null default 0,
	first_seen timestamptz not null,
	last_seen timestamptz not null,
	primary key (sensor, relay_host, relay_port, recipient_domain)
);
comment on table rollup_relay_domain is 'Complete mails through the proxies by relay and domain of the recipients; mails without a relay host are left out';
comment on column rollup_relay_domain.sensor is 'Name of the sensor';
comment on column rollup_relay_domain.relay_host is 'Host of the innermost hop, lower case, without a final dot';
comment on column rollup_relay_domain.relay_port is 'Its port; -1: none was asked for';
comment on column rollup_relay_domain.recipient_domain is 'As in rollup_domain';
comment on column rollup_relay_domain.mails is 'Mails with a recipient of this domain';
comment on column rollup_relay_domain.first_seen is 'When the first was received';
comment on column rollup_relay_domain.last_seen is 'When the last was received';

-- --- adding: what the loader calls ---------------------------------------------------------------------------------------------

create table rollup_change (
	sensor text not null primary key,
	changes bigint not null
);
comment on table rollup_change is 'The lock of each sensor''s roll-ups, and how often they were changed';
comment on column rollup_change.sensor is 'Name of the sensor';
comment on column rollup_change.changes is 'How often somebody took the lock and committed';

create function rollup_lock(of_sensor text) returns bigint
	language sql security definer
	set search_path = otori, pg_temp
begin atomic
	insert into rollup_change as held (sensor, changes) values (of_sensor, 1)
		on conflict (sensor) do update set changes = held.changes + 1
		returning changes;
end;
comment on function rollup_lock(text) is 'Keeps all others from the roll-ups of a sensor until the transaction ends; returns how often that was done. Where that is one more than last time, nobody else has changed them';

-- Each takes the columns of its roll-up as arrays, a key once, and adds. The loader may do no more than that, and enter new visitors and members.
create function rollup_add_access(of_sensor text, quarters timestamptz[], decoy_ports integer[], relay_ports integer[], classes text[],
	accesses bigint[], attempts bigint[]) returns void
	language sql security definer
	set search_path = otori, pg_temp
begin atomic
	insert into rollup_access as kept (sensor, quarter, decoy_port, relay_port, class, accesses, attempts)
		select of_sensor, added.quarter, added.decoy_port, added.relay_port, added.class::class, added.accesses, added.attempts
		from unnest(quarters, decoy_ports, relay_ports, classes, accesses, attempts)
			as added (quarter, decoy_port, relay_port, class, accesses, attempts)
		on conflict (sensor, quarter, decoy_port, relay_port, class) do update
			set accesses = kept.accesses + excluded.accesses, attempts = kept.attempts + excluded.attempts;
end;
comment on function rollup_add_access(text, timestamptz[], integer[], integer[], text[], bigint[], bigint[]) is 'Adds to rollup_access';

create function rollup_add_source(of_sensor text, sources inet[], relay_ports integer[], accesses bigint[], attempts bigint[])
	returns void
	language sql security definer
	set search_path = otori, pg_temp
begin atomic
	insert into rollup_source as kept (sensor, source, relay_port, accesses, attempts)
		select of_sensor, added.source, added.relay_port, added.accesses, added.attempts
		from unnest(sources, relay_ports, accesses, attempts) as added (source, relay_port, accesses, attempts)
		on conflict (sensor, source, relay_port) do update
			set accesses = kept.accesses + excluded.accesses, attempts = kept.attempts + excluded.attempts;
end;
comment on function rollup_add_source(text, inet[], integer[], bigint[], bigint[]) is 'Adds to rollup_source';

create function rollup_add_destination(of_sensor text, relay_hosts text[], relay_ports integer[], accesses bigint[]) returns void
	language sql security definer
	set search_path = otori, pg_temp
begin atomic
	insert into rollup_destination as kept (sensor, relay_host, relay_port, accesses)
		select of_sensor, added.relay_host, added.relay_port, added.accesses
		from unnest(relay_hosts, relay_ports, accesses) as added (relay_host, relay_port, accesses)
		on conflict (sensor, relay_host, relay_port) do update set accesses = kept.accesses + excluded.accesses;
end;
comment on function rollup_add_destination(text, text[], integer[], bigint[]) is 'Adds to rollup_destination';

create function rollup_add_direct(of_sensor text, sources inet[], kinds text[], conversations bigint[]) returns void
	language sql security definer
	set search_path = otori, pg_temp
begin atomic
	insert into rollup_direct as kept (sensor, source, kind, conversations)
		select of_sensor, added.source, added.kind, added.conversations
		from unnest(sources, kinds, conversations) as added (source, kind, conversations)
		on conflict (sensor, source, kind) do update set conversations = kept.conversations + excluded.conversations;
end;
comment on function rollup_add_direct(text, inet[], text[], bigint[]) is 'Adds to rollup_direct';

create function rollup_add_mail(of_sensor text, quarters timestamptz[], directs boolean[], probes boolean[], mails bigint[]) returns void
	language sql security definer
	set search_path = otori, pg_temp
begin atomic
	insert into rollup_mail as kept (sensor, quarter, direct, probe, mails)
		select of_sensor, added.quarter, added.direct, added.probe, added.mails
		from unnest(quarters, directs, probes, mails) as added (quarter, direct, probe, mails)
		on conflict (sensor, quarter, direct, probe) do update set mails = kept.mails + excluded.mails;
end;
comment on function rollup_add_mail(text, timestamptz[], boolean[], boolean[], bigint[]) is 'Adds to rollup_mail';

-- A member counts when it comes for the first time: the domains of all members are among the domains. Recipients, sources and relay hosts
-- beside them are of members that were entered as rows.
create function rollup_add_domain(of_sensor text, domains text[], mails bigint[], recipients bigint[], sources bigint[], relay_hosts bigint[],
	first_seen timestamptz[], last_seen timestamptz[], member_domains text[], member_kinds text[], members text[]) returns void
	language sql security definer
	set search_path = otori, pg_temp
begin atomic
	with entered as (
		insert into rollup_domain_member (sensor, recipient_domain, kind, member)
			select of_sensor, listed.recipient_domain, listed.kind,
				case listed.kind when 'source' then host(listed.member::inet) else listed.member end
			from unnest(member_domains, member_kinds, members) as listed (recipient_domain, kind, member)
			on conflict do nothing
			returning recipient_domain, kind
	), counted as (
		select entered.recipient_domain, count(*) filter (where entered.kind = 'recipient') as recipients,
			count(*) filter (where entered.kind = 'source') as sources, count(*) filter (where entered.kind = 'relay_host') as relay_hosts
		from entered
		group by entered.recipient_domain
	)
	insert into rollup_domain as kept (sensor, recipient_domain, mails, recipients, sources, relay_hosts, first_seen, last_seen)
		select of_sensor, added.recipient_domain, added.mails, added.recipients + coalesce(counted.recipients, 0),
			added.sources + coalesce(counted.sources, 0), added.relay_hosts + coalesce(counted.relay_hosts, 0),
			added.first_seen, added.last_seen
		from unnest(domains, mails, recipients, sources, relay_hosts, first_seen, last_seen)
			as added (recipient_domain, mails, recipients, sources, relay_hosts, first_seen, last_seen)
		left join counted on counted.recipient_domain = added.recipient_domain
		on conflict (sensor, recipient_domain) do update
			set mails = kept.mails + excluded.mails, recipients = kept.recipients + excluded.recipients,
				sources = kept.sources + excluded.sources, relay_hosts = kept.relay_hosts + excluded.relay_hosts,
				first_seen = least(kept.first_seen, excluded.first_seen), last_seen = greatest(kept.last_seen, excluded.last_seen);
end;
comment on function rollup_add_domain(text, text[], bigint[], bigint[], bigint[], bigint[], timestamptz[], timestamptz[], text[], text[], text[]) is 'Adds to rollup_domain and rollup_domain_member';

create function rollup_add_relay_domain(of_sensor text, relay_hosts text[], relay_ports integer[], domains text[], mails bigint[],
	first_seen timestamptz[], last_seen timestamptz[]) returns void
	language sql security definer
	set search_path = otori, pg_temp
begin atomic
	insert into rollup_relay_domain as kept (sensor, relay_host, relay_port, recipient_domain, mails, first_seen, last_seen)
		select of_sensor, added.relay_host, added.relay_port, added.recipient_domain, added.mails, added.first_seen, added.last_seen
		from unnest(relay_hosts, relay_ports, domains, mails, first_seen, last_seen)
			as added (relay_host, relay_port, recipient_domain, mails, first_seen, last_seen)
		on conflict (sensor, relay_host, relay_port, recipient_domain) do update
			set mails = kept.mails + excluded.mails,
				first_seen = least(kept.first_seen, excluded.first_seen), last_seen = greatest(kept.last_seen, excluded.last_seen);
end;
comment on function rollup_add_relay_domain(text, text[], integer[], text[], bigint[], timestamptz[], timestamptz[]) is 'Adds to rollup_relay_domain';

-- --- what the bare tables give -------------------------------------------------------------------------------------------------

-- The one place that says in SQL what a roll-up sums: rollup_rebuild and rollup_difference both ask here. Columns of 0006 are named that
-- are not there yet, so the bodies are looked at when they are first called.
set local check_function_bodies to off;

create function bare_access(of_sensor text, from_time timestamptz default '-infinity', to_time timestamptz default 'infinity')
	returns setof rollup_access
	language sql stable parallel safe
as $$
	select sensor, otori.quarter_of(started_at), decoy_port, case when class <> 'exploit' then coalesce(relay_port, -1) else -1 end, class,
		count(*) filter (where protocol is distinct from 'smtp'), count(*) filter (where protocol = 'smtp')
	from otori.access
	where (sensor = of_sensor or of_sensor is null) and started_at >= from_time and started_at < to_time
		and depth >= case when protocol = 'smtp' then 'rcpt'::otori.depth else 'payload'::otori.depth end
	group by 1, 2, 3, 4, 5
$$;
comment on function bare_access(text, timestamptz, timestamptz) is 'What rollup_access holds if it is right, of one sensor or (null) all, between two times (the second excluded), out of table access';

create function bare_source(of_sensor text, from_time timestamptz default '-infinity', to_time timestamptz default 'infinity')
	returns setof rollup_source
	language sql stable parallel safe
as $$
	select sensor, source, case when class = 'mail' then coalesce(relay_port, -1) else -1 end,
		count(*) filter (where protocol is distinct from 'smtp'), count(*) filter (where protocol = 'smtp')
	from otori.access
	where (sensor = of_sensor or of_sensor is null) and started_at >= from_time and started_at < to_time
		and depth >= case when protocol = 'smtp' then 'rcpt'::otori.depth else 'payload'::otori.depth end
	group by 1, 2, 3
$$;
comment on function bare_source(text, timestamptz, timestamptz) is 'What rollup_source holds if it is right, of one sensor or (null) all, between two times (the second excluded), out of table access';

create function bare_destination(of_sensor text, from_time timestamptz default '-infinity', to_time timestamptz default 'infinity')
	returns setof rollup_destination
	language sql stable parallel safe
as $$
	select sensor, coalesce(otori.destination_name(relay_host), ''), coalesce(relay_port, -1), count(*)
	from otori.access
	where (sensor = of_sensor or of_sensor is null) and started_at >= from_time and started_at < to_time
		and depth >= 'payload' and protocol is distinct from 'smtp' and class <> 'exploit'
		and (relay_host is not null or relay_port is not null)
	group by 1, 2, 3
$$;
comment on function bare_destination(text, timestamptz, timestamptz) is 'What rollup_destination holds if it is right, of one sensor or (null) all, between two times (the second excluded), out of table access';

create function bare_direct(of_sensor text, from_time timestamptz default '-infinity', to_time timestamptz default 'infinity')
	returns setof rollup_direct
	language sql stable parallel safe
as $$
	select sensor, source, coalesce(smtp_kind, 'other'), count(*)
	from otori.access
	where (sensor = of_sensor or of_sensor is null) and started_at >= from_time and started_at < to_time
		and depth >= 'payload' and protocol = 'smtp'
	group by 1, 2, 3
$$;
comment on function bare_direct(text, timestamptz, timestamptz) is 'What rollup_direct holds if it is right, of one sensor or (null) all, between two times (the second excluded), out of table access';

create function bare_mail(of_sensor text, from_time timestamptz default '-infinity', to_time timestamptz default 'infinity')
	returns setof rollup_mail
	language sql stable parallel safe
as $$
	select sensor, otori.quarter_of(received_at), direct, probe, count(*)
	from otori.mail
	where (sensor = of_sensor or of_sensor is null) and received_at >= from_time and received_at < to_time and complete
	group by 1, 2, 3, 4
$$;
comment on function bare_mail(text, timestamptz, timestamptz) is 'What rollup_mail holds if it is right, of one sensor or (null) all, between two times (the second excluded), out of table mail';

create function bare_domain_member(of_sensor text, from_time timestamptz default '-infinity', to_time timestamptz default 'infinity')
	returns setof rollup_domain_member
	language sql stable parallel safe
as $$
	select distinct mail.sensor, otori.recipient_domain(recipient.address), counted.kind, counted.member
	from otori.mail
	join otori.mail_recipient as recipient on recipient.sensor = mail.sensor and recipient.mail = mail.mail
		and recipient.received_at = mail.received_at
	cross join lateral (values ('recipient', otori.recipient_name(recipient.address)), ('source', host(mail.source)),
		('relay_host', nullif(otori.destination_name(mail.relay_host), ''))) as counted (kind, member)
	where (mail.sensor = of_sensor or of_sensor is null) and mail.received_at >= from_time and mail.received_at < to_time
		and recipient.received_at >= from_time and recipient.received_at < to_time and mail.complete and not mail.direct
		and otori.recipient_domain(recipient.address) is not null and counted.member is not null
$$;
comment on function bare_domain_member(text, timestamptz, timestamptz) is 'What rollup_domain_member holds if it is right, of one sensor or (null) all, between two times (the second excluded), out of tables mail and mail_recipient';

create function bare_domain(of_sensor text, from_time timestamptz default '-infinity', to_time timestamptz default 'infinity')
	returns setof rollup_domain
	language sql stable parallel safe
as $$
	select mail.sensor, otori.recipient_domain(recipient.address), count(distinct (mail.mail, mail.received_at)),
		count(distinct otori.recipient_name(recipient.address)), count(distinct mail.source),
		count(distinct nullif(otori.destination_name(mail.relay_host), '')), min(mail.received_at), max(mail.received_at)
	from otori.mail
	join otori.mail_recipient as recipient on recipient.sensor = mail.sensor and recipient.mail = mail.mail
		and recipient.received_at = mail.received_at
	where (mail.sensor = of_sensor or of_sensor is null) and mail.received_at >= from_time and mail.received_at < to_time
		and recipient.received_at >= from_time and recipient.received_at < to_time and mail.complete and not mail.direct
		and otori.recipient_domain(recipient.address) is not null
	group by 1, 2
$$;
comment on function bare_domain(text, timestamptz, timestamptz) is 'What rollup_domain holds if it is right, of one sensor or (null) all, between two times (the second excluded), out of tables mail and mail_recipient';

create function bare_relay_domain(of_sensor text, from_time timestamptz default '-infinity', to_time timestamptz default 'infinity')
	returns setof rollup_relay_domain
	language sql stable parallel safe
as $$
	select mail.sensor, otori.destination_name(mail.relay_host), coalesce(mail.relay_port, -1), otori.recipient_domain(recipient.address),
		count(distinct (mail.mail, mail.received_at)), min(mail.received_at), max(mail.received_at)
	from otori.mail
	join otori.mail_recipient as recipient on recipient.sensor = mail.sensor and recipient.mail = mail.mail
		and recipient.received_at = mail.received_at
	where (mail.sensor = of_sensor or of_sensor is null) and mail.received_at >= from_time and mail.received_at < to_time
		and recipient.received_at >= from_time and recipient.received_at < to_time and mail.complete and not mail.direct
		and nullif(otori.destination_name(mail.relay_host), '') is not null and otori.recipient_domain(recipient.address) is not null
	group by 1, 2, 3, 4
$$;
comment on function bare_relay_domain(text, timestamptz, timestamptz) is 'What rollup_relay_domain holds if it is right, of one sensor or (null) all, between two times (the second excluded), out of tables mail and mail_recipient';

create view rollup_difference as
	select coalesce(kept.sensor, bare.sensor) as sensor, 'rollup_access' as rollup, to_jsonb(kept) as kept, to_jsonb(bare) as bare
	from rollup_access as kept
	full join bare_access(null) as bare on bare.sensor = kept.sensor and bare.quarter = kept.quarter and bare.decoy_port = kept.decoy_port
		and bare.relay_port = kept.relay_port and bare.class = kept.class
	where kept is distinct from bare
	union all
	select coalesce(kept.sensor, bare.sensor), 'rollup_source', to_jsonb(kept), to_jsonb(bare)
	from rollup_source as kept
	full join bare_source(null) as bare on bare.sensor = kept.sensor and bare.source = kept.source and bare.relay_port = kept.relay_port
	where kept is distinct from bare
	union all
	select coalesce(kept.sensor, bare.sensor), 'rollup_destination', to_jsonb(kept), to_jsonb(bare)
	from rollup_destination as kept
	full join bare_destination(null) as bare on bare.sensor = kept.sensor and bare.relay_host = kept.relay_host
		and bare.relay_port = kept.relay_port
	where kept is distinct from bare
	union all
	select coalesce(kept.sensor, bare.sensor), 'rollup_direct', to_jsonb(kept), to_jsonb(bare)
	from rollup_direct as kept
	full join bare_direct(null) as bare on bare.sensor = kept.sensor and bare.source = kept.source and bare.kind = kept.kind
	where kept is distinct from bare
	union all
	select coalesce(kept.sensor, bare.sensor), 'rollup_mail', to_jsonb(kept), to_jsonb(bare)
	from rollup_mail as kept
	full join bare_mail(null) as bare on bare.sensor = kept.sensor and bare.quarter = kept.quarter and bare.direct = kept.direct
		and bare.probe = kept.probe
	where kept is distinct from bare
	union all
	select coalesce(kept.sensor, bare.sensor), 'rollup_domain', to_jsonb(kept), to_jsonb(bare)
	from rollup_domain as kept
	full join bare_domain(null) as bare on bare.sensor = kept.sensor and bare.recipient_domain = kept.recipient_domain
	where kept is distinct from bare
	union all
	select coalesce(kept.sensor, bare.sensor), 'rollup_domain_member', to_jsonb(kept), to_jsonb(bare)
	from rollup_domain_member as kept
	full join bare_domain_member(null) as bare on bare.sensor = kept.sensor and bare.recipient_domain = kept.recipient_domain
		and bare.kind = kept.kind and bare.member = kept.member
	where kept is distinct from bare
	union all
	select coalesce(kept.sensor, bare.sensor), 'rollup_relay_domain', to_jsonb(kept), to_jsonb(bare)
	from rollup_relay_domain as kept
	full join bare_relay_domain(null) as bare on bare.sensor = kept.sensor and bare.relay_host = kept.relay_host
		and bare.relay_port = kept.relay_port and bare.recipient_domain = kept.recipient_domain
	where kept is distinct from bare;
comment on view rollup_difference is 'Rows of the roll-ups that are not what the bare tables give; empty: all is right. It reads all rows, so it takes its time. Where retention has taken rows away, the roll-ups of those differ, and are right';
comment on column rollup_difference.sensor is 'Name of the sensor';
comment on column rollup_difference.rollup is 'The roll-up';
comment on column rollup_difference.kept is 'Its row; null: it has none';
comment on column rollup_difference.bare is 'What the bare tables give; null: nothing';

-- --- making anew ---------------------------------------------------------------------------------------------------------------

-- What has no time can't be told apart by age, so it is all of a sensor or nothing. All rows of it are read: on tables without statistics
-- (a fresh database) the planner would look up each mail's recipients among all of the sensor's.
create function rollup_rebuild(of_sensor text default null, forced boolean default false) returns void
	language plpgsql
	set search_path = otori, pg_temp
	set enable_nestloop = off
as $$
declare
	one text;
begin
	for one in
		select known.sensor from sensor as known where known.sensor = of_sensor or of_sensor is null
		union select kept.sensor from rollup_access as kept where kept.sensor = of_sensor or of_sensor is null
		union select bare.sensor from access as bare where of_sensor is null
		union select bare.sensor from mail as bare where of_sensor is null
		union select of_sensor where of_sensor is not null
		order by 1
	loop
		perform rollup_lock(one);
		if not forced and (
			exists (select from rollup_access as kept where kept.sensor = one and kept.quarter < coalesce(
				(select quarter_of(min(access.started_at)) from access where access.sensor = one), 'infinity'))
			or exists (select from rollup_mail as kept where kept.sensor = one and kept.quarter < coalesce(
				(select quarter_of(min(mail.received_at)) from mail where mail.sensor = one), 'infinity')))
		then
			raise exception 'rollup_rebuild: the roll-ups of sensor % reach further back than its rows, which retention took away: what is older would be lost', one
				using errcode = 'object_not_in_prerequisite_state', hint = format('select otori.rollup_rebuild(%L, true) does it all the same', one);
		end if;
		delete from rollup_access as kept where kept.sensor = one;
		delete from rollup_source as kept where kept.sensor = one;
		delete from rollup_destination as kept where kept.sensor = one;
		delete from rollup_direct as kept where kept.sensor = one;
		delete from rollup_mail as kept where kept.sensor = one;
		delete from rollup_domain as kept where kept.sensor = one;
		delete from rollup_domain_member as kept where kept.sensor = one;
		delete from rollup_relay_domain as kept where kept.sensor = one;
		insert into rollup_access (sensor, quarter, decoy_port, relay_port, class, accesses, attempts)
			select sensor, quarter, decoy_port, relay_port, class, accesses, attempts from bare_access(one);
		insert into rollup_source (sensor, source, relay_port, accesses, attempts)
			select sensor, source, relay_port, accesses, attempts from bare_source(one);
		insert into rollup_destination (sensor, relay_host, relay_port, accesses)
			select sensor, relay_host, relay_port, accesses from bare_destination(one);
		insert into rollup_direct (sensor, source, kind, conversations)
			select sensor, source, kind, conversations from bare_direct(one);
		insert into rollup_mail (sensor, quarter, direct, probe, mails)
			select sensor, quarter, direct, probe, mails from bare_mail(one);
		insert into rollup_domain (sensor, recipient_domain, mails, recipients, sources, relay_hosts, first_seen, last_seen)
			select sensor, recipient_domain, mails, recipients, sources, relay_hosts, first_seen, last_seen from bare_domain(one);
		insert into rollup_domain_member (sensor, recipient_domain, kind, member)
			select sensor, recipient_domain, kind, member from bare_domain_member(one);
		insert into rollup_relay_domain (sensor, relay_host, relay_port, recipient_domain, mails, first_seen, last_seen)
			select sensor, relay_host, relay_port, recipient_domain, mails, first_seen, last_seen from bare_relay_domain(one);
	end loop;
end
$$;
comment on function rollup_rebuild(text, boolean) is 'Makes the roll-ups of one sensor or (null) of all anew from the bare tables. Those know only what retention has left: where roll-ups reach further back, it refuses, unless forced';

-- --- another class -------------------------------------------------------------------------------------------------------------

-- Of an access only class and exploit change. Both decide where it is summed: taken from the old keys, added to the new ones, what is
-- left with nothing goes. Rows that are there already in this form, or not at all, change nothing.
create function reclassify_many(of_sensor text, accesses bigint[], started timestamptz[], exploits text[], classes class[]) returns bigint
	language plpgsql security definer
	set search_path = otori, pg_temp
as $$
declare
	of_access rollup_access[];
	of_source rollup_source[];
	of_destination rollup_destination[];
	changed bigint;
begin
	if cardinality(accesses) is distinct from cardinality(started) or cardinality(accesses) is distinct from cardinality(exploits)
		or cardinality(accesses) is distinct from cardinality(classes)
	then
		raise exception 'reclassify_many: the four arrays must be of one length' using errcode = 'invalid_parameter_value';
	end if;
	perform rollup_lock(of_sensor);
	with wanted as (
		select listed.access, listed.started_at, max(listed.exploit) as exploit, max(listed.class) as class
		from unnest(accesses, started, exploits, classes) as listed (access, started_at, exploit, class)
		group by listed.access, listed.started_at
	), moved as (
		select before.access, before.started_at, before.decoy_port, before.source, before.protocol is not distinct from 'smtp' as direct,
			before.depth >= case when before.protocol = 'smtp' then 'rcpt'::depth else 'payload'::depth end as counts,
			before.relay_host, before.relay_port, before.class as old_class, wanted.class as new_class, wanted.exploit
		from wanted
		join access as before on before.sensor = of_sensor and before.access = wanted.access and before.started_at = wanted.started_at
		where before.class <> wanted.class or before.exploit is distinct from wanted.exploit
	), done as (
		update access set class = moved.new_class, exploit = moved.exploit
		from moved
		where access.sensor = of_sensor and access.access = moved.access and access.started_at = moved.started_at
		returning 1
	), step as (
		select moved.started_at, moved.decoy_port, moved.source, moved.direct, moved.relay_host, moved.relay_port, side.class, side.amount
		from moved cross join lateral (values (moved.old_class, -1), (moved.new_class, 1)) as side (class, amount)
		where moved.counts and moved.old_class <> moved.new_class
	), access_step as (
		select quarter_of(step.started_at) as quarter, step.decoy_port,
			case when step.class <> 'exploit' then coalesce(step.relay_port, -1) else -1 end as relay_port, step.class,
			coalesce(sum(step.amount) filter (where not step.direct), 0) as accesses,
			coalesce(sum(step.amount) filter (where step.direct), 0) as attempts
		from step
		group by 1, 2, 3, 4
	), source_step as (
		select step.source, case when step.class = 'mail' then coalesce(step.relay_port, -1) else -1 end as relay_port,
			coalesce(sum(step.amount) filter (where not step.direct), 0) as accesses,
			coalesce(sum(step.amount) filter (where step.direct), 0) as attempts
		from step
		group by 1, 2
	), destination_step as (
		select coalesce(destination_name(step.relay_host), '') as relay_host, coalesce(step.relay_port, -1) as relay_port,
			sum(step.amount) as accesses
		from step
		where not step.direct and step.class <> 'exploit' and (step.relay_host is not null or step.relay_port is not null)
		group by 1, 2
	)
	select (select count(*) from done),
		array(select row (of_sensor, quarter, decoy_port, relay_port, class, step.accesses, step.attempts)::rollup_access
			from access_step as step where step.accesses <> 0 or step.attempts <> 0),
		array(select row (of_sensor, source, relay_port, step.accesses, step.attempts)::rollup_source
			from source_step as step where step.accesses <> 0 or step.attempts <> 0),
		array(select row (of_sensor, relay_host, relay_port, step.accesses)::rollup_destination
			from destination_step as step where step.accesses <> 0)
		into changed, of_access, of_source, of_destination;

	insert into rollup_access as kept (sensor, quarter, decoy_port, relay_port, class, accesses, attempts)
		select step.sensor, step.quarter, step.decoy_port, step.relay_port, step.class, step.accesses, step.attempts
		from unnest(of_access) as step
		on conflict (sensor, quarter, decoy_port, relay_port, class) do update
			set accesses = kept.accesses + excluded.accesses, attempts = kept.attempts + excluded.attempts;
	delete from rollup_access as kept using unnest(of_access) as step
		where kept.sensor = of_sensor and kept.quarter = step.quarter and kept.decoy_port = step.decoy_port
			and kept.relay_port = step.relay_port and kept.class = step.class and kept.accesses = 0 and kept.attempts = 0;
	insert into rollup_source as kept (sensor, source, relay_port, accesses, attempts)
		select step.sensor, step.source, step.relay_port, step.accesses, step.attempts
		from unnest(of_source) as step
		on conflict (sensor, source, relay_port) do update
			set accesses = kept.accesses + excluded.accesses, attempts = kept.attempts + excluded.attempts;
	delete from rollup_source as kept using unnest(of_source) as step
		where kept.sensor = of_sensor and kept.source = step.source and kept.relay_port = step.relay_port
			and kept.accesses = 0 and kept.attempts = 0;
	insert into rollup_destination as kept (sensor, relay_host, relay_port, accesses)
		select step.sensor, step.relay_host, step.relay_port, step.accesses
		from unnest(of_destination) as step
		on conflict (sensor, relay_host, relay_port) do update set accesses = kept.accesses + excluded.accesses;
	delete from rollup_destination as kept using unnest(of_destination) as step
		where kept.sensor = of_sensor and kept.relay_host = step.relay_host and kept.relay_port = step.relay_port and kept.accesses = 0;
	return changed;
end
$$;
comment on function reclassify_many(text, bigint[], timestamptz[], text[], class[]) is 'Gives accesses (by id and start) another exploit rule (null: none) and class, and moves their sums; returns how many it changed. All of one sensor, a few thousand at once';

create function reclassify(of_sensor text, of_access bigint, of_started_at timestamptz, new_exploit text, new_class class) returns bigint
	language sql
	set search_path = otori, pg_temp
	return reclassify_many(of_sensor, array[of_access], array[of_started_at], array[new_exploit], array[new_class]);
comment on function reclassify(text, bigint, timestamptz, text, class) is 'reclassify_many for one access';

grant select on rollup_access, rollup_source, rollup_destination, rollup_direct, rollup_mail, rollup_domain, rollup_domain_member,
	rollup_relay_domain, rollup_change, rollup_difference to otori_loader, otori_read;
-- what nobody has seen before costs a third by COPY of what it costs by the functions
grant insert on rollup_source, rollup_domain_member to otori_loader;
revoke execute on function quarter_of(timestamptz), destination_name(text), recipient_domain(text), recipient_name(text), rollup_lock(text),
	rollup_add_access(text, timestamptz[], integer[], integer[], text[], bigint[], bigint[]),
	rollup_add_source(text, inet[], integer[], bigint[], bigint[]), rollup_add_destination(text, text[], integer[], bigint[]),
	rollup_add_direct(text, inet[], text[], bigint[]), rollup_add_mail(text, timestamptz[], boolean[], boolean[], bigint[]),
	rollup_add_domain(text, text[], bigint[], bigint[], bigint[], bigint[], timestamptz[], timestamptz[], text[], text[], text[]),
	rollup_add_relay_domain(text, text[], integer[], text[], bigint[], timestamptz[], timestamptz[]),
	bare_access, bare_source, bare_destination, bare_direct, bare_mail, bare_domain_member, bare_domain,
	bare_relay_domain, rollup_rebuild(text, boolean), reclassify_many(text, bigint[], timestamptz[], text[], class[]),
	reclassify(text, bigint, timestamptz, text, class) from public;
grant execute on function quarter_of(timestamptz), destination_name(text), recipient_domain(text), recipient_name(text),
	bare_access, bare_source, bare_destination, bare_direct, bare_mail, bare_domain_member, bare_domain,
	bare_relay_domain to otori_read, otori_loader;
grant execute on function rollup_lock(text),
	rollup_add_access(text, timestamptz[], integer[], integer[], text[], bigint[], bigint[]),
	rollup_add_source(text, inet[], integer[], bigint[], bigint[]), rollup_add_destination(text, text[], integer[], bigint[]),
	rollup_add_direct(text, inet[], text[], bigint[]), rollup_add_mail(text, timestamptz[], boolean[], boolean[], bigint[]),
	rollup_add_domain(text, text[], bigint[], bigint[], bigint[], bigint[], timestamptz[], timestamptz[], text[], text[], text[]),
	rollup_add_relay_domain(text, text[], integer[], text[], bigint[], timestamptz[], timestamptz[]),
	reclassify_many(text, bigint[], timestamptz[], text[], class[]), reclassify(text, bigint, timestamptz, text, class) to otori_loader;
