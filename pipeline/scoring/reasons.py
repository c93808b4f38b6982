"""Why a customer has a score, in words: the themes that push towards the event, and the feature that does most in each.

Belongs here: turning the parts of an additive score into ranked reasons, English and Chinese. Does not belong here: the
parts (``additive``), which features and phrases a model has (``default_model``, ``churn``, ``propensity``).

Features that measure the same thing share what they say between them, and one may take back what another adds. So
reasons are ranked by theme, by the sum of the parts of the theme's features, and the feature named is the one that adds
most. A part is what the feature adds to the log odds against a customer who is average in it: it says what moved the
score, not what moved the customer.

A score may use more than a reason may say. That a value is missing is no reason, and neither is a value on the wrong
side: where a bent line rises at both ends, frequent purchases may raise a score, but nobody leaves because of them.
Such parts stay in the score, are never named, and do not count for their theme.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.scoring.additive import AdditiveFeature

MOST_REASONS = 3
# A cause that raises the odds by less than a fifth is no news.
NOTABLE_LOG_ODDS = 0.2
DECIMALS = 9
SHARE_DECIMALS = 2  # shares are shown in whole per cents
NO_THEME = "none"
NO_REASON_EN, NO_REASON_ZH = "nothing out of the ordinary", "无异常迹象"
_LOW, _HIGH, _NEITHER = 0, 1, 2

Side = Literal["low", "high", "both"]
Measure = Literal["amount", "count", "share", "days", "months", "score"]


@dataclass(frozen=True)
class ModelFeature(AdditiveFeature):
    """A feature with the words for it.

    Attributes
    ----------
    high_en, high_zh : str
        Said of a value above `reference`.
    low_en, low_zh : str
        Said of a value below `reference`; where no reference is given, of what is usual, too.
    named_when : {'low', 'high', 'both'}
        The side on which the feature may be named as a reason.
    reference : float, optional
        What divides low from high: 1 of a ratio to earlier months, so that what is said to have fallen did fall. By
        default what is usual (see `usual_values`). Shares are compared in whole per cents, as they are shown.
    """

    measure: Measure
    theme_code: str
    name_en: str
    high_en: str
    low_en: str
    name_zh: str
    high_zh: str
    low_zh: str
    named_when: Side = "both"
    reference: float | None = None


@dataclass(frozen=True)
class Theme:
    """What several features are signs of.

    A theme that is no cause, such as falling activity, shows whatever the cause: it is named first only where no cause
    adds `NOTABLE_LOG_ODDS`.
    """

    theme_code: str
    name_en: str
    name_zh: str
    is_cause: bool = True


@dataclass(frozen=True)
class RankedThemes:
    """The themes of each row that push towards the event, the strongest first; arrays of shape (n, `MOST_REASONS`).

    Attributes
    ----------
    theme : ndarray of int
        Position in the list of themes, or -1 where no further theme pushes towards the event.
    theme_contribution : ndarray of float
        Log odds that the theme's features add together: what those that may be named add, less what any takes back.
    feature : ndarray of int
        Position, among the columns of the contributions, of the feature that adds most of those that may be named.
    main_theme, main_feature : ndarray of int, (n,)
        The strongest cause that adds `NOTABLE_LOG_ODDS`, else the strongest theme; -1 where none pushes towards the
        event. It need not be the first of `theme`.
    """

    theme: np.ndarray
    theme_contribution: np.ndarray
    feature: np.ndarray
    main_theme: np.ndarray
    main_feature: np.ndarray


def rank_themes(
    frame: pd.DataFrame,
    contributions: pd.DataFrame,
    features: Sequence[ModelFeature],
    themes: Sequence[Theme],
    usual: Mapping[str, float],
) -> RankedThemes:
    """Rank the themes of each row.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        The columns of `features`.
    contributions : DataFrame, (n, k)
        From `additive.contributions`; its columns are among `features`.
    features : sequence of ModelFeature
    themes : sequence of Theme
        Of equal contributions the theme that comes first wins. Features of other themes give no reasons.
    usual : mapping
        From `usual_values`.

    Returns
    -------
    RankedThemes
    """
    by_column = {feature.column: feature for feature in features}
    named = [by_column[column] for column in contributions.columns]
    values = contributions.to_numpy()
    is_missing = np.column_stack([frame[feature.column].isna() for feature in named])
    may_be_named = np.column_stack(
        [_may_be_named(frame[feature.column], feature, usual[feature.column]) for feature in named]
    )
    counted = np.where((may_be_named | (values < 0)) & ~is_missing, values, 0)
    candidates = np.where(may_be_named, values, -np.inf)
    sums = np.full((len(values), max(len(themes), MOST_REASONS)), -np.inf)
    strongest = np.zeros(sums.shape, dtype="int64")
    for position, theme in enumerate(themes):
        members = np.flatnonzero([feature.theme_code == theme.theme_code for feature in named])
        if len(members):
            sums[:, position] = counted[:, members].sum(axis=1)
            strongest[:, position] = members[candidates[:, members].argmax(axis=1)]
    is_cause = np.array([theme.is_cause for theme in themes] + [False] * (sums.shape[1] - len(themes)))
    causes = np.where(is_cause & (sums >= NOTABLE_LOG_ODDS), sums, -np.inf)
    main = np.where(np.isfinite(causes).any(axis=1), causes.argmax(axis=1), sums.argmax(axis=1))
    rows = np.arange(len(values))
    order = np.argsort(-sums, axis=1, kind="stable")[:, :MOST_REASONS]
    ranked = np.take_along_axis(sums, order, axis=1)
    return RankedThemes(
        theme=np.where(ranked > 0, order, -1),
        theme_contribution=ranked,
        feature=np.take_along_axis(strongest, order, axis=1),
        main_theme=np.where(sums[rows, main] > 0, main, -1),
        main_feature=strongest[rows, main],
    )


def main_reasons(
    frame: pd.DataFrame,
    contributions: pd.DataFrame,
    ranked: RankedThemes,
    features: Sequence[ModelFeature],
    themes: Sequence[Theme],
    usual: Mapping[str, float],
) -> pd.DataFrame:
    """Return the main theme of each row and its strongest reason as a phrase without figures.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        The columns of `features`.
    contributions : DataFrame, (n, k)
    ranked : RankedThemes
        Of the same rows.
    features : sequence of ModelFeature
    themes : sequence of Theme
        As given to `rank_themes`.
    usual : mapping
        From `usual_values`.

    Returns
    -------
    DataFrame, (n, 3)
        ``theme_code`` (`NO_THEME` where nothing pushes towards the event), ``reason_en, reason_zh``; the index of
        `frame`.
    """
    by_column = {feature.column: feature for feature in features}
    columns = list(contributions.columns)
    side = np.zeros(len(frame), dtype="int64")
    for position, column in enumerate(columns):
        is_named = ranked.main_feature == position
        side[is_named] = _sides(frame.loc[is_named, column], by_column[column], usual[column])
    # rows without a reason point at any feature, on any side
    phrases_en = np.array([(*_phrases_en(by_column[column]), NO_REASON_EN) for column in columns], dtype=object)
    phrases_zh = np.array([(*_phrases_zh(by_column[column]), NO_REASON_ZH) for column in columns], dtype=object)
    codes = np.array([*(theme.theme_code for theme in themes), NO_THEME], dtype=object)
    has_reason = ranked.main_theme >= 0
    named = ranked.main_feature
    return pd.DataFrame(
        {
            "theme_code": codes[ranked.main_theme],
            "reason_en": np.where(has_reason, phrases_en[named, side], NO_REASON_EN),
            "reason_zh": np.where(has_reason, phrases_zh[named, side], NO_REASON_ZH),
        },
        index=frame.index,
        dtype="str",
    )


def reason_table(
    frame: pd.DataFrame,
    key: Sequence[str],
    contributions: pd.DataFrame,
    ranked: RankedThemes,
    features: Sequence[ModelFeature],
    themes: Sequence[Theme],
    usual: Mapping[str, float],
) -> pd.DataFrame:
    """Return up to `MOST_REASONS` reasons per row, with the customer's figure beside the usual one.

    Parameters
    ----------
    frame : DataFrame, (n, ...)
        `key` and the columns of `features`.
    key : sequence of str
    contributions : DataFrame, (n, k)
    ranked : RankedThemes
        Of the same rows.
    features : sequence of ModelFeature
    themes : sequence of Theme
        As given to `rank_themes`.
    usual : mapping
        From `usual_values`.

    Returns
    -------
    DataFrame
        `key`, ``reason_rank`` (1 to 3), ``theme_code``, ``theme_contribution`` and ``contribution`` (log odds, of the
        theme and of its strongest feature), ``feature, feature_value, reason_en,
        reason_zh``; sorted by key and rank. Rows that nothing pushes towards the event have no reasons.
    """
    by_column = {feature.column: feature for feature in features}
    columns = list(contributions.columns)
    row, rank = np.nonzero(ranked.theme >= 0)
    named = ranked.feature[row, rank]
    table = frame.iloc[row][list(key)].reset_index(drop=True)
    table["reason_rank"] = (rank + 1).astype("int64")
    table["theme_code"] = np.array([theme.theme_code for theme in themes], dtype=object)[ranked.theme[row, rank]]
    table["theme_contribution"] = ranked.theme_contribution[row, rank].round(DECIMALS)
    table["contribution"] = contributions.to_numpy()[row, named].round(DECIMALS)
    table["feature"] = np.array(columns, dtype=object)[named]
    table["feature_value"] = np.nan
    for name in ("reason_en", "reason_zh"):
        table[name] = pd.Series("", index=table.index, dtype=object)
    for position, column in enumerate(columns):
        places = np.flatnonzero(named == position)
        values = frame[column].astype("float64").iloc[row[places]]
        texts = _reasons(values, by_column[column], usual[column])
        table.loc[places, "feature_value"] = values.to_numpy()
        table.loc[places, "reason_en"] = texts["reason_en"].to_numpy()
        table.loc[places, "reason_zh"] = texts["reason_zh"].to_numpy()
    text_columns = ["theme_code", "feature", "reason_en", "reason_zh"]
    return table.astype(dict.fromkeys(text_columns, "str")).sort_values([*key, "reason_rank"], ignore_index=True)


def usual_values(frame: pd.DataFrame, features: Sequence[ModelFeature]) -> dict[str, float]:
    """Return what is usual of each feature, by column, over the rows that have a value.

    The median of amounts and shares, whose means a few customers make; the mean of counts and times, of which most
    customers have the same.
    """
    values = {feature.column: frame[feature.column].astype("float64") for feature in features}
    return {
        feature.column: float(
            values[feature.column].median() if feature.measure in ("amount", "share") else values[feature.column].mean()
        )
        for feature in features
    }


def value_text(value: float, measure: Measure) -> str:
    """Write a value for people: shares in per cent, other values with as many digits as matter.

    Examples
    --------
    >>> value_text(0.2, "share"), value_text(1234.5, "amount"), value_text(2.0, "count"), value_text(2.25, "score")
    ('20%', '1,234', '2', '2.2')
    """
    if measure == "share":
        return f"{value:.0%}"
    return f"{value:,.0f}" if measure == "amount" or value == round(value) else f"{value:,.1f}"


def _reasons(values: pd.Series, feature: ModelFeature, usual: float) -> pd.DataFrame:
    """Return both texts for the values of one feature, made once per distinct value; none is missing."""
    distinct = pd.Series(values.unique())
    side = _sides(distinct, feature, usual)
    usual_text = value_text(usual, feature.measure)
    en, zh = _phrases_en(feature), _phrases_zh(feature)
    texts = [
        (
            f"{en[one_side]} ({feature.name_en}: {value_text(value, feature.measure)}, usual: {usual_text})",
            f"{zh[one_side]}（{feature.name_zh}：{value_text(value, feature.measure)}，通常：{usual_text}）",
        )
        for value, one_side in zip(distinct, side, strict=True)
    ]
    made = pd.DataFrame(texts, columns=["reason_en", "reason_zh"])
    return made.iloc[pd.Index(distinct).get_indexer(pd.Index(values))].set_index(values.index)


def _may_be_named(values: pd.Series, feature: ModelFeature, usual: float) -> np.ndarray:
    sides = {"low": [_LOW], "high": [_HIGH], "both": [_LOW, _HIGH]}[feature.named_when]
    return np.isin(_sides(values, feature, usual), sides)


def _sides(values: pd.Series, feature: ModelFeature, usual: float) -> np.ndarray:
    """Return low, high or, of missing values and of those that equal a given reference, neither."""
    numbers = values.astype("float64").to_numpy()
    if feature.reference is None:
        return np.where(np.isnan(numbers), _NEITHER, np.where(numbers > usual, _HIGH, _LOW))
    shown = numbers.round(SHARE_DECIMALS) if feature.measure == "share" else numbers
    return np.where(shown > feature.reference, _HIGH, np.where(shown < feature.reference, _LOW, _NEITHER))


def _phrases_en(feature: ModelFeature) -> tuple[str, str]:
    return feature.low_en, feature.high_en


def _phrases_zh(feature: ModelFeature) -> tuple[str, str]:
    return feature.low_zh, feature.high_zh
