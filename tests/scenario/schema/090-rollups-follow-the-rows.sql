-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: roll-ups made anew are what the rows give; another class moves sums and nothing else; what retention took away is not lost
-- unasked; the loader adds and moves by functions only.
begin;
\ir rows.psql
set local timezone to 'UTC';
select plan(36);

select is(quarter_of('2007-11-18 10:14:59.999999+00'), '2007-11-18 10:00+00', 'a quarter begins at 0');
select is(quarter_of('2007-11-18 10:15+00'), '2007-11-18 10:15+00', 'and at 15');
select is(quarter_of('1970-01-01 00:00+00'), '1970-01-01 00:00+00', 'also in 1970');
select is(quarter_of('1999-12-31 23:45+00'), '1999-12-31 23:45+00', 'and before 2000');

-- s: two web accesses of one quarter, one of the next; mail to 25; an exploit; direct mail; who said nothing
select pg_temp.saw('s', '2020-01-01 01:00'), pg_temp.saw('s', '2020-01-01 01:14:59'), pg_temp.saw('s', '2020-01-01 01:15');
select pg_temp.saw('s', '2020-01-01 01:00', relay => 25, class => 'mail', visitor => '198.51.100.2');
select pg_temp.saw('s', '2020-01-01 01:00', class => 'exploit', port => 1080, protocol => 'socks4');
select pg_temp.saw('s', '2020-01-01 01:00', port => 25, protocol => 'smtp', class => 'mail', depth => 'rcpt', relay => null);
select pg_temp.saw('s', '2020-01-01 01:00', port => 25, protocol => 'smtp', class => 'mail', depth => 'payload', relay => null);
select pg_temp.saw('s', '2020-01-01 01:00', depth => 'ack', protocol => null, relay => null, class => 'other');
select pg_temp.saw('t', '2020-01-01 01:00');
select pg_temp.got('s', '2020-01-01 02:00'), pg_temp.got('s', '2020-01-01 02:05', complete => false), pg_temp.got('s', '2020-01-01 02:10', direct => true);
insert into mail_recipient (sensor, mail, received_at, position, address, address_raw)
	select sensor, mail, received_at, position, address, ''
	from mail cross join (values (0, 'One@Example.org.'), (1, 'two@example.ORG'), (2, 'one@example.org.'), (3, 'nobody')) as v (position, address)
	where sensor = 's';

select isnt_empty($$select rollup from rollup_difference$$, 'rows that nobody summed up differ');
select lives_ok($$select rollup_rebuild()$$, 'all are made anew');
select is_empty($$select rollup, kept, bare from rollup_difference$$, 'then nothing differs');
select results_eq(
	$$select quarter, decoy_port, relay_port, class::text, accesses, attempts from rollup_access where sensor = 's' order by 1, 2, 3, 4$$,
	$$values ('2020-01-01 01:00+00'::timestamptz, 25, -1, 'mail', 0::bigint, 1::bigint), ('2020-01-01 01:00+00', 1080, -1, 'exploit', 1, 0),
		('2020-01-01 01:00+00', 8080, 25, 'mail', 1, 0), ('2020-01-01 01:00+00', 8080, 80, 'web', 2, 0),
		('2020-01-01 01:15+00', 8080, 80, 'web', 1, 0)$$, 'by quarter');
select results_eq($$select host(source), relay_port, accesses, attempts from rollup_source where sensor = 's' order by 1, 2$$,
	$$values ('198.51.100.1', -1, 4::bigint, 1::bigint), ('198.51.100.2', 25, 1, 0)$$, 'by visitor');
select results_eq($$select relay_host, relay_port, accesses from rollup_destination where sensor = 's' order by 2$$,
	$$values ('relay.example', 25, 1::bigint), ('relay.example', 80, 3)$$, 'by destination, exploits apart');
select results_eq($$select host(source), kind, conversations from rollup_direct where sensor = 's'$$,
	$$values ('198.51.100.1', 'other', 2::bigint)$$, 'direct conversations');
select results_eq($$select quarter, direct, probe, mails from rollup_mail where sensor = 's' order by direct$$,
	$$values ('2020-01-01 02:00+00'::timestamptz, false, false, 1::bigint), ('2020-01-01 02:00+00', true, false, 1)$$, 'complete mails');
