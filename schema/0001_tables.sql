-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0001_tables.sql - roles, types and tables.
--
-- In:  an empty database. Out: schema otori with its tables, owned by otori_owner. Applied by collector/database/migrate.c
-- (one transaction for each file, under an advisory lock), or by psql -1 -f. Views are in files of their own.
--
-- Every key begins with the sensor, so that the tables shard by it. Ids (access, mail) are journal segment << 24 | place in it.
-- Tables that grow with traffic are partitioned by month (UTC); 0002 makes the partitions. There is no default partition:
-- it would forbid detaching a month concurrently. Raw bytes stand beside the cleaned text that was made of them.

do $$
declare
	wanted text;
begin
	foreach wanted in array array['otori_owner', 'otori_loader', 'otori_read'] loop
		if to_regrole(wanted) is null then
			begin
				execute format('create role %I nologin', wanted);
			exception
				-- another database of the same cluster may be set up at this moment: roles are the cluster's
				when duplicate_object or unique_violation then null;
			end;
		end if;
	end loop;
	if not pg_has_role(current_user, 'otori_owner', 'member') then
		execute format('grant otori_owner to %I', current_user);
	end if;
	execute format('alter database %I set search_path to otori, public', current_database());
end
$$;

create schema if not exists otori authorization otori_owner;

-- in the schema public nothing is made, and what a stranger may have put there is not found first
set local role otori_owner;
set local search_path to otori;

comment on schema otori is 'What the decoys of otori saw: accesses, mails, counters, and the ledger that accounts for every packet';

-- The labels are those of RECORD_DEPTHS and RECORD_CLASSES in collector/record/record.h, in that order: migrate.c compares them
-- whenever it has brought the schema up to date, and refuses where they differ.
create type depth as enum ('ack', 'payload', 'request', 'inner', 'rcpt', 'data');
comment on type depth is 'How far a conversation got; comparable: ack (said nothing) < payload (said something) < request (one whole request) < inner (bytes within the tunnel) < rcpt (a recipient was named) < data (the end of a mail was seen)';

create type class as enum ('exploit', 'mail', 'web', 'tunnel', 'other');
comment on type class is 'What an access was for, the first that fits: exploit (a named rule matched), mail (relay to 25, 465, 587, or SMTP), web (relay to 80, 443, or absolute form), tunnel (relay to another port), other';

create table migration (
	number integer primary key,
	name text not null,
	sha256 bytea not null,
	otori_version text not null,
	applied_at timestamptz not null default now()
);
comment on table migration is 'The migrations of schema/ that were applied here';
comment on column migration.number is 'Number of the migration, the first four digits of its file name';
comment on column migration.name is 'Name of its file without .sql';
comment on column migration.sha256 is 'SHA-256 of the file that was applied';
comment on column migration.otori_version is 'Version of the otori that applied it';
comment on column migration.applied_at is 'When it was applied';

create table sensor (
	sensor text primary key check (sensor ~ '^[a-z0-9._-]{1,63}$'),
	created_at timestamptz not null default now(),
	description text,
	mail_unadvertised boolean
);
comment on table sensor is 'Sensors whose journals were loaded here';
comment on column sensor.sensor is 'Name of the sensor: 1 to 63 characters of a-z 0-9 . _ -';
comment on column sensor.created_at is 'When the first segment of this sensor was loaded';
comment on column sensor.description is 'Free text of the operator';
comment on column sensor.mail_unadvertised is 'True: the operator states that no mail service and no mail record of DNS points at the decoys, so that figures 9 and 10 hold; null: not stated';

create table observation (
	sensor text not null,
	began_at timestamptz not null,
	until_at timestamptz not null,
	ports integer[] not null,
	origin text not null check (origin in ('run', 'replay')),
	primary key (sensor, began_at),
	check (until_at >= began_at)
);
comment on table observation is 'From when to when a sensor observed; a row for each run or replay, its end moving on while it runs. Its decoys are in table decoy';
comment on column observation.sensor is 'Name of the sensor';
comment on column observation.began_at is 'When it began (of a replay: the first packet, or what --observed says)';
comment on column observation.until_at is 'Until when it observed, exclusive; of a running sensor the last report, at most a minute old';
comment on column observation.ports is 'TCP ports that its decoys offered, ascending';
comment on column observation.origin is 'run: a live sensor; replay: a capture';

