-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- 0007_enrichment.sql - what the enrichment keeps beside the figures: dated answers, exchangers, suspects of open relays.

set local role otori_owner;
set local search_path to otori;
