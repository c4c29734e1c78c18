-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0018_set_aside.sql - a segment that could not be loaded may be tried again.
--
-- In:  tables journal_segment, ledger. Out: function forget_set_aside. Called by the loader, within the transaction in which it tries a
-- segment anew that somebody moved back from bad/.

set local role otori_owner;
set local search_path to otori;

-- The loader may not delete: it takes back what was said of a segment that was set aside, and nothing else.
create function forget_set_aside(of_sensor text, of_segment bigint) returns boolean
	language plpgsql security definer
	set search_path = otori, pg_temp
as $$
begin
	delete from journal_segment
		where journal_segment.sensor = of_sensor and journal_segment.segment = of_segment and journal_segment.set_aside is not null;
	if not found then
		return false;
	end if;
	delete from ledger
		where ledger.sensor = of_sensor and ledger.segment = of_segment and ledger.term = 'records_set_aside';
	return true;
end;
$$;
comment on function forget_set_aside(text, bigint) is 'Takes back that a segment was set aside, so that it can be loaded; false where it was not';

revoke execute on function forget_set_aside from public;
grant execute on function forget_set_aside to otori_loader;
