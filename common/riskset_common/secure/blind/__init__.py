"""Blind models (BC-1); blind.md says who learns what."""
