"""What released results tell: a gate before they are published."""
