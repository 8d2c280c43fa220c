"""What one round asks, worked out by both sides from the approved plan."""
