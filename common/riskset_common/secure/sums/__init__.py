"""Secure sums (SA-1); secure_sum.md says who learns what."""
