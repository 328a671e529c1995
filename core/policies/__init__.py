"""Policies: what to do next with a parent order, compiled or in Python, behind one port."""
