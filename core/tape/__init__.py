"""Tapes: folders of memory-mapped messages with checkpoints, and how they are written and read."""
