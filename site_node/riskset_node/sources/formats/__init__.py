"""What the sources of files know about formats of files: how they begin, how they store dates, and what a value in them was made by."""
