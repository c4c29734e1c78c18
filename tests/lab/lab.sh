# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# lab.sh - a client and a sensor in network namespaces, for `make run` and the tests of this folder (sourced).
#
# In:  LAB_OPTIONS (further options of `otori run`), LAB_DECOYS, LAB_DIRECTORY. Out: the functions below.
# Touches only namespaces named otori-*, files below build/, and processes that it started.
#
#    namespace otori-client                          namespace otori-sensor
#    192.0.2.2, 2001:db8:2::2                        192.0.2.1, 2001:db8:2::1   port 22: the host's own service
#       client0 ----------------- veth ----------------- sensor0  <- otori run
#    routes to 198.18.0.0/16 and 2001:db8:18::/112 via 192.0.2.1, 2001:db8:2::1
#
# Decoys: 198.18.0.0/16, 2001:db8:18::/112 (unused addresses) and 192.0.2.1 (the host's own, as in 2008).

LAB_CLIENT=otori-client
LAB_SENSOR=otori-sensor
LAB_DECOYS=${LAB_DECOYS:-198.18.0.0/16,2001:db8:18::/112,192.0.2.1}
LAB_TOP=$(cd "$(dirname "$0")/../.." && pwd)
LAB_NAME=$(basename "$0")
LAB_DIRECTORY=${LAB_DIRECTORY:-$LAB_TOP/build/lab}
LAB_SOCKET=$LAB_DIRECTORY/postgres/socket
cd "$LAB_TOP" || exit 1
ulimit -S -n 1024 # what a login has, whatever this machine's is

# A test has mounts of its own: its pins, its /run/otori and its namespaces meet nobody else's and go with it. `make run` doesn't
# (LAB_SHARED), so that psql, bpftool and `otori status` in another terminal see the lab's sensor.
if [ -z "${LAB_SHARED:-}" ] && [ -z "${LAB_INSIDE:-}" ]; then
    [ "$(id -u)" = 0 ] || { echo "$LAB_NAME: the lab needs root: it makes network namespaces and loads an XDP program" >&2; exit 1; }
    # in a chroot / is no mount, and its propagation can't be changed
    unshare --mount true 2>/dev/null || LAB_PROPAGATION=unchanged
    LAB_INSIDE=yes exec unshare --mount --propagation "${LAB_PROPAGATION:-private}" sh "$0" "$@"
fi
if [ -n "${LAB_INSIDE:-}" ]; then
    mkdir -p /run/netns /run/otori
    # ip netns makes it a shared mount: what is mounted there would appear outside of our mounts, and stay
    mount --make-private /run/netns 2>/dev/null || :
    mount -t tmpfs lab /run/netns && mount -t tmpfs lab /run/otori && mount -t bpf bpf /sys/fs/bpf || exit 1
fi

# Says what went wrong and ends the test; the exit trap cleans up.
fail() {
    echo "$LAB_NAME: $*" >&2
    for log in otori.log; do
        [ -s "$LAB_DIRECTORY/$log" ] && tail -n 40 "$LAB_DIRECTORY/$log" >&2
    done
    exit 1
}

skip() { echo "$*"; exit 77; }

# In the background use nsenter itself: $! of a function is a shell, and a signal to it reaches nobody.
in_client() { nsenter --net=/run/netns/$LAB_CLIENT "$@"; }
in_sensor() { nsenter --net=/run/netns/$LAB_SENSOR "$@"; }

