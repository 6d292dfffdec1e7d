"""Referrals on screen and on paper."""
