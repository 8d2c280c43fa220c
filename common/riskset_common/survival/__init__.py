"""Survival mathematics: numpy arrays in, frozen dataclasses out; no files, clock, network or randomness.

Counting is kept apart from estimating: a site counts (`risk_table.count_on_grid`, `cox.cox_sums`), the centre estimates from
the pooled counts and sums (`kaplan_meier`, `cumulative_incidence`, `log_rank`, `gray`, `newton`, `wald`, `tables`).
"""