# Ends one of our own processes and waits for it.
end_process() {
    [ -n "${1:-}" ] || return 0
    kill "-${2:-TERM}" "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}

# lab_bpf_program NAME: the object file of this folder's NAME.bpf.c.
lab_bpf_program() {
    clang -O2 -target bpf -c "tests/lab/$1.bpf.c" -o "build/lab-$1.bpf.o" || fail "clang could not build tests/lab/$1.bpf.c"
    echo "build/lab-$1.bpf.o"
}

lab_network_down() {
    for ns in $LAB_CLIENT $LAB_SENSOR; do
        [ -e /run/netns/$ns ] && ip netns delete $ns
    done
    return 0
}

lab_network_up() {
    [ "$(id -u)" = 0 ] || fail "the lab needs root: it makes network namespaces and loads an XDP program"
    lab_network_down
    ip netns add $LAB_CLIENT && ip netns add $LAB_SENSOR || fail "cannot make network namespaces"
    if [ -n "${LAB_IMPAIR:-}" ]; then
        lab_bad_link
    else
        ip link add client0 netns $LAB_CLIENT type veth peer name sensor0 netns $LAB_SENSOR || fail "cannot make a veth pair"
    fi
    for side in client:$LAB_CLIENT:2 sensor:$LAB_SENSOR:1; do
        ns=${side#*:} number=${ns#*:} ns=${ns%:*} device=${side%%:*}0
        nsenter --net=/run/netns/"$ns" sh -e -c "
            sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.$device.accept_dad=0
            ip link set lo up
            ip address add 192.0.2.$number/24 dev $device
            ip address add 2001:db8:2::$number/64 dev $device nodad
            # tx: checksums must be whole for XDP; the others: libpcap then makes its frames as small as the MTU, and a
            # scanner's capture holds a thousand answers instead of thirty
            ethtool -K $device tx off tso off gso off gro off lro off >/dev/null 2>&1 || :
            ip link set $device up" || fail "cannot set up $device"
    done
    if [ -z "${LAB_IMPAIR:-}" ]; then
        lab_pass=$(lab_bpf_program pass) || exit 1
        in_client ip link set dev client0 xdp obj "$lab_pass" sec xdp || fail "cannot attach a program to the client's end of the veth"
    fi
    in_client sh -e -c "
        ip route add 198.18.0.0/16 via 192.0.2.1
        ip -6 route add 2001:db8:18::/112 via 2001:db8:2::1
        sysctl -q -w net.ipv4.ip_local_port_range='10240 65535'" || fail "cannot add routes"
    # a sensor that forwards is the worst case: nothing may leave all the same
    in_sensor sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 || fail "cannot turn on forwarding"
}

# Two TAP devices with a bad link between them: LAB_IMPAIR holds the impairer's options.
lab_bad_link() {
    impair=$(tests/lab/impair/build) || fail "the impairer could not be built"
    # shellcheck disable=SC2086
    "$impair" --left $LAB_CLIENT:client0 --right $LAB_SENSOR:sensor0 $LAB_IMPAIR >"$LAB_DIRECTORY/impair.log" 2>&1 &
    LAB_LINK=$!
    waited=0
    until grep -q 'impair: ready' "$LAB_DIRECTORY/impair.log"; do
        kill -0 $LAB_LINK 2>/dev/null && [ $waited -lt 100 ] || { cat "$LAB_DIRECTORY/impair.log"; fail "the bad link did not come up"; }
        waited=$((waited + 1))
        sleep 0.1
    done
}

# The host's own service: must stay reachable, whatever the sensor does.
lab_service_up() {
    nsenter --net=/run/netns/$LAB_SENSOR python3 -c '
import socket, threading
def serve(family, address):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, 22)); s.listen(64)
    while True:
        c, _ = s.accept(); c.sendall(b"SSH-2.0-own-service\r\n"); c.close()
threading.Thread(target=serve, args=(socket.AF_INET6, "2001:db8:2::1"), daemon=True).start()
serve(socket.AF_INET, "192.0.2.1")' &
    LAB_SERVICE=$!
}

# The sensor's own private cluster, or with LAB_DATABASE one that the test starts and stops.
lab_database_option() {
    if [ -n "${LAB_DATABASE:-}" ]; then echo "--database=$LAB_DATABASE"; else echo "--embedded=$LAB_DIRECTORY/postgres"; fi
}

# lab_database_up: the private cluster alone, without a sensor; lab_database_down stops it.
lab_database_up() {
    build/otori init-db --embedded "$LAB_DIRECTORY/postgres" --serve >"$LAB_DIRECTORY/database.log" 2>&1 &
    LAB_CLUSTER=$!
    waited=0
    until grep -qs 'serving' "$LAB_DIRECTORY/database.log"; do
        kill -0 $LAB_CLUSTER 2>/dev/null && [ $waited -lt 300 ] || { cat "$LAB_DIRECTORY/database.log"; fail "the private cluster did not start"; }
        waited=$((waited + 1))
        sleep 0.1
    done
}
lab_database_down() {
    end_process "${LAB_CLUSTER:-}"
    LAB_CLUSTER=
}

