#!/usr/bin/env bash
# Prints the environment (shell assignments, for `eval`) that builds for WebAssembly.
#
# Order: the active toolchain has both targets → rustup may add them → Debian's packages, unpacked beside the caches
# without root and without touching the system → one clear error. What was fetched once is found again next time.
set -euo pipefail

targets=(wasm32-wasip2 wasm32-unknown-unknown)
cache="${GATEWIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gatewit}"
prefix="$cache/wasm-toolchain"
say() { printf 'wasm toolchain: %s\n' "$*" >&2; }

has_targets() {
  local sysroot target
  sysroot="$(rustc --print sysroot)" || return 1
  for target in "${targets[@]}"; do
    [ -d "$sysroot/lib/rustlib/$target/lib" ] || return 1
  done
}

# Debian's archive as packages: verified by its keyring, unpacked into $prefix, run with the prefix's own C library.
from_debian() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  [ "$(dpkg --print-architecture)" = amd64 ] || return 1
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -f "$keyring" ] || keyring=/usr/share/keyrings/debian-archive-trixie-automatic.gpg
  [ -f "$keyring" ] || return 1
  local mirror
  mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v -- -security | sort -u | head -n 1)"
  [ -n "$mirror" ] || return 1

  say "fetching the WebAssembly standard libraries from Debian (190 MB, once)"
  rm -rf "$prefix" "$prefix.new"
  local work="$prefix.new"
  mkdir -p "$work"/{lists/partial,archives/partial,root,bin}
  : >"$work/status"
  printf 'deb [signed-by=%s] %s forky main\n' "$keyring" "$mirror" >"$work/sources.list"
  local apt=(-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o Dir::State="$work" -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status"
    -o Dir::Cache="$work" -o Dir::Cache::archives="$work/archives" -o APT::Sandbox::User=root
    -o APT::Get::List-Cleanup=0 -o Acquire::Languages=none -o Acquire::Retries=3)
  apt-get "${apt[@]}" -qq update >&2

  # Versions move, so names are read from the dependencies.
  depends_on() { apt-cache "${apt[@]}" depends --no-recommends --no-suggests "$1" | sed -n 's/^ *Depends: //p' | grep -E "$2" | head -n 1; }
  local libstd llvm
  libstd="$(depends_on libstd-rust-dev '^libstd-rust-1\.')"
  llvm="$(depends_on "$libstd" '^libllvm[0-9]+')"
  local version="${llvm#libllvm}"
  local packages=(rustc libstd-rust-dev "$libstd" libstd-rust-dev-wasm32 "$llvm" "lld-$version"
    libc6 libgcc-s1 libstdc++6 zlib1g libzstd1 libxml2-16 libz3-4 libedit2 libffi8 libtinfo6 libbsd0 libmd0)
  (cd "$work/archives" && apt-get "${apt[@]}" -qq download "${packages[@]}" >&2)
  local package
  for package in "$work"/archives/*.deb; do dpkg-deb -x "$package" "$work/root"; done
  rm -rf "$work/archives" "$work/lists" "$work"/*.bin

  wrap() { # name, program, further arguments: a script that starts the program with the prefix's own loader
    printf '#!/bin/sh\nexec "%s/root/usr/lib64/ld-linux-x86-64.so.2" --library-path "%s/root/usr/lib/x86_64-linux-gnu:%s/root/usr/lib/llvm-%s/lib" "%s/root/usr/bin/%s" %s "$@"\n' \
      "$prefix" "$prefix" "$prefix" "$version" "$prefix" "$2" "${3:-}" >"$work/bin/$1"
    chmod +x "$work/bin/$1"
  }
  wrap rustc rustc "--sysroot \"$prefix/root/usr\""
  wrap wasm-ld "wasm-ld-$version"
  wrap rust-lld "lld-$version"

  mv "$work" "$prefix"
}

# The linker that wasm32-wasip2 names; rustup's toolchains carry it, Debian's do not.
component_linker() {
  [ -x "$prefix/bin/wasm-component-ld" ] && return 0
  say "building wasm-component-ld (one to three minutes, once)"
  cargo install wasm-component-ld --version 0.5.31 --root "$prefix" --target-dir "$cache/wasm-component-ld" >&2
  rm -rf "$cache/wasm-component-ld"
}

if has_targets; then
  exit 0
fi
if [ -x "$prefix/bin/wasm-component-ld" ]; then
  :
elif command -v rustup >/dev/null && [ "${RUSTUP_AUTO_INSTALL:-1}" != 0 ] && rustup target add "${targets[@]}" >&2; then
  exit 0
elif { [ -x "$prefix/bin/rustc" ] || from_debian; } && component_linker; then
  :
else
  say "cannot build for WebAssembly on this machine."
  say "Install the targets with: rustup target add ${targets[*]}"
  say "or use a Debian system with apt-get and its archive keyring."
  exit 1
fi
printf 'export RUSTC=%q PATH=%q:"$PATH"\n' "$prefix/bin/rustc" "$prefix/bin"
