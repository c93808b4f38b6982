"""What an event model is asked for and what it answers: specification, result, and the columns of its tables.

Belongs here: the shapes that default, churn and response models share. Does not belong here: computing them
(``event_model``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.scoring.additive import COEFFICIENT_COLUMNS
from pipeline.scoring.budget import CURVE_COLUMNS
from pipeline.scoring.calibration import BIN_COLUMNS
from pipeline.scoring.discrimination import METRIC_COLUMNS
from pipeline.scoring.leakage import FINDING_COLUMNS
from pipeline.scoring.reasons import ModelFeature, Theme
from pipeline.scoring.time_split import SAMPLE_COLUMNS

BOOTSTRAPS = 200

MODEL, SIMPLE_RULE, RANDOM = "model", "simple_rule", "random"

KEY_TYPES = {
    "customer_key": "str",
    "month_end_date": "datetime64[us]",
    "campaign_id": "str",
    "product_code": "str",
}
VERSION = {"model_code": "str", "model_version": "str"}
RANKING = {**VERSION, "ranking_code": "str"}
COEFFICIENTS = {**VERSION, **COEFFICIENT_COLUMNS}
METRICS = {**RANKING, "sample_code": "str", **METRIC_COLUMNS}
LIFT = {**RANKING, **CURVE_COLUMNS}
CALIBRATION = {**VERSION, **BIN_COLUMNS}
SAMPLES = {"model_code": "str", **SAMPLE_COLUMNS}
FINDINGS = {"model_code": "str", **FINDING_COLUMNS}
SCORE_COLUMNS = {
    "probability": "float64",
    "probability_rank_share": "float64",
    "theme_code": "str",
    "reason_en": "str",
    "reason_zh": "str",
}
REASON_COLUMNS = {
    "reason_rank": "int64",
    "theme_code": "str",
    "theme_contribution": "float64",
    "feature": "str",
    "feature_value": "float64",
    "contribution": "float64",
    "reason_en": "str",
    "reason_zh": "str",
}
PREDICTION_COLUMNS = {"is_event": "bool", "probability": "float64", "baseline_score": "float64"}

Outcome = Literal["fitted", "insufficient_data", "leakage_suspected"]


@dataclass(frozen=True)
class EventModelSpec:
    """What a model is of, and by which policy.

    Attributes
    ----------
    model_code : str
    event_name_en, event_name_zh : str
        Plural, for texts: ``defaults``, ``违约``.
    baseline_name_en : str
        What the simple rule ranks by, for the legend of pictures.
    key : tuple of str
        Columns that identify a row, among them ``customer_key`` and ``month_end_date``; names of `KEY_TYPES`.
    rank_within : tuple of str
        Columns within which scores are ranked.
    features : tuple of ModelFeature
    themes : tuple of Theme
        All that the features name.
    least_history_months : int
        Rows with less history are neither learnt from nor scored.
    least_events : int
        Fewest events in training and in test; below, nothing is published.
    test_period_count : int
        Latest observed periods that are tested on.
    contact_budget_share : float
        Share of the customers that can be contacted, above 0, at most 1.
    highest_single_feature_auc : float
        Above it a feature is suspected of knowing the outcome, and nothing is published.
    bootstraps : int
        Bootstrap samples behind each interval.
    """

    model_code: str
    event_name_en: str
    event_name_zh: str
    baseline_name_en: str
    key: tuple[str, ...]
    rank_within: tuple[str, ...]
    features: tuple[ModelFeature, ...]
    themes: tuple[Theme, ...]
    least_history_months: int
    least_events: int
    test_period_count: int
    contact_budget_share: float
    highest_single_feature_auc: float
    bootstraps: int = BOOTSTRAPS

    @property
    def columns(self) -> list[str]:
        """The features' columns."""
        return [feature.column for feature in self.features]


