#!/usr/bin/env bash
# make proto: makes the Swift code of the protobuf schemas anew. The generator is built from the
# swift-protobuf version that the package uses.
source "$(dirname "$0")/common.sh"
need_swift
need_packages protobuf-compiler
swift package resolve
swift build --package-path .build/checkouts/swift-protobuf --scratch-path .build/protoc-gen-swift \
  --product protoc-gen-swift
generator=$(swift build --package-path .build/checkouts/swift-protobuf \
  --scratch-path .build/protoc-gen-swift --show-bin-path)/protoc-gen-swift
for schema in Sources/*/*/*.proto; do
  protoc --plugin="$generator" --proto_path="$(dirname "$schema")" \
    --swift_out="$(dirname "$schema")" --swift_opt=Visibility=Internal "$schema"
  say "made ${schema%.proto}.pb.swift"
done
