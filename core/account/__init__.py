"""Positions and money of the agents and of the desk, in integers."""
