#!/usr/bin/env bash
# make build: the release binaries .build/release/edge and .build/release/edge-bench.
source "$(dirname "$0")/common.sh"
need_swift
need_packages "${build_packages[@]}"
build_release edge
build_release edge-bench
say "built .build/release/edge and .build/release/edge-bench"
