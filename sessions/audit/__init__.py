"""The journal as tables: a projection of the log into DuckDB, and what can be asked of it."""
