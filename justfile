# Everyday commands. `cargo just` lists them, `cargo just <recipe>` runs one; nothing has to be installed first.

set positional-arguments

target := env("CARGO_TARGET_DIR", justfile_directory() / "target")

# What is always built together: with another selection, features of shared dependencies differ and wasmtime is built again.
# Bindings for other languages are built by themselves, and load what is built here.
packages := "--package gatewit-host --package e2e --package gatewit-embedded --package gatewit-packaged"

# The list of recipes.
default:
    @just --list --unsorted

# Builds everything and serves on http://127.0.0.1:8055, data in ./data.
serve *arguments: (_binary)
    @exec "{{ target }}/release/gatewit" {{ arguments }}

# Builds one self-contained binary and prints its path.
build: (_binary)
    @echo "{{ target }}/release/gatewit"

# Builds the first-party components, which the binary holds.
components:
    @.just/components.sh "{{ target }}/wasm" gatewit-auth gatewit-ldap gatewit-local gatewit-oauth2 gatewit-openid gatewit-saml

# Builds the misbehaving components of the tests.
test-components:
    @.just/components.sh "{{ target }}/wasm-tests" $(.just/guests.sh)

# Builds the npm package `gatewit` and prints what browsers download of it.
sdk:
    @.just/sdk.sh "{{ target }}/sdk"
    @echo "{{ target }}/sdk"

# Builds the tests of the browser SDK that run in a browser.
sdk-tests:
    @.just/sdk-tests.sh "{{ target }}/sdk-tests"

# Builds the npm package `gatewit-node` and prints its folder.
node: (_binary)
    @.just/node.sh "{{ target }}/node"
    @echo "{{ target }}/node"

# Builds the Python wheel `gatewit` and prints its folder.
python: (_binary)
    @.just/python.sh "{{ target }}/python"
    @echo "{{ target }}/python"

# Gets what the tests need and runs them all, or those whose names contain an argument.
test *filter: (_binary) test-components
    @.just/test.sh {{ filter }}

# Measures, and prints one table. `--quick` for a first look.
bench *arguments: (_binary) test-components
    @GATEWIT_WASM="{{ target }}/wasm" GATEWIT_TEST_WASM="{{ target }}/wasm-tests" "{{ target }}/release/bench" {{ arguments }}

# Lays out the C library: header and shared library. Prints the folder.
c: (_binary)
    @.just/c.sh "{{ target }}/c"
    @echo "{{ target }}/c"

# Writes the C header anew from the source of the shared library.
header:
    @.just/header.sh

# What a change must pass besides the tests: formatting, lints, documentation, that what is generated is what is committed,
# and that the public API has no types but those that it may have.
check: components pages
    cargo fmt --all --check
    .just/header.sh check
    cargo clippy --release {{ packages }} --all-targets -- --deny warnings
    cargo clippy --release --package gatewit-library --package gatewit-node --package gatewit-python --all-targets -- --deny warnings
    cargo clippy --release --package gatewit-auth --package gatewit-fetch --package gatewit-jose --package gatewit-ldap --package gatewit-ldap-protocol --package gatewit-local --package gatewit-oauth --package gatewit-oauth2 --package gatewit-openid --package gatewit-saml --package gatewit-saml-protocol --package gatewit-sdk-web --all-targets -- --deny warnings
    .just/public.sh
    RUSTDOCFLAGS="--deny warnings" cargo doc --release {{ packages }} --no-deps --document-private-items

# Formats the sources.
fmt:
    cargo fmt --all

# The npm package and the pages that are built on it, as the binary holds them; nothing where there is no Node.
pages:
    @.just/pages.sh "{{ target }}/pages" "{{ target }}/sdk"

_binary: components pages
    @cargo build --release {{ packages }} --lib --bins --examples
