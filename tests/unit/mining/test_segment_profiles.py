"""Names and descriptions: what sets a segment apart, in words, in both languages, never twice the same."""

import numpy as np
import pandas as pd

from pipeline.mining.segment_behaviours import BEHAVIOURS, Behaviour
from pipeline.mining.segment_profiles import behaviour_table, profile_table

AGE, TRAVEL, CASH, OTHER = (
    next(behaviour for behaviour in BEHAVIOURS if behaviour.column == column)
    for column in ("age_years", "travel_purchases_3m_share", "cash_3m_share", "other_purchases_3m_share")
)


def _profiles(centres: list[list[float]], behaviours: list[Behaviour], customers: int = 40) -> pd.DataFrame:
    """Profile segments of equally many customers who all lie on their centre; values are the scaled ones."""
    codes = pd.Series(np.repeat([f"S{rank}" for rank in range(1, len(centres) + 1)], customers))
    scaled = np.repeat(np.array(centres), customers, axis=0)
    values = pd.DataFrame(scaled, columns=[behaviour.column for behaviour in behaviours])
    table = behaviour_table(values, scaled, codes, np.array(centres), behaviours)
    return profile_table(table, codes, np.full(len(centres), 0.9), behaviours)


def test_names_say_one_thing_of_each_block() -> None:
    """The stage of life comes first, then the need, then the behaviour, each where it differs from the bank."""
    profiles = _profiles([[2, 1, 0], [-2, -1, 0], [0, 0, 1], [0, 0, -1]], [AGE, TRAVEL, CASH])
    assert profiles["name_en"].tolist() == ["Older, travel spending", "Younger", "Much cash", "Little cash"]
    assert profiles["name_zh"].tolist() == ["较年长，旅行消费多", "较年轻", "多用现金", "少用现金"]


def test_nobody_is_named_after_what_he_does_not_buy() -> None:
    """Few purchases for travel or for other purposes are no trait; such a segment is of typical customers."""
    profiles = _profiles([[-1, 1], [1, -1]], [TRAVEL, OTHER])
    assert profiles["name_en"].tolist() == ["Typical customers", "Travel spending"]
    assert profiles["name_zh"].tolist() == ["普通客户", "旅行消费多"]


def test_names_that_are_alike_say_one_thing_more() -> None:
    """Two segments of older people are told apart by a trait too weak for a name otherwise."""
    profiles = _profiles([[2, 0.2, 0], [2, -0.2, 0], [-2, 1, 1], [-2, -1, 1]], [AGE, CASH, TRAVEL])
    assert profiles["name_en"].tolist()[:2] == ["Older, much cash", "Older, little cash"]


def test_the_code_is_the_last_resort() -> None:
    """Segments with nothing to tell them apart still have names of their own."""
    profiles = _profiles([[2], [2], [-2]], [AGE])
    assert profiles["name_en"].tolist() == ["Older (S1)", "Older (S2)", "Younger"]
    assert profiles["name_zh"].is_unique


def test_descriptions_set_means_beside_the_bank() -> None:
    """Sizes, shares and means stand in the text as they are in the table."""
    profiles = _profiles([[60], [20], [40]], [AGE], 50)
    first = profiles.iloc[0]
    assert first["description_en"] == "50 customers (33.3%). On average: age 60 (bank 40)."
    assert first["description_zh"] == "50 位客户（33.3%）。平均：年龄 60（全行 40）。"
    assert profiles["description_en"].iloc[2].endswith("No behaviour stands out.")


def test_ten_segments_keep_their_order() -> None:
    """S10 comes after S9 in every table, though not in the alphabet."""
    profiles = _profiles([[float(-rank)] for rank in range(11)], [AGE])
    assert profiles["segment_code"].tolist() == [f"S{rank}" for rank in range(1, 12)]
    assert profiles["name_en"].is_unique
    assert (profiles["customer_count"] == 40).all()
