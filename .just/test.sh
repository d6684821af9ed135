#!/usr/bin/env bash
# All tests, part after part, with one sum at the end. A failing part does not end the run, a part in which no test ran
# or which did not build fails it. The last line is always `N passed, N failed, N skipped`.
#
# An argument narrows the run to tests whose name contains it; a part without such a test is then no failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

filter=("$@")
passed=0 failed=0 skipped=0
failures=() skips=()
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# broken WHY: counts something other than a test that failed.
broken() {
  failed=$((failed + 1))
  failures+=("$1")
}

# part TITLE COMMAND…: runs the command, shows its output as it comes, adds up what it counted.
part() {
  local title=$1 status counted=0 line failed_before=$failed
  shift
  printf '\n== %s\n' "$title"
  "$@" 2>&1 | tee "$output"
  status=${PIPESTATUS[0]}
  while IFS= read -r line; do
    line=${line%$'\r'}
    if [[ $line =~ ^test\ result:\ [a-zA-Z]+\.\ ([0-9]+)\ passed\;\ ([0-9]+)\ failed\;\ ([0-9]+)\ ignored ]] ||
      [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
      passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + BASH_REMATCH[3]))
      counted=$((counted + BASH_REMATCH[1] + BASH_REMATCH[2] + BASH_REMATCH[3]))
    elif [[ $line =~ ^test\ (.*)\ \.\.\.\ FAILED$ ]]; then
      failures+=("${BASH_REMATCH[1]}")
    elif [[ $line =~ ^FAILED\ +(.*)$ ]]; then
      failures+=("${BASH_REMATCH[1]}")
    elif [[ $line =~ ^test\ (.*)\ \.\.\.\ ignored(.*)$ ]]; then
      skips+=("${BASH_REMATCH[1]}${BASH_REMATCH[2]}")
    elif [[ $line =~ ^skip\ +(.*)$ ]]; then
      skips+=("${BASH_REMATCH[1]}")
    fi
  done <"$output"
  if ((counted == 0 && ${#filter[@]} == 0)); then
    broken "$title: no test ran"
  elif ((status != 0 && failed == failed_before && ${#filter[@]} == 0)); then
    broken "$title: did not build, or ended early"
  fi
}

# The rules are pure and need no wasmtime; the rest is one selection of packages, as in the justfile.
host=(--package gatewit-host --package e2e)
rules=(--package gatewit-auth --package gatewit-jose --package gatewit-oauth --package gatewit-fetch --package gatewit-saml-protocol --package gatewit-ldap-protocol)
part 'browser SDK' cargo test --release --package gatewit-sdk-web --lib --no-fail-fast -- "${filter[@]}"
part 'rules' cargo test --release "${rules[@]}" --lib --no-fail-fast -- "${filter[@]}"
part 'host, harness and benchmark' cargo test --release "${host[@]}" --package gatewit-embedded --lib --bin bench --no-fail-fast -- "${filter[@]}"
part 'documentation' cargo test --release "${host[@]}" --doc --no-fail-fast -- "${filter[@]}"
# Needs npm and a compiler for WebAssembly. Without them the suite `sdk_web` says what it lacks.
command -v npm >/dev/null && { .just/sdk.sh "${CARGO_TARGET_DIR:-$PWD/target}/sdk" || broken 'browser SDK: did not build, or is larger than promised'; }
# The tests of its module, which the suite runs in a browser.
command -v node >/dev/null && { .just/sdk-tests.sh "${CARGO_TARGET_DIR:-$PWD/target}/sdk-tests" || broken 'browser SDK: its tests did not build'; }
# Without it the suite `embedding_node` says what is missing.
.just/node.sh "${CARGO_TARGET_DIR:-$PWD/target}/node" || broken 'Node: the package did not build'
# It has one name, and no filter means it.
((${#filter[@]})) || part 'C header' .just/header.sh check
.just/c.sh "${CARGO_TARGET_DIR:-$PWD/target}/c" || broken 'C: the library was not laid out'
# Without Python or maturin the suite `embedding_python` says what is missing.
.just/python.sh "${CARGO_TARGET_DIR:-$PWD/target}/python" || [ $? = 3 ] || broken 'Python: the wheel did not build'
part 'suites' cargo test --release "${host[@]}" --test suites -- "${filter[@]}"

printf '\n'
((${#skips[@]})) && printf 'skipped: %s\n' "${skips[@]}"
((${#failures[@]})) && printf 'failed: %s\n' "${failures[@]}"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0 && passed > 0))
