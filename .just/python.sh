#!/usr/bin/env bash
# Builds the wheel `gatewit` into a folder, by maturin from PyPI. The shared library has been built with the host.
# Usage: python.sh OUTPUT_FOLDER. Exits with 3 where Python or maturin cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."

maturin=1.16.0

output="$1"
target="${CARGO_TARGET_DIR:-$PWD/target}"
cache="${GATEWIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gatewit}"
tool="$cache/python-maturin"
say() { printf 'python: %s\n' "$*" >&2; }

if ! grep -qs "^$maturin$" "$tool/version"; then
  command -v python3 >/dev/null || { say 'python3 is needed'; exit 3; }
  say 'fetching maturin (once)'
  "$(python3 -c 'import sys; print(sys.executable)')" -m pip install --quiet --upgrade --target "$tool" "maturin==$maturin" >&2 || { say 'maturin cannot be had'; exit 3; }
  printf '%s\n' "$maturin" >"$tool/version"
fi

case "$(uname)" in
  Darwin) extension=dylib ;;
  *) extension=so ;;
esac
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp -r host/embed/python/gatewit host/embed/python/README.md "$work/"
rm -rf "$work/gatewit/__pycache__"
cp "$target/release/libgatewit_packaged.$extension" "$work/gatewit/libgatewit_embedded.$extension"
sed "s|^manifest-path = .*|manifest-path = \"$PWD/host/embed/python/Cargo.toml\"|" host/embed/python/pyproject.toml >"$work/pyproject.toml"
rm -rf "$output"
# By itself: what its bindings ask of crates in common would build wasmtime again.
(cd "$work" && CARGO_TARGET_DIR="$target" "$tool/bin/maturin" build --quiet --release --compatibility linux --out "$output" >&2)
