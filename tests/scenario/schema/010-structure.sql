-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: everything has a comment, keys begin with the sensor, months have UTC bounds and no default, and all belongs to otori_owner.
begin;
\ir rows.psql
select plan(12);

select is_empty($$
	select relname, attname from pg_class join pg_attribute on attrelid = pg_class.oid
	where relnamespace = 'otori'::regnamespace and relkind in ('r', 'p', 'v') and attnum > 0 and not attisdropped
		and col_description(pg_class.oid, attnum) is null
$$, 'every column has a comment');
select is_empty($$
	select relname from pg_class where relnamespace = 'otori'::regnamespace and relkind in ('r', 'p', 'v')
		and obj_description(oid, 'pg_class') is null
$$, 'every table and view has a comment');
select is_empty($$
	select proname from pg_proc where pronamespace = 'otori'::regnamespace and obj_description(oid, 'pg_proc') is null
$$, 'every function has a comment');
select is_empty($$
	select relname from pg_class left join pg_index on indrelid = pg_class.oid and indisprimary
		left join pg_attribute on attrelid = pg_class.oid and attnum = indkey[0]
	where relnamespace = 'otori'::regnamespace and relkind in ('r', 'p') and relname <> 'migration'
		and attname is distinct from 'sensor'
$$, 'every primary key begins with the sensor');
select set_eq($$select table_name from partitioned_table$$,
	array['access', 'hop', 'credential', 'mail', 'mail_recipient', 'mail_part', 'syn_sample', 'syn_source', 'packet_count', 'ledger'],
	'what grows with traffic is partitioned');
select is_empty($$
	select table_name from partitioned_table where not exists (
		select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
			join pg_attribute on attrelid = indrelid and attnum = indkey[0]
		where indrelid = ('otori.' || table_name)::regclass and amname = 'brin' and attname = time_column)
$$, 'the time of each has a BRIN index');
select is_empty($$select partrelid::regclass from pg_partitioned_table where partdefid <> 0$$, 'there is no default partition');
select is_empty($$
	select relname from pg_class where relnamespace = 'otori'::regnamespace and pg_get_userbyid(relowner) <> 'otori_owner'
$$, 'everything belongs to otori_owner');
select enum_has_labels('otori', 'depth', array['ack', 'payload', 'request', 'inner', 'rcpt', 'data'], 'depths in their order');
select ok('ack'::depth < 'payload' and 'payload'::depth < 'request' and 'inner'::depth < 'rcpt' and 'rcpt'::depth < 'data',
	'depths compare by how far a conversation got');

-- a session's zone must not move a month's bounds
set local timezone to 'Asia/Tokyo';
select make_partitions('2004-02-29 23:59:59+00', '2004-02-29 23:59:59+00');
set local timezone to 'UTC';
select is(
	(select pg_get_expr(relpartbound, oid) from pg_class where oid = 'otori.access_2004_02'::regclass),
	$$FOR VALUES FROM ('2004-02-01 00:00:00+00') TO ('2004-03-01 00:00:00+00')$$, 'the bounds of a month are those of UTC');
select is(to_regclass('otori.access_2004_03'), null, 'what is not asked for is not made');

select finish();
rollback;
