#!/usr/bin/env bash
# Gathers the pages of the server and the npm package that they are built on, each file compressed beside itself, where the
# host's build looks. Usage: pages.sh OUTPUT_FOLDER SDK_FOLDER
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
find "$draft" -type f -exec gzip --keep --best --no-name {} +
# Only what changed is written, so that nothing is rebuilt for nothing.
(cd "$output" && find . -type f) | while read -r file; do [[ -e "$draft/$file" ]] || rm "$output/$file"; done
(cd "$draft" && find . -type f) | while read -r file; do
  cmp -s "$draft/$file" "$output/$file" || { mkdir -p "$(dirname "$output/$file")" && cp "$draft/$file" "$output/$file"; }
done
