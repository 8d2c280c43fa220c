"""The site node: what runs at a hospital, beside the patient data, and sends masked sums only."""
