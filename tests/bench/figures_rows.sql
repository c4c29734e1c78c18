-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- figures_rows.sql - the rows of a sensor that has seen :accesses accesses in the 16 months of the report of 2008.
--
-- In:  psql's variable accesses, an empty database with the schema. Out: rows of one sensor, the same each time (all is drawn by hashes of
-- the row's number); no roll-ups. Included by figures.
--
-- A twentieth of the visitors makes two thirds of the accesses. One access of five says nothing, one of ten is direct mail, one of a
-- hundred nests a second request in its tunnel, one of twenty brings a mail with three recipients. Mails come in bursts, probes before
-- some of them.

set search_path to otori, public;
set synchronous_commit to off;
set jit to off;
create schema bench;

create function bench.draw(n bigint, what integer, below bigint) returns bigint
	language sql immutable parallel safe
	return (hashint8extended(n, what) & 9223372036854775807) % below;
create function bench.visitor(n bigint) returns inet
	language sql immutable parallel safe
	return '11.0.0.0'::inet + case when bench.draw(n, 1, 3) > 0 then 37 * bench.draw(n, 2, 15000) else 41 * bench.draw(n, 2, 300000) end;
-- the moment of the n-th of so many; bursts: squeezed into the first third of its day
create function bench.moment(n bigint, many bigint, burst boolean default false) returns timestamptz
	language sql immutable parallel safe
	return '2006-09-01 00:00+09'::timestamptz + interval '1 day' * (n * 487 / many)
		+ interval '1 second' * (case when burst then 28800 else 86400 end * ((n * 487.0 / many) % 1));

select observe('bench', '2006-09-01 00:00+09', '2008-01-01 00:00+09', '203.0.113.0/24', '25,1080,3128,8080', 'run');
select make_partitions('2006-08-31', '2008-01-02');

insert into access (sensor, access, started_at, ended_at, decoy, decoy_port, source, source_port, protocol, relay_host, relay_host_raw, relay_port,
		class, depth, exploit, end_reason, bytes_in, bytes_out, first_segment_bytes, payload_truncated, mss, tcp_window, window_scale, sack, ttl,
		hops, mails, conflicting_bytes, smtp_kind)
	select 'bench', n, at_time, at_time + interval '2 seconds', '203.0.113.0'::inet + bench.draw(n, 3, 256), port, bench.visitor(n),
		1024 + n % 60000, protocol, host, convert_to(host, 'UTF8'), relay,
		(case when rule is not null then 'exploit' when protocol = 'smtp' or relay = 25 then 'mail'
			when relay in (80, 443) then 'web' when relay is not null then 'tunnel' else 'other' end)::class,
		depth::depth, rule, 'fin', 200, 100, 120, false, 1460, 64240, 7, true, 52, case when n % 100 = 7 then 2 else 1 end, 0, 0,
		case when protocol = 'smtp' and depth <> 'ack' then (array['relay_test', 'mail', 'other'])[1 + bench.draw(n, 5, 3)] end
	from (
		select n, at_time, port, depth, case when depth = 'ack' then null when port = 25 then 'smtp' when port = 1080 then 'socks5' else 'http' end as protocol,
			case when depth <> 'ack' and port <> 25 then (array[25, 25, 80, 80, 443, 6667])[1 + bench.draw(n, 6, 6)] end as relay,
			case when depth <> 'ack' and port <> 25 and bench.draw(n, 4, 10) = 0 then 'rule_' || bench.draw(n, 16, 40) end as rule,
			case when depth <> 'ack' and port <> 25 then (array['MX', 'mx', 'www'])[1 + bench.draw(n, 7, 3)] || bench.draw(n, 8, 20000) || '.example.net' end as host
		from (
			select n, bench.moment(n, :accesses) as at_time, (array[25, 1080, 1080, 1080, 1080, 1080, 3128, 3128, 8080, 8080])[1 + bench.draw(n, 9, 10)] as port,
				(array['ack', 'payload', 'request', 'inner', 'data'])[1 + bench.draw(n, 10, 5)] as depth
			from generate_series(0, :accesses - 1) as n
		) as drawn
	) as asked;

