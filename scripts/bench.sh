#!/usr/bin/env bash
# make bench: the edge beside other servers on this machine. Benchmarks/README.md tells how.
# ROUNDS, SECONDS, SERVERS, SCENARIOS, ENCRYPTION (of what the edge stores on disk: on or off), WRITE
# and EDGE_BINARY come from the environment.
# bash counts SECONDS up from what the environment says, so it is read before anything else.
seconds=${SECONDS}
[ "$seconds" -gt 0 ] || seconds=5
source "$(dirname "$0")/common.sh"
servers=${SERVERS:-edge,nginx,varnish,trafficserver,h2o,haproxy}
need_packages "${bench_packages[@]}"
case ",$servers," in
  *,edge,*)
    if [ -z "${EDGE_BINARY:-}" ]; then
      need_swift
      need_packages "${build_packages[@]}"
      build_release edge
    fi
    ;;
esac
case ",$servers," in
  # Heap allocations a hit; beyond the goal, the bench fails at once.
  *,edge,*) python3 scripts/allocations.py "${EDGE_BINARY:-.build/release/edge}" ;;
esac
exec python3 scripts/bench --servers "$servers" --edge "${EDGE_BINARY:-.build/release/edge}" \
  --rounds "${ROUNDS:-3}" --seconds "$seconds" ${SCENARIOS:+--scenarios "$SCENARIOS"} \
  ${ENCRYPTION:+--encryption "$ENCRYPTION"} \
  ${WRITE:+--write-results} "$@"
