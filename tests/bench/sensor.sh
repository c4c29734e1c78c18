# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# sensor.sh - `otori run` for a bench, on one core, into a journal that nobody loads (sourced after network.sh).
#
# In:  BUILD, OUT. Out: sensor_up, sensor_down, sensor_journal. Touches files below OUT and a bpffs of its own: run puts the benches
# into a mount namespace, so that the pins of a sensor that runs on this machine are not taken over.

# shellcheck disable=SC2120
# sensor_up [OPTION...]
sensor_up() {
    rm -rf "$OUT/journal" "$OUT/sensor.log"
    mkdir -p "$OUT/journal"
    : >"$OUT/sensor.log"
    # the database is away: the journal is where this ends
    nsenter --net=/run/netns/$BENCH_SERVER taskset -c 1 "$BUILD/otori" run --interface server0 --decoys 198.18.0.0/16 --sensor bench \
        --rings 1 --database "host=$PWD/$OUT/nowhere connect_timeout=1" --journal "$OUT/journal" "$@" >"$OUT/sensor.log" 2>&1 &
    sensor=$!
    waited=0
    until grep -q '^otori: answering' "$OUT/sensor.log"; do
        waited=$((waited + 1))
        { [ $waited -lt 300 ] && kill -0 $sensor 2>/dev/null; } || { cat "$OUT/sensor.log" >&2; exit 1; }
        sleep 0.1
    done
}

# What the journal holds, once all that ended has been written.
sensor_journal() { sleep 1; "$OUT/journal_figures" "$OUT/journal"; }

sensor_down() {
    [ -n "${sensor:-}" ] || return 0
    kill -TERM "$sensor" 2>/dev/null
    wait "$sensor" || { cat "$OUT/sensor.log" >&2; echo "bench: otori run ended with an error" >&2; exit 1; }
    sensor=
    nsenter --net=/run/netns/$BENCH_SERVER "$BUILD/otori" run --unload >/dev/null 2>&1
}
