"""Queries for lists."""
