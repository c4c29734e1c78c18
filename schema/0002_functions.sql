-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0002_functions.sql - the functions that the loader calls: partitions on demand, and what a sensor observed.
--
-- In:  tables of 0001. Out: make_partitions, observe. Called by collector/loader; make_partitions also by migrate.c.

set local role otori_owner;
set local search_path to otori;

-- A partition is made as a table of its own and then attached: that takes a lock which lets readers and writers of the other
-- months go on, where `create table ... partition of` would wait for all of them and let all others wait.
create function make_partitions(from_time timestamptz, until_time timestamptz) returns integer
	language plpgsql security definer
	set search_path = otori, pg_temp
as $$
declare
	parent record;
	month timestamp;
	months timestamp[];
	missing boolean := false;
	made integer := 0;
	partition_name text;
begin
	if from_time is null or until_time is null or from_time > until_time then
		raise exception 'make_partitions: % to % is no period of time', from_time, until_time
			using errcode = 'invalid_parameter_value';
	end if;
	if from_time < '1970-01-01 00:00+00' or until_time >= '2200-01-01 00:00+00' then
		raise exception 'make_partitions: % to % is not within the years 1970 to 2199', from_time, until_time
			using errcode = 'datetime_field_overflow';
	end if;
	if until_time - from_time > interval '7320 days' then
		raise exception 'make_partitions: % to % is more than 20 years at once', from_time, until_time
			using errcode = 'program_limit_exceeded';
	end if;
	select array_agg(distinct wanted.month order by wanted.month) into months
		from (
			select generate_series(date_trunc('month', from_time at time zone 'UTC'), until_time at time zone 'UTC',
				interval '1 month') as month
			union all
			select date_trunc('month', now() at time zone 'UTC') + ahead * interval '1 month' from generate_series(0, 3) as ahead
		) as wanted;

	-- the usual case, that all are there, takes no lock
	for parent in select table_name, time_column from partitioned_table order by table_name loop
		foreach month in array months loop
			if to_regclass(format('otori.%I', parent.table_name || to_char(month, '"_"YYYY"_"MM'))) is null then
				missing := true;
			end if;
		end loop;
	end loop;
	if not missing then
		return 0;
	end if;

	perform pg_advisory_xact_lock(hashtext('otori.make_partitions'));
	for parent in select table_name, time_column from partitioned_table order by table_name loop
		foreach month in array months loop
			partition_name := parent.table_name || to_char(month, '"_"YYYY"_"MM');
			continue when to_regclass(format('otori.%I', partition_name)) is not null;
			execute format('create table %I (like %I including defaults including constraints including comments including storage)',
				partition_name, parent.table_name);
			execute format('comment on table %I is %L', partition_name,
				format('Rows of %s of the month %s (UTC)', parent.table_name, to_char(month, 'YYYY-MM')));
			execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent.table_name, partition_name,
				to_char(month, 'YYYY-MM-DD"+00"'), to_char(month + interval '1 month', 'YYYY-MM-DD"+00"'));
			made := made + 1;
		end loop;
	end loop;
	return made;
end
$$;
comment on function make_partitions(timestamptz, timestamptz) is 'Makes the monthly partitions (bounds UTC) that are missing for this period, and for the running month and three months ahead; returns how many. May be called by several sessions at once';

create view partitioned_table as
	select parent.relname::text as table_name, time_column.attname::text as time_column
	from pg_partitioned_table as partitioning
	join pg_class as parent on parent.oid = partitioning.partrelid
	join pg_namespace as space on space.oid = parent.relnamespace
	join pg_attribute as time_column on time_column.attrelid = parent.oid and time_column.attnum = partitioning.partattrs[0]
	where space.nspname = 'otori';
comment on view partitioned_table is 'Tables of this schema that are partitioned by month';
comment on column partitioned_table.table_name is 'Name of the table';
comment on column partitioned_table.time_column is 'The column whose month decides';

-- The decoys and ports come as text, comma separated, as the record holds them.
create function observe(of_sensor text, began timestamptz, until timestamptz, decoys text, offered_ports text, of_origin text)
	returns void
	language sql
	set search_path = otori, pg_temp
begin atomic
	insert into sensor (sensor) values (of_sensor) on conflict do nothing;
	insert into observation (sensor, began_at, until_at, ports, origin)
		select of_sensor, began, greatest(began, until),
			coalesce(array_agg(distinct trim(port)::integer order by trim(port)::integer) filter (where trim(port) <> ''), '{}'),
			of_origin
		from string_to_table(offered_ports, ',') as port
		on conflict (sensor, began_at) do update set until_at = greatest(observation.until_at, excluded.until_at);
	insert into decoy (sensor, began_at, prefix)
		select of_sensor, began, network(trim(prefix)::inet)
		from string_to_table(decoys, ',') as prefix
		where trim(prefix) <> ''
		on conflict do nothing;
end;
comment on function observe(text, timestamptz, timestamptz, text, text, text) is 'Enters from when to when a sensor observed which decoys and ports; the same beginning is the same observation, whose end moves on';

revoke execute on all functions in schema otori from public;
grant execute on all functions in schema otori to otori_loader;
grant execute on function prefix_servers(inet) to otori_read;
grant select on partitioned_table to otori_loader, otori_read;
