"""Heterogeneity: how much an effect differs among the sites."""
