"""Shared by pages and rules: typed results and ticks of axes."""
