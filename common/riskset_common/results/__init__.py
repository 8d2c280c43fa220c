"""What results hold, and how they are written and read."""
