"""Benchmarks: every figure beside its peers in the same run, on the same broker and bytes."""
