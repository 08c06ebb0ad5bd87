#!/usr/bin/env bash
# make test: builds everything in debug, runs all tests and the formatter's rules.
# The last line of standard output is `N passed, N failed`; the exit status is 0 only without failures.
source "$(dirname "$0")/common.sh"
need_swift
need_packages "${build_packages[@]}" "${test_packages[@]}"
need_python_tools

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
extra_failures=0
status=0

# The oracle's comparisons and the store's random runs keep every core busy for long; the end-to-end tests block their threads on
# processes and sockets, and those of the origin client and of the server watch time limits: in
# runs of their own they neither starve others nor are starved. A test that hangs must not take the
# whole of CI's time: each run takes a quarter of this or less.
run_tests() {
  local name=$1
  shift
  scripts/bounded.py 1200 "$log/$name.log" swift test --disable-xctest --skip-build \
    --xunit-output "$log/$name.xml" "$@" || status=$?
}

explain_build debug 5
if swift build --build-tests; then
  run_tests unit --skip EndToEndTests --skip OriginClientTests \
    --skip HTTPServerTests --skip OracleTests --skip StoreModelTests --skip DiskModelTests "$@"
  run_tests long --filter 'OracleTests|StoreModelTests|DiskModelTests' "$@"
  run_tests unhurried --filter 'OriginClientTests|HTTPServerTests' "$@"
  run_tests end-to-end --filter EndToEndTests "$@"
else
  say "the build failed"
  status=build
fi

# Every fuzzing harness for a few seconds, over its seeds and what grows from them. An input that
# breaks something stays in var/fuzz/short/.
run_fuzzer() {
  rm -rf var/fuzz/short/corpus
  FUZZ_OUTPUT=var/fuzz/short FUZZ_XUNIT="$log/fuzz.xml" \
    scripts/bounded.py 1500 "$log/fuzz.log" env SECONDS=4 scripts/fuzz.sh || status=$?
}
# A filter asks for some of the Swift tests only.
if [ $# = 0 ] && [ "$status" != build ]; then run_fuzzer; fi

if ! scripts/lint.sh; then
  say "the formatter's rules are broken (swift format -i mends most); this counts as a failure"
  extra_failures=1
fi
python3 scripts/count_tests.py "$log" "$status" "$extra_failures"
