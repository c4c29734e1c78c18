-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: a relay is a suspect where it is no exchanger of the recipient's domain, by every rule of what counts as one; who could not be looked
-- up is none; each mail goes by the answer that holds for its day; the function gives of a period what the view gives of all.
begin;
\ir rows.psql
set local timezone to 'UTC';
select plan(23);

create function pg_temp.sent(relay text, recipients text[], at_time timestamptz default '2007-11-10 12:00', port integer default 25,
	direct boolean default false, complete boolean default true) returns void
	language sql
as $$
	select make_partitions(at_time, at_time);
	insert into mail (sensor, mail, received_at, access, decoy, decoy_port, source, source_port, relay_host, relay_port, direct, complete,
		mail_from, header, size_bytes, truncated, recipients)
	values ('s', nextval('next_id'), at_time, 1, '203.0.113.10', 8080, '198.51.100.1', 40000, relay, port, direct, complete,
		'sender@example', '', 100, false, cardinality(recipients));
	insert into mail_recipient (sensor, mail, received_at, position, address, address_raw)
	select 's', currval('next_id'), at_time, place - 1, address, convert_to(address, 'UTF8')
	from unnest(recipients) with ordinality as recipient (address, place);
$$;

create function pg_temp.has(domain text, exchanger text, addresses inet[], registered text default null, day date default '2007-11-01',
	whole boolean default true) returns void
	language sql
as $$
	insert into mail_exchanger (sensor, domain, exchanger, valid_on, addresses, looked_up_at, origin, whole, registered)
	values ('s', domain, exchanger, day, addresses, day::timestamp at time zone 'UTC', 'file', whole, registered);
$$;

create function pg_temp.resolved(host text, addresses inet[], registered text default null) returns void
	language sql
as $$
	insert into relay_destination (sensor, relay_host, addresses, looked_up_at, registered)
	values ('s', host, addresses, '2007-12-01', registered);
$$;

-- relays and mails of the view, for one domain
create function pg_temp.suspects_of(domain text) returns text
	language sql
as $$
	select string_agg(format('%s:%s %s', relay_host, relay_port, mails), ', ' order by relay_host, relay_port)
	from open_relay_suspects
	where recipient_domain = domain;
$$;

select observe('s', '2007-11-01', '2007-12-01', '203.0.113.10', '8080', 'replay');
select pg_temp.has('a.example', 'mx1.a.example', '{192.0.2.1,2001:db8:1::1}', 'a.example'), pg_temp.has('a.example', 'mx2.a.example', '{192.0.2.2}', 'a.example');
select pg_temp.resolved('open.relay.example', '{198.51.100.7}', 'relay.example'), pg_temp.resolved('198.51.100.8', '{198.51.100.8}');

select pg_temp.sent('Open.Relay.Example.', '{u@A.example,v@a.example,w@unknown.example}');
select pg_temp.sent('open.relay.example', '{u@a.example}', '2007-11-12'), pg_temp.sent('open.relay.example', '{u@a.example}', port => 587);
select pg_temp.sent('open.relay.example', '{u@a.example}', complete => false), pg_temp.sent('open.relay.example', '{u@a.example}', direct => true);
select pg_temp.sent('198.51.100.8', '{u@a.example}');
-- no suspects: by name, by address, by another name with its address, by IPv6, by registered part, /24, /48
select pg_temp.sent('MX2.a.example', '{u@a.example}'), pg_temp.sent('192.0.2.1', '{u@a.example}'), pg_temp.resolved('192.0.2.1', '{192.0.2.1}');
select pg_temp.resolved('alias.example', '{203.0.113.77,192.0.2.2}', 'alias.example'), pg_temp.sent('alias.example', '{u@a.example}');
select pg_temp.resolved('2001:db8:1::1', '{2001:db8:1::1}'), pg_temp.sent('2001:db8:1::1', '{u@a.example}');
select pg_temp.resolved('2001:db8:1:ffff::9', '{2001:db8:1:ffff::9}'), pg_temp.sent('2001:db8:1:ffff::9', '{u@a.example}');
select pg_temp.resolved('2001:db8:2::1', '{2001:db8:2::1}'), pg_temp.sent('2001:db8:2::1', '{u@a.example}');
select pg_temp.resolved('smtp.a.example', '{203.0.113.78}', 'a.example'), pg_temp.sent('smtp.a.example', '{u@a.example}');
select pg_temp.resolved('near.example', '{192.0.2.200}', 'near.example'), pg_temp.sent('near.example', '{u@a.example}');
select pg_temp.resolved('far.example', '{192.0.3.1}', 'far.example'), pg_temp.sent('far.example', '{u@a.example}');
-- unknown: never looked up; looked up, and no address
select pg_temp.sent('never.example', '{u@a.example}'), pg_temp.resolved('none.example', '{}', 'none.example'), pg_temp.sent('none.example', '{u@a.example}');

