# Shared by the scripts beside it; sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PATH:/usr/sbin:/sbin"

# What the package links against, and what the scripts call.
build_packages=(libcurl4-openssl-dev libssl-dev zlib1g-dev libnghttp2-dev libxml2-dev pkg-config)
run_packages=(python3 curl)
test_packages=(python3 python3-venv python3-websockets curl xz-utils nginx-light fiu-utils)
bench_packages=(
  python3 curl xz-utils util-linux openssl nginx-light varnish trafficserver h2o haproxy wrk
  nghttp2-client
)

say() { printf '%s\n' "==> $*"; }
die() { printf '%s\n' "error: $*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root, and there is no sudo: $*"
  fi
}

# A package counts as present when it is installed or when the command it is needed for exists.
is_present() {
  case $1 in
    pkg-config | python3 | curl | h2o | wrk | openssl | haproxy) command -v "$1" >/dev/null && return ;;
    nginx-light) command -v nginx >/dev/null && return ;;
    fiu-utils) command -v fiu-run >/dev/null && return ;;
    varnish) command -v varnishd >/dev/null && return ;;
    nghttp2-client) command -v h2load >/dev/null && return ;;
    trafficserver) command -v traffic_server >/dev/null && return ;;
    xz-utils) command -v xz >/dev/null && return ;;
    util-linux) command -v taskset >/dev/null && return ;;
  esac
  dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

# Installs what is missing of the named Debian packages, and says so. Services that come with them
# are not started: a temporary policy-rc.d forbids it unless the machine has one already.
need_packages() {
  local package missing=() policy=/usr/sbin/policy-rc.d own_policy=no status=0
  for package in "$@"; do
    is_present "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "please install: ${missing[*]} (there is no apt-get here)"
  say "installing with apt-get: ${missing[*]}"
  if [ ! -e "$policy" ]; then
    own_policy=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  as_root apt-get update -qq || say "apt-get update failed; trying with the lists at hand"
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || status=$?
  [ "$own_policy" = no ] || as_root rm -f "$policy"
  [ "$status" = 0 ] || die "apt-get could not install: ${missing[*]}"
}

# Programs from PyPI that tests run against the edge, in a virtual environment below .build.
need_python_tools() {
  local folder=.build/python wanted=scripts/test-requirements.txt
  if cmp -s "$wanted" "$folder/installed.txt"; then return 0; fi
  say "installing with pip into $folder: $(tr '\n' ' ' <"$wanted")"
  python3 -m venv "$folder" && "$folder/bin/python" -m pip install --quiet \
    --disable-pip-version-check --no-input -r "$wanted" || die "pip could not install $wanted"
  cp "$wanted" "$folder/installed.txt"
}

need_swift() {
  command -v swift >/dev/null \
    || die "the Swift toolchain is not on PATH; get Swift 6.3 or later from https://swift.org/install"
}

# Fails with a clear message when something listens on 127.0.0.1:PORT.
need_free_port() {
  if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
    die "port $1 on 127.0.0.1 is in use, and $2 needs it; stop what listens there"
  fi
}

# The first build compiles every dependency; later ones only what changed.
explain_build() {
  if [ ! -d ".build/$1" ]; then
    say "first $1 build: about $2 minutes on 2 cores; later builds take seconds to a minute"
  fi
}

# The packages too are built without dynamic exclusivity checks: SwiftNIO's were 13 % of a hit's
# instructions. The tests, built in debug, run with them. Swift's libraries are part of the binaries,
# which run where there is no toolchain.
build_release() {
  explain_build release 10
  swift build -c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked --product "$1"
}

# Stops processes that this script started, by id, and waits for them; after 10 seconds by force.
stop_processes() {
  local pid
  for pid in "$@"; do
    kill "$pid" 2>/dev/null || continue
    (sleep 10 && kill -KILL "$pid" 2>/dev/null) &
    local watchdog=$!
    wait "$pid" 2>/dev/null || true
    kill "$watchdog" 2>/dev/null || true
    wait "$watchdog" 2>/dev/null || true
  done
}
