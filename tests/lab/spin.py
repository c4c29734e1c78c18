#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""spin.py PROCESS: makes every thread of a process but the first spin without end, as a mistake of ours would.

In:  the number of one of the lab's own processes (x86_64). Out: a jump to itself where each thread stands, by ptrace(2).
"""
import ctypes
import os
import sys

ATTACH, DETACH, PEEKUSER, POKETEXT, PEEKTEXT = 16, 17, 3, 4, 1
RIP = 16 * 8  # of struct user (sys/user.h)
WALL = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_ulong, ctypes.c_ulong]


def ptrace(request, thread, address=0, data=0):
    ctypes.set_errno(0)
    got = libc.ptrace(request, thread, address, data)
    if ctypes.get_errno():
        sys.exit(f"spin.py: ptrace({request}) of thread {thread}: {os.strerror(ctypes.get_errno())}")
    return got


def main():
    process = int(sys.argv[1])
    for thread in sorted(int(name) for name in os.listdir(f"/proc/{process}/task")):
        if thread == process:
            continue
        ptrace(ATTACH, thread)
        os.waitpid(thread, WALL)
        here = ptrace(PEEKUSER, thread, RIP) & (1 << 64) - 1
        code = ptrace(PEEKTEXT, thread, here) & (1 << 64) - 1
        ptrace(POKETEXT, thread, here, code & ~0xFFFF | 0xFEEB)  # jmp to itself
        ptrace(DETACH, thread)


main()
