"""Model cards: what a reader must know of each model before acting on it, in English and Chinese.

Belongs here: putting the figures of the latest run beside the lasting text of ``model_cards.yaml``. Does not belong
here: the figures themselves; every model publishes its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml

from pipeline.errors import InputError

CARD_COLUMNS = {
    "model_code": "str",
    "section_code": "str",
    "position": "int64",
    "model_name_en": "str",
    "model_name_zh": "str",
    "title_en": "str",
    "title_zh": "str",
    "text_en": "str",
    "text_zh": "str",
}
METRIC_COLUMNS = ("metric_code", "value", "lower_bound", "upper_bound")

Language = Literal["en", "zh"]


@dataclass(frozen=True)
class ModelFacts:
    """What the latest run of one model said.

    Attributes
    ----------
    model_code : str
        A key of ``models`` in ``model_cards.yaml``.
    outcome, reason_en, reason_zh : str
        What came of the run and why.
    policy_version : str
    first_month_end_date, last_month_end_date : date or None
        Month-ends of the data that the model learnt from and was tested on; None where there were none.
    row_count : int
        Rows of these months, or customers.
    event_count : int or None
        Events among them; None where nothing is predicted.
    metrics : DataFrame
        ``metric_code, value, lower_bound, upper_bound``; bounds are null where a figure has no interval.
    """

    model_code: str
    outcome: str
    reason_en: str
    reason_zh: str
    policy_version: str
    first_month_end_date: date | None
    last_month_end_date: date | None
    row_count: int
    event_count: int | None
    metrics: pd.DataFrame


def write_cards(facts: Sequence[ModelFacts]) -> pd.DataFrame:
    """Write the cards.

    Parameters
    ----------
    facts : sequence of ModelFacts
        One per model.

    Returns
    -------
    DataFrame
        The columns of `CARD_COLUMNS`, one row per model and section, in the order a reader takes them.

    Raises
    ------
    InputError
        If a model or a metric has no text.
    """
    texts = _texts()
    rows = []
    for fact in facts:
        model = _named(texts["models"], fact.model_code, "models")
        told_en = _sections(fact, model, texts["metrics"], "en")
        told_zh = _sections(fact, model, texts["metrics"], "zh")
        rows += [
            (
                fact.model_code,
                section,
                position,
                model["name"]["en"],
                model["name"]["zh"],
                title["en"],
                title["zh"],
                told_en[section],
                told_zh[section],
            )
            for position, (section, title) in enumerate(texts["sections"].items(), start=1)
        ]
    return pd.DataFrame(rows, columns=list(CARD_COLUMNS)).astype(CARD_COLUMNS)


def card_markdown(cards: pd.DataFrame) -> str:
    """Return cards as Markdown, both languages, for the metadata of an asset."""
    lines = []
    for _, card in cards.groupby("model_code", sort=False):
        first = card.iloc[0]
        lines.append(f"## {first['model_name_en']} {first['model_name_zh']}")
        for row in card.to_dict("records"):
            lines += [f"**{row['title_en']} {row['title_zh']}**", "", row["text_en"], "", row["text_zh"], ""]
    return "\n".join(lines)


@cache
def _texts() -> dict[str, Any]:
    texts: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return texts


def _sections(
    fact: ModelFacts, model: Mapping[str, Any], metric_names: Mapping[str, Any], language: Language
) -> dict[str, str]:
    return {
        "purpose": model["purpose"][language],
        "target": model["target"][language],
        "data": _data(fact, language),
        "outcome": {"en": fact.reason_en, "zh": fact.reason_zh}[language],
        "metrics": _figures(fact.metrics, metric_names, language),
        "limits": model["limits"][language],
    }


def _data(fact: ModelFacts, language: Language) -> str:
    version = {"en": f"policy {fact.policy_version}", "zh": f"政策版本 {fact.policy_version}"}[language]
    if fact.first_month_end_date is None:
        return {"en": f"no usable month; {version}", "zh": f"无可用月份；{version}"}[language]
    window = f"{fact.first_month_end_date} – {fact.last_month_end_date}"
    counted = {"en": f"{fact.row_count:,} rows", "zh": f"{fact.row_count:,} 行"}[language]
    if fact.event_count is not None:
        counted += {"en": f", {fact.event_count:,} events", "zh": f"，事件 {fact.event_count:,}"}[language]
    return {"en": f"{window}: {counted}; {version}", "zh": f"{window}：{counted}；{version}"}[language]


def _figures(metrics: pd.DataFrame, names: Mapping[str, Any], language: Language) -> str:
    told = [
        f"- {_named(names, row['metric_code'], 'metrics')[language]}: {_with_interval(row, language)}"
        for row in metrics[list(METRIC_COLUMNS)].to_dict("records")
        if pd.notna(row["value"])
    ]
    return "\n".join(told) or {"en": "none", "zh": "无"}[language]


def _with_interval(row: Mapping[Any, Any], language: Language) -> str:
    value = f"{row['value']:,.0f}" if row["value"] == round(row["value"]) else f"{row['value']:.3f}"
    if pd.isna(row["lower_bound"]):
        return value
    bounds = f"{row['lower_bound']:.3f} – {row['upper_bound']:.3f}"
    return {"en": f"{value} (95 % {bounds})", "zh": f"{value}（95% 区间 {bounds}）"}[language]


def _named(texts: Mapping[str, Any], code: str, kind: str) -> Any:
    if code not in texts:
        raise InputError(
            "a model card lacks its text",
            expected=f"one of {', '.join(texts)}",
            found=code,
            where=f"pipeline/mining/model_cards.yaml, {kind}",
            action="add the text in both languages",
        )
    return texts[code]
