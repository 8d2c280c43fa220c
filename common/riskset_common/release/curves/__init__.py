"""Curves as they are released: values at public times that each group's events allow, numbers at risk, quantiles, areas, differences."""
