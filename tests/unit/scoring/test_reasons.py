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
    ranked = rank_themes(FRAME, PARTS, FEATURES, THEMES, USUAL)
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
    ranked = rank_themes(FRAME, PARTS, FEATURES, THEMES, USUAL)
    main = main_reasons(FRAME, PARTS, ranked, FEATURES, THEMES, USUAL)
    assert main["theme_code"].tolist() == ["activity", "fees", NO_THEME]
    assert main["reason_en"].tolist() == ["low trend", "low fees", NO_REASON_EN]
    assert main["reason_zh"].tolist() == ["trend低", "fees低", NO_REASON_ZH]


def test_a_cause_is_named_before_what_any_cause_shows() -> None:
    """Activity adds most for customer a; named is the notable cause, and activity where there is none."""
    themes = (replace(THEMES[0], is_cause=False), *THEMES[1:])
    parts = PARTS.assign(visits=[0.5, 2.0, 0.4], trend=[0.9, -2.5, 0.0], balance=[0.1, 0.4, 0.1])
    ranked = rank_themes(FRAME, parts, FEATURES, themes, USUAL)
    assert [themes[first].theme_code for first in ranked.theme[:, 0]] == ["activity", "fees", "activity"]
    main = main_reasons(FRAME, parts, ranked, FEATURES, themes, USUAL)
    assert main["theme_code"].tolist() == ["fees", "fees", "activity"]
    assert main["reason_en"].tolist() == ["high fees", "low fees", "low visits"]


def test_missing_value_is_never_a_reason() -> None:
    """Customer c's trend is not known and adds 3: not named, and nothing to the theme, which visits alone make."""
    parts = PARTS.assign(visits=[0.5, 2.0, 0.3], trend=[0.0, 0.0, 3.0], balance=[0.1, 0.4, 0.6])
    ranked = rank_themes(FRAME, parts, FEATURES, THEMES, USUAL)
    table = reason_table(FRAME, ["customer_key"], parts, ranked, FEATURES, THEMES, USUAL)
    of_c = table[table["customer_key"] == "c"]
    assert of_c[["theme_code", "feature"]].values.tolist() == [["money", "balance"], ["activity", "visits"]]
    assert of_c["theme_contribution"].tolist() == pytest.approx([0.6, 0.3])
    only_missing = rank_themes(FRAME, parts.assign(visits=0.0, balance=0.0, fees=0.0), FEATURES, THEMES, USUAL)
    main = main_reasons(FRAME, parts, only_missing, FEATURES, THEMES, USUAL)
    assert main.loc[2].tolist() == [NO_THEME, NO_REASON_EN, NO_REASON_ZH]


def test_a_missing_value_takes_nothing_back_either() -> None:
    """That the trend is not known lowers the score of customer c by 3; few visits are a reason all the same."""
    parts = PARTS.assign(visits=[0.5, 2.0, 0.3], trend=[0.0, 0.0, -3.0])
    ranked = rank_themes(FRAME, parts, FEATURES, THEMES, USUAL)
    assert (THEMES[ranked.theme[2, 0]].theme_code, ranked.theme_contribution[2, 0]) == ("activity", 0.3)


