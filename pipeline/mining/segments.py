"""Customer segments: k-means on scaled behaviour, the number of segments chosen by a stated criterion.

Belongs here: which behaviours count, how they are scaled, the choice of the number of segments, their names and
profiles. Does not belong here: the computation of the behaviours (dbt, ``features``) and the shares that a later policy
may attach to a segment.

How the number is chosen. For each candidate number k-means is fitted on one sample of customers. Its silhouette
(Rousseeuw 1987, J. Comp. Appl. Math. 20, 53-65) says how well the segments are apart; its stability is the mean
adjusted Rand index (Hubert and Arabie 1985, J. Classif. 2, 193-218) between its assignment and those of fits on
bootstrap samples. Chosen is the largest number that is stable (`STABILITY_FLOOR`), has no segment below
`SMALLEST_SHARE`, and whose silhouette reaches `SILHOUETTE_SHARE` of the best among these: a finer division that is as
stable and nearly as well apart says more. If none is stable, it is the most stable one, and the result says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pipeline.errors import InputError
from pipeline.frames import require_columns, require_rows, require_unique, require_values

# A division in two nearly always has the best silhouette, and says no more than more and less.
CANDIDATE_COUNTS = range(3, 9)
STABILITY_FLOOR = 0.9
SILHOUETTE_SHARE = 0.95
# Kaufman and Rousseeuw 1990, Finding Groups in Data, p. 88: at most 0.25 means no substantial structure
SUBSTANTIAL_SILHOUETTE = 0.25
SMALLEST_SHARE = 0.01

SAMPLE_SIZE = 20_000
SILHOUETTE_SAMPLE_SIZE = 4_000  # its cost is quadratic: 4,000 customers take about 0.3 s per candidate
BOOTSTRAPS = 10
STARTS = 10
FARTHEST_SCALED_VALUE = 4.0  # one giant customer must not become a segment of its own
NORMAL_IQR = 1.349  # interquartile range of the standard normal distribution
DECIMALS = 6  # of every float that is stored: sums may differ in the last bits between machines
NOTABLE_DEVIATION = 0.25
BEHAVIOURS_IN_NAME = 2
BEHAVIOURS_IN_DESCRIPTION = 4

Measure = Literal["amount", "count", "share"]


@dataclass(frozen=True)
class Behaviour:
    """One column that segments are made of, with the words for much and little of it."""

    column: str
    measure: Measure
    name_en: str
    name_zh: str
    much_en: str
    little_en: str
    much_zh: str
    little_zh: str


# How much a person has and moves, where it comes from, how it is spent, and where business is done. What a person owes
# or holds is left out: it is what a bank has sold so far, and would make a segment of each product.
BEHAVIOURS = (
    Behaviour(
        "deposit_average_balance_3m_amount",
        "amount",
        "average balance",
        "日均余额",
        "high balances",
        "low balances",
        "余额高",
        "余额低",
    ),
    Behaviour(
        "inflow_3m_amount",
        "amount",
        "inflow in 3 months",
        "近三月流入",
        "high inflows",
        "low inflows",
        "流入多",
        "流入少",
    ),
    Behaviour(
        "salary_3m_share",
        "share",
        "salary or pension in inflow",
        "工资或养老金占流入",
        "paid by salary or pension",
        "little salary or pension",
        "以工资或养老金为主",
        "工资或养老金少",
    ),
    Behaviour(
        "cash_3m_share",
        "share",
        "cash in outflow",
        "现金占流出",
        "much cash",
        "little cash",
        "多用现金",
        "少用现金",
    ),
    Behaviour(
        "counter_transactions_3m_count",
        "count",
        "counter transactions in 3 months",
        "近三月柜面交易",
        "much counter use",
        "little counter use",
        "常用柜面",
        "少用柜面",
    ),
)
RANKING_BEHAVIOUR = "inflow_3m_amount"
SOURCE_COLUMNS = (
    "customer_key",
    "customer_type",
    "transactions_3m_count",
    "deposit_average_balance_3m_amount",
    "inflow_3m_amount",
    "salary_inflow_3m_amount",
    "cash_3m_share",
    "counter_transactions_3m_count",
)


@dataclass(frozen=True)
class Segmentation:
    """The outcome of `fit_segments`; every frame is in a fixed order.

    Attributes
    ----------
    assignments : DataFrame
        ``customer_key, segment_code, centre_distance``: one row per customer, distance in scaled units.
    profiles : DataFrame
        ``segment_code, customer_count, customer_share, name_en, name_zh, description_en, description_zh``, one row per
        segment. ``S1`` has the highest median of the ranking behaviour, and so on down.
    behaviours : DataFrame
        ``segment_code, behaviour, behaviour_name_en, behaviour_name_zh, mean_value, median_value, bank_mean_value,
        bank_median_value, scaled_centre, deviation``: one row per segment and behaviour. ``scaled_centre`` is the
        centroid; ``deviation`` is its distance from the mean of all customers in standard deviations.
    scaling : DataFrame
        ``behaviour, measure, unit, centre, scale``: with the centroids, all it takes to assign another customer.
    criterion : DataFrame
        ``segment_count, silhouette, stability, smallest_share, is_eligible, is_chosen``: one row per candidate.
    segment_count : int
        The chosen number.
    silhouette, stability : float
        Of the chosen number.
    is_stable : bool
        False where no candidate was eligible and the most stable one was taken.
    has_structure : bool
        False where the silhouette says that customers are one cloud, however stably it may be cut.
    constant_behaviours : tuple of str
        Columns left out because all customers have the same value.
    """

    assignments: pd.DataFrame
    profiles: pd.DataFrame
    behaviours: pd.DataFrame
    scaling: pd.DataFrame
    criterion: pd.DataFrame
    segment_count: int
    silhouette: float
    stability: float
    is_stable: bool
    has_structure: bool
    constant_behaviours: tuple[str, ...]


def active_persons(customer_months: pd.DataFrame) -> pd.DataFrame:
    """Select whom `fit_segments` divides, persons with a transaction in the last three months, and their `BEHAVIOURS`.

    Parameters
    ----------
    customer_months : DataFrame
        One month-end of ``features.customer_months``, with at least `SOURCE_COLUMNS`.

    Returns
    -------
    DataFrame
        ``customer_key`` and the columns of `BEHAVIOURS`. Without an account there is no balance, without inflow no
        share of salary, without outflow no share of cash: each is 0.

    Raises
    ------
    InputError
        If columns are missing.
    """
    require_columns(customer_months, SOURCE_COLUMNS, "features.customer_months")
    is_active_person = (customer_months["customer_type"] == "person") & (customer_months["transactions_3m_count"] > 0)
    persons = customer_months.loc[is_active_person, list(SOURCE_COLUMNS)].reset_index(drop=True)
    inflow, salary = (persons[name].astype("float64") for name in ("inflow_3m_amount", "salary_inflow_3m_amount"))
    persons["salary_3m_share"] = salary.div(inflow.where(inflow > 0)).fillna(0)
    for column in ("deposit_average_balance_3m_amount", "cash_3m_share"):
        persons[column] = persons[column].astype("float64").fillna(0)
    return persons[["customer_key", *(behaviour.column for behaviour in BEHAVIOURS)]]


def fit_segments(
    features: pd.DataFrame,
    seed: int,
    candidate_counts: Iterable[int] = CANDIDATE_COUNTS,
    behaviours: Sequence[Behaviour] = BEHAVIOURS,
    ranking_behaviour: str = RANKING_BEHAVIOUR,
) -> Segmentation:
    """Divide customers into segments of like behaviour.

    Amounts, counts and shares are brought to one scale: amounts as sign(x) ln(1 + |x| / unit), the unit being the
    median of the amounts that are not zero; counts as ln(1 + x); then all are centred on the median and divided by the
    interquartile range (by the standard deviation where the middle half of the customers is alike). The same features
    and seed give the same result in any order of the rows.

    Parameters
    ----------
    features : DataFrame
        ``customer_key`` and the columns of `behaviours`, one row per customer, no nulls.
    seed : int
        For the sample, the starts of k-means and the bootstrap.
    candidate_counts : iterable of int
        Numbers of segments to try, each at least 2.
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
        If columns are missing, there are no customers, a customer comes twice, there are nulls, no behaviour varies, or
        there are fewer distinct customers than segments to try.
    """
    counts = sorted(set(candidate_counts))
    columns = [behaviour.column for behaviour in behaviours]
    _check(features, columns, counts)
    customers = features.sort_values("customer_key", ignore_index=True)
    values = customers[columns].astype("float64")
    constant = tuple(column for column in columns if values[column].nunique() == 1)
    varying = [behaviour for behaviour in behaviours if behaviour.column not in constant]
    if not varying:
        raise InputError(
            "no behaviour varies between customers",
            expected="at least one column with different values",
            found=f"the same value for all {len(customers):,} customers in {', '.join(columns)}",
            where="features",
            action="wait for more business dates, or choose other behaviours",
        )
    values = values[[behaviour.column for behaviour in varying]]
    scaling = _scaling(values, varying)
    scaled = _scaled(values, scaling)
    _check_distinct(scaled, counts[-1])

    # one thread: the sums of several come in any order, and differ in the last bits
    with threadpool_limits(limits=1):
        random = np.random.default_rng(seed)
        size = min(SAMPLE_SIZE, len(scaled))
        sample = scaled[np.sort(random.choice(len(scaled), size=size, replace=False))]
        candidates = [_candidate(sample, count, seed) for count in counts]
        criterion, position = _choose(candidates)
        chosen = candidates[position]
        model = KMeans(chosen.segment_count, init=chosen.centres, n_init=1, random_state=seed).fit(scaled)
        labels = np.asarray(model.labels_)
        centres = np.asarray(model.cluster_centers_)

    order = _order(values, labels, chosen.segment_count, ranking_behaviour)
    centres = centres[order]
    codes = np.array([f"S{rank}" for rank in range(1, len(order) + 1)], dtype=object)
    ranks = np.argsort(order)[labels]
    distances = np.linalg.norm(scaled - centres[ranks], axis=1)
    assignments = pd.DataFrame(
        {
            "customer_key": customers["customer_key"],
            "segment_code": codes[ranks],
            "centre_distance": distances.round(DECIMALS),
        }
    )
    table = _behaviour_table(values, scaled, ranks, codes, centres, varying)
    return Segmentation(
        assignments=assignments,
        profiles=_profiles(table, np.bincount(ranks, minlength=len(codes)), codes, varying),
        behaviours=table,
        scaling=scaling.round({"unit": DECIMALS, "centre": DECIMALS, "scale": DECIMALS}),
        criterion=criterion,
        segment_count=chosen.segment_count,
        silhouette=chosen.silhouette,
        stability=chosen.stability,
        is_stable=bool(criterion["is_eligible"].any()),
        has_structure=chosen.silhouette > SUBSTANTIAL_SILHOUETTE,
        constant_behaviours=constant,
    )


def _check(features: pd.DataFrame, columns: list[str], counts: list[int]) -> None:
    if not counts or counts[0] < 2:
        raise InputError(
            "the numbers of segments to try are no numbers of segments",
            expected="one or more whole numbers, each at least 2",
            found=str(counts),
            where="candidate_counts",
            action="give for example 2 to 8",
        )
    require_columns(features, ["customer_key", *columns], "features")
    require_rows(features, "features")
    require_values(features, ["customer_key", *columns], "features")
    require_unique(features, ["customer_key"], "features")


def _check_distinct(scaled: np.ndarray, largest_count: int) -> None:
    distinct = len(np.unique(scaled, axis=0))
    if distinct <= largest_count:
        raise InputError(
            "there are too few customers for the numbers of segments to try",
            expected=f"more than {largest_count} customers that differ",
            found=str(distinct),
            where="features",
            action="try fewer segments, or wait for more customers",
        )


def _scaling(values: pd.DataFrame, behaviours: Sequence[Behaviour]) -> pd.DataFrame:
    rows = []
    for behaviour in behaviours:
        column = values[behaviour.column].to_numpy()
        unit = float(np.median(np.abs(column[column != 0]))) if behaviour.measure == "amount" else 1.0
        bent = _bent(column, behaviour.measure, unit)
        lower_quartile, centre, upper_quartile = np.quantile(bent, [0.25, 0.5, 0.75])
        scale = (upper_quartile - lower_quartile) / NORMAL_IQR or bent.std()
        rows.append((behaviour.column, behaviour.measure, unit, float(centre), float(scale)))
    return pd.DataFrame(rows, columns=["behaviour", "measure", "unit", "centre", "scale"])


def _bent(column: np.ndarray, measure: str, unit: float) -> np.ndarray:
    """Bend heavy tails; money may be negative (an overdraft), a count may not."""
    if measure == "share":
        return column
    bent: np.ndarray = np.sign(column) * np.log1p(np.abs(column) / unit)
    return bent


def _scaled(values: pd.DataFrame, scaling: pd.DataFrame) -> np.ndarray:
    columns = [
        (_bent(values[row["behaviour"]].to_numpy(), row["measure"], row["unit"]) - row["centre"]) / row["scale"]
        for row in scaling.to_dict("records")
    ]
    return np.clip(np.column_stack(columns), -FARTHEST_SCALED_VALUE, FARTHEST_SCALED_VALUE)


@dataclass(frozen=True)
class _Candidate:
    segment_count: int
    centres: np.ndarray
    silhouette: float
    stability: float
    smallest_share: float


def _candidate(sample: np.ndarray, segment_count: int, seed: int) -> _Candidate:
    model = KMeans(segment_count, n_init=STARTS, random_state=seed).fit(sample)
    # every candidate meets the same bootstrap samples, so that their stabilities can be compared
    random = np.random.default_rng(seed)
    agreements = []
    for bootstrap in range(BOOTSTRAPS):
        resample = sample[random.integers(len(sample), size=len(sample))]
        other = KMeans(segment_count, n_init=3, random_state=seed + 1 + bootstrap).fit(resample)
        agreements.append(adjusted_rand_score(model.labels_, other.predict(sample)))
    silhouette = silhouette_score(
        sample, model.labels_, sample_size=min(SILHOUETTE_SAMPLE_SIZE, len(sample)), random_state=seed
    )
    return _Candidate(
        segment_count,
        np.asarray(model.cluster_centers_),
        round(float(silhouette), DECIMALS),
        round(float(np.mean(agreements)), DECIMALS),
        float(np.bincount(model.labels_, minlength=segment_count).min() / len(sample)),
    )


def _choose(candidates: list[_Candidate]) -> tuple[pd.DataFrame, int]:
    """Return the criterion table and the position of the chosen candidate, by the rule in the module's docstring."""
    criterion = pd.DataFrame(
        {
            "segment_count": [candidate.segment_count for candidate in candidates],
            "silhouette": [candidate.silhouette for candidate in candidates],
            "stability": [candidate.stability for candidate in candidates],
            "smallest_share": [round(candidate.smallest_share, DECIMALS) for candidate in candidates],
        }
    )
    eligible = (criterion["stability"] >= STABILITY_FLOOR) & (criterion["smallest_share"] >= SMALLEST_SHARE)
    if eligible.any():
        best = criterion.loc[eligible, "silhouette"].max()
        # times the share of its size, so that a best below zero has its tolerance on the right side, too
        near_best = eligible & (criterion["silhouette"] >= best - (1 - SILHOUETTE_SHARE) * abs(best))
        position = int(np.flatnonzero(near_best)[-1])
    else:
        position = int(criterion["stability"].to_numpy().argmax())
    criterion["is_eligible"] = eligible
    criterion["is_chosen"] = criterion.index == position
    return criterion, position


