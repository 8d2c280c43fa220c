"""Risk tables and survival curves."""