def test_a_feature_is_named_only_on_its_side() -> None:
    """Many visits add 2 for customer b, and only few may be named: the theme is left to what else it has."""
    features = (replace(FEATURES[0], named_when="low"), *FEATURES[1:])
    parts = PARTS.assign(trend=[0.9, 0.1, 0.0])
    ranked = rank_themes(FRAME, parts, features, THEMES, USUAL)
    table = reason_table(FRAME, ["customer_key"], parts, ranked, features, THEMES, USUAL)
    of_b = table[table["customer_key"] == "b"].set_index("theme_code")
    assert of_b.loc["activity", ["feature", "theme_contribution"]].tolist() == ["trend", 0.1]
    # what takes back counts on any side: the visits of customer b lower what their trend adds
    lowered = parts.assign(visits=[0.5, -0.4, -1.0], trend=[0.9, 0.6, 0.0])
    ranked = rank_themes(FRAME, lowered, features, THEMES, USUAL)
    table = reason_table(FRAME, ["customer_key"], lowered, ranked, features, THEMES, USUAL).set_index("customer_key")
    of_b = table[table["theme_code"] == "activity"].loc["b"]
    assert of_b["theme_contribution"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("trend", "told"), [(0.99, "low trend"), (1.06, "high trend"), (1.0, None), (1.004, None), (0.996, None)]
)
def test_a_ratio_is_compared_with_a_reference(trend: float, told: str | None) -> None:
    """106 % rose, though 112 % is usual; what is shown as 100 % neither rose nor fell."""
    features = (FEATURES[0], replace(FEATURES[1], reference=1), *FEATURES[2:])
    usual = {**USUAL, "trend": 1.12}
    frame, parts = FRAME.iloc[[0]].assign(trend=trend), PARTS.iloc[[0]] * 0 + [0, 0.9, 0, 0, 0]
    ranked = rank_themes(frame, parts, features, THEMES, usual)
    table = reason_table(frame, ["customer_key"], parts, ranked, features, THEMES, usual)
    shown = f" (trend: {trend:.0%}, usual: 112%)"
    assert table["reason_en"].tolist() == ([] if told is None else [told + shown])
    main = main_reasons(frame, parts, ranked, features, THEMES, usual)
    assert main["reason_en"].item() == (told or NO_REASON_EN)


def test_reasons_equal_a_loop_over_rows() -> None:
    """The ranking of many random rows, missing values and sides among them, is that of a loop over themes and rows."""
    random = np.random.default_rng(0)
    features = (replace(FEATURES[0], named_when="low"), replace(FEATURES[1], named_when="high"), *FEATURES[2:])
    parts = pd.DataFrame(random.normal(size=(300, 5)), columns=PARTS.columns)
    frame = pd.DataFrame(random.normal(size=(300, 5)), columns=PARTS.columns).mask(random.random((300, 5)) < 0.2)
    ranked = rank_themes(frame, parts, features, THEMES, dict.fromkeys(USUAL, 0.0))
    assert ranked.theme.shape == (300, MOST_REASONS)
    members = [["visits", "trend"], ["balance"], ["fees"]]
    allowed = {"visits": (-np.inf, 0), "trend": (0, np.inf), "balance": (-np.inf, np.inf), "fees": (-np.inf, np.inf)}
    for row, (values, given) in enumerate(zip(parts.to_dict("records"), frame.to_dict("records"), strict=True)):
        sums = [0.0, 0.0, 0.0]
        for theme, columns in enumerate(members):
            for column in columns:
                lowest, highest = allowed[column]
                # no comparison with a missing value holds
                if lowest <= given[column] <= highest or (values[column] < 0 and not np.isnan(given[column])):
                    sums[theme] += values[column]
        expected = [theme for theme in sorted(range(3), key=lambda theme: -sums[theme]) if sums[theme] > 0]
        assert [theme for theme in ranked.theme[row] if theme >= 0] == expected
        named = [parts.columns[feature] for feature in ranked.feature[row][: len(expected)]]
        for column in named:
            assert allowed[column][0] <= given[column] <= allowed[column][1]
            assert values[column] > 0


def test_usual_value_suits_the_measure() -> None:
    """One millionaire does not change the usual balance; of what most have none of, the mean tells more."""
    frame = pd.DataFrame(
        {"visits": [0, 0, 0, 4], "trend": [1, 1, 1, 9], "balance": [1, 2, 3, 1e6], "fees": [0, 0, None, 1], "offer": 1}
    )
    usual = usual_values(frame, FEATURES)
    assert usual == pytest.approx({"visits": 1, "trend": 1, "balance": 2.5, "fees": 1 / 3, "offer": 1})
    assert [value_text(value, "amount") for value in (0, -12_345.6)] == ["0", "-12,346"]
