"""What tests demand of segments, unless they say otherwise."""

from pipeline.mining.segment_choice import SegmentPolicy


def segment_policy(
    fewest_segments: int = 3,
    most_segments: int = 10,
    smallest_share: float = 0.01,
    least_stability: float = 0.80,
    least_jaccard: float = 0.75,
    random_tables: int = 10,
) -> SegmentPolicy:
    """Return a policy; a bank's own is a row of ``policy.policy_segments``."""
    return SegmentPolicy(fewest_segments, most_segments, smallest_share, least_stability, least_jaccard, random_tables)
