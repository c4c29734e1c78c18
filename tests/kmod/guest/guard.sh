# shellcheck shell=sh disable=SC2034
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guard.sh - what the tests of the kernel module share inside the guest.
#
#     namespace inner             the guest itself               namespace far
#      in0 -------------------- inner0    sensor0 -------------------- far0
#      198.51.100.2   .1        forwards  192.0.2.1, .9          192.0.2.2, captures
#                               decoys 198.18.0.0/16,            203.0.113.0/24 and 2001:db8:77::/64
#                               2001:db8:d::/48                  are said to lie behind it
#
# In:  MODULE (otori.ko). Out: functions. Sourced by the scripts of tests/kmod/05x to 07x; runs in the guest only.

T=build/kmod/tool
POLICY="decoy=198.18.0.0/16 decoy=2001:db8:d::/48 decoy=192.0.2.9/32,own port=8080 port=25"

fail() {
    echo "FAILED: $*"
    dmesg | grep -i otori | tail -n 20
    exit 1
}

in_far() { nsenter --net=/run/netns/far "$@"; }
in_inner() { nsenter --net=/run/netns/inner "$@"; }

# link_up: sensor0 and far0, with addresses and neighbours
link_up() {
    ip link add sensor0 type veth peer name far0
    ip link set far0 netns far
    ip address add 192.0.2.1/24 dev sensor0
    ip address add 192.0.2.9/32 dev sensor0
    ip address add 2001:db8:1::1/64 dev sensor0 nodad
    ip link set sensor0 up
    in_far ip link set lo up
    in_far ip address add 192.0.2.2/24 dev far0
    in_far ip address add 2001:db8:1::2/64 dev far0 nodad
    in_far ip link set far0 up
    far_mac=$(in_far ip -o link show far0 | sed "s/.*link.ether \([^ ]*\).*/\1/")
    ip neigh replace 192.0.2.2 lladdr "$far_mac" dev sensor0 nud permanent
    ip neigh replace 2001:db8:1::2 lladdr "$far_mac" dev sensor0 nud permanent
    ip route replace 203.0.113.0/24 via 192.0.2.2 src 192.0.2.1
    ip route replace 2001:db8:77::/64 via 2001:db8:1::2
    ip link add link sensor0 name sensor0.7 type vlan id 7
    ip link set sensor0.7 up
}

network_up() {
    echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
    echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter
    echo 1 >/proc/sys/net/ipv4/ip_forward
    echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
    ip netns add far
    ip netns add inner
    in_far sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
    link_up
    ip link add inner0 type veth peer name in0
    ip link set in0 netns inner
    ip address add 198.51.100.1/24 dev inner0
    ip link set inner0 up
    in_inner ip address add 198.51.100.2/24 dev in0
    in_inner ip link set in0 up
    inner_mac=$(cat /sys/class/net/inner0/address)
}

# attempt NAME: sends it, by the way that it goes
attempt() {
    case $1 in
    forward*) in_inner $T attempt "$1" in0 "$inner_mac" ;;
    source-nat)
        nft -f - <<'NFT'
table ip rewrite {
	chain post {
		type nat hook postrouting priority 100
		udp sport 4000 snat to 198.18.0.5
	}
}
NFT
        $T attempt "$1" sensor0 "$far_mac"
        nft delete table ip rewrite ;;
    *) $T attempt "$1" sensor0 "$far_mac" ;;
    esac || fail "attempt $1 could not be sent"
}

# capture_begin FILE: what arrives at far0 is written to it
capture_begin() {
    in_far $T capture far0 "$1" &
    capture=$!
    until grep -q begin "$1" 2>/dev/null; do sleep 0.1; done
}

capture_end() {
    sleep 0.5
    kill "$capture"
    wait "$capture" 2>/dev/null || :
}

# attempt_all FILE: all of them, captured
attempt_all() {
    capture_begin "$1"
    for name in $($T attempts | cut -d' ' -f1); do attempt "$name"; done
    capture_end
}

# drops: the counters of dropped frames, one a line: hook verdict packets
drops() { $T counters | grep ' drop_' | sort; }

# expected WHAT: names of the attempts whose verdict begins so
expected() { $T attempts | awk -v what="$1" 'index($3, what) == 1 { print $1 }' | sort; }

# expected_drops: as drops, if each attempt that must be dropped was made once
expected_drops() { $T attempts | awk '$3 ~ /^drop_/ { n[$1 = "", $2 " " $3]++ } END { for (k in n) print k, n[k] }' | sed 's/^[^a-z]*//' | sort; }

state() { $T status | sed -n 's/^state=//p'; }