create function prefix_servers(prefix inet) returns bigint
	language sql immutable strict parallel safe
	return case
		when family(prefix) = 4 then 1::bigint << (32 - masklen(prefix))
		when masklen(prefix) >= 112 then 1::bigint << (128 - masklen(prefix))
		else 1
	end;
comment on function prefix_servers(inet) is 'Number of servers a decoy prefix counts as: every address of an IPv4 prefix and of an IPv6 prefix of /112 or longer; a shorter IPv6 prefix counts as one';

create table decoy (
	sensor text not null,
	began_at timestamptz not null,
	prefix cidr not null,
	servers bigint not null generated always as (prefix_servers(prefix)) stored,
	primary key (sensor, began_at, prefix)
);
comment on table decoy is 'Address prefixes that answered as decoys during an observation (counted, not enumerated)';
comment on column decoy.sensor is 'Name of the sensor';
comment on column decoy.began_at is 'The observation, by its beginning';
comment on column decoy.prefix is 'The prefix; a single address is a /32 or /128';
comment on column decoy.servers is 'Number of servers that the prefix counts as (function prefix_servers)';

create table access (
	sensor text not null,
	access bigint not null,
	started_at timestamptz not null,
	ended_at timestamptz not null,
	decoy inet not null,
	decoy_port integer not null,
	source inet not null,
	source_port integer not null,
	vlan_outer smallint,
	vlan_inner smallint,
	protocol text,
	relay_host text,
	relay_host_raw bytea,
	relay_port integer,
	class class not null,
	depth depth not null,
	exploit text,
	end_reason text not null,
	bytes_in bigint not null,
	bytes_out bigint not null,
	first_segment_bytes integer not null,
	payload_sha256 bytea,
	payload_truncated boolean not null,
	mss integer,
	tcp_window integer,
	window_scale smallint,
	sack boolean,
	ttl smallint,
	hops integer not null,
	mails integer not null,
	conflicting_bytes bigint not null,
	primary key (sensor, access, started_at)
) partition by range (started_at);
comment on table access is 'One row for each TCP conversation whose handshake was completed, also where nothing followed (depth ack). Figures count rows with depth >= payload';
comment on column access.sensor is 'Name of the sensor';
comment on column access.access is 'Id within the sensor: journal segment << 24 | place';
comment on column access.started_at is 'When the handshake was completed';
comment on column access.ended_at is 'When the conversation ended or was given up';
comment on column access.decoy is 'Address of the decoy';
comment on column access.decoy_port is 'TCP port of the decoy';
comment on column access.source is 'Address of the visitor';
comment on column access.source_port is 'TCP port of the visitor';
comment on column access.vlan_outer is 'VLAN id of the outer tag (of the only one, where there is one); null: untagged';
comment on column access.vlan_inner is 'VLAN id of the inner tag; null: fewer than two tags';
comment on column access.protocol is 'What the client spoke to the decoy itself: http, socks4, socks4a, socks5, smtp (direct mail), tls, or the name of what else it was (unknown_text, unknown_binary, ssh, ...); null at depth ack';
comment on column access.relay_host is 'Host of the first request for a relay as it was asked for (case and all; IPv6 without brackets), cleaned text; null: none was asked for';
comment on column access.relay_host_raw is 'The bytes relay_host was made of';
comment on column access.relay_port is 'Port of the first request for a relay; null: none was asked for';
comment on column access.class is 'What the access was for (type class)';
comment on column access.depth is 'How far it got (type depth)';
comment on column access.exploit is 'Name of the exploit rule that matched; null: none';
comment on column access.end_reason is 'Why it ended: fin, rst, idle, total, evicted, aborted, retransmission, shutdown, capture_end, reused, crash';
comment on column access.bytes_in is 'In-order bytes of the client that reached the imitation';
comment on column access.bytes_out is 'Bytes that the imitation answered';
comment on column access.first_segment_bytes is 'Bytes of the first segment with data; 0: none came';
comment on column access.payload_sha256 is 'SHA-256 of what was stored of the client''s bytes: (sensor, sha256) of table payload; null: nothing was said';
comment on column access.payload_truncated is 'True: the client said more than was stored (64 KiB, and the content of mails is apart)';
comment on column access.mss is 'Maximum segment size agreed on or offered by the client; null: unknown';
comment on column access.tcp_window is 'Window of the SYN, unscaled, or of the completing ACK where the SYN was not sampled; null: unknown';
comment on column access.window_scale is 'Window scale that the client offered, 0 to 14; null: none or unknown';
comment on column access.sack is 'True: the client offered selective acknowledgements; null: unknown';
comment on column access.ttl is 'TTL or hop limit with which the client''s packet came; null: unknown';
comment on column access.hops is 'Requests for a relay in this conversation, nested ones included (table hop)';
comment on column access.mails is 'Mails in this conversation, those that broke off included (table mail)';
comment on column access.conflicting_bytes is 'Bytes that were sent a second time with other content (the first counted)';

