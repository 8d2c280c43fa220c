"""Tests between groups: what sites compute alone, programs that compute the rest, and what is released of what was opened."""
