/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cluster.h - what the three files of a private cluster share: its place, its keeper, its first set-up.
 *
 * In:  a folder that the user named. Out: nothing beyond database/. Used by embedded.c (the caller's side),
 * cluster_place.c (which user, which binaries, which paths) and cluster_keeper.c (the child that becomes the cluster's
 * user). Nobody else may include it.
 *
 * DIR/data      the cluster, 0700                       DIR/data.partial  what initdb has not finished
 * DIR/socket    the socket's folder; peer authentication tells who may come in as whom
 * DIR/postgres.log   what initdb and the server say
 */
#ifndef OTORI_DATABASE_CLUSTER_H
#define OTORI_DATABASE_CLUSTER_H

#include <limits.h>
#include <stddef.h>
#include <stdbool.h>
#include <sys/types.h>

/* Longest path of a Unix socket: sun_path without its terminator. */
#define CLUSTER_SOCKET_PATH_MAX_BYTES 107
#define CLUSTER_SOCKET_NAME "/socket/.s.PGSQL.5432"
#define CLUSTER_USER_BYTES 33
/* Name of the cluster's superuser; root and the cluster's user may come in as it. */
#define CLUSTER_SUPERUSER "postgres"

/* Where a cluster is and whose it is; filled in by cluster_place_find, constant afterwards. */
struct cluster_place {
	char dir[PATH_MAX];	 /* absolute, as clients name it */
	char inside[PATH_MAX];	 /* the same folder as the cluster's user reaches it: dir, or where it is mounted */
	char binaries[PATH_MAX]; /* folder of initdb and postgres */
	char user[CLUSTER_USER_BYTES];	 /* who runs it; never root */
	char caller[CLUSTER_USER_BYTES]; /* whom else it lets in: who called sudo, else empty */
	uid_t uid;
	gid_t gid;
	int fd;	    /* dir, opened and flocked while the cluster is being started; -1 */
	bool mount; /* dir is not reachable for user: mount it at inside, in a namespace of the keeper's own */
};

/*
 * Makes dir where it is missing, gives it to the cluster's user, locks it. Refuses a folder that holds other things,
 * and one that is too long for a socket, before anything is made. 0 or negative errno and one line.
 */
int cluster_place_find(const char *dir, struct cluster_place *place, char *text, size_t text_bytes);
/* Finds PostgreSQL: the version that made the cluster, or the newest. 0 or negative errno and one line. */
int cluster_binaries_find(struct cluster_place *place, char *text, size_t text_bytes);
/* Closes dir and so unlocks it; ours: the server was this process's and has ended, what it needed besides dir is
 * removed. */
void cluster_place_release(struct cluster_place *place, bool ours);

/* The keeper's life: never returns. channel: a socket to the caller; its end, or that of the caller's process, stops
 * the cluster. */
_Noreturn void cluster_keep(const struct cluster_place *place, int channel);

/* Makes roles and the database otori, as far as they are missing. 0 or negative errno and one line. */
int cluster_set_up(const struct cluster_place *place, char *text, size_t text_bytes);

/* Writes a conninfo for the cluster; user NULL = whoever connects. 0 or -ENAMETOOLONG. */
int cluster_conninfo(const struct cluster_place *place, const char *database, const char *user, char *conninfo,
		     size_t bytes);

#endif
