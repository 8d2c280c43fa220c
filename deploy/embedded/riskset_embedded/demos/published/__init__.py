"""A published report beside a run of its plan: how far each figure is apart, and whether the report agrees with itself."""
