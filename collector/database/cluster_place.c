/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cluster_place.c - where a private cluster lies, which user runs it, which PostgreSQL it is.
 *
 * In:  the folder that the user named. Out: struct cluster_place. Called by embedded.c. Runs with the caller's rights,
 * so below the folder, which belongs to the cluster's user, it opens nothing for writing and follows no link.
 */
#include "database/cluster.h"
#include "database/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Users that may run the cluster when root asks for one, best first. */
static const char *const cluster_users[] = { "otori-postgres", "postgres", "nobody" };

/* Folders in which Debian, and others, put the server's binaries; the star is the version. */
#define BINARIES_PATTERN "/usr/lib/postgresql/*/bin"

/* The absolute form of dir without . and .. and links, of which the last components may be missing. */
static int absolute_path(const char *dir, char *path, size_t bytes)
{
	char work[PATH_MAX], real[PATH_MAX];
	size_t cut;

	if (!*dir)
		return -ENOENT;
	if (dir[0] == '/') {
		if (snprintf(work, sizeof work, "%s", dir) >= (int)sizeof work)
			return -ENAMETOOLONG;
	} else {
		if (!getcwd(real, sizeof real))
			return -errno;
		if (snprintf(work, sizeof work, "%s/%s", real, dir) >= (int)sizeof work)
			return -ENAMETOOLONG;
	}
	cut = strlen(work);
	while (cut > 1 && work[cut - 1] == '/')
		work[--cut] = '\0';
	for (;;) {
		char kept = work[cut];

		work[cut] = '\0';
		if (realpath(cut ? work : "/", real)) {
			work[cut] = kept;
			break;
		}
		if (errno != ENOENT)
			return -errno;
		work[cut] = kept;
		while (cut && work[cut - 1] != '/')
			cut--;
		while (cut && work[cut - 1] == '/')
			cut--;
	}
	if (strstr(work + cut, "/../"))
		return -ENOENT;
	if (!work[cut])
		return snprintf(path, bytes, "%s", real) >= (int)bytes ? -ENAMETOOLONG : 0;
	return snprintf(path, bytes, "%s%s", strcmp(real, "/") ? real : "", work + cut) >= (int)bytes ? -ENAMETOOLONG
												      : 0;
}