select results_eq($$select recipient_domain, mails, recipients, sources, relay_hosts from rollup_domain where sensor = 's'$$,
	$$values ('example.org', 1::bigint, 2::bigint, 1::bigint, 1::bigint)$$, 'recipients of a domain, once each');
select results_eq($$select relay_host, relay_port, recipient_domain, mails from rollup_relay_domain where sensor = 's'$$,
	$$values ('mx.example', 25, 'example.org', 1::bigint)$$, 'relay and domain');
select results_eq($$select accesses from rollup_access where sensor = 't'$$, $$values (1::bigint)$$, 'sensors are apart');

-- a web access becomes an exploit
create temporary table one as
	select sensor, access, started_at from access where sensor = 's' and class = 'web' and started_at = '2020-01-01 01:15+00';
select is(reclassify('s', access, started_at, 'a-rule', 'exploit'), 1::bigint, 'one is changed') from one;
select results_eq($$select class::text, exploit from access join one using (sensor, access, started_at)$$, $$values ('exploit', 'a-rule')$$, 'the row says so');
select is_empty($$select rollup, kept, bare from rollup_difference$$, 'its sums have moved');
select is_empty($$select from rollup_access where sensor = 's' and quarter = '2020-01-01 01:15+00' and class = 'web'$$, 'nothing is left behind');
select is(reclassify('s', access, started_at, 'a-rule', 'exploit'), 0::bigint, 'a second time changes nothing') from one;
select is(reclassify('s', access, started_at, 'another-rule', 'exploit'), 1::bigint, 'another rule of the same class') from one;
select is_empty($$select rollup, kept, bare from rollup_difference$$, 'moves no sums');
select is(reclassify('s', access, started_at, null, 'web'), 1::bigint, 'and back') from one;
select is_empty($$select rollup, kept, bare from rollup_difference$$, 'the sums are back, too');
select is(reclassify('s', 987654321, '2020-01-01 01:15+00', null, 'web'), 0::bigint, 'what is not there is not changed');

-- all at once, direct mail and silent visitors among them, some twice; a destination that nobody asks for any more goes
select is((select reclassify_many('s', array_agg(access), array_agg(started_at), array_agg('many'::text), array_agg('exploit'::class))
	from (select access, started_at from access where sensor = 's' union all select access, started_at from access where sensor = 's') as twice),
	8::bigint, 'many, each once');
select is_empty($$select rollup, kept, bare from rollup_difference$$, 'the sums of many have moved');
select is_empty($$select from rollup_destination where sensor = 's'$$, 'exploits have no destination');
select is((select count(*) from access where sensor = 't' and class = 'exploit'), 0::bigint, 'not those of another sensor');
select throws_ok($$select reclassify_many('s', array[1::bigint], array[]::timestamptz[], array['x'], array['web'::class])$$, '22023');

-- retention: the oldest rows go, their sums stay
select pg_temp.saw('s', '2020-03-01 01:00');
select rollup_rebuild('s');
delete from access where sensor = 's' and started_at < '2020-02-01';
select throws_ok($$select rollup_rebuild('s')$$, '55000');
select is((select sum(accesses) from rollup_access where sensor = 's'), 6::numeric, 'the sums of what retention took away stay');
select lives_ok($$select rollup_rebuild('s', true)$$, 'unless the operator insists');
select is((select sum(accesses) from rollup_access where sensor = 's'), 1::numeric, 'then they are those of the rows');

-- rights
create role a_loader in role otori_loader;
set local role a_loader;
select lives_ok($$select otori.rollup_lock('s'),
	otori.rollup_add_access('s', '{2020-03-01 01:00+00}', '{8080}', '{80}', '{web}', '{1}', '{0}'),
	otori.rollup_add_domain('s', '{d}', '{1}', '{0}', '{0}', '{0}', '{2020-03-01}', '{2020-03-01}', '{d,d}', '{source,recipient}', '{2001:DB8:0::1,r}')$$,
	'the loader adds');
reset role;
select results_eq($$select member from rollup_domain_member where sensor = 's' and recipient_domain = 'd' order by 1$$,
	$$values ('2001:db8::1'), ('r')$$, 'addresses of visitors are written as the database writes them');

select finish();
rollback;
