"""Tests of groups and of coefficients, and differences of estimates."""
