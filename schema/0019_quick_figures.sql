-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0019_quick_figures.sql - the same figures of exploits and of open relays, in less time.
--
-- In:  index access_exploit of 0008, functions and view exchanger_answer of 0007. Out: the same, made otherwise. Used by readers (role
-- otori_read).

set local role otori_owner;
set local search_path to otori;

-- All that figures of exploits ask for, so that the rows between, some of which each page of the table holds, need not be read.
drop index access_exploit;
create index access_exploit on access (started_at) include (sensor, decoy_port, exploit, source, depth, protocol) where exploit is not null;

-- PL/pgSQL: a function in SQL that can't be written into its caller's plan is made ready anew for each row, which takes ten times as long.
create or replace function span_text(span interval) returns text
	language plpgsql immutable strict parallel safe
as $$
declare
	seconds constant numeric := extract(epoch from span);
begin
	return case
		when seconds < 3600 then 'less than an hour'
		when seconds < 172800 then floor(seconds / 3600) || ' hours'
		when seconds < 2 * 365.25 * 86400 then floor(seconds / 86400) || ' days'
		else floor(seconds / (365.25 * 86400)) || ' years'
	end;
end;
$$;

create or replace function looked_up_text(origin text, valid_on date, looked_up_at timestamptz, first_seen timestamptz, last_seen timestamptz)
	returns text
	language plpgsql immutable parallel safe
as $$
begin
	return case origin when 'file' then 'By a file of ' || to_char(valid_on, 'YYYY-MM-DD') || ', ' else 'Looked up ' end
		|| case
			when looked_up_at > last_seen then otori.span_text(looked_up_at - last_seen) || ' after the last of these mails'
			when looked_up_at < first_seen then otori.span_text(first_seen - looked_up_at) || ' before the first of these mails'
			else 'between the first and the last of these mails'
		end;
end;
$$;

-- What counts as one network is said here alone. Not strict: a function that is could not be written into its caller's plan.
create function operator_network(address inet) returns cidr
	language sql immutable parallel safe
	return network(set_masklen(address, case family(address) when 4 then 24 else 48 end));
comment on function operator_network(inet) is 'The network (/24, of IPv6 /48) in which an address is';
revoke execute on function operator_network(inet) from public;
grant execute on function operator_network(inet) to otori_read, otori_loader, otori_enrich;

create or replace function operator_networks(addresses inet[]) returns cidr[]
	language sql immutable strict parallel safe
	return (select coalesce(array_agg(distinct operator_network(address)), '{}') from unnest(addresses) as address);

-- The networks are taken while the addresses are in hand.
create or replace view exchanger_answer as
	with answer as (
		select given.sensor, given.domain, given.valid_on, max(given.looked_up_at) as looked_up_at, min(given.origin) as origin,
			bool_and(given.whole) as whole, bool_or(given.exchanger = '.') as takes_no_mail,
			coalesce(array_agg(distinct given.exchanger) filter (where given.exchanger not in ('', '.')), '{}') as exchangers,
			coalesce(array_agg(distinct given.registered) filter (where given.registered is not null), '{}') as registered,
			coalesce(array_agg(distinct reached.address) filter (where reached.address is not null), '{}') as addresses,
			coalesce(array_agg(distinct operator_network(reached.address)) filter (where reached.address is not null), '{}') as networks,
			coalesce(array_agg(distinct concat_ws(' ', given.exchanger, host(given.addresses[1]), host(given.addresses[2])))
				filter (where given.exchanger not in ('', '.')), '{}') as described
		from mail_exchanger as given
		left join lateral unnest(given.addresses) as reached (address) on true
		group by given.sensor, given.domain, given.valid_on
	)
	select sensor, domain, valid_on,
		case when lag(valid_on) over in_order is null then '-infinity'::date else valid_on end as holds_from,
		coalesce(lead(valid_on) over in_order, 'infinity'::date) as holds_until,
		looked_up_at, origin, whole, takes_no_mail, exchangers, registered, addresses, networks,
		described
	from answer
	window in_order as (partition by sensor, domain order by valid_on);
