"""What all command-line programs of riskset share."""
