"""Arithmetic on shares: field, committee, products, reciprocals, logarithms."""
