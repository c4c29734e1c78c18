-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0015_rollup_chain.sql - paths through several relays, found once, when their conversation is loaded.
--
-- In:  tables access, hop. Out: rollup_chain, and function relay_chains on top of it. Called by collector/loader (in the transaction that loads
-- the rows) and by readers.
--
-- A conversation's row comes when it is over, behind all of its requests (one worker, one journal): what makes a chain is known then.

set local role otori_owner;
set local search_path to otori;

create table rollup_chain (
	sensor text not null,
	access bigint not null,
	started_at timestamptz not null,
	source inet not null,
	hops bigint not null,
	path text not null,
	primary key (sensor, access, started_at)
);
create index rollup_chain_time on rollup_chain using brin (started_at);
comment on table rollup_chain is 'Conversations with nested requests, as paths';
comment on column rollup_chain.sensor is 'Name of the sensor';
comment on column rollup_chain.access is 'The conversation (table access)';
comment on column rollup_chain.started_at is 'When it began';
comment on column rollup_chain.source is 'Address of the visitor';
comment on column rollup_chain.hops is 'Number of requests on the path';
comment on column rollup_chain.path is 'host:port > host:port, outermost first, as they were asked for (IPv6 in brackets)';

-- The one place that says what a chain is. The path: the last request of the innermost level, and before it those through which its tunnel went,
-- that is those behind which no other came at their level or farther out. A conversation lasts a day at most (option total-seconds).
create function chains_of(of_sensor text, accesses bigint[], started timestamptz[], visitors inet[]) returns setof rollup_chain
	language sql stable parallel safe
begin atomic
	with request as (
		select listed.access, listed.started_at, listed.source, asked.position, asked.level, asked.relay_host, asked.relay_port,
			max(asked.level) over (partition by listed.access, listed.started_at) as innermost
		from unnest(accesses, started, visitors) as listed (access, started_at, source)
		cross join lateral (
			-- offset 0: one look into the index for each conversation, not all requests once
			select hop.position, hop.level, hop.relay_host, hop.relay_port
			from hop
			where hop.sensor = of_sensor and hop.access = listed.access and hop.relay_host is not null and not hop.refused
				and hop.requested_at >= listed.started_at - interval '1 hour' and hop.requested_at <= listed.started_at + interval '25 hours'
			offset 0
		) as asked
	), ended as (
		select request.access, request.started_at, request.source, request.position, request.level, request.relay_host, request.relay_port,
			max(request.position) filter (where request.level = request.innermost)
				over (partition by request.access, request.started_at) as last_position
		from request
		where request.innermost > 0
	), followed as (
		select ended.access, ended.started_at, ended.source, ended.position, ended.level, ended.relay_host, ended.relay_port,
			min(ended.level) over (partition by ended.access, ended.started_at order by ended.position desc
				rows between unbounded preceding and 1 preceding) as level_behind
		from ended
		where ended.position <= ended.last_position
	)
	select of_sensor, followed.access, followed.started_at, followed.source, count(*),
		string_agg(case when followed.relay_host like '%:%' then '[' || followed.relay_host || ']' else followed.relay_host end
			|| coalesce(':' || followed.relay_port, ''), ' > ' order by followed.level)
	from followed
	where followed.level_behind is null or followed.level_behind > followed.level
	group by followed.access, followed.started_at, followed.source
	having count(*) > 1;
end;
comment on function chains_of(text, bigint[], timestamptz[], inet[]) is 'The chains among conversations of a sensor, given by id, beginning and visitor';

create function bare_chain(of_sensor text, from_time timestamptz default '-infinity', to_time timestamptz default 'infinity')
	returns setof rollup_chain
	language sql stable parallel safe
begin atomic
	select chain.sensor, chain.access, chain.started_at, chain.source, chain.hops, chain.path
	from (
		select began.sensor, array_agg(began.access) as accesses, array_agg(began.started_at) as started, array_agg(began.source) as visitors
		from (
			select hop.sensor, hop.access, min(hop.requested_at) as requested_at
			from hop
			where hop.level > 0 and hop.relay_host is not null and not hop.refused
				and (hop.sensor = of_sensor or of_sensor is null)
				and hop.requested_at >= from_time - interval '1 hour' and hop.requested_at < to_time + interval '25 hours'
			group by hop.sensor, hop.access
		) as nested
		cross join lateral (
			select access.sensor, access.access, access.started_at, access.source
			from access
			where access.sensor = nested.sensor and access.access = nested.access
				and access.started_at <= nested.requested_at + interval '1 hour' and access.started_at >= nested.requested_at - interval '25 hours'
			offset 0
		) as began
		where began.started_at >= from_time and began.started_at < to_time
		group by began.sensor
	) as candidates
	cross join lateral chains_of(candidates.sensor, candidates.accesses, candidates.started, candidates.visitors) as chain;
end;
comment on function bare_chain(text, timestamptz, timestamptz) is 'What rollup_chain holds if it is right, of one sensor or (null) all, for conversations that began between two times (the second excluded), out of tables access and hop';

create function rollup_add_chain(of_sensor text, accesses bigint[], started timestamptz[], visitors inet[]) returns void
	language sql security definer
	set search_path = otori, pg_temp
begin atomic
	insert into rollup_chain (sensor, access, started_at, source, hops, path)
		select chain.sensor, chain.access, chain.started_at, chain.source, chain.hops, chain.path
		from chains_of(of_sensor, accesses, started, visitors) as chain
		on conflict do nothing;
end;
comment on function rollup_add_chain(text, bigint[], timestamptz[], inet[]) is 'Enters the chains among conversations that were loaded, given by id, beginning and visitor';

create or replace function relay_chains(from_time timestamptz, to_time timestamptz, of_sensor text default null)
	returns table (sensor text, started_at timestamptz, source inet, hops bigint, path text)
	language sql stable parallel safe
begin atomic
	select chain.sensor, chain.started_at, chain.source, chain.hops, chain.path
	from rollup_chain as chain
	where chain.started_at >= coalesce(from_time, '-infinity') and chain.started_at < coalesce(to_time, 'infinity')
		and (of_sensor is null or chain.sensor = of_sensor)
		and check_period(from_time, to_time, of_sensor);
end;

grant select on rollup_chain to otori_loader, otori_read;
revoke execute on function chains_of, bare_chain, rollup_add_chain from public;
grant execute on function chains_of, bare_chain to otori_read, otori_loader;
grant execute on function rollup_add_chain to otori_loader;

-- what was loaded before
insert into rollup_chain select * from bare_chain(null);
