"""What each party does in a blind model: site, member, centre."""
