"""The parts that both sides of a run share: survival mathematics, estimators, secure sums, plan, codebook and wire."""

__version__ = "0.4.0.dev0"
