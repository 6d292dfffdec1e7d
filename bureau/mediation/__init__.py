"""Noise measurements and mediation."""
