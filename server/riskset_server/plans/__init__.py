"""Plans at the centre: submitted, signed, outlined."""