-- domains about which nothing, or not all, is known
select pg_temp.has('none.example', '', '{}'), pg_temp.sent('198.51.100.8', '{u@none.example}');
select pg_temp.has('null.example', '.', '{}'), pg_temp.sent('198.51.100.8', '{u@null.example}');
select pg_temp.has('cut.example', 'mx.cut.example', '{192.0.2.9}', 'cut.example', whole => false), pg_temp.sent('198.51.100.8', '{u@cut.example}');
-- without MX the domain itself is the exchanger
select pg_temp.has('bare.example', 'bare.example', '{192.0.2.30}', 'bare.example'), pg_temp.sent('bare.example', '{u@bare.example}'),
	pg_temp.sent('198.51.100.8', '{u@bare.example}');

-- a large operator: its exchangers for one domain are none by name or address of those for another, and yet it is one operator
select pg_temp.has('big.example', 'in1.mail.operator.example', '{192.0.2.60}', 'operator.example'),
	pg_temp.has('customer.example', 'customer.in.operator.example', '{198.51.100.120}', 'operator.example'),
	pg_temp.has('other.example', 'in9.mail.operator.example', '{203.0.113.90}', 'operator.example');
select pg_temp.sent('203.0.113.90', '{u@big.example,u@customer.example}'), pg_temp.resolved('203.0.113.90', '{203.0.113.90}');
select pg_temp.sent('in9.mail.operator.example', '{u@big.example}');
-- an exchanger of somebody else, known by the file alone
select pg_temp.has('else.example', 'mx.else.example', '{192.0.99.1}', 'else.example'), pg_temp.sent('mx.else.example', '{u@big.example}');

-- the answers change, and with them the verdict
select pg_temp.has('moved.example', 'old.moved.example', '{198.51.100.201}', 'oldhost.example'),
	pg_temp.has('moved.example', 'new.moved.example', '{192.0.88.1}', 'newhost.example', '2007-11-15');
select pg_temp.resolved('198.51.100.201', '{198.51.100.201}');
select pg_temp.sent('198.51.100.201', '{u@moved.example}', '2007-10-20'), pg_temp.sent('198.51.100.201', '{u@moved.example}', '2007-11-14 23:59'),
	pg_temp.sent('198.51.100.201', '{u@moved.example}', '2007-11-15 00:00'), pg_temp.sent('198.51.100.201', '{u@moved.example,v@moved.example}', '2007-11-20');

select rollup_rebuild(null, true);

select is(pg_temp.suspects_of('a.example'), '198.51.100.8:25 1, 2001:db8:2::1:25 1, far.example:25 1, open.relay.example:25 2, open.relay.example:587 1',
	'suspects of a domain: complete mails through the proxies, each once for a domain, by relay and port; nobody else');
select is(pg_temp.suspects_of('unknown.example'), null, 'a domain that was not looked up has none');
select is(pg_temp.suspects_of('none.example'), null, 'nor has one without exchangers');
select is(pg_temp.suspects_of('cut.example'), null, 'nor one whose exchangers are not all known');
select is(pg_temp.suspects_of('null.example'), '198.51.100.8:25 1', 'a domain that takes no mail has no exchanger');
select is(pg_temp.suspects_of('bare.example'), '198.51.100.8:25 1', 'a domain without MX is its own exchanger');
select is(pg_temp.suspects_of('customer.example'), null, 'exchangers of one operator count as one: by the name of an exchanger with that address');
select is(pg_temp.suspects_of('big.example'), 'mx.else.example:25 1', 'and by name; another''s exchanger is none, and the file knows its address');
select is(pg_temp.suspects_of('moved.example'), '198.51.100.201:25 2', 'each mail goes by the answer that holds for its day');
select results_eq($$select first_seen, last_seen, looked_up_at from open_relay_suspects where recipient_domain = 'moved.example'$$,
	$$values ('2007-11-15 00:00+00'::timestamptz, '2007-11-20 00:00+00'::timestamptz, '2007-11-15 00:00+00'::timestamptz)$$, 'and the row is of these');
