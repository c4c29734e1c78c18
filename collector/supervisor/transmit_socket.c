/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transmit_socket.c - the sockets by which the responder's frames leave.
 *
 * In:  a device. Out: an AF_PACKET socket that is bound to it, marked for the guard, has a transmit ring, and receives
 * nothing. The responder inherits it and may change nothing about it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/supervisor.h"

#define BLOCK_BYTES (64 * 1024)
#define SEND_BUFFER_BYTES (8 * 1024 * 1024) /* of frames under way; the ring itself holds 4 MiB */

int transmit_socket_open(const struct datapath_device *device)
{
	struct tpacket_req ring = { .tp_block_size = BLOCK_BYTES,
				    .tp_block_nr = RESPONDER_TX_FRAMES * RESPONDER_TX_FRAME_BYTES / BLOCK_BYTES,
				    .tp_frame_size = RESPONDER_TX_FRAME_BYTES,
				    .tp_frame_nr = RESPONDER_TX_FRAMES };
	/* protocol 0: nothing is delivered to it, not even our own frames */
	struct sockaddr_ll where = { .sll_family = AF_PACKET, .sll_ifindex = (int)device->ifindex };
	int version = TPACKET_V2, loss = 1, buffer = SEND_BUFFER_BYTES, err;
	uint32_t mark = OTORI_TRANSMIT_MARK;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    /* a frame that the kernel finds wrong must not hold up those behind it */
	    setsockopt(fd, SOL_PACKET, PACKET_LOSS, &loss, sizeof(loss)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)) < 0 ||
	    bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}