insert into hop (sensor, access, requested_at, position, level, protocol, method, relay_host, relay_port, raw, to_loopback, to_private, to_decoy,
		to_source, refused)
	select sensor, access, started_at + level * interval '1 second', level, level, protocol, 'CONNECT', case level when 0 then relay_host else 'mx.example.org' end,
		case level when 0 then relay_port else 25 end, '\x434f4e4e454354', false, false, false, false, false
	from access cross join lateral generate_series(0, case when access % 100 = 7 then 1 else 0 end) as level
	where relay_host is not null;

insert into mail (sensor, mail, received_at, access, decoy, decoy_port, source, source_port, relay_host, relay_host_raw, relay_port, direct, complete,
		helo, mail_from, subject, header, size_bytes, truncated, recipients, probe)
	select 'bench', n, bench.moment(n, :accesses / 20, true), n * 20, '203.0.113.0'::inet + bench.draw(n, 11, 256), 8080, bench.visitor(n), 1024 + n % 60000,
		-- to the exchanger of its recipients' domain; one of fifty to some other relay
		'mx' || case when bench.draw(n, 15, 50) > 0 then bench.draw(n, 14, 20000) % 2000 else bench.draw(n, 12, 2000) end || '.example.net', '\x6d78', 25, n % 10 = 9, n % 33 <> 0, 'me', 'sender@example.org', 'hello ' || n,
		convert_to('From: sender@example.org' || chr(10) || 'Subject: hello ' || n, 'UTF8'), 3000, false, 3, n % 250 = 1
	from generate_series(0, :accesses / 20 - 1) as n;
insert into mail_recipient (sensor, mail, received_at, position, address, address_raw)
	select sensor, mail, received_at, position, 'user' || bench.draw(mail * 3 + position, 13, 1000000) || '@d' || bench.draw(mail, 14, 20000) || '.example.com', '\x75'
	from mail cross join generate_series(0, 2) as position;
insert into probe_mail (sensor, mail, received_at, decoy, decoy_port, source, mailbox, subject, found_in, encoding)
	select sensor, mail, received_at, decoy, decoy_port, source, 'box@example.org', subject, 'subject', 'dotted'
	from mail where probe and complete and not direct;

insert into syn_source (sensor, quarter, source, decoy_port, segment, syns, estimated, tools)
	select 'bench', quarter_of(bench.moment(n, :accesses * 2 / 5)), bench.visitor(n), (array[25, 1080, 3128, 8080])[1 + n % 4], n, 3, 3, 0
	from generate_series(0, :accesses * 2 / 5 - 1) as n;

-- what the enrichment knows: two thirds of the visitors and of the destinations
insert into source (sensor, source, country, looked_up_at)
	select sensor, source, (array['US', 'TW', 'CN', 'JP', 'KR', 'RU'])[1 + (source - '0.0.0.0') % 6], now()
	from (select distinct sensor, source from access) as visitor where (source - '0.0.0.0') % 3 > 0;
insert into relay_destination (sensor, relay_host, country, addresses, looked_up_at)
	select 'bench', host, (array['US', 'TW', 'CN', 'JP'])[1 + (hashtext(host) & 3)], array['192.0.2.0'::inet + (hashtext(host) & 255)], now()
	from (select distinct destination_name(relay_host) as host from access where relay_host is not null) as asked where hashtext(host) % 3 <> 0;
-- the exchangers of two thirds of the recipients' domains, asked for twice
insert into mail_exchanger (sensor, domain, exchanger, addresses, valid_on, looked_up_at, origin, whole, registered)
	select 'bench', 'd' || d || '.example.com', 'mx' || d % 2000 || '.example.net', array['198.18.0.0'::inet + (d % 2000) * 256], day, day, 'file', true, null
	from generate_series(0, 19999) as d cross join unnest(array['2006-08-01'::date, '2007-06-01']) as day where d % 3 > 0;
insert into relay_destination (sensor, relay_host, country, addresses, looked_up_at)
	select 'bench', 'mx' || m || '.example.net', 'JP', array['198.18.0.0'::inet + m * 256], now() from generate_series(0, 1999) as m where m % 3 <> 0
	on conflict (sensor, relay_host) do update set addresses = excluded.addresses;