create table hop (
	sensor text not null,
	access bigint not null,
	requested_at timestamptz not null,
	position integer not null,
	level integer not null,
	protocol text not null,
	method text,
	relay_host text,
	relay_host_raw bytea,
	relay_port integer,
	target text,
	user_agent text,
	user_id text,
	raw bytea not null,
	to_loopback boolean not null,
	to_private boolean not null,
	to_decoy boolean not null,
	to_source boolean not null,
	refused boolean not null,
	primary key (sensor, access, position, requested_at)
) partition by range (requested_at);
comment on table hop is 'The requests within conversations, in order: the first, further ones, and those nested in granted tunnels';
comment on column hop.sensor is 'Name of the sensor';
comment on column hop.access is 'The conversation: id of table access';
comment on column hop.requested_at is 'When the request was whole';
comment on column hop.position is 'Order within the conversation; 0 = the first request';
comment on column hop.level is '0 = asked of the decoy itself, 1 = within its tunnel, and so on';
comment on column hop.protocol is 'http, socks4, socks4a, socks5';
comment on column hop.method is 'CONNECT, GET, POST, BIND, ...; cleaned text';
comment on column hop.relay_host is 'Host that was asked for, as it was written; cleaned text; null: none';
comment on column hop.relay_host_raw is 'The bytes relay_host was made of';
comment on column hop.relay_port is 'Port that was asked for; null: none';
comment on column hop.target is 'URL or path as sent, cleaned text; null with SOCKS';
comment on column hop.user_agent is 'User-Agent, cleaned text; null: none';
comment on column hop.user_id is 'User id of SOCKS4, cleaned text; null: none';
comment on column hop.raw is 'The bytes of the request, at most 8 KiB, secrets blanked';
comment on column hop.to_loopback is 'The destination is loopback (127.0.0.0/8, ::1, localhost)';
comment on column hop.to_private is 'The destination is private, link local or unique local';
comment on column hop.to_decoy is 'The destination is a decoy of this sensor';
comment on column hop.to_source is 'The destination is the visitor''s own address or network: a connect-back test';
comment on column hop.refused is 'The request was refused (BIND, UDP ASSOCIATE and the like)';

create table payload (
	sensor text not null,
	sha256 bytea not null,
	size_bytes integer not null,
	bytes bytea,
	first_seen_at timestamptz not null,
	primary key (sensor, sha256)
);
comment on table payload is 'What clients said, each distinct content once for each sensor; the content of mails is in mail_part. Not partitioned, since a content is stored once whatever the month; retention takes bytes away by first_seen_at';
comment on column payload.sensor is 'Name of the sensor';
comment on column payload.sha256 is 'SHA-256 over bytes as they were stored';
comment on column payload.size_bytes is 'Length of bytes';
comment on column payload.bytes is 'The client''s bytes in order, at most 64 KiB, without the content of mails, secrets blanked at the same length; null: retention took them away';
comment on column payload.first_seen_at is 'Start of the first access with this content that was loaded';

create table credential (
	sensor text not null,
	segment bigint not null,
	place integer not null,
	seen_at timestamptz not null,
	access bigint not null,
	level integer not null,
	mechanism text not null,
	username text,
	username_raw bytea,
	secret text,
	secret_raw bytea,
	secret_hash bytea,
	secret_bytes integer not null,
	primary key (sensor, segment, place, seen_at)
) partition by range (seen_at);
comment on table credential is 'User names and secrets that clients offered; secrets as a keyed hash and a length, in clear only where the operator asked for it (secrets = clear)';
comment on column credential.sensor is 'Name of the sensor';
comment on column credential.segment is 'Journal segment that brought the row';
comment on column credential.place is 'Number of the record within that segment';
comment on column credential.seen_at is 'When it was offered';
comment on column credential.access is 'The conversation: id of table access';
comment on column credential.level is '0 = offered to the decoy itself, 1 = within its tunnel, and so on';
comment on column credential.mechanism is 'socks5, http_basic, smtp_login, smtp_plain, ...';
comment on column credential.username is 'User name, cleaned text; null: none';
comment on column credential.username_raw is 'The bytes username was made of';
comment on column credential.secret is 'The secret in clear, cleaned text; null unless secrets = clear';
comment on column credential.secret_raw is 'The bytes secret was made of; null unless secrets = clear';
comment on column credential.secret_hash is 'Keyed hash of the secret, the same for the same secret on one sensor; null: there was no secret';
comment on column credential.secret_bytes is 'Length of the secret';

