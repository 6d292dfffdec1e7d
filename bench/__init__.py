"""Benchmarks and load tests; `make bench`."""
