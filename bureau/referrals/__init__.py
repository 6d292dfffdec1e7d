"""Referrals of cases to other departments (移送、抄告、联动协调)."""
