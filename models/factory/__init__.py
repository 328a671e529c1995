"""Training: tapes in, a checked model with its card out."""
