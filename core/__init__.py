"""The market and the rules: tapes, book, matching, features, risk, execution, the engine."""
