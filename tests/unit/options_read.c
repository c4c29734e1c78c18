// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * options_read.c - the options of `otori run`: table, file, precedence, and one clear line for everything that is
 * wrong.
 *
 * In:  argv and files made here. Out: cmocka's verdict. Touches only a temporary folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

#define BASE "--interface", "eth7", "--decoys", "198.18.0.0/16"
#define READ(options, problem, ...) read_all(options, problem, (char *[]){ "run", __VA_ARGS__, NULL })

static char file_path[64];

static int read_all(struct run_options *options, struct problem *problem, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	memset(problem, 0, sizeof(*problem));
	return options_read(options, argc, argv, problem);
}

static const char *write_file(const char *text)
{
	FILE *file;

	snprintf(file_path, sizeof(file_path), "/tmp/otori-options-%d.conf", (int)getpid());
	file = fopen(file_path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return file_path;
}

static void defaults_are_those_of_the_design(void **state)
{
	struct run_options o;
	struct problem p;

	(void)state;
	assert_int_equal(READ(&o, &p, BASE), 0);
	assert_int_equal(o.port_count, 4);
	assert_int_equal(o.ports[0], 1080);
	assert_int_equal(o.ports[3], 25);
	assert_int_equal(o.idle_seconds, 60);
	assert_int_equal(o.total_seconds, 600);
	assert_int_equal(o.restart_grace, 30);
	assert_int_equal(o.limit_per_prefix, 10000);
	assert_int_equal(o.limit_global, 1000000);
	assert_int_equal(o.sample_probability, 4294967295u);
	assert_int_equal(o.mail_limit, 32u << 20);
	assert_int_equal(o.secrets_clear, 0);
	assert_int_equal(o.impersonate, 0);
	assert_int_equal(o.answer_arp, 0);
	assert_int_equal(o.seal, 0);
	assert_int_equal(o.guard_every_device, 0);
	assert_string_equal(o.responder_user, "otori-responder");
	assert_true(o.sensor[0] != '\0');
	options_close(&o);
}

static void command_line_wins_over_file_wins_over_default(void **state)
{
	struct run_options o;
	struct problem p;
	char *path = (char *)write_file(
		"# comment\n\n  idle-seconds = 30\nsensor=from.file\nports = 81, 82\ninterface = a\ninterface = b\n"
		"decoys = 10.0.0.0/8\nsecrets = clear\nanswer-arp = yes\nmail-limit = 1M\n");

	(void)state;
	assert_int_equal(READ(&o, &p, "--config", path, "--sensor", "from-line", "--ports", "90"), 0);
	assert_int_equal(o.idle_seconds, 30);
	assert_string_equal(o.sensor, "from-line");
	assert_int_equal(o.port_count, 1);
	assert_int_equal(o.ports[0], 90);
	assert_int_equal(o.interface_count, 2);
	assert_string_equal(o.interfaces[1], "b");
	assert_int_equal(o.secrets_clear, 1);
	assert_int_equal(o.answer_arp, 1);
	assert_int_equal(o.mail_limit, 1u << 20);
	options_close(&o);
	/* several --interface are one sensor; they replace those of the file */
	assert_int_equal(READ(&o, &p, "--config", path, "--interface", "x", "--interface", "y,z"), 0);
	assert_int_equal(o.interface_count, 3);
	assert_string_equal(o.interfaces[0], "x");
	options_close(&o);
}

struct refusal {
	const char *file; /* what the configuration holds; NULL = none */
	const char *argument[4];
	const char *says[2]; /* both must be in the line */
};

static const struct refusal refusals[] = {
	{ NULL, { "--ports", "1080,0" }, { "--ports", "'0'" } },
	{ NULL, { "--ports", "65536" }, { "65535", "'65536'" } },
	{ NULL, { "--ports", "1,,2" }, { "--ports", "''" } },
	{ NULL, { "--ports", "25,25" }, { "twice", "25" } },
	{ NULL, { "--ports", " 25 x" }, { "--ports", "x" } },
	{ NULL, { "--decoys", "198.18.0.0/33" }, { "32", "198.18.0.0/33" } },
	{ NULL, { "--decoys", "198.18.0.1/16" }, { "behind", "198.18.0.1/16" } },
	{ NULL, { "--decoys", "198.18/16" }, { "expected a prefix", "198.18/16" } },
	{ NULL, { "--decoys", "2001:db8::/129" }, { "128", "2001:db8::/129" } },
	{ NULL, { "--decoys", "::/0" }, { "at least", "::/0" } },
	{ NULL, { "--decoys", "0.0.0.0/0" }, { "at least", "0.0.0.0/0" } },
	{ NULL, { "--decoys", "10.0.0.0/8,10.1.0.0/16" }, { "overlap", "10.1.0.0/16" } },
	{ NULL, { "--decoys", "10.1.2.3,10.1.2.3" }, { "overlap", "10.1.2.3" } },
	{ NULL, { "--sensor", "Not A Name" }, { "--sensor", "Not A Name" } },
	{ NULL, { "--sensor", "../x" }, { "--sensor", "../x" } },
	{ NULL, { "--sample", "1.5" }, { "--sample", "1.5" } },
	{ NULL, { "--sample", "nan" }, { "--sample", "nan" } },
	{ NULL, { "--secrets", "maybe" }, { "hash, clear", "maybe" } },
	{ NULL, { "--answer-arp", "perhaps" }, { "yes or no", "perhaps" } },
	{ NULL, { "--mail-limit", "12Q" }, { "--mail-limit", "12Q" } },
	{ NULL, { "--mail-limit", "99999999999999999999" }, { "--mail-limit", "9999" } },
	{ NULL, { "--flows", "-1" }, { "--flows", "-1" } },
	{ NULL, { "--journal", "" }, { "--journal", "none" } },
	{ NULL, { "--interface", "a/b" }, { "--interface", "a/b" } },
	{ NULL, { "--interface", "0123456789abcdef" }, { "--interface", "0123456789abcdef" } },
	{ NULL, { "--database", "x", "--embedded", "y" }, { "database", "embedded" } },
	{ NULL, { "--idle-seconds", "700" }, { "total-seconds", "idle-seconds" } },
	{ NULL, { "--colour", "red" }, { "--colour", "unknown" } },
	{ NULL, { "--ports" }, { "--ports", "missing" } },
	{ NULL, { "stray" }, { "stray", "no option" } },
	{ NULL, { "--config", "/nonexistent/file" }, { "/nonexistent/file", "No such" } },
	{ NULL, { "--quiet-sources", "/nonexistent/file" }, { "quiet-sources", "No such" } },
	{ "sensor = x\ncolour = red\n", { NULL }, { ".conf:2", "colour" } },
	{ "\nidle-seconds = soon\n", { NULL }, { ".conf:2: idle-seconds", "'soon'" } },
	{ "idle-seconds\n", { NULL }, { ".conf:1", "key = value" } },
	{ "config = other\n", { NULL }, { ".conf:1", "unknown key" } },
};

static void what_is_wrong_is_one_line_that_says_where_and_what(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(refusals) / sizeof(refusals[0]); n++) {
		const struct refusal *r = &refusals[n];
		char *argv[12] = { "run", BASE };
		struct run_options o;
		struct problem p;
		int argc = 5;

		if (r->file) {
			argv[argc++] = "--config";
			argv[argc++] = (char *)write_file(r->file);
		}
		for (unsigned m = 0; m < 4 && r->argument[m]; m++)
			argv[argc++] = (char *)r->argument[m];
		if (read_all(&o, &p, argv) == 0)
			fail_msg("case %zu was accepted", n);
		if (p.status != PROBLEM_USAGE || strchr(p.text, '\n') || !strstr(p.text, r->says[0]) ||
		    !strstr(p.text, r->says[1]))
			fail_msg("case %zu says: %s (status %d)", n, p.text, (int)p.status);
		options_close(&o);
	}
}

