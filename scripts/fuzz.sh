#!/usr/bin/env bash
# make fuzz SECONDS=60: runs every fuzzing harness for that many seconds; HARNESSES="request http2"
# runs only those. An input that breaks something is printed and kept in var/fuzz/; what a long run
# finds worth keeping gathers in var/fuzz/corpus/, beside the seeds in fixtures/fuzz/.
# The last line of standard output is `N passed, N failed`.
# bash counts SECONDS up from what the environment says, so it is read before anything else.
seconds=${SECONDS}
[ "$seconds" -gt 0 ] || seconds=60
source "$(dirname "$0")/common.sh"
need_swift
need_packages "${build_packages[@]}"

output=${FUZZ_OUTPUT:-var/fuzz}
mkdir -p "$output"
cases=""

# What FUZZ_XUNIT names gets the results for scripts/count_tests.py.
finish() {
  if [ -n "${FUZZ_XUNIT:-}" ]; then
    printf '<testsuites><testsuite>%s</testsuite></testsuites>\n' "$cases" >"$FUZZ_XUNIT"
  fi
  echo "$1 passed, $2 failed"
  [ "$2" = 0 ]
}

build_fuzzer() {
  local runtime
  runtime=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")/lib
  runtime=$(find "$runtime" -name "libclang_rt.fuzzer_no_main-$(uname -m).a" -print -quit)
  [ -n "$runtime" ] || die "the Swift toolchain has no libFuzzer for $(uname -m)"
  [ -d .build-fuzz/release ] || say "first build of the fuzzer: some minutes on 2 cores"
  swift build -c release --package-path Fuzzing --scratch-path .build-fuzz --product EdgeFuzz \
    -Xlinker "$runtime" -Xlinker -lstdc++
}

# One harness: its log, and whether it came to its end.
run_harness() {
  local name=$1 corpus="$output/corpus/$1"
  mkdir -p "$corpus"
  # No leak check: at the end of the process the run-time's own tables still stand. A slow machine
  # is no hang, so an input has 60 seconds.
  SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 \
    .build-fuzz/release/EdgeFuzz "$name" -max_total_time="$seconds" -max_len=4096 -timeout=60 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$output/$name-" \
    "$corpus" "fixtures/fuzz/$name" >"$output/$name.log" 2>&1
}

(build_fuzzer) >"$output/build.log" 2>&1 || {
  cat "$output/build.log"
  say "the fuzzer's build failed"
  cases='<testcase name="build"><failure/></testcase>'
  finish 0 1
  exit 1
}
passed=0
failed=0
for name in ${HARNESSES:-request chunked connection response http2 fields key}; do
  if run_harness "$name"; then
    passed=$((passed + 1))
    cases+="<testcase name=\"$name\"/>"
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$output/$name.log")
    coverage=$(grep -o 'cov: [0-9]*' "$output/$name.log" | tail -n 1) || true
    say "fuzz $name: ${runs:-0} inputs in $seconds seconds, ${coverage:-cov: 0}"
  else
    failed=$((failed + 1))
    cases+="<testcase name=\"$name\"><failure/></testcase>"
    tail -n 40 "$output/$name.log"
    say "fuzz $name: failed; the input is in $output/, repeat with" \
      ".build-fuzz/release/EdgeFuzz $name FILE"
  fi
done
finish "$passed" "$failed"
