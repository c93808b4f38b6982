"""Orchestration and library of the customer credit warehouse."""