# lab_sensor_up: starts otori run in the sensor's namespace and waits until it answers.
lab_sensor_up() {
    # shellcheck disable=SC2086
    nsenter --net=/run/netns/$LAB_SENSOR "$LAB_TOP/build/otori" run --interface sensor0 --decoys "$LAB_DECOYS" --sensor lab \
        "$(lab_database_option)" --journal "$LAB_DIRECTORY/journal" --segment-seconds 1 ${LAB_OPTIONS:-} \
        >>"$LAB_DIRECTORY/otori.log" 2>&1 &
    LAB_OTORI=$!
    waited=0
    until grep -qs '^otori: answering' "$LAB_DIRECTORY/otori.log"; do
        kill -0 "$LAB_OTORI" 2>/dev/null || fail "otori run ended before it answered"
        waited=$((waited + 1))
        [ $waited -lt 600 ] || fail "otori run did not answer within 60 s"
        sleep 0.1
    done
}

lab_sensor_down() {
    [ -n "${LAB_OTORI:-}" ] || return 0
    kill -TERM "$LAB_OTORI" 2>/dev/null
    wait "$LAB_OTORI"
    LAB_STATUS=$?
    LAB_OTORI=
    return $LAB_STATUS
}

lab_down() {
    status=$?
    trap - EXIT INT TERM
    lab_sensor_down
    end_process "${LAB_SERVICE:-}"
    end_process "${LAB_DUMP:-}"
    end_process "${LAB_HELPER:-}"
    end_process "${LAB_LINK:-}"
    lab_database_down
    in_sensor "$LAB_TOP/build/otori" run --unload >/dev/null 2>&1
    lab_network_down
    exit $status
}

# lab_prepare: an empty folder, and a trap that cleans up.
lab_prepare() {
    waited=0
    until rm -rf "$LAB_DIRECTORY" 2>/dev/null; do # a cluster that is just being stopped still writes
        waited=$((waited + 1))
        [ $waited -lt 20 ] || fail "cannot empty $LAB_DIRECTORY"
        sleep 0.5
    done
    mkdir -p "$LAB_DIRECTORY"
    trap lab_down EXIT
    trap 'exit 130' INT TERM
}

# lab_up: everything, on a fresh database; removed on exit.
lab_up() {
    lab_prepare
    lab_network_up
    lab_service_up
    lab_capture_begin
    lab_sensor_up
    lab_count_begin
}

# lab_says WORDS SECONDS: waits that long until the sensor says so.
lab_says() {
    waited=0
    until grep -q "$1" "$LAB_DIRECTORY/otori.log"; do
        waited=$((waited + 1))
        [ $waited -lt $(($2 * 10)) ] || fail "the sensor did not say: $1"
        sleep 0.1
    done
}

# lab_psql SQL: one value or rows, fields apart by |.
lab_psql() { psql -X -q -At -v ON_ERROR_STOP=1 -h "$LAB_SOCKET" -d otori -c "$1"; }

# lab_wait SQL VALUE [SECONDS]: until the query gives the value.
lab_wait() {
    deadline=$(($(date +%s) + ${3:-20}))
    while :; do
        got=$(lab_psql "$1" 2>&1)
        [ "$got" = "$2" ] && return 0
        [ "$(date +%s)" -lt $deadline ] || fail "waited for '$2', got '$got', from: $1"
        sleep 0.3
    done
}

# lab_expect_eventually WHAT SQL VALUE: within 20 s it does.
lab_expect_eventually() { lab_wait "$2" "$3" 20; }

# lab_expect WHAT SQL VALUE: the query gives exactly that.
lab_expect() {
    got=$(lab_psql "$2" 2>&1)
    [ "$got" = "$3" ] || fail "$1: expected
$3
got
$got
from: $2"
}

