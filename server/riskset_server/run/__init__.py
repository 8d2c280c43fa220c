"""One run of one plan, sans I/O."""
