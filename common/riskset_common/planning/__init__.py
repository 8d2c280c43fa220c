"""Reading a plan, and checking it against the codebook and the sites."""
