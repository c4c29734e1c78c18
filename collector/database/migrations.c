/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * migrations.c - puts the files of schema/ into the binary.
 *
 * In:  schema/NNNN_name.sql, read by the assembler (paths are those of the top folder, where make runs). Out: the list
 * in migrations.h. A new migration is a file in schema/ and a row below; a unit test compares the rows with the folder.
 */
#include "database/migrations.h"

#define MIGRATIONS(X) \
	X(1, 0001_tables) \
	X(2, 0002_functions) \
	X(3, 0003_views) \
	X(4, 0004_ledger) \
	X(5, 0005_rollups) \
	X(6, 0006_probes) \
	X(7, 0007_enrichment) \
	X(8, 0008_exploits) \
	X(9, 0009_figures) \
	X(10, 0010_access_figures) \
	X(11, 0011_mail_figures) \
	X(12, 0012_summary) \
	X(13, 0013_losses) \
	X(14, 0014_rollup_syn) \
	X(15, 0015_rollup_chain) \
	X(16, 0016_rollups_whole) \
	X(17, 0017_exploit_figure) \
	X(18, 0018_set_aside) \
	X(19, 0019_quick_figures)

/* .incbin copies the file as it is; the byte behind it terminates the text. */
#define MIGRATION_INCLUDE(number, name) \
	__asm__(".section .rodata\n" \
		".global otori_migration_" #number "\n" \
		".hidden otori_migration_" #number "\n" \
		".global otori_migration_end_" #number "\n" \
		".hidden otori_migration_end_" #number "\n" \
		"otori_migration_" #number ":\n" \
		".incbin \"schema/" #name ".sql\"\n" \
		"otori_migration_end_" #number ":\n" \
		".byte 0\n" \
		".previous\n"); \
	extern const char otori_migration_##number[] __attribute__((visibility("hidden"))); \
	extern const char otori_migration_end_##number[] __attribute__((visibility("hidden")));
MIGRATIONS(MIGRATION_INCLUDE)

#define MIGRATION_COUNT(number, name) +1
#define MIGRATION_ROW(number, name) { number, #name, otori_migration_##number, 0 },
#define MIGRATION_LENGTH(number, name) \
	list[number - 1].sql_bytes = (size_t)(otori_migration_end_##number - otori_migration_##number);

static struct migration list[] = { MIGRATIONS(MIGRATION_ROW) };

/* The difference of two symbols of the assembler is no constant for the compiler: it is taken before main. */
__attribute__((constructor)) static void measure_migrations(void)
{
	MIGRATIONS(MIGRATION_LENGTH)
}

const struct migration *const migrations = list;
const size_t migration_count = 0 MIGRATIONS(MIGRATION_COUNT);
