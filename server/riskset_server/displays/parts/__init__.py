"""The building blocks of tables and figures."""
