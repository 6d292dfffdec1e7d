"""Roles: what each may do and which rows it reaches."""