select is((select evidence from open_relay_suspects where relay_host = 'open.relay.example' and relay_port = 25),
	'open.relay.example (198.51.100.7) is none of the exchangers of a.example (mx1.a.example 192.0.2.1 2001:db8:1::1, mx2.a.example 192.0.2.2) by name or address,'
	' and shares no registered name, /24 or /48 with them. By a file of 2007-11-01, 9 days before the first of these mails', 'evidence of a name');
select is((select evidence from open_relay_suspects where relay_host = '198.51.100.8' and recipient_domain = 'null.example'),
	'198.51.100.8 was asked to take mail for null.example, which says that it takes no mail (null MX). By a file of 2007-11-01, 9 days before the first of these mails',
	'evidence of an address and a null MX');
select is((select count(*) from open_relay_suspects where evidence is null or looked_up_at is null or sensor <> 's'), 0::bigint, 'every row has its evidence');

select results_eq($$select sensor, relay_host, relay_port, recipient_domain, mails, first_seen, last_seen, evidence, looked_up_at
		from open_relay_suspects('-infinity', 'infinity') order by 2, 3, 4$$,
	$$select sensor, relay_host, relay_port, recipient_domain, mails, first_seen, last_seen, evidence, looked_up_at
		from open_relay_suspects order by 2, 3, 4$$, 'the function gives of all time what the view gives');
select results_eq($$select relay_host, recipient_domain, mails from open_relay_suspects('2007-11-12', '2007-11-20', 's') order by 1, 2$$,
	$$values ('198.51.100.201', 'moved.example', 1::bigint), ('open.relay.example', 'a.example', 1)$$, 'and of a period its mails, its end exclusive');
select observe('other', '2007-11-01', '2007-12-01', '203.0.113.10', '8080', 'replay');
select is_empty($$select relay_host from open_relay_suspects('-infinity', 'infinity', 'other')$$, 'and of one sensor');

-- which answer holds
select results_eq($$select valid_on, holds_from, holds_until from exchanger_answer where domain = 'moved.example' order by 1$$,
	$$values ('2007-11-01'::date, '-infinity'::date, '2007-11-15'::date), ('2007-11-15', '2007-11-15', 'infinity')$$,
	'the newest not after the mail, the day itself included, else the earliest after it');

-- years later
update mail_exchanger set valid_on = '2026-06-17', looked_up_at = '2026-06-17 12:00', origin = 'resolver' where domain = 'bare.example';
select is((select right(evidence, 50) from open_relay_suspects where recipient_domain = 'bare.example'),
	'. Looked up 18 years after the last of these mails', 'how long after the mails it was looked up');

select is(array[span_text('10 minutes'), span_text('47 hours'), span_text('2 days'), span_text('700 days'), span_text('731 days')],
	array['less than an hour', '47 hours', '2 days', '700 days', '2 years'], 'spans in words');
select is(operator_networks('{192.0.2.1,192.0.2.9,2001:db8:1:2::3}')::text, '{192.0.2.0/24,2001:db8:1::/48}', 'networks of addresses');
select is(operator_networks('{}'), '{}'::cidr[], 'none of none');

-- rights: history only grows
create role an_enricher in role otori_enrich;
set local role an_enricher;
select lives_ok($$insert into otori.source_answer values ('s', '198.51.100.1', 'country', '2026-06-17', 'JP', null, null, now());
	insert into otori.source as known (sensor, source, looked_up_at) values ('s', '198.51.100.1', now())
	on conflict (sensor, source) do update set looked_up_at = excluded.looked_up_at$$, 'the enrichment writes its own tables');
select throws_ok($$update otori.source_answer set country = 'US'$$, '42501');
reset role;
select finish();
rollback;
