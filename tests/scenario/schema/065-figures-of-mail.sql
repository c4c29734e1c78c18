-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: the figures of direct mail, of mails by kind and domain, of probes and their waves are what one counts by hand on a few rows.
begin;
\ir rows.psql
set local timezone to 'UTC';
select plan(16);

select observe('s', '2020-01-01', '2020-02-01', '203.0.113.10,203.0.113.11', '8080,25', 'run');
insert into source (sensor, source, country, looked_up_at) values ('s', '198.51.100.1', 'TW', now()), ('s', '198.51.100.2', 'JP', now());

-- direct: attempts named a recipient; kinds are of all that said something
select pg_temp.saw('s', '2020-01-01 01:00', port => 25, protocol => 'smtp', depth => 'rcpt', class => 'mail', relay => null, kind => 'relay_test');
select pg_temp.saw('s', '2020-01-01 02:00', port => 25, protocol => 'smtp', depth => 'rcpt', class => 'mail', relay => null, kind => 'relay_test');
select pg_temp.saw('s', '2020-01-01 03:00', port => 8080, protocol => 'smtp', depth => 'data', class => 'mail', relay => null, kind => 'mail', visitor => '198.51.100.2');
select pg_temp.saw('s', '2020-01-01 04:00', port => 25, protocol => 'smtp', depth => 'payload', class => 'mail', relay => null, kind => 'other', visitor => '198.51.100.3');
select pg_temp.saw('s', '2020-01-01 05:00', port => 25, protocol => 'smtp', depth => 'rcpt', class => 'mail', relay => null, visitor => '198.51.100.3');
select pg_temp.saw('s', '2020-01-01 06:00', port => 25, protocol => null, depth => 'ack', class => 'other', relay => null);
select pg_temp.sum_up();
select results_eq($$select country, sources, attempts, share from direct_mail_countries where sensor = 's' order by 1$$,
	$$values ('JP', 1::bigint, 1::bigint, 0.25), ('TW', 1, 2, 0.5), ('ZZ', 1, 1, 0.25)$$, 'figure 10');
select results_eq($$select country, attempts, share from direct_mail_countries('2020-01-01 02:00', '2020-01-01 05:00', 's') order by 1$$,
	$$values ('JP', 1::bigint, 0.5), ('TW', 1, 0.5)$$, 'figure 10 within bounds');
select results_eq($$select kind, conversations, sources from direct_mail_kinds where sensor = 's' order by 1$$,
	$$values ('mail', 1::bigint, 1::bigint), ('other', 2, 1), ('relay_test', 2, 1)$$, 'kinds of direct mail; what was not judged is other');
select results_eq($$select kind, conversations from direct_mail_kinds('2020-01-01 01:30', '2020-01-01 04:30') order by 1$$,
	$$values ('mail', 1::bigint), ('other', 1), ('relay_test', 1)$$, 'kinds within bounds');
select results_eq($$select begins_at, attempts, servers, attempts_per_server from direct_mail('2020-01-01 00:00', '2020-03-01', 's', '1 month')$$,
	$$values ('2020-01-01 00:00'::timestamptz, 4::bigint, 2::bigint, 2::numeric)$$, 'figure 9 by month; what was not observed is no row');

-- probes: one with a wave of 12 mails of 3 visitors, of which the first comes after 90 minutes; 2 mails came in the week before
create function pg_temp.probed(at_time timestamptz, server inet default '203.0.113.10', box text default 'box@example') returns void
	language sql
as $$
	insert into probe_mail (sensor, mail, received_at, decoy, decoy_port, source, mailbox, subject, found_in, encoding)
	select 's', pg_temp.got('s', at_time, probe => true, server => server), at_time, server, 8080, '198.51.100.9', box, '203.0.113.10:8080', 'subject', 'dotted'
$$;
select pg_temp.probed('2020-01-10 00:00');
select pg_temp.got('s', '2020-01-02 23:59:59'), pg_temp.got('s', '2020-01-03 00:00'), pg_temp.got('s', '2020-01-09 23:59:59');
select pg_temp.got('s', '2020-01-10 01:30'::timestamptz + n * interval '1 hour', visitor => '198.51.100.1'::inet + n % 3) from generate_series(0, 10) as n;
select pg_temp.got('s', '2020-01-17 00:00', visitor => '198.51.100.1'), pg_temp.got('s', '2020-01-17 00:00:00.000001', visitor => '198.51.100.50');
-- none of these is of the wave: through another decoy, direct, broken off, a probe
select pg_temp.got('s', '2020-01-11 00:00', server => '203.0.113.11'), pg_temp.got('s', '2020-01-11 00:00', direct => true),
	pg_temp.got('s', '2020-01-11 00:00', complete => false);
