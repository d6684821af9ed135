#!/usr/bin/env bash
# The misbehaving components of the tests: the folder is the list.
set -euo pipefail
cd "$(dirname "$0")/.."
for manifest in tests/components/*/Cargo.toml; do
  [ -f "$manifest" ] && sed -n 's/^name = "\(.*\)"/\1/p' "$manifest"
done
