-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0009_figures.sql - the views of the report, and functions with parameters beside them.

set local role otori_owner;
set local search_path to otori;

-- what was loaded before there were roll-ups
select rollup_rebuild();