select pg_temp.probed('2020-01-10 00:30', box => 'second@example');
-- the other decoy: a probe that nothing followed, and one mail of no wave
select pg_temp.probed('2020-01-10 00:00', '203.0.113.11', 'third@example');
select pg_temp.sum_up();
select results_eq($$select probed_at, decoy, mailbox, wave_started_at, delay, mails, sources, answered_at from probe_waves where sensor = 's' order by 1, 2$$,
	$$values ('2020-01-10 00:00'::timestamptz, '203.0.113.10'::inet, 'box@example', '2020-01-10 01:30'::timestamptz, '01:30'::interval, 12::bigint, 3::bigint, null::timestamptz),
		('2020-01-10 00:00', '203.0.113.11', 'third@example', null, null, 0, 0, null),
		('2020-01-10 00:30', '203.0.113.10', 'second@example', '2020-01-10 01:30', '01:00', 13, 4, null)$$, 'figure 13: waves');
select pg_temp.got('s', '2020-01-05 00:00');
select results_eq($$select mailbox, mails from probe_waves where decoy = '203.0.113.10' order by probed_at$$, $$values ('box@example', 0::bigint), ('second@example', 13)$$,
	'12 mails after 3 in the week before are no wave, 13 after 2 are one: the weeks are those of each probe');
delete from mail where sensor = 's' and received_at < '2020-01-10' and not probe;
delete from mail where mail in (select mail from mail where received_at > '2020-01-10' and complete and not direct and not probe and decoy = '203.0.113.10'
	order by received_at limit 4);
select results_eq($$select mailbox, mails from probe_waves where decoy = '203.0.113.10' order by probed_at$$, $$values ('box@example', 0::bigint), ('second@example', 0)$$,
	'nine mails are no wave');
select results_eq($$select mailbox from probe_waves('2020-01-10 00:00', '2020-01-10 00:30', 's') order by 1$$, $$values ('box@example'), ('third@example')$$,
	'waves of the probes within bounds');
select results_eq($$select received_at, decoy, decoy_port, source, mailbox, subject, found_in, encoding, answered_at from probe_mails('2020-01-10 00:30', 'infinity', 's')$$,
	$$values ('2020-01-10 00:30'::timestamptz, '203.0.113.10'::inet, 8080, '198.51.100.9'::inet, 'second@example', '203.0.113.10:8080', 'subject', 'dotted', null::timestamptz)$$,
	'figure 13: probes');
select is((select count(*) from probe_mails), 3::bigint, 'all probes');

-- kinds of mail by day, and by whole figure 12
select pg_temp.sum_up();
select results_eq($$select day, kind, mails from mail_kinds where sensor = 's' order by 1, 2$$,
	$$values ('2020-01-10'::date, 'mail', 7::bigint), ('2020-01-10', 'probe', 3), ('2020-01-11', 'mail', 1), ('2020-01-17', 'mail', 2)$$, 'kinds of mail by day');
select is((select sum(mails) from mail_kinds), (select sum(mails) from mails_daily), 'the kinds are all of figure 12');
select results_eq($$select begins_at, mails, mails_per_server from mails('2020-01-10', '2020-01-18', 's', '7 days') order by 1$$,
	$$values ('2020-01-06 00:00'::timestamptz, 11::bigint, 5.5), ('2020-01-13 00:00', 2, 1)$$, 'figure 12 by week, from Monday');

-- targets: two recipients of one domain in one mail, spelt differently; a broken-off and a direct mail
delete from mail;
select pg_temp.got('s', '2020-01-20 00:00', relay => 'MX.example', recipients => array['a@Victim.example', 'A@victim.example.', 'b@victim.example', 'c@other.example', 'nobody']);
select pg_temp.got('s', '2020-01-21 00:00', relay => 'mx.example.', visitor => '198.51.100.2', recipients => array['"x@y"@victim.example']);
select pg_temp.got('s', '2020-01-22 00:00', complete => false, recipients => array['a@victim.example']), pg_temp.got('s', '2020-01-22 00:00', direct => true,
	recipients => array['a@victim.example']);
select pg_temp.sum_up();
select results_eq($$select recipient_domain, mails, recipients, sources, relay_hosts, first_seen, last_seen from targeted_domains where sensor = 's' order by 1$$,
	$$values ('other.example', 1::bigint, 1::bigint, 1::bigint, 1::bigint, '2020-01-20 00:00'::timestamptz, '2020-01-20 00:00'::timestamptz),
		('victim.example', 2, 3, 2, 1, '2020-01-20 00:00', '2020-01-21 00:00')$$, 'targeted domains');
select results_eq($$select recipient_domain, mails, recipients from targeted_domains('2020-01-20 00:00:01', '2020-01-23', 's')$$,
	$$values ('victim.example', 1::bigint, 1::bigint)$$, 'targeted domains within bounds');

select finish();
rollback;
