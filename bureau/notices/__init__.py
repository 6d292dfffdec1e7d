"""Notices of steps and deadlines."""
