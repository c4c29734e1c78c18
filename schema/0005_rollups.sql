-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0005_rollups.sql - sums that the loader keeps beside the rows, so that figures over millions of accesses answer at once.
--
-- In:  tables of 0001. Out: tables rollup_*. Written by collector/loader (in the transaction that loads the rows they sum) and by
-- the functions below; read by the views of 0009.
--
-- Times are in quarters of an hour, since the days of a session's TimeZone begin on one, whatever the zone. A figure is always
-- the one that the bare tables give: view rollup_difference compares, function rollup_rebuild makes all of them anew.

set local role otori_owner;
set local search_path to otori;

create table rollup_access (
	sensor text not null,
	quarter timestamptz not null,
	decoy_port integer not null,
	relay_port integer not null,
	class class not null,
	accesses bigint not null default 0,
	attempts bigint not null default 0,
	primary key (sensor, quarter, decoy_port, relay_port, class)
);
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
);
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
);
comment on table rollup_destination is 'Accesses by the relay destination that was asked for first; exploits and direct mail are left out';
comment on column rollup_destination.sensor is 'Name of the sensor';
comment on column rollup_destination.relay_host is 'The host, lower case, without a final dot (function destination_name)';
comment on column rollup_destination.relay_port is 'Its port';
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
comment on table rollup_domain is 'Complete mails through the proxies by the domain of their recipients';
comment on column rollup_domain.sensor is 'Name of the sensor';
comment on column rollup_domain.recipient_domain is 'What stands behind the last @ of the address, lower case, without a final dot (function recipient_domain)';
comment on column rollup_domain.mails is 'Mails with a recipient of this domain';
comment on column rollup_domain.recipients is 'Distinct recipients (lower case) of this domain';
comment on column rollup_domain.sources is 'Distinct visitors that sent them';
comment on column rollup_domain.relay_hosts is 'Distinct relay hosts that were asked for';
comment on column rollup_domain.first_seen is 'When the first was received';
comment on column rollup_domain.last_seen is 'When the last was received';

create table rollup_domain_member (
	sensor text not null,
	recipient_domain text not null,
	kind text not null check (kind in ('recipient', 'source')),
	member text not null,
	primary key (sensor, recipient_domain, kind, member)
);
comment on table rollup_domain_member is 'What rollup_domain counts once: the distinct recipients and visitors of a domain';
comment on column rollup_domain_member.sensor is 'Name of the sensor';
comment on column rollup_domain_member.recipient_domain is 'As in rollup_domain';
comment on column rollup_domain_member.kind is 'recipient or source';
comment on column rollup_domain_member.member is 'The address of mail, lower case, or of the visitor';

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
comment on table rollup_relay_domain is 'Complete mails through the proxies by relay and domain of the recipients';
comment on column rollup_relay_domain.sensor is 'Name of the sensor';
comment on column rollup_relay_domain.relay_host is 'Host of the innermost hop, lower case, without a final dot';
comment on column rollup_relay_domain.relay_port is 'Its port';
comment on column rollup_relay_domain.recipient_domain is 'As in rollup_domain';
comment on column rollup_relay_domain.mails is 'Mails with a recipient of this domain';
comment on column rollup_relay_domain.first_seen is 'When the first was received';
comment on column rollup_relay_domain.last_seen is 'When the last was received';

grant select on rollup_access, rollup_source, rollup_destination, rollup_direct, rollup_mail, rollup_domain, rollup_domain_member,
	rollup_relay_domain to otori_loader, otori_read;
grant insert, update on rollup_access, rollup_source, rollup_destination, rollup_direct, rollup_mail, rollup_domain, rollup_domain_member,
	rollup_relay_domain to otori_loader;
