#!/usr/bin/env bash
# Looks whether the public API of `gatewit_host` has types of these crates and of no others: `docs/embedding.md` promises that.
#
# rustdoc tells it as JSON, which a stable compiler does only if it is asked to. In a folder of its own: build scripts look whether
# it is, and everything would be built again.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-$PWD/target}"
may=(async_trait bytes http http_body serde_core serde_json tokio tower_layer tower_service zeroize)
RUSTC_BOOTSTRAP=1 cargo rustdoc --quiet --release --target-dir "$target/public" --package gatewit-host --lib -- -Z unstable-options --output-format json
cargo run --quiet --manifest-path .just/Cargo.toml --target-dir "$target/bindgen" --package gatewit-public -- \
  "$target/public/doc/gatewit_host.json" "${may[@]}"
