"""Computations on shares (BC-2): counts and blind models; blind.md says who learns what."""
