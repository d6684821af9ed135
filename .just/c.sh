#!/usr/bin/env bash
# Lays out the C library in a folder: `include/gatewit.h` and `lib/libgatewit.so`, which has been built with the host.
# Usage: c.sh OUTPUT_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

output="$1"
target="${CARGO_TARGET_DIR:-$PWD/target}"

case "$(uname)" in
  Darwin) extension=dylib ;;
  *) extension=so ;;
esac
mkdir -p "$output/include" "$output/lib"
cp host/embed/shared/include/gatewit.h "$output/include/"
# Moved into place: a program that runs may have the old file open.
cp "$target/release/libgatewit_embedded.$extension" "$output/lib/libgatewit.$extension.new"
mv "$output/lib/libgatewit.$extension.new" "$output/lib/libgatewit.$extension"