# lab_ledger_closes: every equation of every minute is even. To be called after lab_stop_for_ledger.
lab_ledger_closes() {
    lab_expect "the ledger closes" \
        "select minute, equation, difference from ledger_balance where difference <> 0 order by 1, 2 limit 20" ""
    lab_expect "the ledger has rows" "select count(*) > 0 from ledger_balance" t
}

# lab_capture_begin: records at the far end of the link whatever the sensor sends, and what it was sent.
lab_capture_begin() {
    nsenter --net=/run/netns/$LAB_CLIENT tcpdump -i client0 -s 120 -B 65536 -w "$LAB_DIRECTORY/far-side.pcap" -U >"$LAB_DIRECTORY/tcpdump.log" 2>&1 &
    LAB_DUMP=$!
    waited=0
    until grep -q 'listening on' "$LAB_DIRECTORY/tcpdump.log"; do
        waited=$((waited + 1))
        [ $waited -lt 100 ] || fail "tcpdump did not start"
        sleep 0.1
    done
}

# lab_capture_end: nothing but answers left the decoys.
lab_capture_end() {
    sleep 1
    end_process "${LAB_DUMP:-}" INT
    LAB_DUMP=
    # shellcheck disable=SC2046
    python3 tests/lab/only_answers.py "$LAB_DIRECTORY/far-side.pcap" $(echo "$LAB_DECOYS" | tr ',' ' ') || fail "something else than answers left the decoys"
}

# Packets that XDP has counted so far, all ports and families, every CPU.
lab_seen() {
    bpftool -j map dump pinned /sys/fs/bpf/otori/port_counters | python3 -c '
import json, sys
print(sum(cpu["value"][family]["seen"] for entry in json.load(sys.stdin) for cpu in entry["formatted"]["values"] for family in ("ipv4", "ipv6")))'
}

# What the far side of the link has put on it.
lab_sent() { in_client ip -s -j link show dev client0 | sed -n "s/.*\"tx\":{\"bytes\":[0-9]*,\"packets\":\([0-9]*\).*/\1/p"; }

# lab_client_hold: the far side puts nothing more on the link, not even what its kernel sends by itself (router solicitations, neighbour
# discovery, retransmissions), so that what was sent and what was counted can be read one after the other. lab_client_release undoes it.
lab_client_hold() {
    hold=$(lab_bpf_program hold) || exit 1
    in_client sh -e -c "
        tc qdisc add dev client0 clsact
        tc filter add dev client0 egress bpf direct-action obj $hold sec tc" || fail "cannot hold what the client sends"
}
lab_client_release() { in_client tc qdisc delete dev client0 clsact || fail "cannot let the client send again"; }

# lab_count_begin: from here on, what the far side sends and what the sensor counts are compared.
lab_count_begin() {
    lab_client_hold
    sleep 1
    LAB_SENT_BEFORE=$(lab_sent)
    LAB_SEEN_BEFORE=$(lab_seen)
    lab_client_release
}

# lab_count_compare: what the far side sent since lab_count_begin is what XDP counted, to the packet. The far side is held from here on.
lab_count_compare() {
    lab_client_hold
    sleep 1
    sent=$(($(lab_sent) - LAB_SENT_BEFORE)) seen=$(($(lab_seen) - LAB_SEEN_BEFORE))
    [ "$sent" = "$seen" ] || fail "the far side sent $sent packets, the sensor counted $seen"
}

# lab_finish: stops the sensor as an operator would, and holds the ledger against itself and against the far side of the link.
lab_finish() {
    lab_count_compare
    lab_capture_end
    seen_in_all=$(lab_seen)
    lab_sensor_down || fail "otori run ended with status $LAB_STATUS on SIGTERM"
    [ -n "${LAB_CLUSTER:-}" ] || lab_database_up
    lab_expect "every packet that was counted is in the ledger" \
        "select sum(value) from ledger where term = 'seen'" "$seen_in_all"
    lab_ledger_closes
    lab_expect "nothing waits" "select count(*) from ledger_balance where equation = 'journal' and difference <> 0" 0
    lab_database_down
}
