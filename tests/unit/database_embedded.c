/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database_embedded.c - a private cluster starts, stops, survives kills, and never runs as root.
 *
 * In:  PostgreSQL's binaries. Out: cmocka's verdict. Touches temporary folders only, and processes that it started.
 */
#include "database_fixture.h"

#include <fcntl.h>
#include <pwd.h>

static char folder[64], dir[96], text[FIXTURE_TEXT_BYTES];

static int set_up(void **state)
{
	(void)state;
	fixture_folder(folder);
	snprintf(dir, sizeof(dir), "%s/postgres", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_folder_remove(folder);
	return 0;
}

static struct embedded *start(void)
{
	struct embedded *embedded = NULL;
	int error = embedded_start(dir, &embedded, text, sizeof(text));

	if (error)
		fail_msg("%s", text);
	return embedded;
}

static PGconn *connect_to(const struct embedded *embedded)
{
	PGconn *connection = database_connect(embedded_conninfo(embedded), text, sizeof(text));

	if (!connection)
		fail_msg("%s", text);
	return connection;
}

static bool running(void)
{
	return fixture_server(dir) != 0;
}

/* Waits until the server is gone (wanted false) or another one than `before` is there. */
static bool wait_for(bool wanted, pid_t before)
{
	for (int tenths = 0; tenths < 200; tenths++) {
		pid_t server = fixture_server(dir);

		if (wanted ? server && server != before : !server)
			return true;
		fixture_pause(100);
	}
	return false;
}

/* Field `name` of /proc/PID/status as a number (the first). */
static long process_field(pid_t process, const char *name)
{
	char path[64], line[256];
	long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)process);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, strlen(name)))
			value = strtol(line + strlen(name) + 1, NULL, strncmp(name, "Cap", 3) ? 10 : 16);
	}
	fclose(file);
	return value;
}

static void starts_as_somebody_and_stops(void **state)
{
	struct embedded *embedded = start();
	PGconn *connection = connect_to(embedded);
	pid_t server = fixture_server(dir);
	char value[256];

	(void)state;
	assert_true(server > 1);
	assert_true(process_field(server, "Uid:") > 0);
	assert_true(process_field(server, "Gid:") > 0);
	assert_int_equal(process_field(server, "CapEff:"), 0);
	assert_int_equal(process_field(server, "NoNewPrivs:"), 1);
	assert_string_equal(fixture_value(connection, "select current_database()", value), "otori");
	assert_string_equal(fixture_value(connection, "select current_user", value), getpwuid(geteuid())->pw_name);
	assert_string_equal(fixture_value(connection, "show listen_addresses", value), "");
	assert_string_equal(fixture_value(connection, "show data_checksums", value), "on");
	assert_string_equal(fixture_value(connection, "show server_encoding", value), "UTF8");
	PQfinish(connection);
	embedded_stop(embedded);
	assert_false(running());
	embedded_stop(NULL);
}

static void keeps_rows_from_run_to_run(void **state)
{
	struct embedded *embedded = start();
	PGconn *connection = connect_to(embedded);
	char value[256];

	(void)state;
	fixture_execute(connection, "create table public.kept (number integer)");
	fixture_execute(connection, "insert into public.kept values (42)");
	PQfinish(connection);
	embedded_stop(embedded);
	embedded = start();
	connection = connect_to(embedded);
	assert_string_equal(fixture_value(connection, "select number from public.kept", value), "42");
	PQfinish(connection);
	embedded_stop(embedded);
}

static void a_second_user_leaves_it_running(void **state)
{
	struct embedded *first = start(), *second = start();
	pid_t server = fixture_server(dir);

	(void)state;
	embedded_stop(second);
	assert_int_equal(fixture_server(dir), server);
	PQfinish(connect_to(first));
	embedded_stop(first);
	assert_false(running());
}

static void a_killed_server_comes_back(void **state)
{
	struct embedded *embedded = start();
	pid_t server = fixture_server(dir);
	PGconn *connection = NULL;

	(void)state;
	assert_int_equal(kill(server, SIGKILL), 0);
	assert_true(wait_for(true, server));
	for (int tenths = 0; !connection && tenths < 200; tenths++) {
		fixture_pause(100);
		connection = database_connect(embedded_conninfo(embedded), text, sizeof(text));
	}
	assert_non_null(connection);
	PQfinish(connection);
	embedded_stop(embedded);
	assert_false(running());
}