@dataclass(frozen=True)
class EventModel:
    """The outcome of `fit_event_model`; frames are empty, with their columns, where there is no model.

    Every frame has ``model_code`` first and, `samples` and `leakage_findings` apart, ``model_version`` second.

    Attributes
    ----------
    spec : EventModelSpec
    outcome : {'fitted', 'insufficient_data', 'leakage_suspected'}
    reason_en, reason_zh : str
        What was fitted on what, or why there is no model.
    model_version : str or None
        Hash of the coefficients.
    coefficients : DataFrame
        The columns of `additive`: all that scoring takes.
    scores : DataFrame
        The key, ``probability, probability_rank_share`` (share of the rows of the same month that score at least as
        high: 0.1 and below is the top tenth), ``theme_code, reason_en, reason_zh`` (the main theme and its strongest
        reason, without figures), ``sample_code`` (how far a score may be believed: ``train`` rows were fitted on);
        every row with enough history.
    reasons : DataFrame
        The key and the columns of `REASON_COLUMNS`: of the rows of the latest month.
    metrics : DataFrame
        ``ranking_code`` (``model, simple_rule``; ``random``, whose bounds are the range of random orders),
        ``sample_code`` (``test``; ``test_unseen_customers``: no period of theirs was trained on; ``random_split``) and
        the columns of `discrimination`.
    lift : DataFrame
        ``ranking_code, contact_share, captured_share, lift``: the gain curves of the test rows.
    calibration : DataFrame
        The columns of `calibration`: test rows in groups of equal size.
    samples : DataFrame
        ``month_end_date, sample_code, row_count, event_count``: how the rows were split.
    leakage_findings : DataFrame
        ``feature, auc, auc_limit, is_suspected``: how well each feature alone ranks the training rows.
    test_predictions : DataFrame
        The key, ``is_event, probability, baseline_score``: the test rows.
    usual : mapping
        Feature to what is usual of it among the training rows, which the texts of reasons compare with.
    """

    spec: EventModelSpec
    outcome: Outcome
    reason_en: str
    reason_zh: str
    model_version: str | None
    coefficients: pd.DataFrame
    scores: pd.DataFrame
    reasons: pd.DataFrame
    metrics: pd.DataFrame
    lift: pd.DataFrame
    calibration: pd.DataFrame
    samples: pd.DataFrame
    leakage_findings: pd.DataFrame
    test_predictions: pd.DataFrame
    usual: Mapping[str, float]


def score_types(spec: EventModelSpec) -> dict[str, str]:
    """Return the columns of scores with their types."""
    return {**VERSION, **_key_types(spec), **SCORE_COLUMNS, "sample_code": "str"}


def reason_types(spec: EventModelSpec) -> dict[str, str]:
    """Return the columns of reasons with their types."""
    return {**VERSION, **_key_types(spec), **REASON_COLUMNS}


def _key_types(spec: EventModelSpec) -> dict[str, str]:
    return {name: KEY_TYPES[name] for name in spec.key}


def prediction_types(spec: EventModelSpec) -> dict[str, str]:
    """Return the columns of test predictions with their types."""
    return {**VERSION, **_key_types(spec), **PREDICTION_COLUMNS}


def published(frame: pd.DataFrame, spec: EventModelSpec, columns: dict[str, str], version: str) -> pd.DataFrame:
    """Return the columns of a table, with the model's code and version, in their types."""
    return typed(frame.assign(model_code=spec.model_code, model_version=version), columns)


def typed(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Return the columns of a table in their types."""
    return frame[list(columns)].astype(columns).reset_index(drop=True)


def empty(columns: dict[str, str]) -> pd.DataFrame:
    """Return a table without rows."""
    return pd.DataFrame(columns=list(columns)).astype(columns)


def without_model(
    spec: EventModelSpec,
    outcome: Outcome,
    reason_en: str,
    reason_zh: str,
    samples: pd.DataFrame,
    findings: pd.DataFrame | None = None,
) -> EventModel:
    """Return the result of a run that publishes no model: the reason, how rows were split, empty tables.

    Parameters
    ----------
    spec : EventModelSpec
    outcome : {'insufficient_data', 'leakage_suspected'}
    reason_en, reason_zh : str
    samples : DataFrame
        ``model_code`` and the columns of `time_split.sample_table`.
    findings : DataFrame, optional
        From `leakage.single_feature_findings`, where it came to that.

    Returns
    -------
    EventModel
    """
    return EventModel(
        spec=spec,
        outcome=outcome,
        reason_en=reason_en,
        reason_zh=reason_zh,
        model_version=None,
        coefficients=empty(COEFFICIENTS),
        scores=empty(score_types(spec)),
        reasons=empty(reason_types(spec)),
        metrics=empty(METRICS),
        lift=empty(LIFT),
        calibration=empty(CALIBRATION),
        samples=typed(samples, SAMPLES),
        leakage_findings=empty(FINDINGS)
        if findings is None
        else typed(findings.assign(model_code=spec.model_code), FINDINGS),
        test_predictions=empty(prediction_types(spec)),
        usual={},
    )


def require_in_range(name: str, value: float, lowest: float, highest: float) -> None:
    """Demand that a number of a policy is in its range.

    Raises
    ------
    InputError
        Naming the number and its range.
    """
    if not lowest <= value <= highest:
        raise InputError(
            f"{name} is out of its range",
            expected=f"{lowest:g} or more" if highest == np.inf else f"{lowest:g} to {highest:g}",
            found=str(value),
            where=name,
            action="correct it in the policy, or where the model is called",
        )
