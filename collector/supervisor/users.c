/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * users.c - the users that children become.
 *
 * In:  names. Out: ids; in a child, the change for good. Called by the files of each child. May not be used by the
 * supervisor itself.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "supervisor/supervisor.h"

int users_find(const char *key, const char *name, struct child_user *user, struct problem *problem)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry)
		return problem_say(problem, PROBLEM_USAGE, -ENOENT,
				   "%s: there is no user '%s': useradd --system %s makes it", key, name, name);
	if (entry->pw_uid == 0)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: '%s' is root, which must not do this", key,
				   name);
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	return 0;
}

int users_become(const struct child_user *user, int death_signal, pid_t parent)
{
	if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* after the change of ids, which would clear it */
	if (prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

void users_clean_child(int keep)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (keep >= 0 && keep != USERS_KEPT_FD)
		dup2(keep, USERS_KEPT_FD); /* also clears close-on-exec, which is meant */
	close_range(keep >= 0 ? USERS_KEPT_FD + 1 : USERS_KEPT_FD, ~0u, 0);
}
