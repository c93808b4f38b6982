"""Scores of events to come, for whatever event: additive models, honest splits, measures with their uncertainty.

Frames in, frames out; no orchestration and no warehouse access. What the event is and which features count is said by
the domains that use it (``credit``, ``mining``).
"""