create table mail (
	sensor text not null,
	mail bigint not null,
	received_at timestamptz not null,
	access bigint not null,
	decoy inet not null,
	decoy_port integer not null,
	source inet not null,
	source_port integer not null,
	vlan_outer smallint,
	vlan_inner smallint,
	relay_host text,
	relay_host_raw bytea,
	relay_port integer,
	direct boolean not null,
	complete boolean not null,
	helo text,
	helo_raw bytea,
	mail_from text,
	mail_from_raw bytea,
	subject text,
	header bytea not null,
	size_bytes bigint not null,
	truncated boolean not null,
	recipients integer not null,
	primary key (sensor, mail, received_at)
) partition by range (received_at);
comment on table mail is 'Mails whose content was begun; figures count complete ones. The content is in mail_part';
comment on column mail.sensor is 'Name of the sensor';
comment on column mail.mail is 'Id within the sensor: journal segment << 24 | place';
comment on column mail.received_at is 'When its end was seen; where it broke off, its last byte';
comment on column mail.access is 'The conversation: id of table access';
comment on column mail.decoy is 'Address of the decoy';
comment on column mail.decoy_port is 'TCP port of the decoy';
comment on column mail.source is 'Address of the visitor';
comment on column mail.source_port is 'TCP port of the visitor';
comment on column mail.vlan_outer is 'VLAN id of the outer tag; null: untagged';
comment on column mail.vlan_inner is 'VLAN id of the inner tag; null: fewer than two tags';
comment on column mail.relay_host is 'Host of the innermost hop, where the mail server was asked for; cleaned text; null: direct mail';
comment on column mail.relay_host_raw is 'The bytes relay_host was made of';
comment on column mail.relay_port is 'Port of the innermost hop; null: direct mail';
comment on column mail.direct is 'True: SMTP was spoken to the decoy itself; false: the mail came through a proxy request';
comment on column mail.complete is 'True: its end (a dot alone on a line) was seen';
comment on column mail.helo is 'Name that the client gave with HELO or EHLO, cleaned text; null: none';
comment on column mail.helo_raw is 'The bytes helo was made of';
comment on column mail.mail_from is 'Sender of the envelope without brackets and parameters, cleaned text; empty: the null sender';
comment on column mail.mail_from_raw is 'The bytes mail_from was made of';
comment on column mail.subject is 'Subject, decoded (RFC 2047) and cleaned; null: no such field';
comment on column mail.header is 'The header block as sent, at most 32 KiB';
comment on column mail.size_bytes is 'Length of the mail as the sender wrote it: dots unstuffed, without the final one';
comment on column mail.truncated is 'True: longer than what is kept; size_bytes counts all';
comment on column mail.recipients is 'Number of recipients of the envelope';

create table mail_recipient (
	sensor text not null,
	mail bigint not null,
	received_at timestamptz not null,
	position integer not null,
	address text not null,
	address_raw bytea not null,
	primary key (sensor, mail, received_at, position)
) partition by range (received_at);
comment on table mail_recipient is 'Recipients of the envelopes of mails, in order';
comment on column mail_recipient.sensor is 'Name of the sensor';
comment on column mail_recipient.mail is 'The mail: id of table mail';
comment on column mail_recipient.received_at is 'That of the mail';
comment on column mail_recipient.position is 'Order within the envelope, from 0';
comment on column mail_recipient.address is 'The address without brackets and parameters, cleaned text';
comment on column mail_recipient.address_raw is 'The bytes address was made of';

