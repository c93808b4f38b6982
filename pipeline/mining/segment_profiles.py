"""What segments are like, in figures and in words that a marketer can read.

Belongs here: means beside the bank's, names and descriptions in English and Chinese. Does not belong here: the division
(``segments``) and pictures (``segment_plots``).

A name says at most one thing of each block, the one in which the segment differs most from the bank: the stage of life,
the value, the need (only where there is much of it: nobody is known for what he does not buy) and the behaviour.
"""

from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from pipeline.mining.segment_behaviours import Behaviour
from pipeline.mining.segment_scaling import DECIMALS

BLOCKS_OF_NAME = ("life_stage", "value", "needs", "behaviour")
DEVIATION_IN_NAME = 0.4  # standard deviations
DEVIATION_IN_DESCRIPTION = 0.25
BEHAVIOURS_IN_DESCRIPTION = 6

Language = Literal["en", "zh"]
SEPARATORS: dict[Language, str] = {"en": ", ", "zh": "，"}
NAMES_OF_NOTHING: dict[Language, str] = {"en": "typical customers", "zh": "普通客户"}


def behaviour_table(
    values: pd.DataFrame,
    scaled: np.ndarray,
    segment_codes: pd.Series,
    centres: np.ndarray,
    behaviours: Sequence[Behaviour],
) -> pd.DataFrame:
    """Set each segment's behaviours beside the bank's.

    Parameters
    ----------
    values : DataFrame
        One column per behaviour, one row per customer.
    scaled : ndarray of float, shape (customers, behaviours)
    segment_codes : Series of str
        Of each customer.
    centres : ndarray of float, shape (segments, behaviours)
        In scaled units, in the order of the codes ``S1``, ``S2``, ...
    behaviours : sequence of Behaviour
        In the order of the columns.

    Returns
    -------
    DataFrame
        ``segment_code, behaviour, block, measure, behaviour_name_en, behaviour_name_zh, mean_value, median_value,
        bank_mean_value, bank_median_value, deviation``, by segment and then in the order of `behaviours`. Means are of
        the values as they are, not of the scaled ones; ``deviation`` is the centre's distance from the mean of all
        customers in standard deviations of scaled values.
    """
    codes = [f"S{rank}" for rank in range(1, len(centres) + 1)]
    by_code = values.groupby(segment_codes.to_numpy())
    means, medians = by_code.mean().reindex(codes), by_code.median().reindex(codes)
    deviations = (centres - scaled.mean(axis=0)) / scaled.std(axis=0)
    parts = [
        pd.DataFrame(
            {
                "segment_code": codes,
                "behaviour": behaviour.column,
                "block": behaviour.block,
                "measure": behaviour.measure,
                "behaviour_name_en": behaviour.name_en,
                "behaviour_name_zh": behaviour.name_zh,
                "mean_value": means[behaviour.column].to_numpy(),
                "median_value": medians[behaviour.column].to_numpy(),
                "bank_mean_value": values[behaviour.column].mean(),
                "bank_median_value": values[behaviour.column].median(),
                "deviation": deviations[:, position],
            }
        )
        for position, behaviour in enumerate(behaviours)
    ]
    table = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    numbers = table.select_dtypes("number").columns
    # plus zero, so that what rounds to nothing is not written as -0
    table[numbers] = table[numbers].round(DECIMALS) + 0.0
    return table


def profile_table(
    table: pd.DataFrame, segment_codes: pd.Series, jaccards: np.ndarray, behaviours: Sequence[Behaviour]
) -> pd.DataFrame:
    """Size, stability, name and description of each segment.

    Parameters
    ----------
    table : DataFrame
        As `behaviour_table` returns it.
    segment_codes : Series of str
        Of each customer.
    jaccards : ndarray of float, shape (segments,)
        Jaccard stability, in the order of the codes.
    behaviours : sequence of Behaviour
        Their words.

    Returns
    -------
    DataFrame
        ``segment_code, customer_count, customer_share, jaccard_stability, name_en, name_zh, description_en,
        description_zh``, one row per segment. No two names are the same.
    """
    codes = list(dict.fromkeys(table["segment_code"]))
    words = {behaviour.column: behaviour for behaviour in behaviours}
    sizes = segment_codes.value_counts().reindex(codes, fill_value=0).to_numpy()
    shares = sizes / sizes.sum()
    by_segment = [_strongest_first(table[table["segment_code"] == code]) for code in codes]
    return pd.DataFrame(
        {
            "segment_code": codes,
            "customer_count": sizes.astype("int64"),
            "customer_share": shares.round(DECIMALS),
            "jaccard_stability": jaccards.round(DECIMALS),
            "name_en": _names(by_segment, codes, words, "en"),
            "name_zh": _names(by_segment, codes, words, "zh"),
            "description_en": [
                f"{size:,} customers ({share:.1%}). {_figures(rows, 'en')}"
                for size, share, rows in zip(sizes, shares, by_segment, strict=True)
            ],
            "description_zh": [
                f"{size:,} 位客户（{share:.1%}）。{_figures(rows, 'zh')}"
                for size, share, rows in zip(sizes, shares, by_segment, strict=True)
            ],
        }
    )


