# Everyday commands; `cargo just --list` explains them.