create table mail_part (
	sensor text not null,
	mail bigint not null,
	byte_offset bigint not null,
	stored_at timestamptz not null,
	access bigint not null,
	bytes bytea not null,
	primary key (sensor, mail, byte_offset, stored_at)
) partition by range (stored_at);
comment on table mail_part is 'The content of mails as the sender wrote it (dots unstuffed, without the final one), in pieces as they came. A piece may be loaded before its mail, whose received_at is then not known: the partition goes by the journal segment';
comment on column mail_part.sensor is 'Name of the sensor';
comment on column mail_part.mail is 'The mail: id of table mail (no such row: it is still coming in)';
comment on column mail_part.byte_offset is 'Place of the first byte within the mail';
comment on column mail_part.stored_at is 'When the journal segment was begun that holds the piece (its header''s time)';
comment on column mail_part.access is 'The conversation: id of table access';
comment on column mail_part.bytes is 'The bytes';

create table syn_sample (
	sensor text not null,
	segment bigint not null,
	place integer not null,
	seen_at timestamptz not null,
	source inet not null,
	source_port integer not null,
	decoy inet not null,
	decoy_port integer not null,
	vlan_outer smallint,
	vlan_inner smallint,
	probability double precision not null,
	seq bigint not null,
	tcp_window integer not null,
	ip_id integer not null,
	ttl smallint not null,
	dont_fragment boolean not null,
	options bytea not null,
	primary key (sensor, segment, place, seen_at)
) partition by range (seen_at);
comment on table syn_sample is 'Sampled SYNs with the raw fields that tell tools and systems apart';
comment on column syn_sample.sensor is 'Name of the sensor';
comment on column syn_sample.segment is 'Journal segment that brought the row';
comment on column syn_sample.place is 'Number of the record within that segment';
comment on column syn_sample.seen_at is 'When it came';
comment on column syn_sample.source is 'Source address (may be forged)';
comment on column syn_sample.source_port is 'Source port';
comment on column syn_sample.decoy is 'Address of the decoy';
comment on column syn_sample.decoy_port is 'TCP port of the decoy';
comment on column syn_sample.vlan_outer is 'VLAN id of the outer tag; null: untagged';
comment on column syn_sample.vlan_inner is 'VLAN id of the inner tag; null: fewer than two tags';
comment on column syn_sample.probability is 'Probability with which it was taken into the sample, up to 1';
comment on column syn_sample.seq is 'Initial sequence number';
comment on column syn_sample.tcp_window is 'Window, unscaled';
comment on column syn_sample.ip_id is 'Identification of the IPv4 header; 0 for IPv6';
comment on column syn_sample.ttl is 'TTL or hop limit';
comment on column syn_sample.dont_fragment is 'The IPv4 DF bit';
comment on column syn_sample.options is 'TCP options as they stood in the segment';

create table syn_source (
	sensor text not null,
	quarter timestamptz not null,
	source inet not null,
	decoy_port integer not null,
	segment bigint not null,
	syns bigint not null,
	estimated double precision not null,
	tools integer not null,
	primary key (sensor, quarter, source, decoy_port, segment)
) partition by range (quarter);
comment on table syn_source is 'SYNs by source, port and quarter of an hour: deltas, one for each journal segment, to be summed';
comment on column syn_source.sensor is 'Name of the sensor';
comment on column syn_source.quarter is 'Start of the quarter of an hour';
comment on column syn_source.source is 'Source address (may be forged)';
comment on column syn_source.decoy_port is 'TCP port of the decoys';
comment on column syn_source.segment is 'Journal segment that brought the delta';
comment on column syn_source.syns is 'Sampled SYNs';
comment on column syn_source.estimated is 'SYNs as estimated from the sample: the sum of 1 / probability';
comment on column syn_source.tools is 'Marks of tools that were seen, bits joined by or: 1 zmap_old, 2 zmap, 4 masscan, 8 mirai, 16 two_phase';