def _order(values: pd.DataFrame, labels: np.ndarray, segment_count: int, ranking_behaviour: str) -> np.ndarray:
    """Return k-means' labels from the highest median of the ranking behaviour down; equal ones by their means."""
    by_label = values.groupby(labels)
    means = by_label.mean()
    medians = by_label.median()
    # the ranking behaviour may have been constant, and so left out
    keys = [medians[ranking_behaviour]] if ranking_behaviour in medians else []
    keys += [means[column] for column in means.columns]
    ranking = pd.concat(keys, axis=1, ignore_index=True).reindex(range(segment_count))
    return ranking.sort_values(list(ranking.columns), ascending=False, kind="stable").index.to_numpy()


def _behaviour_table(
    values: pd.DataFrame,
    scaled: np.ndarray,
    ranks: np.ndarray,
    codes: np.ndarray,
    centres: np.ndarray,
    behaviours: Sequence[Behaviour],
) -> pd.DataFrame:
    means, medians = values.groupby(ranks).mean(), values.groupby(ranks).median()
    deviations = (centres - scaled.mean(axis=0)) / scaled.std(axis=0)
    parts = [
        pd.DataFrame(
            {
                "segment_code": codes,
                "behaviour": behaviour.column,
                "behaviour_name_en": behaviour.name_en,
                "behaviour_name_zh": behaviour.name_zh,
                "mean_value": means[behaviour.column],
                "median_value": medians[behaviour.column],
                "bank_mean_value": values[behaviour.column].mean(),
                "bank_median_value": values[behaviour.column].median(),
                "scaled_centre": centres[:, position],
                "deviation": deviations[:, position],
            }
        )
        for position, behaviour in enumerate(behaviours)
    ]
    table = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    numbers = table.select_dtypes("number").columns
    table[numbers] = table[numbers].round(DECIMALS)
    return table


