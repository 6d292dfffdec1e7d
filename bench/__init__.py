"""Measurements over many records; `make bench`."""