create table packet_count (
	sensor text not null,
	minute timestamptz not null,
	port integer not null,
	family smallint not null,
	segment bigint not null,
	seen bigint not null default 0,
	seen_bytes bigint not null default 0,
	passed bigint not null default 0,
	answered bigint not null default 0,
	taken bigint not null default 0,
	refused bigint not null default 0,
	syn bigint not null default 0,
	backscatter bigint not null default 0,
	rst bigint not null default 0,
	fin bigint not null default 0,
	payload bigint not null default 0,
	ack bigint not null default 0,
	other_tcp bigint not null default 0,
	icmp bigint not null default 0,
	other bigint not null default 0,
	syn_sampled bigint not null default 0,
	syn_unsampled bigint not null default 0,
	primary key (sensor, minute, port, family, segment)
) partition by range (minute);
comment on table packet_count is 'Packets that XDP counted by minute, port and family, exact: deltas, one for each journal segment, to be summed. The ledger has the same figures by term';
comment on column packet_count.sensor is 'Name of the sensor';
comment on column packet_count.minute is 'Start of the minute';
comment on column packet_count.port is 'Decoy port; 0 = all other ports, and what has no port';
comment on column packet_count.family is '4 or 6; 4 also what is neither';
comment on column packet_count.segment is 'Journal segment that brought the delta';
comment on column packet_count.seen is 'Packets, counted on entry';
comment on column packet_count.seen_bytes is 'Bytes of their frames';
comment on column packet_count.passed is 'Packets left to the host';
comment on column packet_count.answered is 'Packets that XDP answered by itself';
comment on column packet_count.taken is 'Packets handed to the responder';
comment on column packet_count.refused is 'Packets dropped; the reasons are terms refused_* of the ledger';
comment on column packet_count.syn is 'SYN without ACK, FIN and RST';
comment on column packet_count.backscatter is 'SYN with ACK';
comment on column packet_count.rst is 'RST';
comment on column packet_count.fin is 'FIN';
comment on column packet_count.payload is 'ACK with data';
comment on column packet_count.ack is 'ACK without data';
comment on column packet_count.other_tcp is 'Any other combination of TCP flags';
comment on column packet_count.icmp is 'ICMP or ICMPv6';
comment on column packet_count.other is 'All else: other protocols, fragments, what could not be parsed, what passes';
comment on column packet_count.syn_sampled is 'SYNs to decoy ports that were sampled';
comment on column packet_count.syn_unsampled is 'SYNs to decoy ports that were not sampled';

create table ledger (
	sensor text not null,
	minute timestamptz not null,
	port integer not null,
	family smallint not null,
	term text not null,
	segment bigint not null,
	value bigint not null,
	primary key (sensor, minute, term, port, family, segment)
) partition by range (minute);
comment on table ledger is 'What was counted where, by minute: deltas, one for each journal segment, to be summed. View ledger_balance holds the sides of each equation against each other';
comment on column ledger.sensor is 'Name of the sensor';
comment on column ledger.minute is 'Start of the minute: of packets and events the one they were counted in, of conversations the one they opened in, of records the one they were made in';
comment on column ledger.port is 'Decoy port; 0 = all other ports, or a term without port';
comment on column ledger.family is '4 or 6; 0 = a term without family';
comment on column ledger.term is 'What was counted: seen, passed, answered, taken, refused_*, kind_*, syn_sampled, syn_unsampled, emitted_*, ring_full_* (XDP); read_*, opened, open, recorded, lost_*, records_made, records_journalled, records_shed and others (responder); loaded, records_set_aside (loader)';
comment on column ledger.segment is 'Journal segment that brought the delta';
comment on column ledger.value is 'The delta; negative where a gauge fell';

create table journal_segment (
	sensor text not null,
	segment bigint not null,
	writer smallint not null,
	created_at timestamptz not null,
	loaded_at timestamptz not null default now(),
	records bigint not null,
	file_bytes bigint not null,
	cut boolean not null default false,
	set_aside text,
	primary key (sensor, segment)
);
comment on table journal_segment is 'Journal segments that were loaded, each in one transaction with its rows: so a segment is never loaded twice';
comment on column journal_segment.sensor is 'Name of the sensor';
comment on column journal_segment.segment is 'Number of the segment';
comment on column journal_segment.writer is 'Who wrote it: number of the responder''s worker; 255 = the supervisor';
comment on column journal_segment.created_at is 'When it was begun';
comment on column journal_segment.loaded_at is 'When it was loaded';
comment on column journal_segment.records is 'Records that it held';
comment on column journal_segment.file_bytes is 'Length of its file';
comment on column journal_segment.cut is 'True: it ended within a frame (a crash while writing); what came before was loaded';
comment on column journal_segment.set_aside is 'Why it could not be loaded and was moved to bad/ of the journal; null: it was loaded';

