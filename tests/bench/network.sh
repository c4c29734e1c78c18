# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# network.sh - two namespaces and a veth pair for the benches (sourced).
#
#    otori-bench-clients                           otori-bench-server
#    192.0.2.2/24   client0 --------- veth --------- server0   192.0.2.1/24
#                                                            servers: 198.18.0.0/16; clients: 10.0.0.0/8 (made up)
#
# In:  nothing. Out: the functions below. Touches only these namespaces. The clients have CPU 0, the server has CPU 1.
#
# Two arrangements, by who pays for the server's receive path (its NAPI, with the XDP program or the kernel's TCP in it):
#   server's core    threaded NAPI, the thread bound to CPU 1: one core does all that the server's side needs
#   clients' core    the softirq runs where the frame was sent: the server's core has user space and transmit only

BENCH_CLIENTS=otori-bench-clients
BENCH_SERVER=otori-bench-server

in_clients() { nsenter --net=/run/netns/$BENCH_CLIENTS "$@"; }
in_server() { nsenter --net=/run/netns/$BENCH_SERVER "$@"; }

bench_network_down() {
    for ns in $BENCH_CLIENTS $BENCH_SERVER; do
        [ ! -e /run/netns/$ns ] || ip netns delete $ns
    done
}

bench_network_up() {
    [ "$(id -u)" = 0 ] || { echo "bench: needs root: it makes network namespaces and loads BPF programs" >&2; exit 1; }
    bench_network_down
    ip netns add $BENCH_CLIENTS
    ip netns add $BENCH_SERVER
    ip link add client0 netns $BENCH_CLIENTS numrxqueues 1 numtxqueues 1 type veth peer name server0 netns $BENCH_SERVER numrxqueues 1 numtxqueues 1
    in_clients sh -e -c "
        ip link set lo up
        ip address add 192.0.2.2/24 dev client0
        ip link set client0 up
        ethtool -K client0 tx off gro on >/dev/null"
    in_server sh -e -c "
        ip link set lo up
        ip address add 192.0.2.1/24 dev server0
        ip link set server0 up
        ethtool -K server0 tx off gro on >/dev/null"
    client_mac=$(in_clients ip -br link show client0 | awk '{ print $3 }')
    server_mac=$(in_server ip -br link show server0 | awk '{ print $3 }')
    # nobody answers ARP for the made-up clients
    in_clients ip neigh replace 192.0.2.1 lladdr "$server_mac" dev client0
    in_server ip neigh replace 192.0.2.2 lladdr "$client_mac" dev server0
    in_server ip route add 10.0.0.0/8 via 192.0.2.2
    in_clients ip route add 198.18.0.0/16 via 192.0.2.1
}

# bench_receive_on server|clients: the arrangement (see above); both devices are up and have their programs
bench_receive_on() {
    threaded=0
    [ "$1" = server ] && threaded=1
    # sysfs shows the namespace in which it was mounted, which is what `ip netns exec` does
    ip netns exec $BENCH_SERVER sh -c "echo $threaded >/sys/class/net/server0/threaded"
    ip netns exec $BENCH_CLIENTS sh -c "echo $threaded >/sys/class/net/client0/threaded"
    [ $threaded = 1 ] || return 0
    for device in client0:0 server0:1; do
        found=
        for comm in /proc/[0-9]*/comm; do
            case $(cat "$comm" 2>/dev/null) in
            napi/"${device%:*}"*)
                pid=${comm%/comm} pid=${pid#/proc/}
                taskset -pc "${device#*:}" "$pid" >/dev/null
                # the generator never sleeps; what comes back to the clients must not wait for it; the server's goes with the server (run)
                if [ "${device#*:}" = 0 ]; then chrt -f -p 10 "$pid"; else renice -n -15 -p "$pid" >/dev/null; fi
                found=1 ;;
            esac
        done
        [ -n "$found" ] || { echo "bench: no NAPI thread of ${device%:*}" >&2; exit 1; }
    done
}