static void what_must_be_there_is_asked_for(void **state)
{
	struct run_options o;
	struct problem p;

	(void)state;
	assert_true(READ(&o, &p, "--decoys", "10.0.0.0/8") < 0);
	assert_non_null(strstr(p.text, "interface"));
	options_close(&o);
	assert_true(READ(&o, &p, "--interface", "eth7") < 0);
	assert_non_null(strstr(p.text, "decoys"));
	options_close(&o);
	assert_int_equal(READ(&o, &p, "--unload"), 0);
	assert_int_equal(o.unload, 1);
	options_close(&o);
	assert_int_equal(READ(&o, &p, "--help"), 0);
	assert_int_equal(o.help, 1);
	options_close(&o);
}

static void quiet_list_is_read_and_its_errors_name_the_line(void **state)
{
	struct run_options o;
	struct problem p;
	char *path = (char *)write_file("# asked on 2026-01-02\n192.0.2.0/24   # a scanner\n\n2001:db8::/32\n");

	(void)state;
	assert_int_equal(READ(&o, &p, BASE, "--quiet-sources", path), 0);
	assert_int_equal(o.quiet.count, 2);
	assert_int_equal(o.quiet.items[0].bits, 120);
	write_file("192.0.2.0/24\nscanner.example\n");
	assert_true(options_read_quiet(&o, &p) < 0);
	assert_non_null(strstr(p.text, ":2:"));
	assert_int_equal(o.quiet.count, 2); /* what was there stays */
	options_close(&o);
}

static void prefixes_go_to_text_and_back(void **state)
{
	static const char *const texts[] = { "198.18.0.0/16", "192.0.2.1", "2001:db8::/112", "2001:db8::1",
					     "10.0.0.0/8" };
	struct prefix p, q;
	char text[PREFIX_TEXT_BYTES];

	(void)state;
	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
		assert_int_equal(prefix_parse(texts[n], &p), 0);
		assert_string_equal(prefix_text(&p, text), texts[n]);
	}
	prefix_parse("198.18.0.0/15", &p);
	prefix_parse("198.19.255.255", &q);
	assert_true(prefix_covers(&p, &q));
	assert_false(prefix_covers(&q, &p));
	prefix_parse("198.20.0.0", &q);
	assert_false(prefix_covers(&p, &q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_design),
		cmocka_unit_test(command_line_wins_over_file_wins_over_default),
		cmocka_unit_test(what_is_wrong_is_one_line_that_says_where_and_what),
		cmocka_unit_test(what_must_be_there_is_asked_for),
		cmocka_unit_test(quiet_list_is_read_and_its_errors_name_the_line),
		cmocka_unit_test(prefixes_go_to_text_and_back),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (file_path[0])
		unlink(file_path);
	return failed;
}
