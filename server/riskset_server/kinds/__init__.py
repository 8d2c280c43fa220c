"""The kinds of analysis at the centre."""
