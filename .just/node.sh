#!/usr/bin/env bash
# Lays out the npm package `gatewit-node` in a folder. The shared library has been built with the host.
# Usage: node.sh OUTPUT_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

output="$1"
target="${CARGO_TARGET_DIR:-$PWD/target}"

# By itself: what its bindings ask of crates in common would build wasmtime again.
cargo build --quiet --release --package gatewit-node

case "$(uname)" in
  Darwin) extension=dylib ;;
  *) extension=so ;;
esac
mkdir -p "$output"
cp host/embed/node/npm/* "$output/"
# Moved into place: a program that runs may have the old file open.
for file in "libgatewit_node.$extension=gatewit.node" "libgatewit_packaged.$extension=libgatewit_embedded.$extension"; do
  cp "$target/release/${file%=*}" "$output/${file#*=}.new"
  mv "$output/${file#*=}.new" "$output/${file#*=}"
done
