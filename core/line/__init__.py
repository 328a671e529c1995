"""The straight line, compiled: book, features, policy, gate, venue, account."""
