-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds: a view whose figure is summed up beside the rows reads no bare row; a figure within bounds reads those at its ragged ends alone.
begin;
\ir rows.psql
set local timezone to 'Asia/Tokyo';
select plan(21);

select make_partitions('2020-01-01', '2020-06-30');
select observe('s', '2020-01-01', '2020-06-30', '203.0.113.10', '8080,25', 'run');

-- the months of bare tables that a plan names
create function pg_temp.bare_tables(query text) returns text[]
	language plpgsql
as $$
declare
	line text;
	found_in text;
	tables text[] := '{}';
begin
	for line in execute 'explain (costs off) ' || query loop
		found_in := substring(line from ' on ((?:access|hop|mail|mail_recipient|syn_sample|syn_source)_\d{4}_\d\d)\M');
		if found_in is not null and not found_in = any (tables) then
			tables := tables || found_in;
		end if;
	end loop;
	return array(select unnest(tables) order by 1);
end
$$;
select is(pg_temp.bare_tables('select * from ' || view), '{}'::text[], 'view ' || view) from unnest(array['accesses_by_port_daily', 'accesses_by_relay_port_daily',
	'direct_mail_daily', 'mails_daily', 'mail_kinds', 'source_countries', 'source_lines', 'op25b_share', 'mail_relay_countries', 'web_relay_countries',
	'direct_mail_countries', 'direct_mail_kinds', 'targeted_domains', 'probe_mails', 'observed_day', 'relay_chains']) as view;
-- that the test can fail
select ok(pg_temp.bare_tables('select * from port_activity_daily') @> array['syn_source_2020_03'], 'days that are not summed are counted from the rows');
select is(pg_temp.bare_tables($$select * from accesses_by_port('2020-02-01 00:00+00', '2020-05-01 00:00+00', 's')$$), '{}'::text[],
	'whole quarters of an hour: no bare row');
select is(pg_temp.bare_tables($$select * from accesses_by_port('2020-02-10 00:00:01+00', '2020-05-01 00:00+00', 's')$$), array['access_2020_02'],
	'a ragged beginning: its month');
select is(pg_temp.bare_tables($$select * from mails('2020-02-10 00:15+00', '2020-04-10 00:00:00.1+00', 's', '1 month')$$), array['mail_2020_04'],
	'a ragged end: its month');
select is(pg_temp.bare_tables($$select * from source_countries('2020-02-10 00:15+00', '2020-03-10 00:00+00', 's')$$), array['access_2020_02', 'access_2020_03'],
	'what has no time in its sum: the months within the bounds');

select finish();
rollback;
