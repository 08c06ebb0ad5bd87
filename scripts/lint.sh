#!/usr/bin/env bash
# make lint: the formatter's rules, strictly.
source "$(dirname "$0")/common.sh"
need_swift
swift format lint --strict --recursive Sources Tests Package.swift \
  Fuzzing/Package.swift Fuzzing/Sources/EdgeFuzz Fuzzing/Sources/HTTPServer/WithoutTLS.swift
say "lint: nothing to mend"
