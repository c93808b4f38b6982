"""Model cards: every model and figure has its words in both languages, and what is not known is not claimed."""

from datetime import date

import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.mining.model_cards import METRIC_COLUMNS, ModelFacts, card_markdown, write_cards


def facts(model_code: str = "churn", metric_code: str = "auc", first: date | None = date(2025, 1, 31)) -> ModelFacts:
    metrics = pd.DataFrame([(metric_code, 0.8125, 0.75, 0.875)], columns=list(METRIC_COLUMNS))
    return ModelFacts(
        model_code, "fitted", "fitted on much", "已训练", "2025-01", first, date(2025, 6, 30), 1_200, 60, metrics
    )


def test_a_card_tells_window_figures_and_limits_in_both_languages() -> None:
    """Guards what a reader must know: the months, the events, the figure with its interval, and what not to do."""
    card = write_cards([facts()]).set_index("section_code")
    assert list(card.index) == ["purpose", "target", "data", "outcome", "metrics", "limits"]
    assert card.loc["data", "text_en"] == "2025-01-31 – 2025-06-30: 1,200 rows, 60 events; policy 2025-01"
    assert card.loc["data", "text_zh"] == "2025-01-31 – 2025-06-30：1,200 行，事件 60；政策版本 2025-01"
    assert card.loc["metrics", "text_en"] == "- area under the ROC curve: 0.812 (95 % 0.750 – 0.875)"
    assert "流失" in card.loc["target", "text_zh"]
    assert (card["text_en"].str.len() > 0).all()
    assert "churn" in card_markdown(card.reset_index()).lower()


def test_without_data_nothing_is_claimed() -> None:
    """Guards a young bank: no window and no figure is told that was not measured."""
    nothing = facts(first=None)
    nothing.metrics.loc[0, ["value", "lower_bound", "upper_bound"]] = None
    card = write_cards([nothing]).set_index("section_code")
    assert card.loc["data", "text_en"] == "no usable month; policy 2025-01"
    assert card.loc["metrics", "text_en"] == "none"


@pytest.mark.parametrize("model_code", ["segments", "associations", "sequences", "churn", "propensity", "default"])
def test_every_model_has_its_texts(model_code: str) -> None:
    """Guards against a model that is published without a card."""
    assert len(write_cards([facts(model_code)])) == 6


@pytest.mark.parametrize(("model_code", "metric_code"), [("unheard_of", "auc"), ("churn", "unheard_of")])
def test_a_missing_text_is_named(model_code: str, metric_code: str) -> None:
    """Guards the message: which text is missing, and where to add it."""
    with pytest.raises(InputError, match=r"(?s)unheard_of.*model_cards.yaml"):
        write_cards([facts(model_code, metric_code)])
