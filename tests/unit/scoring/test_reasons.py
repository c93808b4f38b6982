"""Reasons in words: only what pushes towards the event, the strongest theme first, beside what is usual.

Guarded against: naming a feature whose like takes back what it adds, and phrases on the wrong side of the usual.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from pipeline.scoring.reasons import (
    MOST_REASONS,
    NO_REASON_EN,
    NO_REASON_ZH,
    NO_THEME,
    ModelFeature,
    Theme,
    main_reasons,
    rank_themes,
    reason_table,
    usual_values,
    value_text,
)


def _feature(column: str, measure: Literal["amount", "count", "share"], theme: str) -> ModelFeature:
    return ModelFeature(
        column, "identity", 1, measure, theme,
        column, f"high {column}", f"low {column}", f"{column}数", f"{column}高", f"{column}低",
    )  # fmt: skip


FEATURES = (
    _feature("visits", "count", "activity"),
    _feature("trend", "share", "activity"),
    _feature("balance", "amount", "money"),
    _feature("fees", "count", "fees"),
    _feature("offer", "count", "unlisted"),
)
THEMES = (Theme("activity", "activity", "活跃"), Theme("money", "money", "资金"), Theme("fees", "fees", "费用"))
USUAL = {"visits": 11.0, "trend": 1.0, "balance": 5_000.0, "fees": 0.3, "offer": 0.5}
FRAME = pd.DataFrame(
    {
        "customer_key": ["a", "b", "c"],
        "visits": [2, 30, 11],
        "trend": [0.2, 1.5, None],
        "balance": [100.25, 9_000.0, 5_000.0],
        "fees": [2, 0, 0],
        "offer": [1, 0, 1],
    }
)
PARTS = pd.DataFrame(
    {
        # customer b's visits add much, and their trend takes it back
        "visits": [0.5, 2.0, -1.0],
        "trend": [0.9, -2.5, -1.0],
        "balance": [0.1, 0.4, -0.2],
        "fees": [0.7, 0.6, 0.0],
        "offer": [9.0, 9.0, 9.0],
    }
)


def test_reasons_by_hand() -> None:
    """Customer a: activity (0.9 + 0.5), fees 0.7, money 0.1; customer b: fees, money; customer c: nothing."""
    ranked = rank_themes(PARTS, FEATURES, THEMES)
    table = reason_table(FRAME, ["customer_key"], PARTS, ranked, FEATURES, THEMES, USUAL)
    assert table[["customer_key", "reason_rank", "theme_code", "feature"]].values.tolist() == [
        ["a", 1, "activity", "trend"],
        ["a", 2, "fees", "fees"],
        ["a", 3, "money", "balance"],
        ["b", 1, "fees", "fees"],
        ["b", 2, "money", "balance"],
    ]
    assert table["theme_contribution"].tolist() == pytest.approx([1.4, 0.7, 0.1, 0.6, 0.4])
    assert table["contribution"].tolist() == pytest.approx([0.9, 0.7, 0.1, 0.6, 0.4])
    assert table["reason_en"].tolist() == [
        "low trend (trend: 20%, usual: 100%)",
        "high fees (fees: 2, usual: 0.3)",
        "low balance (balance: 100, usual: 5,000)",
        "low fees (fees: 0, usual: 0.3)",
        "high balance (balance: 9,000, usual: 5,000)",
    ]
    assert table["reason_zh"].iloc[0] == "trend低（trend数：20%，通常：100%）"


def test_main_reason_is_the_first_without_figures() -> None:
    """One phrase per row; who has none is said to have none, in both languages."""
    ranked = rank_themes(PARTS, FEATURES, THEMES)
    main = main_reasons(FRAME, PARTS, ranked, FEATURES, THEMES, USUAL)
    assert main["theme_code"].tolist() == ["activity", "fees", NO_THEME]
    assert main["reason_en"].tolist() == ["low trend", "low fees", NO_REASON_EN]
    assert main["reason_zh"].tolist() == ["trend低", "fees低", NO_REASON_ZH]


def test_a_cause_is_named_before_what_any_cause_shows() -> None:
    """Activity adds most for customer a; named is the notable cause, and activity where there is none."""
    themes = (replace(THEMES[0], is_cause=False), *THEMES[1:])
    parts = PARTS.assign(visits=[0.5, 2.0, 0.4], trend=[0.9, -2.5, 0.0], balance=[0.1, 0.4, 0.1])
    ranked = rank_themes(parts, FEATURES, themes)
    assert [themes[first].theme_code for first in ranked.theme[:, 0]] == ["activity", "fees", "activity"]
    main = main_reasons(FRAME, parts, ranked, FEATURES, themes, USUAL)
    assert main["theme_code"].tolist() == ["fees", "fees", "activity"]
    assert main["reason_en"].tolist() == ["high fees", "low fees", "low visits"]


def test_missing_value_is_told_as_such() -> None:
    """Not to be known pushes towards the event, too; it is no high and no low value."""
    parts = PARTS.assign(trend=[0.0, 0.0, 3.0])
    ranked = rank_themes(parts, FEATURES, THEMES)
    table = reason_table(FRAME, ["customer_key"], parts, ranked, FEATURES, THEMES, USUAL)
    row = table[table["customer_key"] == "c"].iloc[0]
    assert np.isnan(row["feature_value"])
    assert (row["reason_en"], row["reason_zh"]) == ("trend: not known", "trend数：无数据")


def test_reasons_equal_a_loop_over_rows() -> None:
    """The ranking of many random rows is that of sorting each row's themes one by one."""
    random = np.random.default_rng(0)
    parts = pd.DataFrame(random.normal(size=(300, 5)), columns=PARTS.columns)
    ranked = rank_themes(parts, FEATURES, THEMES)
    assert ranked.theme.shape == (300, MOST_REASONS)
    for row, values in enumerate(parts.to_dict("records")):
        sums = {0: values["visits"] + values["trend"], 1: values["balance"], 2: values["fees"]}
        expected = [theme for theme in sorted(sums, key=lambda theme: -sums[theme]) if sums[theme] > 0]
        assert [theme for theme in ranked.theme[row] if theme >= 0] == expected


def test_usual_value_suits_the_measure() -> None:
    """One millionaire does not change the usual balance; of what most have none of, the mean tells more."""
    frame = pd.DataFrame(
        {"visits": [0, 0, 0, 4], "trend": [1, 1, 1, 9], "balance": [1, 2, 3, 1e6], "fees": [0, 0, None, 1], "offer": 1}
    )
    usual = usual_values(frame, FEATURES)
    assert usual == pytest.approx({"visits": 1, "trend": 1, "balance": 2.5, "fees": 1 / 3, "offer": 1})
    assert [value_text(value, "amount") for value in (0, -12_345.6)] == ["0", "-12,346"]
