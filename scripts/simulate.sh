#!/usr/bin/env bash
# make simulate SEEDS=1-200 STEPS=10000: random runs of the store against a model, on a simulated disk
# that crashes, tears and fails. Runs of different seeds go side by side on all cores. A seed that
# fails is printed with the step and how to run it again. CONFIGURATION=release takes longer to build
# and less to run.
source "$(dirname "$0")/common.sh"
need_swift
need_packages "${build_packages[@]}"

seeds=${SEEDS:-1-100}
steps=${STEPS:-10000}
configuration=${CONFIGURATION:-debug}
[[ $seeds =~ ^[0-9]+(-[0-9]+)?$ ]] || die "SEEDS is '$seeds': give a seed or a range such as 1-200"
[[ $steps =~ ^[1-9][0-9]*$ ]] || die "STEPS is '$steps': give a number of operations"
count=$(( ${seeds#*-} - ${seeds%-*} + 1 ))
[ "$count" -gt 0 ] || die "SEEDS is '$seeds': the first comes before the last"

arguments=(--disable-xctest)
case $configuration in
  debug) ;;
  release) arguments+=(-c release -Xswiftc -enable-testing) ;;
  *) die "CONFIGURATION is '$configuration': debug or release" ;;
esac
explain_build "$configuration" 5
say "$count seeds ($seeds), $steps operations of the store and $steps of the disk tier each:" \
  "$((2 * count * steps)) operations"
EDGE_SIMULATE_SEEDS=$seeds EDGE_SIMULATE_STEPS=$steps \
  swift test "${arguments[@]}" --filter 'StoreModelTests|DiskModelTests'
say "$((2 * count * steps)) operations, nothing lost, nothing wrong, nothing back"
