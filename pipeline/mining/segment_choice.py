"""How many segments there are, and whether there are any: separation, stability, and what shuffled tables yield.

Belongs here: the candidates, their figures and the rule that chooses among them. Does not belong here: scaling, the
final division and its words.

For each number of segments, k-means on one sample of customers. Its *silhouette* (Rousseeuw 1987, J. Comp. Appl. Math.
20, 53-65) says how well the segments are apart. Fits on bootstrap samples say how well they come back: *stability* is
the mean adjusted Rand index (Hubert and Arabie 1985, J. Classif. 2, 193-218) between the two divisions of the sample,
and the *Jaccard stability* of each segment is the mean of its best Jaccard coefficient with a segment of the other fit
(Hennig 2007, Comp. Stat. Data Anal. 52, 258-271: below 0.6 it is not to be trusted, from 0.75 on it is stable).

Eligible is a number whose division is stable as a whole and segment by segment, with no segment too small to be worth
a campaign.

k-means cuts any cloud into pieces. Therefore the same fits, with as many starts, are made on shuffled tables: every
distribution stays, what goes together is lost. Behaviours of one whole are shuffled together: shares of the same
purchases add up to one and are coarse where purchases are few, so that they hang together in any bank, and shuffled one
by one they would make a null that anybody beats. By how much the silhouette exceeds the mean of those of the shuffled
tables is the *excess*: what the number owes to structure rather than to its size (the gap of Tibshirani, Walther and
Hastie 2001, J. R. Stat. Soc. B 63, 411-423, with silhouettes). Chosen is the largest eligible number whose excess is at
least `EXCESS_SHARE` of the best among these: a finer division that comes back as surely says more. If none is eligible
it is the most stable one.

The number is chosen, and so chance has its choice, too: of each shuffled table counts the number of segments at which
its own silhouette exceeds the mean of all of them most. A division tells of structure only if its excess is above what
every shuffled table reaches, above their mean by `CLEAR_DEVIATIONS` of their standard deviations, and above
`CLEAR_EXCESS`. Shuffling a single whole changes nothing, so that one behaviour, or one composition, alone is never
structure: what is found is that wholes go together.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from pipeline.mining.segment_scaling import DECIMALS

EXCESS_SHARE = 0.85  # in 28 tables of four planted groups a fifth, cut out of one, had 0.50 to 0.82 of the best excess
CLEAR_DEVIATIONS = 3.0
CLEAR_EXCESS = 0.02  # of a silhouette; less is the luck of the starts, and of no use to anybody
SILHOUETTE_SAMPLE_SIZE = 3_000  # its cost is quadratic: 3,000 customers take about 0.15 s
BOOTSTRAPS = 20
STARTS = 5  # of observed and shuffled tables alike; 10 found nothing better among 20,000 customers
STARTS_OF_REFITS = 3  # of bootstrap samples, where a poor fit can only make a division look less stable


@dataclass(frozen=True)
class SegmentPolicy:
    """What a bank demands of its segments.

    Attributes
    ----------
    fewest_segments, most_segments : int
        The numbers to try. A division in two nearly always has the best silhouette, and only says more and less.
    smallest_share : float
        Of all customers in the smallest segment.
    least_stability : float
        Mean adjusted Rand index between bootstrap fits.
    least_jaccard : float
        Of the segment that comes back worst.
    random_tables : int
        Shuffled tables that the silhouette has to exceed.
    """

    fewest_segments: int
    most_segments: int
    smallest_share: float
    least_stability: float
    least_jaccard: float
    random_tables: int


@dataclass(frozen=True)
class Candidate:
    """One number of segments: the centres that the sample gives, and the figures that judge it.

    Attributes
    ----------
    segment_count : int
    centres : ndarray of float, shape (segments, behaviours)
    silhouette, stability, smallest_share : float
    jaccards : ndarray of float, shape (segments,)
        Jaccard stability of each segment, in the order of `centres`.
    null_silhouettes : ndarray of float, shape (random tables,)
    """

    segment_count: int
    centres: np.ndarray
    silhouette: float
    stability: float
    smallest_share: float
    jaccards: np.ndarray
    null_silhouettes: np.ndarray

    @property
    def excess(self) -> float:
        """By how much the silhouette exceeds the mean of those of shuffled tables."""
        return float(self.silhouette - self.null_silhouettes.mean())

    @property
    def null_excesses(self) -> np.ndarray:
        """By how much the silhouette of each shuffled table exceeds their mean."""
        excesses: np.ndarray = self.null_silhouettes - self.null_silhouettes.mean()
        return excesses


def fit_candidate(
    sample: np.ndarray, wholes: np.ndarray, segment_count: int, random_tables: int, seed: int
) -> Candidate:
    """Divide a sample into so many segments, and measure how well they are apart and come back.

    Every candidate with the same seed meets the same bootstrap samples and the same shuffled tables, so that their
    figures can be compared.

    Parameters
    ----------
    sample : ndarray of float, shape (customers, behaviours)
        In scaled units.
    wholes : ndarray of int, shape (behaviours,)
        Columns with the same number are shuffled together.
    segment_count, random_tables, seed : int

    Returns
    -------
    Candidate
    """
    model = KMeans(segment_count, n_init=STARTS, random_state=seed).fit(sample)
    labels = np.asarray(model.labels_)
    stability, jaccards = _bootstrap(sample, labels, segment_count, seed)
    return Candidate(
        segment_count=segment_count,
        centres=np.asarray(model.cluster_centers_),
        silhouette=_silhouette(sample, labels, seed),
        stability=stability,
        smallest_share=float(np.bincount(labels, minlength=segment_count).min() / len(sample)),
        jaccards=jaccards,
        null_silhouettes=_null_silhouettes(sample, wholes, segment_count, random_tables, seed),
    )


def _bootstrap(sample: np.ndarray, labels: np.ndarray, segment_count: int, seed: int) -> tuple[float, np.ndarray]:
    random = np.random.default_rng([seed, 1])
    agreements, jaccards = [], []
    for bootstrap in range(BOOTSTRAPS):
        resample = sample[random.integers(len(sample), size=len(sample))]
        model = KMeans(segment_count, n_init=STARTS_OF_REFITS, random_state=seed + 1 + bootstrap).fit(resample)
        others = model.predict(sample)
        agreements.append(adjusted_rand_score(labels, others))
        jaccards.append(best_jaccards(labels, others, segment_count))
    return float(np.mean(agreements)), np.mean(jaccards, axis=0)


def best_jaccards(labels: np.ndarray, others: np.ndarray, segment_count: int) -> np.ndarray:
    """Compare each segment of one division with the segment of another that is most like it.

    Parameters
    ----------
    labels, others : ndarray of int
        Two divisions of the same customers, labels from 0 to `segment_count` - 1.
    segment_count : int

    Returns
    -------
    ndarray of float, shape (segment_count,)
        For each label of the first division, the largest |A and B| / |A or B| over the segments B of the second.

    Examples
    --------
    >>> best_jaccards(np.array([0, 0, 0, 1]), np.array([1, 1, 0, 0]), 2).round(3).tolist()
    [0.667, 0.5]
    """
    shared = np.zeros((segment_count, segment_count))
    np.add.at(shared, (labels, others), 1)
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
    best: np.ndarray = (shared / np.maximum(either, 1)).max(axis=1)
    return best


def shuffled_table(sample: np.ndarray, wholes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Shuffle customers within each whole: what is within a whole stays, what goes together across wholes is lost.

    Parameters
    ----------
    sample : ndarray of float, shape (customers, behaviours)
    wholes : ndarray of int, shape (behaviours,)
        Columns with the same number are shuffled together.
    random : Generator

    Returns
    -------
    ndarray of float, shape (customers, behaviours)
    """
    shuffled = np.empty_like(sample)
    for whole in np.unique(wholes):
        is_own = wholes == whole
        shuffled[:, is_own] = random.permutation(sample[:, is_own], axis=0)
    return shuffled


