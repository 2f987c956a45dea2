#!/bin/sh
# test_nat_faults.sh: plants faults in the translator, those of other simulators
# among them, and sees that a script of nat-models/scripts finds each.
#
# usage: MIST_BUILD=build sim/test/test_nat_faults.sh       from the top of the project
set -u

work=$(mktemp -d /tmp/mist-faults-XXXXXX)
trap 'rm -rf "$work"' EXIT
failures=0

# The compiler and its options, as the build has them.
compiler=
options=
for word in $(head -n 1 "$MIST_BUILD/stamp/flags"); do
    case $word in
    -W*) ;;
    -*) options="$options $word" ;;
    *)
        [ -z "$compiler" ] || break
        compiler=$word
        ;;
    esac
done

libraries="-lyaml -lsqlite3 -luv -lsodium -ljansson -ldl -lm -lpthread"

# build FILE: mistsim with that file of the translator from $work
build() {
    others=
    for source in nat-models/*.c; do
        [ "$source" = "$1" ] || others="$others $MIST_BUILD/obj/${source%.c}.o"
    done
    # shellcheck disable=SC2086 # options and libraries are lists
    $compiler $options -O1 -g0 -c "$work/planted.c" -o "$work/planted.o" &&
        $compiler $options -o "$work/mistsim" "$MIST_BUILD/obj/sim/mistsim.o" "$work/planted.o" \
            -Wl,--start-group $others "$MIST_BUILD/libsim.a" "$MIST_BUILD/libhost.a" \
            "$MIST_BUILD/libstack.a" -Wl,--end-group $libraries \
            -Wl,--export-dynamic-symbol=check_failed
}

# finds CLAIM SCRIPT FILE SED: with the fault planted the script fails, not without
finds() {
    echo "[ RUN      ] $1"
    script=nat-models/scripts/$2.yaml
    good=1
    sed "$4" "nat-models/$3" >"$work/planted.c"
    if cmp -s "nat-models/$3" "$work/planted.c"; then
        echo "the fault can no longer be planted in nat-models/$3"
        good=0
    elif ! build "nat-models/$3" >"$work/log" 2>&1; then
        cat "$work/log"
        good=0
    else
        "$MIST_BUILD/mistsim" nat play "$script" >"$work/out" 2>&1 || good=0
        "$work/mistsim" nat play "$script" >>"$work/out" 2>&1 && good=0
        grep -q '^FAIL step' "$work/out" || good=0
        [ $good = 1 ] || cat "$work/out"
    fi
    if [ $good = 1 ]; then
        echo "[       OK ] $1"
    else
        echo "[  FAILED  ] $1"
        failures=$((failures + 1))
    fi
}

finds a_mapping_knob_without_effect pairs/mapping-c nat.c \
    's/? NAT_EIM : policy->mapping;/? NAT_EIM : NAT_EIM;/'
finds no_dependent_mapping_at_all faults/dependent_mapping_is_there nat.c \
    's/? NAT_EIM : policy->mapping;/? NAT_EIM : NAT_EIM;/'
finds one_port_for_all_sockets_of_a_host faults/sockets_share_no_port nat.c \
    's/struct nat_endpoint inside = nat_endpoint(&d->from, d->protocol);/& inside.port = 1;/'
finds a_static_mapping_that_serves_inbound_alone faults/static_mapping_serves_the_first_packet \
    nat.c 's/if (nat->policy.static_outbound)/if (false)/'
finds mappings_that_never_end faults/mappings_expire mapping.c \
    's/mist_time end = m->refreshed + .*;/mist_time end = MIST_NEVER;/'
finds ends_in_the_order_of_the_queue faults/held_by_the_last_mapping mapping.c \
    's/if (end > r->head.check)/if (end > nat->now)/'
finds a_counter_that_ends_after_16384 faults/counter_wraps ports.c \
    's/^    if (!\*counter.counting) {/static int made; if (++made > 16384) return 0;\n&/'
finds a_counter_that_does_not_wrap faults/counter_wraps ports.c \
    's/^        place = ((place + r->nat->policy.delta).*/if (++place >= n) return 0;/'
finds remotes_that_never_age faults/each_remote_ages_by_itself remote.c \
    's/return e->refreshed + nat_timeout(.*;/return MIST_NEVER;/'
finds a_hairpin_that_is_accepted_and_not_there pairs/hairpin-b nat.c \
    's/if (nat->policy.hairpin == NAT_HAIRPIN_OFF)/if (true)/'
finds a_preservation_that_is_accepted_and_not_there pairs/ports-a ports.c \
    's/default: return pick_preserved(r, address);/default: return pick_random(r, address);/'
finds an_address_of_the_pool_alone_in_use pairs/pool-b ports.c \
    's/^    if (i >= nat->externals)/    if (i > 0)/'
finds ports_stolen_when_there_are_none faults/nobody_is_robbed exhaustion.c \
    's/default: return false;/default: return evict(nat, d, reason);/'
finds ports_that_are_never_rewritten faults/ports_are_rewritten ports.c \
    's/^        use_of(r, address, r->inside->port) != USE_TAKEN)/        true)/'
finds other_protocols_lost faults/icmp_passes nat.c \
    's/d->protocol == NAT_ICMP ||/false ||/'
finds a_port_moved_by_an_early_packet faults/early_packet_changes_nothing ports.c \
    's/return own \&\& r->rule != NAT_EIM ? USE_OWN : USE_TAKEN;/return USE_TAKEN;/'
finds a_refused_packet_that_refreshes negative/refused_refreshes_nothing remote.c \
    's/^    \*verdict = NAT_DROP_FILTER;/    nat_mapping(nat, newest)->refreshed = nat->now;\n&/'
finds an_error_that_ends_its_mapping rfc4787/REQ-12 icmp.c \
    's/= nat_mapping(nat, record)->inside;/& nat_mapping_remove(nat, record, NAT_NO_HOLD);/'
finds an_error_that_refreshes_a_query rfc5508/REQ-6 icmp.c \
    's/= nat_mapping(nat, record)->inside;/& nat_mapping(nat, record)->refreshed = nat->now;/'
finds an_error_from_inside_that_refreshes rfc7857/7.1 icmp.c \
    's/^    put_endpoint(d, &e, e.ip + 16.*/    nat_mapping(nat, record)->refreshed = nat->now;\n&/'
finds a_damaged_error_that_passes rfc5508/REQ-3 icmp.c \
    's/checksum(d->bytes, d->length) != 0/false/'
finds errors_that_are_not_turned_round rfc5508/REQ-7 nat.c \
    's/= nat_icmp_in(nat, d) == NAT_PASS ? NAT_HAIRPIN : /= /'
finds protocols_that_share_mappings rfc7857/5 nat.c \
    's/nat_endpoint(&d->from, d->protocol)/nat_endpoint(\&d->from, NAT_UDP)/'
finds protocols_that_share_filters rfc7857/6 nat.c \
    's/nat_endpoint(&d->\(to\|from\), d->protocol)/nat_endpoint(\&d->\1, NAT_UDP)/'
finds a_filter_without_effect pairs/filtering-c remote.c \
    's/: nat->policy.filtering == NAT_EIF)/: true)/'
finds a_hold_that_is_forgotten negative/held_port_is_nobody_s ports.c \
    's/^    bool held = end != NAT_NO_HOLD/    bool held = false \&\& end != NAT_NO_HOLD/'
finds a_quota_of_one_too_many negative/quota_is_each_host_s_own subscriber.c \
    's/s->mappings >= policy->quota_ports/s->mappings > policy->quota_ports/'
finds a_dead_mapping_that_lives_on negative/dead_at_the_timeout mapping.c \
    's/while (nat->due <= now)/while (nat->due < now)/'

[ $failures = 0 ]
