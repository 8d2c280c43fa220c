"""The command `riskset`."""
