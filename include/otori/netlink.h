/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * netlink.h - the generic netlink family "otori" by which the kernel module is spoken to.
 *
 * In:  nothing. Out: commands, attributes, states and limits. Included by kmod/ (which answers) and collector/ (which
 * asks). May not hold the rule (guard_rule.h). Lists are append-only: their numbers are on the wire.
 *
 * Every command but OTORI_CMD_VIOLATION wants CAP_NET_ADMIN in the initial user namespace; so does the multicast group,
 * in the user namespace that owns the listener's network namespace. The family is there in every network namespace; the
 * guard is one for the whole machine. The version in the message's generic netlink header is the sender's: a module
 * refuses those above its own (-EPROTONOSUPPORT).
 *
 *   OTORI_CMD_ARM                       state off or armed: guards from now on, in place of what was armed before
 *   |-- OTORI_A_DECOY              nest  once for each prefix, 1 to OTORI_MAX_PREFIXES
 *   |   |-- OTORI_A_DECOY_ADDRESS   bin  4 bytes (IPv4) or 16, bits behind the prefix 0
 *   |   |-- OTORI_A_DECOY_BITS       u8  length of the prefix: 0 to 32, or to 128
 *   |   '-- OTORI_A_DECOY_KIND       u8  OTORI_DECOY_UNUSED or OTORI_DECOY_OWN (datapath.h)
 *   |-- OTORI_A_PORT                u16  once for each decoy port, host byte order, 1 to OTORI_MAX_PORTS - 1 times
 *   |-- OTORI_A_DEVICE              str  once for each of the sensor's devices, 0 to OTORI_MAX_DEVICES; must exist in
 *   |                                    the sender's network namespace
 *   |-- OTORI_A_EVERY_DEVICE       flag  every device of that namespace instead, those to come too, but for loopback
 *   '-- OTORI_A_FLOWS               u32  the XDP program enters flows by kfunc (kfunc.h), so many at once: marked
 *                                        frames leave only to a peer that wrote first. Not given: the stateless
 *                                        rule (-EOPNOTSUPP where the module has no kfuncs)
 *       While sealed: 0 where all is as it was armed, -EPERM where anything differs. The namespace that sends is the
 *       one whose local output and forwarding are guarded, and where violations are told.
 *
 *   OTORI_CMD_DISARM                    armed: off. off: nothing to do, 0. sealed, locked: -EPERM
 *   OTORI_CMD_SEAL                      armed: sealed. sealed, locked: 0. off: -ENODATA
 *   OTORI_CMD_LOCK                      sealed, and kernel.modules_disabled is 1: locked. locked: 0. Else -EPERM
 *       No attributes, and no answer but the acknowledgement.
 *
 *   OTORI_CMD_STATUS                    answer:
 *   |-- OTORI_A_VERSION             u32  OTORI_NETLINK_VERSION of the module
 *   |-- OTORI_A_STATE                u8  OTORI_STATE_*
 *   |-- OTORI_A_KFUNC              flag  an XDP program may enter flows by kfunc
 *   |-- OTORI_A_FLOWS               u32  slots of the admission table; not given: the stateless rule is in force
 *   |-- OTORI_A_DECOYS              u32  number of prefixes armed
 *   |-- OTORI_A_PORTS               u32  number of ports armed
 *   |-- OTORI_A_EVERY_DEVICE       flag
 *   |-- OTORI_A_NAMESPACE          flag  the guard's network namespace is the asker's
 *   |-- OTORI_A_DROPPED             u64  frames dropped since the module was loaded
 *   '-- OTORI_A_DEVICE_STATUS      nest  once for each guarded device, and for each armed one that is away
 *       |-- OTORI_A_DEVICE_NAME     str  as it is called now, or was when it went
 *       |-- OTORI_A_DEVICE_INDEX    u32  0: it is away, and is guarded when one of this name comes
 *       '-- OTORI_A_DEVICE_NAMESPACE flag it is in the guard's network namespace
 *
 *   OTORI_CMD_COUNTERS (dump)           a message for each hook and verdict, since the module was loaded:
 *   |-- OTORI_A_HOOK                 u8  OTORI_HOOK_*
 *   |-- OTORI_A_HOOK_NAME           str  "egress"
 *   |-- OTORI_A_VERDICT              u8  OTORI_GUARD_* (guard_rule.h)
 *   |-- OTORI_A_VERDICT_NAME        str  "drop_host"
 *   '-- OTORI_A_PACKETS             u64
 *
 *   OTORI_CMD_VIOLATION (to the group OTORI_NETLINK_GROUP): a frame was dropped; OTORI_VIOLATIONS_PER_SECOND at most
 *   |-- OTORI_A_HOOK, OTORI_A_HOOK_NAME, OTORI_A_VERDICT, OTORI_A_VERDICT_NAME
 *   |-- OTORI_A_TIME                u64  ns since 1970
 *   |-- OTORI_A_DEVICE_NAME         str  by which it was to leave
 *   |-- OTORI_A_DEVICE_INDEX        u32
 *   |-- OTORI_A_MARK                u32  its mark
 *   |-- OTORI_A_LENGTH              u32  bytes of the whole frame
 *   |-- OTORI_A_FRAME               bin  its first bytes, OTORI_VIOLATION_BYTES at most: from the link header on at the
 *   |                                    hook egress, else from the network header on
 *   |-- OTORI_A_PROCESS             u32  who sent it, where it left a process at all (forwarded frames don't)
 *   |-- OTORI_A_COMMAND             str  that process's name
 *   '-- OTORI_A_UNTOLD              u64  violations since the last message that weren't told
 */
#ifndef OTORI_NETLINK_H
#define OTORI_NETLINK_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define OTORI_NETLINK_FAMILY "otori"
#define OTORI_NETLINK_GROUP "violation"
#define OTORI_NETLINK_VERSION 1

#define OTORI_VIOLATION_BYTES 128
#define OTORI_VIOLATIONS_PER_SECOND 10
#define OTORI_MAX_FLOWS (1u << 24)

enum otori_command {
	OTORI_CMD_UNSPEC,
	OTORI_CMD_ARM,
	OTORI_CMD_DISARM,
	OTORI_CMD_SEAL,
	OTORI_CMD_LOCK,
	OTORI_CMD_STATUS,
	OTORI_CMD_COUNTERS,
	OTORI_CMD_VIOLATION,
};

enum otori_attribute {
	OTORI_A_UNSPEC,
	OTORI_A_PAD,
	OTORI_A_VERSION,
	OTORI_A_STATE,
	OTORI_A_DECOY,
	OTORI_A_PORT,
	OTORI_A_DEVICE,
	OTORI_A_EVERY_DEVICE,
	OTORI_A_FLOWS,
	OTORI_A_KFUNC,
	OTORI_A_DECOYS,
	OTORI_A_PORTS,
	OTORI_A_NAMESPACE,
	OTORI_A_DROPPED,
	OTORI_A_DEVICE_STATUS,
	OTORI_A_HOOK,
	OTORI_A_HOOK_NAME,
	OTORI_A_VERDICT,
	OTORI_A_VERDICT_NAME,
	OTORI_A_PACKETS,
	OTORI_A_TIME,
	OTORI_A_DEVICE_NAME,
	OTORI_A_DEVICE_INDEX,
	OTORI_A_DEVICE_NAMESPACE,
	OTORI_A_MARK,
	OTORI_A_LENGTH,
	OTORI_A_FRAME,
	OTORI_A_PROCESS,
	OTORI_A_COMMAND,
	OTORI_A_UNTOLD,
	OTORI_A_END
};

enum otori_decoy_attribute {
	OTORI_A_DECOY_UNSPEC,
	OTORI_A_DECOY_ADDRESS,
	OTORI_A_DECOY_BITS,
	OTORI_A_DECOY_KIND,
	OTORI_A_DECOY_END
};

/* How far the guard can still be lifted. X(name, what it means). */
#define OTORI_STATES(X) \
	X(off, "nothing is guarded") \
	X(armed, "guarded; CAP_NET_ADMIN may disarm, and whoever may unload modules can unload this one") \
	X(sealed, "guarded as long as the module is loaded, and the module holds itself") \
	X(locked, "sealed, and no module can be loaded or unloaded until reboot, not by force either")

#define OTORI_ENUM_STATE(name, text) OTORI_STATE_##name,
enum otori_state { OTORI_STATES(OTORI_ENUM_STATE) OTORI_STATE_COUNT };

/* Where a frame was seen. X(name, what it means). */
#define OTORI_HOOKS(X) \
	X(egress, "about to leave by a device, past the qdisc or not") \
	X(local_out, "sent through the host's IP stack") \
	X(forward, "routed through") \
	X(post_routing, "about to leave the host's IP stack, after source NAT")

#define OTORI_ENUM_HOOK(name, text) OTORI_HOOK_##name,
enum otori_hook { OTORI_HOOKS(OTORI_ENUM_HOOK) OTORI_HOOK_COUNT };

#endif
