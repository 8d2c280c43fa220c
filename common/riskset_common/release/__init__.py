"""What is released of an analysis: programs that compute on counts, open what may be shown, and make the result of what was opened."""
