"""The log of a session: blocks of records, each chained to the one before it; the only authority on what happened."""