create table source (
	sensor text not null,
	source inet not null,
	country text not null default 'ZZ',
	country_dated date,
	as_number bigint,
	as_name text,
	reverse_name text,
	line_class text,
	looked_up_at timestamptz not null,
	primary key (sensor, source)
);
comment on table source is 'What the enrichment found out about visitors';
comment on column source.sensor is 'Name of the sensor';
comment on column source.source is 'Address of the visitor';
comment on column source.country is 'ISO 3166 alpha-2; ZZ = unknown';
comment on column source.country_dated is 'Date of the country database that was asked';
comment on column source.as_number is 'Number of the autonomous system; null: unknown';
comment on column source.as_name is 'Name of the autonomous system; null: unknown';
comment on column source.reverse_name is 'Name that DNS gives for the address; null: none or not asked';
comment on column source.line_class is 'Kind of line by the reverse name (residential, hosting, ...); null: not judged';
comment on column source.looked_up_at is 'When all this was looked up';

create table source_label (
	sensor text not null,
	source inet not null,
	label text not null,
	first_seen timestamptz not null,
	primary key (sensor, source, label)
);
comment on table source_label is 'Labels of visitors, such as decoy_hunter or the name of a known research scanner';
comment on column source_label.sensor is 'Name of the sensor';
comment on column source_label.source is 'Address of the visitor';
comment on column source_label.label is 'The label';
comment on column source_label.first_seen is 'When the visitor first did what the label says';

create table relay_destination (
	sensor text not null,
	relay_host text not null,
	country text not null default 'ZZ',
	country_dated date,
	addresses inet[] not null default '{}',
	looked_up_at timestamptz not null,
	primary key (sensor, relay_host)
);
comment on table relay_destination is 'What the enrichment found out about hosts to which relays were asked for';
comment on column relay_destination.sensor is 'Name of the sensor';
comment on column relay_destination.relay_host is 'The host, lower case, without a final dot';
comment on column relay_destination.country is 'ISO 3166 alpha-2; ZZ = unknown, or its addresses disagree';
comment on column relay_destination.country_dated is 'Date of the country database that was asked';
comment on column relay_destination.addresses is 'Its addresses';
comment on column relay_destination.looked_up_at is 'When it was looked up';

create table mail_exchanger (
	sensor text not null,
	domain text not null,
	exchanger text not null,
	valid_on date not null,
	addresses inet[] not null default '{}',
	looked_up_at timestamptz not null,
	primary key (sensor, domain, exchanger, valid_on)
);
comment on table mail_exchanger is 'Mail exchangers of recipients'' domains, by resolver or by a dated file';
comment on column mail_exchanger.sensor is 'Name of the sensor';
comment on column mail_exchanger.domain is 'Domain of a recipient, lower case';
comment on column mail_exchanger.exchanger is 'Name of an exchanger of it, lower case; the domain itself where it has no MX; empty: looked up, none found';
comment on column mail_exchanger.valid_on is 'Day for which that holds';
comment on column mail_exchanger.addresses is 'Addresses of the exchanger';
comment on column mail_exchanger.looked_up_at is 'When it was looked up';

create table violation (
	sensor text not null,
	segment bigint not null,
	place integer not null,
	seen_at timestamptz not null,
	reported_by text not null,
	what text not null,
	frame bytea,
	primary key (sensor, segment, place)
);
comment on table violation is 'Frames that a guard stopped, and attempts to take the guard away';
comment on column violation.sensor is 'Name of the sensor';
comment on column violation.segment is 'Journal segment that brought the row';
comment on column violation.place is 'Number of the record within that segment';
comment on column violation.seen_at is 'When it was seen';
comment on column violation.reported_by is 'Who saw it: tc, module, supervisor';
comment on column violation.what is 'What was seen, cleaned text';
comment on column violation.frame is 'Head of the frame; null: there is none';

-- Rows come in order of time, so a few pages of BRIN find a day within a month.
create index access_time on access using brin (started_at);
create index hop_time on hop using brin (requested_at);
create index credential_time on credential using brin (seen_at);
create index mail_time on mail using brin (received_at);
create index mail_recipient_time on mail_recipient using brin (received_at);
create index mail_part_time on mail_part using brin (stored_at);
create index syn_sample_time on syn_sample using brin (seen_at);
create index syn_source_time on syn_source using brin (quarter);
create index packet_count_time on packet_count using brin (minute);
create index ledger_time on ledger using brin (minute);

grant usage on schema otori to otori_loader, otori_read;
grant select on all tables in schema otori to otori_loader, otori_read;
grant insert on access, hop, payload, credential, mail, mail_recipient, mail_part, syn_sample, syn_source, packet_count, ledger,
	journal_segment, sensor, observation, decoy, violation, source_label to otori_loader;
-- an observation's end moves on while it runs; nothing else that was loaded is ever changed by the loader
grant update (until_at) on observation to otori_loader;
