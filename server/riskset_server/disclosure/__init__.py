"""What of an exact result may be released."""
