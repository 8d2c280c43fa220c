"""The parties of a blind model: site, member, centre."""
