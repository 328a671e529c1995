"""The simulated venue: our orders inside the tape's queues, without touching the tape's book."""
