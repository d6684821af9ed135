#!/usr/bin/env bash
# Builds components to WebAssembly and puts them where the host's build and the tests look.
# Usage: components.sh OUTPUT_FOLDER PACKAGE…
set -euo pipefail
cd "$(dirname "$0")/.."

output="$1"
shift
target="${CARGO_TARGET_DIR:-$PWD/target}"
toolchain="$(.just/wasm-toolchain.sh)"
packages=()
for package in "$@"; do packages+=(--package "$package"); done

mkdir -p "$output"
(
  eval "$toolchain"
  # Another compiler's artefacts must not mix with the host's. A small shadow stack keeps an instance small, and enough
  # memory to begin with keeps a call from growing it, which is a system call.
  export CARGO_TARGET_DIR="$target/components"
  export RUSTFLAGS="-C link-arg=-zstack-size=65536 -C link-arg=--initial-memory=1048576"
  cargo build --profile component --target wasm32-wasip2 "${packages[@]}"
)
for package in "$@"; do
  built="$target/components/wasm32-wasip2/component/${package//-/_}.wasm"
  # Only what changed is written, so that nothing is rebuilt for nothing.
  cmp -s "$built" "$output/${package#gatewit-}.wasm" || cp "$built" "$output/${package#gatewit-}.wasm"
done
