"""What the centre makes of each kind of analysis."""
