#!/usr/bin/env bash
# Builds the tests of the browser SDK that run in a browser (`#[wasm_bindgen_test]`): module and glue, in a folder.
# Usage: sdk-tests.sh OUTPUT_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

output="$1"
target="${CARGO_TARGET_DIR:-$PWD/target}"

toolchain="$(.just/wasm-toolchain.sh)"
module="$(
  eval "$toolchain"
  # Another compiler's artefacts must not mix with the host's.
  export CARGO_TARGET_DIR="$target/components"
  cargo test --quiet --no-run --message-format=json-render-diagnostics --target wasm32-unknown-unknown --package gatewit-sdk-web --lib |
    sed -n 's/.*"executable":"\([^"]*\.wasm\)".*/\1/p' | tail -n 1
)"
[ -f "$module" ] || { printf 'sdk tests: cargo built no module\n' >&2; exit 1; }

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp "$module" "$work/tests.wasm"
cargo run --quiet --release --manifest-path .just/Cargo.toml --target-dir "$target/bindgen" --package gatewit-bindgen -- \
  "$work/tests.wasm" "$work/built" tests
rm -rf "$output"
mv "$work/built" "$output"
