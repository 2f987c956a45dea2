#!/bin/sh
# test_move.sh: a running node whose machine gets another address, or its first one, says so
# to its peers and stays connected.
#
# usage: MIST_BUILD=build stack/host/test/test_move.sh       from the top of the project
#
#   a 10.0.0.1, then 10.0.0.9 ---.
#                                 m 10.0.0.3: a node to join through
#   b (no address), 10.0.0.2  ---'
#
# In namespaces of its own, which end with it.  Exit 77 where that is not allowed.
set -u
# shellcheck source=.ci/lab
. .ci/lab
enter ip

# host NAME: with a cable to m's bridge, and no address.
host() {
    ip netns add "$1" && ip -n "$1" link set lo up &&
        ip link add eth0 netns "$1" type veth peer name "to-$1" netns m &&
        ip -n m link set "to-$1" master bridge up && ip -n "$1" link set eth0 up
}

lay() {
    ip netns add m && ip -n m link add bridge type bridge && ip -n m link set lo up &&
        ip -n m address add 10.0.0.3/24 dev bridge && ip -n m link set bridge up && host a &&
        host b && ip -n a address add 10.0.0.1/24 dev eth0 || return
    ip netns exec m "$build/mist" up --public --listen 10.0.0.3:4000 >"$work/m" 2>&1 &
    await "$work/m" listening
}

node() { # HOST: in the background, named after its host
    ip netns exec "$1" "$build/mist" up --name "$1" --log --bootstrap 10.0.0.3:4000 \
        >"$work/$1" 2>&1 &
}

# A machine that is booted before its cable is plugged in.
first() {
    node a && await "$work/a" '"joined"' && node b && await "$work/b" '"listening".*127\.0\.0\.1' &&
        ip -n b address add 10.0.0.2/24 dev eth0 &&
        await "$work/b" '"listening".*"10\.0\.0\.2:' && await "$work/b" '"joined"'
}

connect() {
    ip netns exec b "$build/mist" ping a --json --bootstrap 10.0.0.3:4000 >"$work/ping" 2>&1 &
    await "$work/ping" '"pong".*"path":"lan"'
}

moved() {
    ip -n a address del 10.0.0.1/24 dev eth0 && ip -n a address add 10.0.0.9/24 dev eth0 &&
        await "$work/a" '"listening".*"10\.0\.0\.9:'
}

goes_on() {
    before=$(grep -c '"pong"' "$work/ping")
    for _ in $(seq 300); do
        [ "$(grep -c '"pong"' "$work/ping")" -gt $((before + 2)) ] && break
        sleep 0.1
    done
    ! grep -q '"closed"\|"failed"' "$work/ping" || { cat "$work/ping" && return 1; }
    [ "$(grep -c '"pong"' "$work/ping")" -gt $((before + 2)) ]
}

# Somebody new is told the new address alone.
is_found() {
    ip netns exec m "$build/mist" ping a --count 3 --log --json --listen 10.0.0.3:0 \
        --bootstrap 10.0.0.3:4000 >"$work/new" 2>&1 && await "$work/new" '"path":"lan"' &&
        await "$work/new" '"path_changed","addr":"10\.0\.0\.9:'
}

lay || exit 1
claim a_node_joins_when_its_machine_gets_its_first_address first
claim it_is_connected_directly connect
claim a_node_hears_that_its_machine_moved moved
claim its_connection_goes_on goes_on
claim whoever_comes_now_reaches_it_there is_found
conclude
