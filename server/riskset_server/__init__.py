"""The coordinating centre: plans, runs, pooling, release and report."""
