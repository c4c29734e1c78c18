/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cluster_keeper.c - the child process that becomes the cluster's user, makes the cluster and keeps the server running.
 *
 * In:  a place, a socket to the caller. Out: a running PostgreSQL, and none once the caller is gone. Called by
 * embedded.c in a forked child. Touches only the cluster's folder.
 *
 * A process between the caller and the server, because the caller may lose the right to signal the cluster's user, may
 * be killed, or may reap children that are not its own: the end of the socket is a signal that none of this takes away.
 * One byte on the socket says that the server was seen working: from then on the keeper starts it anew if it dies.
 */
#include "database/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG_MAX_BYTES (16 << 20)       /* a longer log is emptied at the next start */
#define PREDECESSOR_MILLISECONDS 30000 /* a server that is being shut down may take so long */
#define FAST_STOP_MILLISECONDS \
	30000		  /* then the server is stopped without a checkpoint; it recovers at its next start */
#define START_ATTEMPTS 40 /* after a crash orphaned backends hold the memory for a moment */
#define POLL_MILLISECONDS 100

extern char **environ;

static void pause_milliseconds(int milliseconds)
{
	struct timespec wait = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };

	nanosleep(&wait, NULL);
}

_Noreturn static void give_up(const char *what, const char *name)
{
	/* stderr is the cluster's log, whose last line the caller reports */
	fprintf(stderr, "FATAL:  %s %s: %s\n", what, name, strerror(errno));
	_exit(1);
}

/* Closes all but the channel, becomes the leader of a session (so that Ctrl-C reaches the caller alone), forgets
 * signals and variables. */
static int detach(int channel)
{
	static char *clean[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL };
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;
	int moved;

	prctl(PR_SET_NAME, "otori-postgres");
	setsid();
	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	environ = clean;
	moved = fcntl(channel, F_DUPFD_CLOEXEC, 100);
	close_range(3, (unsigned)moved - 1, 0);
	close_range((unsigned)moved + 1, ~0U, 0);
	return moved;
}

/* Mounts of this process are its own from here on. In a chroot / is no mount, which EINVAL tells: its mounts stay as
 * they are. */
static bool own_mounts(void)
{
	return !unshare(CLONE_NEWNS) && (!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || errno == EINVAL);
}

/* In a namespace of our own, the folder at a place that the cluster's user can reach. */
static void mount_inside(const struct cluster_place *place)
{
	if (!own_mounts() || mount(place->dir, place->inside, NULL, MS_BIND, NULL))
		give_up("cannot mount", place->inside);
}