def _null_silhouettes(
    sample: np.ndarray, wholes: np.ndarray, segment_count: int, random_tables: int, seed: int
) -> np.ndarray:
    random = np.random.default_rng([seed, 2])
    silhouettes = []
    for table in range(random_tables):
        shuffled = shuffled_table(sample, wholes, random)
        model = KMeans(segment_count, n_init=STARTS, random_state=seed + 1 + table).fit(shuffled)
        silhouettes.append(_silhouette(shuffled, np.asarray(model.labels_), seed))
    return np.array(silhouettes)


def _silhouette(sample: np.ndarray, labels: np.ndarray, seed: int) -> float:
    size = min(SILHOUETTE_SAMPLE_SIZE, len(sample))
    drawn = np.sort(np.random.default_rng([seed, 3]).choice(len(sample), size=size, replace=False))
    if len(np.unique(labels[drawn])) < 2:
        return 0.0  # Rousseeuw's convention for a customer who is alone: nothing to be apart from
    return float(silhouette_score(sample[drawn], labels[drawn]))


def chance_excess(candidates: list[Candidate]) -> float:
    """Return the excess that a division has to be above, because chance may reach it with its own choice of a number.

    Parameters
    ----------
    candidates : list of Candidate
        Fitted to the same shuffled tables.

    Returns
    -------
    float
        The largest of: the highest of the shuffled tables' best excesses over all candidates, their mean plus
        `CLEAR_DEVIATIONS` standard deviations, and `CLEAR_EXCESS`.
    """
    best = np.array([candidate.null_excesses for candidate in candidates]).max(axis=0)
    return float(max(best.max(), best.mean() + CLEAR_DEVIATIONS * best.std(), CLEAR_EXCESS))


