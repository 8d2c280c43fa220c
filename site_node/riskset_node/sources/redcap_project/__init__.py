"""One REDCap project: its interface, its raw exports, and how rows of events and repeats become one row a record."""
