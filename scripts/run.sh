#!/usr/bin/env bash
# make run: builds the edge, starts it before the fixture origin, and stays until Ctrl-C.
source "$(dirname "$0")/common.sh"

config=${EDGE_CONFIG:-edge.conf}
edge_url=http://127.0.0.1:8080
admin_url=http://127.0.0.1:8081
origin_port=9000

need_swift
need_packages "${build_packages[@]}" "${run_packages[@]}"
[ -f "$config" ] || die "there is no $config"
need_free_port 8080 "the edge"
need_free_port 8081 "the admin side"
need_free_port "$origin_port" "the fixture origin"
build_release edge

if [ -z "${EDGE_ADMIN_PASSWORD:-}" ]; then
  EDGE_ADMIN_PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
  say "EDGE_ADMIN_PASSWORD was not set; for this run it is $EDGE_ADMIN_PASSWORD"
fi
export EDGE_ADMIN_PASSWORD

pids=()
stop() {
  trap - EXIT INT TERM
  say "stopping"
  # The edge first, so that it does not report a lost origin.
  local index
  for ((index = ${#pids[@]} - 1; index >= 0; index--)); do stop_processes "${pids[index]}"; done
}
trap stop EXIT
trap 'exit 0' INT TERM

# Each in its own session: Ctrl-C reaches this script alone, which stops them in order.
setsid python3 fixtures/origin.py --port "$origin_port" --quiet &
pids+=($!)
setsid .build/release/edge serve --config "$config" &
pids+=($!)

is_ready() {
  curl -fsS -o /dev/null --max-time 2 "$admin_url/readyz" 2>/dev/null \
    && (exec 3<>"/dev/tcp/127.0.0.1/$origin_port") 2>/dev/null
}
for ((attempt = 0; ; attempt++)); do
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || die "the edge or its origin ended at start; its message is above"
  done
  if is_ready; then break; fi
  [ "$attempt" -lt 300 ] || die "the edge was not ready within 60 seconds"
  sleep 0.2
done

cat <<TRY

Synapse Edge listens on $edge_url, its admin side on $admin_url. Try:

  # a miss, fetched from the origin and stored
  curl -i $edge_url/products/1

  # the same again: a hit, with its Age
  curl -i $edge_url/products/1

  # 304 from the store: only if it changed
  curl -i -H "If-None-Match: \$(curl -sI $edge_url/products/1 | sed -n 's/^etag: //Ip' | tr -d '\r')" $edge_url/products/1

  # a range: 100 bytes of an image
  curl -s -r 0-99 -D - -o /dev/null $edge_url/images/hero.png

  # purge it through the admin side; the next request is a miss
  EDGE_ADMIN_PASSWORD=$EDGE_ADMIN_PASSWORD .build/release/edge purge --config $config /products/1

Ctrl-C stops both.
TRY
wait -n "${pids[@]}" || true
die "the edge or its origin ended; its message is above"