static void become_user(const struct cluster_place *place)
{
	if (geteuid() == 0 && (setgroups(1, &place->gid) || setresgid(place->gid, place->gid, place->gid) ||
			       setresuid(place->uid, place->uid, place->uid)))
		give_up("cannot become the user", place->user);
	if (geteuid() != place->uid || geteuid() == 0 || setuid(0) == 0) {
		errno = EPERM;
		give_up("cannot become the user", place->user);
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(022);
	if (chdir(place->inside))
		give_up("cannot enter", place->inside);
}

/* From here on, what is said goes to the cluster's log. */
static void open_log(const struct cluster_place *place)
{
	int log = open("postgres.log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (log < 0 || nothing < 0)
		give_up("cannot write in", place->dir);
	if (!fstat(log, &status) && status.st_size > LOG_MAX_BYTES && ftruncate(log, 0))
		give_up("cannot empty the log in", place->dir);
	dup2(nothing, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	setvbuf(stderr, NULL, _IOLBF, 0);
}

/* Runs a program to its end; true where it ended with status 0. */
static bool run(const char *program, char *const argv[])
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		execv(program, argv);
		give_up("cannot run", program);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/*
 * The cluster is made under another name, and renamed once it is whole: a kill in between leaves nothing that looks
 * like one. (PostgreSQL's programs find each other by their own name, which must have the path.)
 */
static void make_cluster(const struct cluster_place *place)
{
	char program[PATH_MAX + 16];
	char *const clean[] = { "rm", "-rf", "data.partial", NULL };
	char *const make[] = { program,
			       "--pgdata=data.partial",
			       "--username=" CLUSTER_SUPERUSER,
			       "--encoding=UTF8",
			       "--locale=C.UTF-8",
			       "--data-checksums",
			       "--auth-local=peer",
			       "--auth-host=reject",
			       NULL };

	if (access("data/PG_VERSION", F_OK) == 0)
		return;
	snprintf(program, sizeof program, "%s/initdb", place->binaries);
	if (!run("/bin/rm", clean) || !run(program, make))
		_exit(1); /* initdb has said why */
	if (rename("data.partial", "data"))
		give_up("cannot rename data.partial in", place->dir);
}

static void write_file(const char *path, const char *content)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(content, file) < 0 || fclose(file))
		give_up("cannot write", path);
}

/*
 * Who may come in: whoever the kernel says is the role of the same name; root and the cluster's user also as the
 * superuser. Nothing comes over a network: the server listens on no address.
 */
static void write_rules(const struct cluster_place *place)
{
	char map[256];

	snprintf(map, sizeof map,
		 "otori root " CLUSTER_SUPERUSER "\notori \"%s\" " CLUSTER_SUPERUSER "\notori /^(.*)$ \\1\n",
		 place->user);
	write_file("data/pg_ident.conf", map);
	write_file("data/pg_hba.conf", "local all all peer map=otori\n");
	if (mkdir("socket", 0755) && errno != EEXIST)
		give_up("cannot make the socket's folder in", place->dir);
}

/* The process that postmaster.pid names, where it is a server in our data folder; 0 = none. */
static pid_t predecessor(void)
{
	char path[64], line[32] = "";
	struct stat ours, theirs;
	FILE *file = fopen("data/postmaster.pid", "re");
	long pid = 0;

	if (!file)
		return 0;
	if (fgets(line, sizeof line, file))
		pid = strtol(line, NULL, 10);
	fclose(file);
	if (pid <= 1)
		return 0;
	snprintf(path, sizeof path, "/proc/%ld/cwd", pid);
	if (stat("data", &ours) || stat(path, &theirs) || ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev)
		return 0;
	return (pid_t)pid;
}

/*
 * Waits for a server that is going down; takes away what one that was killed left behind. The server would do the
 * latter by itself, but not where its number now belongs to another process of the same user. Returns whether there
 * were leftovers.
 */
static bool clear_leftovers(const struct cluster_place *place)
{
	bool leftovers = access("data/postmaster.pid", F_OK) == 0;

	for (int waited = 0; predecessor(); waited += POLL_MILLISECONDS) {
		if (waited >= PREDECESSOR_MILLISECONDS) {
			errno = EBUSY;
			give_up("another server, that does not answer, runs in", place->dir);
		}
		pause_milliseconds(POLL_MILLISECONDS);
	}
	if (leftovers) {
		unlink("data/postmaster.pid");
		unlink("socket/.s.PGSQL.5432.lock");
		unlink("socket/.s.PGSQL.5432");
	}
	return leftovers;
}

/* Starts the server. Settings are given here and not in the cluster's file, so that an old cluster gets those of this
 * otori. */
static pid_t start_server(const struct cluster_place *place)
{
	char program[PATH_MAX + 16], sockets[2 * PATH_MAX + 64];
	char *const argv[] = { program,
			       "-D",
			       "data",
			       "-c",
			       "listen_addresses=",
			       "-c",
			       sockets,
			       "-c",
			       "port=5432",
			       "-c",
			       "unix_socket_permissions=0777",
			       "-c",
			       "hba_file=data/pg_hba.conf",
			       "-c",
			       "ident_file=data/pg_ident.conf",
			       "-c",
			       "max_connections=50",
			       "-c",
			       "shared_buffers=128MB",
			       "-c",
			       "wal_level=minimal",
			       "-c",
			       "max_wal_senders=0",
			       "-c",
			       "max_wal_size=4GB",
			       "-c",
			       "wal_compression=on",
			       "-c",
			       "jit=off",
			       "-c",
			       "log_checkpoints=off",
			       "-c",
			       "logging_collector=off",
			       "-c",
			       "log_destination=stderr",
			       "-c",
			       "log_line_prefix=%m [%p] ",
			       NULL };
	pid_t child, keeper = getpid();

	/* a list: a comma in the path would divide it */
	snprintf(sockets, sizeof sockets, "unix_socket_directories=\"%s/socket\"", place->inside);
	snprintf(program, sizeof program, "%s/postgres", place->binaries);
	child = fork();
	if (child != 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGINT);
	if (getppid() != keeper)
		_exit(1);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	execv(program, argv);
	give_up("cannot run", program);
}

/* Fast shutdown: sessions end, a checkpoint is made. Where that takes too long, the next start recovers. */
static void stop_server(pid_t server)
{
	kill(server, SIGINT);
	for (int waited = 0; waitpid(server, NULL, WNOHANG) == 0; waited += 20) {
		if (waited == FAST_STOP_MILLISECONDS)
			kill(server, SIGQUIT);
		pause_milliseconds(20);
	}
}

/* Has the caller gone or asked for the end? *working becomes true when it says that the server answers. */
static bool caller_gone(int channel, pid_t caller, int milliseconds, bool *working)
{
	struct pollfd wait = { .fd = channel, .events = POLLIN };
	char byte;

	if (poll(&wait, 1, milliseconds) > 0) {
		ssize_t got = read(channel, &byte, 1);

		if (got == 0 || (got < 0 && errno != EINTR))
			return true;
		*working = *working || got == 1;
	}
	return getppid() != caller;
}

_Noreturn void cluster_keep(const struct cluster_place *place, int channel)
{
	pid_t caller = getppid(), server;
	bool working = false, leftovers;
	int attempts = 0;

	channel = detach(channel);
	if (place->mount)
		mount_inside(place);
	become_user(place);
	open_log(place);
	make_cluster(place);
	write_rules(place);
	leftovers = clear_leftovers(place);
	for (;;) {
		server = start_server(place);
		if (server < 0)
			give_up("cannot start", "postgres");
		do {
			if (caller_gone(channel, caller, working ? 5 * POLL_MILLISECONDS : POLL_MILLISECONDS,
					&working)) {
				stop_server(server);
				_exit(0);
			}
		} while (waitpid(server, NULL, WNOHANG) == 0);
		if (!working && !(leftovers && ++attempts < START_ATTEMPTS))
			_exit(1); /* the server has said why */
		if (working)
			pause_milliseconds(5 * POLL_MILLISECONDS);
		else
			pause_milliseconds(POLL_MILLISECONDS);
		leftovers = clear_leftovers(place) || leftovers;
	}
}
