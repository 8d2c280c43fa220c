"""The questions of a round, derived by both sides from the approved plan."""
