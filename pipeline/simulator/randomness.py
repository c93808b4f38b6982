"""Streams of random numbers, one per subject and month.

Belongs here: how a seed becomes generators. Does not belong here: any distribution.

A subject draws from its own stream, so that a change in one module leaves what the others draw as it was, and a month
draws nothing from the stream of a later one, so that a longer simulation begins with the same files as a shorter one.
"""

import zlib

import numpy as np


def stream(seed: int, subject: str, month_index: int = 0) -> np.random.Generator:
    """Return the generator of a subject (any text) in a month (0 is the first)."""
    return np.random.default_rng([seed, zlib.crc32(subject.encode()), month_index])


def pick(generator: np.random.Generator, shares: np.ndarray) -> np.ndarray:
    """Draw one column index per row of a matrix of shares (rows sum to one)."""
    edges = np.cumsum(shares, axis=1)[:, :-1]
    return (generator.random(len(shares))[:, None] >= edges).sum(axis=1)