def _profiles(
    table: pd.DataFrame, sizes: np.ndarray, codes: np.ndarray, behaviours: Sequence[Behaviour]
) -> pd.DataFrame:
    words = {behaviour.column: behaviour for behaviour in behaviours}
    notable = [_notable(table[table["segment_code"] == code]) for code in codes]
    shares = sizes / sizes.sum()
    return pd.DataFrame(
        {
            "segment_code": codes,
            "customer_count": sizes.astype("int64"),
            "customer_share": shares.round(DECIMALS),
            "name_en": _names(notable, codes, words, "en"),
            "name_zh": _names(notable, codes, words, "zh"),
            "description_en": [
                f"{size:,} customers ({share:.1%}). {_figures(rows, words, 'en')}"
                for size, share, rows in zip(sizes, shares, notable, strict=True)
            ],
            "description_zh": [
                f"{size:,} 位客户（{share:.1%}）。{_figures(rows, words, 'zh')}"
                for size, share, rows in zip(sizes, shares, notable, strict=True)
            ],
        }
    )


def _notable(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the behaviours that set a segment apart, the strongest first."""
    strongest_first = rows["deviation"].abs().sort_values(ascending=False, kind="stable").index
    ordered = rows.reindex(strongest_first)
    return ordered[ordered["deviation"].abs() >= NOTABLE_DEVIATION]


def _names(
    notable: list[pd.DataFrame], codes: np.ndarray, words: dict[str, Behaviour], language: Literal["en", "zh"]
) -> list[str]:
    """Name every segment in as few words as tell it from the others, the code being the last resort."""
    told = pd.Series([_told(rows, words, language, BEHAVIOURS_IN_NAME) for rows in notable])
    for length in range(BEHAVIOURS_IN_NAME + 1, len(words) + 1):
        longer = pd.Series([_told(rows, words, language, length) for rows in notable])
        told = told.mask(_is_repeated(told), longer)
    separator = {"en": ", ", "zh": "，"}[language]
    names = told.map(separator.join).map(lambda name: name[:1].upper() + name[1:])
    return list(names.mask(_is_repeated(told), names + " (" + pd.Series(codes) + ")"))


def _told(
    notable: pd.DataFrame, words: dict[str, Behaviour], language: Literal["en", "zh"], length: int
) -> tuple[str, ...]:
    told = tuple(
        getattr(words[row["behaviour"]], f"{'much' if row['deviation'] > 0 else 'little'}_{language}")
        for row in notable.head(length).to_dict("records")
    )
    return told or ({"en": "like the average", "zh": "接近平均"}[language],)


def _is_repeated(told: pd.Series) -> pd.Series:
    # the same words in another order are the same name to a reader
    return told.map(sorted).map(tuple).duplicated(keep=False)


def _figures(notable: pd.DataFrame, words: dict[str, Behaviour], language: Literal["en", "zh"]) -> str:
    rows = notable.head(BEHAVIOURS_IN_DESCRIPTION).to_dict("records")
    if not rows:
        return {"en": "No behaviour stands out.", "zh": "无突出行为。"}[language]
    template, separator, sentence = {
        "en": ("{} {} (bank {})", "; ", "On average: {}."),
        "zh": ("{} {}（全行 {}）", "；", "平均：{}。"),
    }[language]
    told = [
        template.format(
            getattr(words[row["behaviour"]], f"name_{language}"),
            figure_text(row["mean_value"], words[row["behaviour"]].measure),
            figure_text(row["bank_mean_value"], words[row["behaviour"]].measure),
        )
        for row in rows
    ]
    return sentence.format(separator.join(told))


def figure_text(value: float, measure: str) -> str:
    """Write a value for people: shares in per cent, amounts and counts with as many digits as matter."""
    if measure == "share":
        return f"{value:.0%}"
    return f"{value:,.0f}" if value == 0 or abs(value) >= 100 else f"{value:,.1f}"
