"""Roles: their permissions and their row scopes."""
