-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0006_probes.sql - probe mails, and what a direct SMTP conversation was about.
--
-- In:  tables of 0001. Out: table probe_mail, mail.probe, access.smtp_kind. Written by collector/loader, from what
-- collector/probe found.

set local role otori_owner;
set local search_path to otori;

alter table mail add column probe boolean not null default false;
comment on column mail.probe is 'True: a probe mail, complete: it carries the decoy''s own address and port (table probe_mail)';

alter table access add column smtp_kind text check (smtp_kind in ('relay_test', 'mail', 'other'));
comment on column access.smtp_kind is 'Of direct mail (protocol smtp): mail (DATA was begun); relay_test (it was not, and a recipient is a route such as user%domain@host, or a sender or recipient is at the decoy''s own address, or a recipient was asked for again with another sender); other; null: another protocol';

create table probe_mail (
	sensor text not null,
	mail bigint not null,
	received_at timestamptz not null,
	decoy inet not null,
	decoy_port integer not null,
	source inet not null,
	mailbox text,
	subject text,
	found_in text not null check (found_in in ('subject', 'body', 'message_id', 'helo', 'mail_from', 'rcpt_to', 'header')),
	encoding text not null check (encoding in ('dotted', 'reversed', 'decimal', 'hex', 'base64')),
	answered_at timestamptz,
	primary key (sensor, mail)
);
comment on table probe_mail is 'Complete mails that carry the address and port of the decoy they came through, direct ones too: somebody looks for open proxies or relays';
comment on column probe_mail.sensor is 'Name of the sensor';
comment on column probe_mail.mail is 'The mail: id of table mail';
comment on column probe_mail.received_at is 'That of the mail';
comment on column probe_mail.decoy is 'Address of the decoy';
comment on column probe_mail.decoy_port is 'TCP port of the decoy';
comment on column probe_mail.source is 'Address of the visitor';
comment on column probe_mail.mailbox is 'The mailbox it reports to: its first recipient, cleaned text; null: its record was lost';
comment on column probe_mail.subject is 'As in table mail';
comment on column probe_mail.found_in is 'Where address and port were found: the first of subject, body, message_id, helo, mail_from, rcpt_to, header that holds them';
comment on column probe_mail.encoding is 'How they were written there, the first of: dotted (of IPv6 any text form), reversed (octets), decimal, hex, base64 (whatever it holds)';
comment on column probe_mail.answered_at is 'When it was handed to a mail server; null: it was not';

grant select on probe_mail to otori_loader, otori_read;
grant insert on probe_mail to otori_loader;
