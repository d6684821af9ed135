#!/usr/bin/env bash
# Builds the npm package `gatewit` into a folder, and prints what browsers download of it.
# Usage: sdk.sh OUTPUT_FOLDER. Ends with 3 if what it is built with cannot be had on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."

# A promise to whoever adds the package to a page: module and glue together, compressed.
limit=25600
binaryen=132.0.0
esbuild=0.28.2

output="$1"
target="${CARGO_TARGET_DIR:-$PWD/target}"
cache="${GATEWIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gatewit}"
tools="$cache/npm-sdk-build"
say() { printf 'sdk: %s\n' "$*" >&2; }

has() { grep -qs "\"version\": \"$2\"" "$tools/node_modules/$1/package.json"; }
if ! has binaryen "$binaryen" || ! has esbuild "$esbuild"; then
  command -v npm >/dev/null || { say 'npm is needed: it brings wasm-opt and esbuild'; exit 3; }
  say 'fetching wasm-opt and esbuild (once)'
  mkdir -p "$tools"
  printf '{"private": true}\n' >"$tools/package.json"
  npm install --prefix "$tools" --ignore-scripts --no-audit --no-fund --silent --save-exact "binaryen@$binaryen" "esbuild@$esbuild" >&2 ||
    { say 'npm could not fetch them'; exit 3; }
fi

toolchain="$(.just/wasm-toolchain.sh)"
(
  eval "$toolchain"
  # Another compiler's artefacts must not mix with the host's.
  export CARGO_TARGET_DIR="$target/components"
  # Where sources lay on this machine is nobody's business, and not worth its place in the module.
  export RUSTFLAGS="--remap-path-prefix=$PWD= --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src="
  cargo build --quiet --profile sdk --target wasm32-unknown-unknown --package gatewit-sdk-web
)
bindgen=(cargo run --quiet --release --manifest-path .just/Cargo.toml --target-dir "$target/bindgen" --package gatewit-bindgen --)

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"${bindgen[@]}" "$target/components/wasm32-unknown-unknown/sdk/gatewit_sdk_web.wasm" "$work"
mv "$work/gatewit_sdk_web.js" "$work/module.js"
mkdir -p "$output"
# What the compiler uses by itself, which browsers have known for years; and nothing that they may not know.
features=(--enable-bulk-memory --enable-bulk-memory-opt --enable-multivalue --enable-mutable-globals
  --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext)
optimise() { node "$tools/node_modules/binaryen/bin/wasm-opt" "${features[@]}" "$@"; }
optimise -Oz --converge --strip-debug --strip-producers "$work/gatewit_sdk_web_bg.wasm" --output "$work/small.wasm"
optimise --minify-imports-and-exports-and-modules --strip-target-features "$work/small.wasm" --output "$output/gatewit.wasm" |
  node .just/shorten.mjs "$work/module.js"
cp sdk-web/npm/*.js "$work/"
node "$tools/node_modules/esbuild/bin/esbuild" "$work/index.js" --bundle --minify --format=esm --target=es2022 \
  --log-level=warning --outfile="$output/index.js"
cp sdk-web/npm/{package.json,index.d.ts,node.js,README.md} "$output/"
# What the module exports; the names below that are the compiler's.
sed '/^export type InitInput/,$d' "$work/gatewit_sdk_web.d.ts" >"$output/module.d.ts"

compressed() { gzip -9 --no-name --stdout "$1" | wc -c; }
module=$(compressed "$output/gatewit.wasm") glue=$(compressed "$output/index.js")
printf 'sdk: module %d B + glue %d B = %d B compressed, of at most %d B\n' "$module" "$glue" $((module + glue)) "$limit"
((module + glue <= limit)) || { say 'larger than promised'; exit 1; }