def choose(candidates: list[Candidate], policy: SegmentPolicy) -> tuple[pd.DataFrame, Candidate]:
    """Choose among candidates by the rule in the module's docstring.

    Parameters
    ----------
    candidates : list of Candidate
        By number of segments.
    policy : SegmentPolicy

    Returns
    -------
    criterion : DataFrame
        ``segment_count, silhouette, stability, smallest_jaccard, smallest_share, null_silhouette,
        highest_null_silhouette, excess, chance_excess, is_beyond_chance, is_eligible, is_chosen``, one row per
        candidate.
    chosen : Candidate
    """
    criterion = pd.DataFrame(
        {
            "segment_count": [candidate.segment_count for candidate in candidates],
            "silhouette": [candidate.silhouette for candidate in candidates],
            "stability": [candidate.stability for candidate in candidates],
            "smallest_jaccard": [candidate.jaccards.min() for candidate in candidates],
            "smallest_share": [candidate.smallest_share for candidate in candidates],
            "null_silhouette": [candidate.null_silhouettes.mean() for candidate in candidates],
            "highest_null_silhouette": [candidate.null_silhouettes.max() for candidate in candidates],
            "excess": [candidate.excess for candidate in candidates],
            "chance_excess": chance_excess(candidates),
        }
    ).round(DECIMALS)
    criterion["is_beyond_chance"] = criterion["excess"] > criterion["chance_excess"]
    eligible = (
        (criterion["stability"] >= policy.least_stability)
        & (criterion["smallest_jaccard"] >= policy.least_jaccard)
        & (criterion["smallest_share"] >= policy.smallest_share)
    )
    if eligible.any():
        best = criterion.loc[eligible, "excess"].max()
        # times the share of its size, so that a best below zero has its tolerance on the right side, too
        near_best = eligible & (criterion["excess"] >= best - (1 - EXCESS_SHARE) * abs(best))
        position = int(np.flatnonzero(near_best)[-1])
    else:
        position = int(criterion["stability"].to_numpy().argmax())
    criterion["is_eligible"] = eligible
    criterion["is_chosen"] = criterion.index == position
    return criterion, candidates[position]
