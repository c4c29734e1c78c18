-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: the loader adds rows and changes none; who reads can read everything and write nothing; nobody else may anything.
begin;
\ir rows.psql
select plan(10);

create role a_loader in role otori_loader;
create role a_reader in role otori_read;
create role a_nobody;
grant usage on schema public to a_loader, a_reader, a_nobody;

select is_empty($$select relname from pg_class where relnamespace = 'otori'::regnamespace and relkind in ('r', 'p', 'v')
	and not relispartition and not has_table_privilege('a_reader', oid, 'select')$$, 'who reads can read everything');
select is_empty($$select relname from pg_class where relnamespace = 'otori'::regnamespace
	and has_table_privilege('a_reader', oid, 'insert, update, delete, truncate')$$, 'and write nothing');
select is_empty($$select relname from pg_class where relnamespace = 'otori'::regnamespace
	and has_table_privilege('a_loader', oid, 'update, delete, truncate')$$, 'the loader changes and removes nothing');
select is((select string_agg(relname || '.' || attname, ' ') from pg_class join pg_attribute on attrelid = pg_class.oid
	where relnamespace = 'otori'::regnamespace and attnum > 0 and not attisdropped
	and has_column_privilege('a_loader', pg_class.oid, attnum, 'update')), 'observation.until_at', 'but for the end of an observation');
select is_empty($$select proname from pg_proc where pronamespace = 'otori'::regnamespace and prosecdef and has_function_privilege('a_nobody', oid, 'execute')$$,
	'nobody else runs what runs with the owner''s rights');
select ok(not has_schema_privilege('a_loader', 'otori', 'create'), 'the loader makes no tables');

set local role a_loader;
select lives_ok($$select otori.make_partitions('2001-01-01', '2001-01-01')$$, 'the loader makes months by the function');
select lives_ok($$select otori.observe('s', '2001-01-01', '2001-01-02', '203.0.113.10', '8080', 'run');
	insert into otori.ledger values ('s', '2001-01-01 12:00', 0, 0, 'loaded', 1, 1);
	insert into otori.payload values ('s', '\x00', 0, '', now()) on conflict do nothing$$, 'and adds rows');
set local role a_reader;
select lives_ok($$select count(*) from otori.sensor_summary, otori.ledger_balance$$, 'who reads asks the views');
reset role;
set local role a_nobody;
select throws_ok($$select count(*) from otori.access$$, '42501');

select finish();
rollback;