/* A child starts the cluster, tells so, and sleeps. */
static pid_t start_in_child(void)
{
	int ready[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		struct embedded *embedded;

		if (embedded_start(dir, &embedded, text, sizeof(text)))
			_exit(1);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

static void ends_when_its_caller_is_killed(void **state)
{
	pid_t child = start_in_child();
	struct embedded *embedded;

	(void)state;
	assert_true(running());
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	/* at once: the old server may be on its way down */
	embedded = start();
	PQfinish(connect_to(embedded));
	embedded_stop(embedded);
	assert_true(wait_for(false, 0));

	child = start_in_child();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(wait_for(false, 0));
}

static void clears_what_a_crash_left(void **state)
{
	struct embedded *embedded = start();
	char path[160], line[320];
	struct stat owner;
	FILE *file;

	(void)state;
	embedded_stop(embedded);
	snprintf(path, sizeof(path), "%s/data/PG_VERSION", dir);
	assert_int_equal(stat(path, &owner), 0);
	/* a number that lives, and is no server of this folder: ours */
	snprintf(path, sizeof(path), "%s/data/postmaster.pid", dir);
	file = fopen(path, "we");
	assert_non_null(file);
	snprintf(line, sizeof(line), "%d\n%s/data\n1\n5432\n%s/socket\n\n", (int)getpid(), dir, dir);
	fputs(line, file);
	fclose(file);
	assert_int_equal(chown(path, owner.st_uid, owner.st_gid), 0);
	snprintf(path, sizeof(path), "%s/socket/.s.PGSQL.5432.lock", dir);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(line, file);
	fclose(file);
	assert_int_equal(chown(path, owner.st_uid, owner.st_gid), 0);
	/* and an initdb that was cut short */
	snprintf(path, sizeof(path), "%s/data.partial", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chown(path, owner.st_uid, owner.st_gid), 0);
	embedded = start();
	PQfinish(connect_to(embedded));
	embedded_stop(embedded);
}

static void refuses_a_folder_too_long_for_a_socket(void **state)
{
	struct embedded *embedded = NULL;
	char longest[256];
	size_t limit = 107 - strlen("/socket/.s.PGSQL.5432"), length = strlen(folder);

	(void)state;
	memcpy(longest, folder, length);
	longest[length] = '/';
	memset(longest + length + 1, 'x', sizeof(longest) - length - 1);
	longest[limit + 1] = '\0';
	assert_int_equal(embedded_start(longest, &embedded, text, sizeof(text)), -ENAMETOOLONG);
	assert_null(embedded);
	assert_non_null(strstr(text, "107"));
	assert_null(strchr(text, '\n'));
	assert_int_not_equal(access(longest, F_OK), 0);
	/* one byte less will do */
	longest[limit] = '\0';
	if (embedded_start(longest, &embedded, text, sizeof(text)))
		fail_msg("%s", text);
	PQfinish(connect_to(embedded));
	embedded_stop(embedded);
}

static void refuses_a_folder_that_holds_other_things(void **state)
{
	struct embedded *embedded = NULL;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/mine", folder);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	assert_int_equal(embedded_start(folder, &embedded, text, sizeof(text)), -ENOTEMPTY);
	assert_non_null(strstr(text, "mine"));
	assert_int_equal(embedded_start("", &embedded, text, sizeof(text)), -ENOENT);
	assert_int_equal(embedded_start("/proc/otori-nothing/x", &embedded, text, sizeof(text)), -ENOENT);
	snprintf(path, sizeof(path), "%s/mine/below", folder);
	assert_true(embedded_start(path, &embedded, text, sizeof(text)) < 0);
	assert_null(embedded);
}

static void works_below_a_closed_home(void **state)
{
	struct embedded *embedded;
	PGconn *connection;
	char value[256];

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(chmod(folder, 0700), 0);
	embedded = start();
	connection = connect_to(embedded);
	assert_string_equal(fixture_value(connection, "select current_user", value), "root");
	PQfinish(connection);
	assert_true(process_field(fixture_server(dir), "Uid:") > 0);
	embedded_stop(embedded);
	assert_false(running());
}

static void inherits_nothing_and_leaves_no_child(void **state)
{
	int ours = open("/dev/null", O_RDONLY); /* not closed on exec, on purpose */
	struct embedded *embedded;
	char path[64], target[256];
	ssize_t got;

	(void)state;
	assert_int_not_equal(dup2(ours, 250), -1);
	embedded = start();
	snprintf(path, sizeof(path), "/proc/%d/fd/250", (int)fixture_server(dir));
	got = readlink(path, target, sizeof(target) - 1);
	assert_int_equal(got, -1);
	close(250);
	close(ours);
	embedded_stop(embedded);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(starts_as_somebody_and_stops, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keeps_rows_from_run_to_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_second_user_leaves_it_running, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_killed_server_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ends_when_its_caller_is_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(clears_what_a_crash_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_a_folder_too_long_for_a_socket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_a_folder_that_holds_other_things, set_up, tear_down),
		cmocka_unit_test_setup_teardown(works_below_a_closed_home, set_up, tear_down),
		cmocka_unit_test_setup_teardown(inherits_nothing_and_leaves_no_child, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
