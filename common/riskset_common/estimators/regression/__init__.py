"""Regression models: Cox and Fine-Gray."""
