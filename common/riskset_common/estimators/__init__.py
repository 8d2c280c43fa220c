"""Estimators: the contract, the catalogue, and one folder for each family of analyses."""
