-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: roll-ups made anew are what the rows give; another class moves sums and nothing else; what retention took away is not lost
-- unasked; the loader adds and moves by functions only.
begin;
\ir rows.psql
set local timezone to 'UTC';
select plan(45);

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

-- SYNs: days that are over are summed when a later one comes, and once more when rows come late; what retention took away stays
select make_partitions('2020-05-01', '2020-07-01');
select observe('s', '2020-05-01', '2020-06-01', '203.0.113.10', '25', 'run');
create function pg_temp.knocked(at_time timestamptz, visitor inet, of_segment bigint) returns void
	language sql
as $$
	insert into syn_source (sensor, quarter, source, decoy_port, segment, syns, estimated, tools)
	values ('s', quarter_of(at_time), visitor, 25, of_segment, 1, 1, 0);
	select rollup_add_syn('s', array[quarter_of(at_time)]);
$$;
-- whatever the zone of who loads: the days that are summed are those of UTC
set local timezone to 'Pacific/Apia';
select pg_temp.knocked('2020-05-10 23:45+00', '198.51.100.1', 1), pg_temp.knocked('2020-05-11 01:00+00', '198.51.100.1', 2);
select is_empty($$select from rollup_syn_day where summed$$, 'who may still send rows of yesterday is waited for');
select pg_temp.knocked('2020-05-11 02:00+00', '198.51.100.2', 3);
select results_eq($$select quarter, decoy_port, syns, sources from rollup_syn order by 1$$,
	$$values ('2020-05-10 23:45+00'::timestamptz, 25, 1::double precision, '{1}'::integer[])$$, 'yesterday is summed');
select pg_temp.knocked('2020-05-13 12:00+00', '198.51.100.3', 4);
select results_eq($$select quarter, sources from rollup_syn order by 1$$, $$values ('2020-05-10 23:45+00'::timestamptz, '{1}'::integer[]),
	('2020-05-11 01:00+00', '{1,1,1,1,1,0}'), ('2020-05-11 02:00+00', '{1}')$$, 'who came five quarters before is new in a day that began since');
select pg_temp.knocked('2020-05-09 23:45+00', '198.51.100.1', 5);
select is_empty($$select from rollup_syn_day where summed$$, 'a late row makes its day, and those that look back at it, wait again');
select pg_temp.knocked('2020-05-13 12:00+00', '198.51.100.4', 6);
select is((select sources from rollup_syn where quarter = '2020-05-10 23:45+00'), array_fill(1, array[96]) || 0, 'then they are summed anew');
select is_empty($$select rollup, kept, bare from rollup_difference where rollup = 'rollup_syn'$$, 'nothing differs');
delete from syn_source where quarter < '2020-05-12 00:00+00';
select rollup_rebuild('s', true);
set local timezone to 'UTC';
select results_eq($$select day, sources from port_activity_daily where syns > 0 order by 1$$,
	$$values ('2020-05-09'::date, 1::bigint), ('2020-05-10', 1), ('2020-05-11', 2), ('2020-05-13', 2)$$, 'days that retention took the rows of are as they were');

-- rights
create role a_loader in role otori_loader;
set local role a_loader;
select lives_ok($$select otori.rollup_lock('s'),
	otori.rollup_add_access('s', '{2020-03-01 01:00+00}', '{8080}', '{80}', '{web}', '{1}', '{0}'),
	otori.rollup_add_domain('s', '{d}', '{1}', '{0}', '{0}', '{0}', '{2020-03-01}', '{2020-03-01}', '{d,d}', '{source,recipient}', '{2001:DB8:0::1,r}')$$,
	'the loader adds');
select lives_ok($$select otori.rollup_add_syn('s', '{2020-05-13 12:00+00}'), otori.rollup_add_chain('s', '{1}', '{2020-05-13}', '{::1}')$$, 'and tells what came');
select throws_ok($$delete from otori.rollup_syn$$, '42501');
reset role;
select results_eq($$select member from rollup_domain_member where sensor = 's' and recipient_domain = 'd' order by 1$$,
	$$values ('2001:db8::1'), ('r')$$, 'addresses of visitors are written as the database writes them');

select finish();
rollback;
