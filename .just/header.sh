#!/usr/bin/env bash
# Writes the C header anew from the source of the shared library; with `check` it compares instead, as one test.
# Usage: header.sh [check]
set -euo pipefail
cd "$(dirname "$0")/.."

source=host/embed/shared/src/abi.rs
committed=host/embed/shared/include/gatewit.h
name='the C header is what the source of the library says'

write() {
  cargo run --quiet --manifest-path .just/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-$PWD/target}/bindgen" \
    --package gatewit-header -- "$source" "$1"
}
case "${1:-write}" in
  write) write "$committed" ;;
  check)
    work="$(mktemp -d)"
    trap 'rm -rf "$work"' EXIT
    write "$work/gatewit.h"
    if diff -u "$committed" "$work/gatewit.h"; then
      printf 'ok      %s\n1 passed, 0 failed, 0 skipped\n' "$name"
    else
      printf 'FAILED  %s: write it anew with `cargo just header`\n0 passed, 1 failed, 0 skipped\n' "$name"
      exit 1
    fi
    ;;
  *) printf 'usage: header.sh [check]\n' >&2 && exit 2 ;;
esac
