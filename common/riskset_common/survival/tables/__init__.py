"""Tables of counts, and numbers known in counts by value."""
