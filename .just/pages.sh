#!/usr/bin/env bash
# Gathers the pages of the server and the npm package that they are built on, each file compressed beside itself, where the
# host's build looks. Usage: pages.sh OUTPUT_FOLDER SDK_FOLDER
#
# The script of each page is joined with the modules that it imports, so that a browser asks once and not for twenty files; the
# package and the words of a language stay files of their own.
#
# Where there is no Node, or npm reaches no registry, the package cannot be built, and the folder stays empty: a server without
# pages. A package that does not build for another reason is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

output="$1" sdk="$2"
mkdir -p "$output"
leave_out() {
  printf 'pages: left out, because %s; the server says so under /admin\n' "$1" >&2
  rm -rf "${output:?}"/*
  exit 0
}
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then leave_out 'Node and npm are not installed'; fi
status=0
.just/sdk.sh "$sdk" || status=$?
((status == 3)) && leave_out 'npm could not fetch what they are built with'
((status == 0)) || exit "$status"

draft="$(mktemp -d)"
trap 'rm -rf "$draft"' EXIT
cp -r sdk-web/pages/. "$draft/"
rm "$draft/README.md"
mkdir -p "$draft/assets/gatewit"
cp "$sdk/index.js" "$sdk/gatewit.wasm" "$draft/assets/gatewit/"
scripts="$(sed -n 's|.*<script type="module" src="[./]*\(assets/[a-z-]*\.js\)".*|sdk-web/pages/\1|p' sdk-web/pages/*.html | sort -u)"
# shellcheck disable=SC2086 # a list of names without blanks
"${GATEWIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gatewit}/npm-sdk-build/node_modules/esbuild/bin/esbuild" $scripts --bundle --minify \
  --format=esm --target=es2022 --external:./gatewit/index.js --log-level=warning --outdir="$draft/assets" --allow-overwrite
find "$draft" -type f -exec gzip --keep --best --no-name {} +
# Only what changed is written, so that nothing is rebuilt for nothing.
(cd "$output" && find . -type f) | while read -r file; do [[ -e "$draft/$file" ]] || rm "$output/$file"; done
(cd "$draft" && find . -type f) | while read -r file; do
  cmp -s "$draft/$file" "$output/$file" || { mkdir -p "$(dirname "$output/$file")" && cp "$draft/$file" "$output/$file"; }
done