def _strongest_first(rows: pd.DataFrame) -> pd.DataFrame:
    order = rows["deviation"].abs().sort_values(ascending=False, kind="stable").index
    return rows.reindex(order).reset_index(drop=True)


def _names(
    by_segment: list[pd.DataFrame], codes: list[str], words: dict[str, Behaviour], language: Language
) -> list[str]:
    """Name every segment; those whose names are alike say one thing more, the code being the last resort."""
    phrases = [_phrases(rows, words, language) for rows in by_segment]
    names = [_joined(of_blocks, language) for of_blocks, _ in phrases]
    for more in range(1, max(len(others) for _, others in phrases) + 1):
        repeated = pd.Series(names).duplicated(keep=False)
        names = [
            _joined([*of_blocks, *others[:more]], language) if is_repeated else name
            for name, (of_blocks, others), is_repeated in zip(names, phrases, repeated, strict=True)
        ]
    repeated = pd.Series(names).duplicated(keep=False)
    return [
        f"{name} ({code})" if is_repeated else name
        for name, code, is_repeated in zip(names, codes, repeated, strict=True)
    ]


def _phrases(rows: pd.DataFrame, words: dict[str, Behaviour], language: Language) -> tuple[list[str], list[str]]:
    """Return the phrases of a name, one per block at most, and the phrases for all else, the strongest first."""
    told = [
        (row["block"], abs(row["deviation"]) >= DEVIATION_IN_NAME, _phrase(row, words, language))
        for row in rows.to_dict("records")
        if row["deviation"] != 0
    ]
    told = [phrase for phrase in told if phrase[2]]
    of_blocks = []
    for block in BLOCKS_OF_NAME:
        of_block = [phrase for phrase in told if phrase[0] == block and phrase[1]]
        of_blocks += of_block[:1]
    return [phrase[2] for phrase in of_blocks], [phrase[2] for phrase in told if phrase not in of_blocks]


def _phrase(row: dict[Hashable, Any], words: dict[str, Behaviour], language: Language) -> str:
    amount = "much" if row["deviation"] > 0 else "little"
    phrase: str = getattr(words[row["behaviour"]], f"{amount}_{language}")
    return phrase


def _joined(phrases: list[str], language: Language) -> str:
    name = SEPARATORS[language].join(phrases) or NAMES_OF_NOTHING[language]
    return name[0].upper() + name[1:]


def _figures(rows: pd.DataFrame, language: Language) -> str:
    notable = rows[rows["deviation"].abs() >= DEVIATION_IN_DESCRIPTION].head(BEHAVIOURS_IN_DESCRIPTION)
    if notable.empty:
        return {"en": "No behaviour stands out.", "zh": "无突出行为。"}[language]
    template, separator, sentence = {
        "en": ("{} {} (bank {})", "; ", "On average: {}."),
        "zh": ("{} {}（全行 {}）", "；", "平均：{}。"),
    }[language]
    told = [
        template.format(
            row[f"behaviour_name_{language}"],
            figure_text(row["mean_value"], row["measure"]),
            figure_text(row["bank_mean_value"], row["measure"]),
        )
        for row in notable.to_dict("records")
    ]
    return sentence.format(separator.join(told))


def figure_text(value: float, measure: str) -> str:
    """Write a value for people: shares in per cent, years whole, amounts and counts with as many digits as matter.

    Parameters
    ----------
    value : float
    measure : str
        Of the behaviour.

    Returns
    -------
    str

    Examples
    --------
    >>> figure_text(0.256, "share"), figure_text(41.7, "years"), figure_text(12345.6, "amount")
    ('26%', '42', '12,346')
    """
    if measure in ("share", "composition"):
        return f"{value:.0%}"
    if measure == "years":
        return f"{value:.0f}"
    return f"{value:,.0f}" if value == 0 or abs(value) >= 100 else f"{value:,.1f}"
