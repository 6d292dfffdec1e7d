"""Measurements, and mediation by enforcement, community and volunteers."""
