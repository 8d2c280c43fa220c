"""What a site must not forget: one file, one transaction a step."""