/* Makes every missing folder of path, 0755. */
static int make_folders(const char *path)
{
	char work[PATH_MAX];

	snprintf(work, sizeof work, "%s", path);
	for (char *at = work + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(work, 0755) && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return mkdir(work, 0755) && errno != EEXIST ? -errno : 0;
}

/* Chooses who runs the cluster: the caller, or where that is root one of cluster_users. */
static int find_user(struct cluster_place *place, char *text, size_t text_bytes)
{
	const struct passwd *entry = NULL;
	const char *caller = getenv("SUDO_USER");

	if (geteuid()) {
		entry = getpwuid(geteuid());
	} else {
		for (size_t i = 0; !entry && i < sizeof cluster_users / sizeof *cluster_users; i++)
			entry = getpwnam(cluster_users[i]);
	}
	if (!entry || !entry->pw_uid || strlen(entry->pw_name) >= sizeof place->user)
		return database_fail(
			text, text_bytes, -ENOENT, "no user to run PostgreSQL as (it never runs as root): %s",
			geteuid() ? "the running user has no name" : "install the package postgresql, which makes one");
	snprintf(place->user, sizeof place->user, "%s", entry->pw_name);
	place->uid = entry->pw_uid;
	place->gid = entry->pw_gid;
	if (!geteuid() && caller && getpwnam(caller) && strcmp(caller, "root") != 0 &&
	    strlen(caller) < sizeof place->caller)
		snprintf(place->caller, sizeof place->caller, "%s", caller);
	return 0;
}

int cluster_binaries_find(struct cluster_place *place, char *text, size_t text_bytes)
{
	char version[16] = "", path[PATH_MAX + 32];
	int fd = openat(place->fd, "data/PG_VERSION", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	long best = -1;
	glob_t found;

	if (fd >= 0) {
		ssize_t got = read(fd, version, sizeof version - 1);

		version[got > 0 ? got : 0] = '\0';
		version[strcspn(version, "\n")] = '\0';
		close(fd);
	}
	if (glob(BINARIES_PATTERN, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			const char *name = found.gl_pathv[i] + strcspn(BINARIES_PATTERN, "*");
			long number = strtol(name, NULL, 10);

			snprintf(path, sizeof path, "%s/initdb", found.gl_pathv[i]);
			if (access(path, X_OK) || number <= best || (*version && strtol(version, NULL, 10) != number))
				continue;
			best = number;
			snprintf(place->binaries, sizeof place->binaries, "%s", found.gl_pathv[i]);
		}
		globfree(&found);
	}
	if (best >= 14)
		return 0;
	if (*version)
		return database_fail(text, text_bytes, -ENOENT,
				     "the cluster in %s was made by PostgreSQL %s, which is not installed", place->dir,
				     version);
	return database_fail(text, text_bytes, -ENOENT,
			     "PostgreSQL 14 or newer is not installed (%s/initdb): install the package postgresql",
			     BINARIES_PATTERN);
}

/* 0 where dir is empty or a cluster of ours, *fresh true where it is empty. */
static int check_content(const struct cluster_place *place, bool *fresh, char *text, size_t text_bytes)
{
	static const char *const ours[] = { ".", "..", "data", "data.partial", "socket", "postgres.log" };
	DIR *folder = fdopendir(openat(place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	int error = 0;

	if (!folder)
		return database_fail(text, text_bytes, -errno, "cannot read %s: %s", place->dir, strerror(errno));
	*fresh = true;
	while (!error && (entry = readdir(folder))) {
		bool known = false;

		for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
			known = known || !strcmp(entry->d_name, ours[i]);
			if (i > 1 && !strcmp(entry->d_name, ours[i]))
				*fresh = false;
		}
		if (!known)
			error = database_fail(text, text_bytes, -ENOTEMPTY,
					      "%s is not the folder of a private cluster: it holds '%.100s'",
					      place->dir, entry->d_name);
	}
	closedir(folder);
	return error;
}

/* Can the cluster's user enter dir? A child becomes it and tries. */
static bool reachable(const struct cluster_place *place)
{
	pid_t child = fork();
	int status = 1;

	if (child == 0) {
		if (setresgid(place->gid, place->gid, place->gid) || setresuid(place->uid, place->uid, place->uid))
			_exit(1);
		_exit(chdir(place->dir) ? 1 : 0);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Where dir can't be reached (homes are 0700 on Debian): a place to mount it at, named after its inode. */
static int find_inside(struct cluster_place *place, char *text, size_t text_bytes)
{
	struct stat status;

	snprintf(place->inside, sizeof place->inside, "%s", place->dir);
	if (geteuid() || reachable(place))
		return 0;
	if (fstat(place->fd, &status))
		return database_fail(text, text_bytes, -errno, "cannot read %s: %s", place->dir, strerror(errno));
	snprintf(place->inside, sizeof place->inside, "/run/otori/postgres-%llx-%llx",
		 (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
	place->mount = true;
	if ((mkdir("/run/otori", 0755) && errno != EEXIST) || (mkdir(place->inside, 0755) && errno != EEXIST))
		return database_fail(text, text_bytes, -errno, "cannot make %s: %s", place->inside, strerror(errno));
	return 0;
}

int cluster_place_find(const char *dir, struct cluster_place *place, char *text, size_t text_bytes)
{
	struct stat status;
	bool fresh = false;
	size_t length;
	int error;

	memset(place, 0, sizeof *place);
	place->fd = -1;
	error = absolute_path(dir, place->dir, sizeof place->dir);
	if (error)
		return database_fail(text, text_bytes, error, "cannot use '%.200s' for a private cluster: %s", dir,
				     strerror(-error));
	length = strlen(place->dir) + strlen(CLUSTER_SOCKET_NAME);
	if (length > CLUSTER_SOCKET_PATH_MAX_BYTES) {
		return database_fail(text, text_bytes, -ENAMETOOLONG,
				     "%.60s... is too long for a private cluster: its socket's path would have %zu "
				     "bytes, the limit is %d",
				     place->dir, length, CLUSTER_SOCKET_PATH_MAX_BYTES);
	}
	error = find_user(place, text, text_bytes);
	if (error)
		return error;
	error = make_folders(place->dir);
	if (error)
		return database_fail(text, text_bytes, error, "cannot make %s: %s", place->dir, strerror(-error));
	place->fd = open(place->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place->fd < 0 || fstat(place->fd, &status))
		return database_fail(text, text_bytes, -errno, "cannot open %s: %s", place->dir, strerror(errno));
	while ((error = flock(place->fd, LOCK_EX)) && errno == EINTR)
		;
	if (!error)
		error = check_content(place, &fresh, text, text_bytes);
	if (error)
		return error;
	if (fresh && !geteuid() && status.st_uid != place->uid &&
	    (fchown(place->fd, place->uid, place->gid) || fchmod(place->fd, 0755)))
		return database_fail(text, text_bytes, -errno, "cannot give %s away: %s", place->dir, strerror(errno));
	if (!fresh && status.st_uid != place->uid) {
		/* made by another user: root becomes that one, others can only use the cluster while it runs */
		const struct passwd *owner = getpwuid(status.st_uid);

		if (geteuid() || !owner || !owner->pw_uid || strlen(owner->pw_name) >= sizeof place->user)
			return find_inside(place, text, text_bytes);
		snprintf(place->user, sizeof place->user, "%s", owner->pw_name);
		place->uid = owner->pw_uid;
		place->gid = owner->pw_gid;
	}
	return find_inside(place, text, text_bytes);
}

void cluster_place_release(struct cluster_place *place, bool ours)
{
	if (place->fd >= 0)
		close(place->fd);
	place->fd = -1;
	/* not where another keeper's server runs: taking the folder away would take the mount away, too */
	if (ours && place->mount)
		rmdir(place->inside);
}
