"""What follows from the records of a site: derived variables, endpoints, and the first of several events."""
