/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify.c - tells the service manager that we are ready, alive, stopping.
 *
 * In:  $NOTIFY_SOCKET. Out: one datagram in sd_notify(3)'s format, which is stable and needs no library. Called by
 * supervisor/.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/supervisor.h"

void notify_say(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;
	int fd;

	if (length < 2 || length >= sizeof(where.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(where.sun_path, path, length);
	if (path[0] == '@')
		where.sun_path[0] = '\0'; /* the abstract namespace */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&where,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0) {
		/* a manager that doesn't listen is not our trouble */
	}
	close(fd);
}
