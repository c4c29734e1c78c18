/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox.h - what the responder gives up before it reads the first event (DESIGN, "Never relays", 1 and 2).
 *
 * In:  a process that has opened and mapped all it needs. Out: one that can do no more than its work. Called by main.c
 * and tests/unit/responder_sandbox.c. May not open anything.
 *
 * A call that is not allowed fails with EPERM and does not kill: whoever has taken over the process gains nothing by
 * either, while a call that a new libc makes in passing must not end a sensor with a million flows. Allowed are: memory
 * (no executable page), clocks, futexes, epoll, close, signals' return, the end of threads and process; write, pwrite,
 * ftruncate and fdatasync (the journal, the notify socket; on a packet socket with a transmit ring, write does what the
 * allowed sendto does and takes no bytes); sendto with buffer, length, address and address length all 0; recvmsg on the
 * notify socket only.
 */
#ifndef OTORI_RESPONDER_SANDBOX_H
#define OTORI_RESPONDER_SANDBOX_H

/* Of the calling thread, before it makes others: no capability, no new privileges, no core or ptrace by its own user. 0
 * or negative errno. */
int sandbox_drop(void);

/* Of all threads of the process: the filter of system calls. 0 or negative errno. */
int sandbox_seal(int notify_fd);

#endif
