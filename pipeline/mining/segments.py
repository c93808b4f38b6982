"""Customer segments: k-means on needs, behaviour, value and stage of life, or the finding that there are none.

Belongs here: the division itself and its result. Does not belong here: which behaviours count
(``segment_behaviours``), their scaling (``segment_scaling``), how many segments there are (``segment_choice``), their
words (``segment_profiles``), the assignment of other customers and months (``segment_assignment``, ``segment_drift``),
and the shares that a later policy may attach to a segment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pipeline.errors import InputError
from pipeline.frames import require_columns, require_rows, require_unique, require_values, require_whole_number
from pipeline.mining.segment_assignment import assign_segments, centroid_table
from pipeline.mining.segment_behaviours import BEHAVIOURS, RANKING_BEHAVIOUR, Behaviour
from pipeline.mining.segment_choice import Candidate, SegmentPolicy, choose, fit_candidate
from pipeline.mining.segment_profiles import behaviour_table, profile_table
from pipeline.mining.segment_scaling import DECIMALS, fit_scaling, scaled_values

SAMPLE_SIZE = 10_000

Outcome = Literal["segmented", "no_structure"]


@dataclass(frozen=True)
class Segmentation:
    """The outcome of `fit_segments`; every frame is in a fixed order.

    Attributes
    ----------
    outcome : {"segmented", "no_structure"}
        "no_structure" where shuffled tables give segments as far apart; then all customers are the one segment S1.
    reason_en, reason_zh : str
        The figures that decided it, and the behaviours that were left out.
    assignments : DataFrame
        ``customer_key, segment_code, centre_distance``: one row per customer, distance in scaled units.
    profiles : DataFrame
        ``segment_code, customer_count, customer_share, jaccard_stability, name_en, name_zh, description_en,
        description_zh``, one row per segment. ``S1`` has the highest median of the ranking behaviour, and so on down.
    behaviours : DataFrame
        ``segment_code, behaviour, block, measure, behaviour_name_en, behaviour_name_zh, mean_value, median_value,
        bank_mean_value, bank_median_value, deviation``: one row per segment and behaviour. ``deviation`` is the
        distance of the centre from the mean of all customers in standard deviations.
    centroids : DataFrame
        ``segment_code, behaviour, block, derivation, measure, unit, lower, upper, centre, scale, weight,
        scaled_centre``: all it takes to assign another customer, and what ``assignment_query`` is written from.
    criterion : DataFrame
        ``segment_count, silhouette, stability, smallest_jaccard, smallest_share, null_silhouette,
        highest_null_silhouette, excess, chance_excess, is_beyond_chance, is_eligible, is_chosen``: one row per number
        that was tried.
    segment_count : int
        The number of segments: the chosen one, or 1.
    silhouette, stability : float
        Of the chosen number, also where it was then found to tell nothing.
    is_stable : bool
        False where no number was eligible and the most stable one was taken.
    constant_behaviours : tuple of str
        Columns left out because all customers have the same value, but for a few at either end, or because nothing is
        known of anybody (``active_persons`` gives 0 for all then).
    """

    outcome: Outcome
    reason_en: str
    reason_zh: str
    assignments: pd.DataFrame
    profiles: pd.DataFrame
    behaviours: pd.DataFrame
    centroids: pd.DataFrame
    criterion: pd.DataFrame
    segment_count: int
    silhouette: float
    stability: float
    is_stable: bool
    constant_behaviours: tuple[str, ...]


def fit_segments(
    features: pd.DataFrame,
    seed: int,
    policy: SegmentPolicy,
    behaviours: Sequence[Behaviour] = BEHAVIOURS,
    ranking_behaviour: str = RANKING_BEHAVIOUR,
) -> Segmentation:
    """Divide customers into segments of like needs, behaviour and value, if there are any.

    The same features and seed give the same result in any order of the rows. The number of segments is chosen on a
    sample of `SAMPLE_SIZE`; the centres are then fitted to all customers.

    Parameters
    ----------
    features : DataFrame
        ``customer_key`` and the columns of `behaviours`, one row per customer; null is unknown and counts as the bank's
        mean.
    seed : int
        For the sample, the starts of k-means, the bootstrap and the shuffled tables.
    policy : SegmentPolicy
        Which numbers to try, and what is demanded of a division.
    behaviours : sequence of Behaviour
        The columns that count.
    ranking_behaviour : str
        The column whose median orders the segments.

    Returns
    -------
    Segmentation

    Raises
    ------
    InputError
        If columns are missing, wholly null, no numbers or infinite, there are no customers, a customer comes twice, no
        behaviour varies, there are fewer distinct customers than segments to try, or the seed is no whole number of 0
        or more.
    """
    _check_policy(policy)
    require_whole_number("seed", seed, 0)
    _check_features(features, [behaviour.column for behaviour in behaviours])
    customers = features.sort_values("customer_key", ignore_index=True)
    values = customers[[behaviour.column for behaviour in behaviours]].astype("float64")
    scaling = fit_scaling(values, behaviours)
    varying = [behaviour for behaviour in behaviours if behaviour.column in set(scaling["behaviour"])]
    values = values[[behaviour.column for behaviour in varying]]
    scaled = scaled_values(values, scaling)
    _check_distinct(scaled, policy.most_segments)

    # one thread: the sums of several come in any order, and differ in the last bits
    with threadpool_limits(limits=1):
        random = np.random.default_rng(seed)
        wholes = pd.factorize(np.array([behaviour.whole or behaviour.column for behaviour in varying]))[0]
        sample = scaled[np.sort(random.choice(len(scaled), size=min(SAMPLE_SIZE, len(scaled)), replace=False))]
        criterion, chosen = choose(
            [
                fit_candidate(sample, wholes, count, policy.random_tables, seed)
                for count in range(policy.fewest_segments, policy.most_segments + 1)
            ],
            policy,
        )
        is_beyond_chance = bool(criterion.loc[criterion["is_chosen"], "is_beyond_chance"].iloc[0])
        if is_beyond_chance:
            model = KMeans(chosen.segment_count, init=chosen.centres, n_init=1, random_state=seed).fit(scaled)
            order = _order(values, np.asarray(model.labels_), chosen.segment_count, ranking_behaviour)
            centres, jaccards = np.asarray(model.cluster_centers_)[order], chosen.jaccards[order]
        else:
            centres, jaccards = scaled.mean(axis=0, keepdims=True), np.ones(1)

    is_stable = bool(criterion["is_eligible"].any())
    centroids = centroid_table(scaling, centres)
    assignments = assign_segments(customers, centroids)
    table = behaviour_table(values, scaled, assignments["segment_code"], centres, varying)
    left_out = [behaviour for behaviour in behaviours if behaviour not in varying]
    reason_en, reason_zh = _reasons(criterion, chosen, left_out)
    return Segmentation(
        outcome="segmented" if is_beyond_chance else "no_structure",
        reason_en=reason_en,
        reason_zh=reason_zh,
        assignments=assignments,
        profiles=profile_table(table, assignments["segment_code"], jaccards, varying),
        behaviours=table,
        centroids=centroids,
        criterion=criterion,
        segment_count=len(centres),
        silhouette=round(chosen.silhouette, DECIMALS),
        stability=round(chosen.stability, DECIMALS),
        is_stable=is_stable,
        constant_behaviours=tuple(behaviour.column for behaviour in left_out),
    )


def _check_policy(policy: SegmentPolicy) -> None:
    if not 2 <= policy.fewest_segments <= policy.most_segments or policy.random_tables < 1:
        raise InputError(
            "the policy of segments cannot be followed",
            expected="fewest_segments at least 2, most_segments no fewer, and at least one random table",
            found=(
                f"fewest_segments {policy.fewest_segments}, most_segments {policy.most_segments}, "
                f"random_tables {policy.random_tables}"
            ),
            where="policy_segments",
            action="give for example 3 to 10 segments and 10 random tables",
        )


def _check_features(features: pd.DataFrame, columns: list[str]) -> None:
    require_columns(features, ["customer_key", *columns], "features")
    require_rows(features, "features")
    require_values(features, ["customer_key"], "features")
    require_unique(features, ["customer_key"], "features")
    unknown = [column for column in columns if features[column].isna().all()]
    if unknown:
        raise InputError(
            "features has columns without any value",
            expected="a value for at least some customers in each behaviour",
            found=f"only nulls in {', '.join(unknown)}",
            where="features",
            action="leave the behaviour out, or load the feed that it comes from",
        )
    _check_numbers(features[columns])


def _check_numbers(values: pd.DataFrame) -> None:
    others = [f"{name} is {dtype}" for name, dtype in values.dtypes.items() if not is_numeric_dtype(dtype)]
    if others:
        raise InputError(
            "features has behaviours that are no numbers",
            expected="a numeric column for each behaviour",
            found=", ".join(others),
            where="features",
            action="cast the column to double in the query",
        )
    infinite = np.isinf(values.to_numpy(dtype="float64", na_value=np.nan)).sum(axis=0)
    if infinite.any():
        raise InputError(
            "features has infinite values",
            expected="finite numbers, or null where a behaviour is unknown",
            found=", ".join(f"{count:,} in {name}" for name, count in zip(values, infinite, strict=True) if count),
            where="features",
            action="mend the division by zero in the query, for example with nullif",
        )


def _check_distinct(scaled: np.ndarray, most_segments: int) -> None:
    distinct = len(np.unique(scaled, axis=0))
    if distinct <= most_segments:
        raise InputError(
            "there are too few customers for the numbers of segments to try",
            expected=f"more than {most_segments} customers that differ",
            found=str(distinct),
            where="features",
            action="try fewer segments, or wait for more customers",
        )


def _order(values: pd.DataFrame, labels: np.ndarray, segment_count: int, ranking_behaviour: str) -> np.ndarray:
    """Return k-means' labels from the highest median of the ranking behaviour down; equal ones by their means."""
    by_label = values.groupby(labels)
    means, medians = by_label.mean(), by_label.median()
    # the ranking behaviour may have been constant, and so left out
    keys = [medians[ranking_behaviour]] if ranking_behaviour in medians else []
    keys += [means[column] for column in means.columns]
    ranking = pd.concat(keys, axis=1, ignore_index=True).reindex(range(segment_count))
    return ranking.sort_values(list(ranking.columns), ascending=False, kind="stable").index.to_numpy()


