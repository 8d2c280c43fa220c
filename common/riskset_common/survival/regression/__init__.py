"""The Cox partial likelihood: its sums, its maximum, its variances and its tests."""
