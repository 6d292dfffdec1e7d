"""Registers that are printed and filed."""