def _reasons(criterion: pd.DataFrame, chosen: Candidate, left_out: Sequence[Behaviour]) -> tuple[str, str]:
    """Say what was found and what was left out; a feed that fails to come must not pass in silence."""
    finding_en, finding_zh = _findings(criterion, chosen)
    if not left_out:
        return finding_en, finding_zh
    names_en = ", ".join(behaviour.name_en for behaviour in left_out)
    names_zh = "、".join(behaviour.name_zh for behaviour in left_out)
    return (
        f"{finding_en} Left out, as the same for all or known of nobody: {names_en}.",
        f"{finding_zh}未计入（全体相同或均无数据）：{names_zh}。",
    )


def _findings(criterion: pd.DataFrame, chosen: Candidate) -> tuple[str, str]:
    of_chosen = criterion[criterion["is_chosen"]].iloc[0]
    count, weakest, tables = chosen.segment_count, chosen.jaccards.min(), len(chosen.null_silhouettes)
    figures_en = (
        f"silhouette {chosen.silhouette:.3f}, by {chosen.excess:.3f} above {tables} shuffled tables, where chance "
        f"explains {of_chosen['chance_excess']:.3f}"
    )
    figures_zh = (
        f"轮廓系数 {chosen.silhouette:.3f}，比 {tables} 张打乱的表高 {chosen.excess:.3f}，"
        f"随机可解释 {of_chosen['chance_excess']:.3f}"
    )
    if not of_chosen["is_beyond_chance"]:
        return (
            f"No structure: {count} segments are no further apart than chance makes them ({figures_en}).",
            f"无结构：{count} 个分群与随机所得无明显差别（{figures_zh}）。",
        )
    if not of_chosen["is_eligible"]:
        return (
            f"{count} segments, the most stable number, but no number met the policy: stability "
            f"{chosen.stability:.2f}, weakest segment {weakest:.2f} ({figures_en}).",
            f"{count} 个分群，为最稳定的数目，但无任何数目达到政策要求：稳定性 {chosen.stability:.2f}，"
            f"最弱分群 {weakest:.2f}（{figures_zh}）。",
        )
    return (
        f"{count} segments: the finest division that is stable and apart; stability {chosen.stability:.2f}, weakest "
        f"segment {weakest:.2f} ({figures_en}).",
        f"{count} 个分群：稳定且可分的最细划分；稳定性 {chosen.stability:.2f}，最弱分群 "
        f"{weakest:.2f}（{figures_zh}）。",
    )
