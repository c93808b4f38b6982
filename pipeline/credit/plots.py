"""Pictures of a default model, as PNG bytes for whoever shows them.

Belongs here: drawing what a `DefaultModel` says. Does not belong here: computing any of it.
Texts are English, because the fonts that matplotlib carries have no Chinese characters.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from pipeline.credit.default_model import DefaultModel
from pipeline.credit.linear_scores import INTERCEPT
from pipeline.pictures import png_of

CALIBRATION_BINS = 10
NORMAL_95 = 1.96


def draw_discrimination(model: DefaultModel) -> bytes:
    """Draw the ROC curve of the test months beside the baseline, and the calibration by tenths of the rows.

    Parameters
    ----------
    model : DefaultModel
        Fitted, or without a model: then the picture says why.

    Returns
    -------
    bytes
        A PNG.
    """
    if model.outcome != "fitted":
        return _draw_reason(model)
    predictions = model.test_predictions
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    curve_axes, calibration_axes = figure.subplots(1, 2)
    metrics = model.metrics[(model.metrics["sample_code"] == "test") & (model.metrics["metric_code"] == "auc")]
    areas = metrics.set_index("model_code")
    for model_code, column, label in (
        ("default_logistic", "probability_of_default", "model"),
        ("current_days_past_due", "baseline_score", "days past due now"),
    ):
        false_positive, true_positive, _ = roc_curve(predictions["is_default"], predictions[column])
        area = areas.loc[model_code]
        text = f"{label}: AUC {area['value']:.3f} ({area['lower_bound']:.3f} to {area['upper_bound']:.3f})"
        curve_axes.plot(false_positive, true_positive, label=text)
    curve_axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance")
    curve_axes.set_xlabel("share of good cases above the limit")
    curve_axes.set_ylabel("share of defaults above the limit")
    curve_axes.legend(fontsize=8, loc="lower right")
    curve_axes.set_title("test months, not seen in training", fontsize=10)

    bins = _calibration(predictions)
    bars = [bins["observed"] - bins["lower"], bins["upper"] - bins["observed"]]
    calibration_axes.errorbar(bins["predicted"], bins["observed"], yerr=bars, marker="o", capsize=3)
    limit = 1.1 * float(bins[["predicted", "observed"]].max().max())
    calibration_axes.plot([0, limit], [0, limit], color="grey", linestyle=":", label="perfectly calibrated")
    calibration_axes.set_xlabel("mean predicted probability")
    calibration_axes.set_ylabel("observed default rate")
    calibration_axes.xaxis.set_major_formatter("{x:.1%}")
    calibration_axes.yaxis.set_major_formatter("{x:.1%}")
    calibration_axes.set_title(f"calibration, {len(bins)} groups of equal size", fontsize=10)
    calibration_axes.legend(fontsize=8, loc="upper left")
    return png_of(figure)


def draw_coefficients(model: DefaultModel) -> bytes:
    """Draw what one standard deviation of each feature adds to the log odds of default.

    Parameters
    ----------
    model : DefaultModel
        Fitted, or without a model: then the picture says why.

    Returns
    -------
    bytes
        A PNG.
    """
    if model.outcome != "fitted":
        return _draw_reason(model)
    table = model.coefficients[model.coefficients["feature"] != INTERCEPT]
    table = table.reindex(table["coefficient"].abs().sort_values(kind="stable").index)
    figure = Figure(figsize=(7, 1.2 + 0.26 * len(table)), layout="constrained")
    axes = figure.subplots()
    axes.barh(table["feature"], table["coefficient"], color=np.where(table["coefficient"] > 0, "#b2182b", "#2166ac"))
    axes.axvline(0, color="black", linewidth=0.8)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlabel("log odds per standard deviation; above zero means riskier")
    axes.set_title(str(model.model_version), fontsize=10)
    return png_of(figure)


def _calibration(predictions: pd.DataFrame) -> pd.DataFrame:
    rank = predictions["probability_of_default"].rank(method="first")
    group = np.ceil(rank * CALIBRATION_BINS / len(predictions))
    bins = predictions.groupby(group).agg(
        predicted=("probability_of_default", "mean"), observed=("is_default", "mean"), rows=("is_default", "size")
    )
    # Wilson's interval: it stays within 0 and 1 where a group has no or few defaults
    rate, rows, z = bins["observed"], bins["rows"], NORMAL_95
    centre = (rate + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half_width = z / (1 + z**2 / rows) * np.sqrt(rate * (1 - rate) / rows + z**2 / (4 * rows**2))
    # a rate of 0 lies on its own lower bound, up to the last bit
    return bins.assign(lower=np.minimum(centre - half_width, rate), upper=np.maximum(centre + half_width, rate))


def _draw_reason(model: DefaultModel) -> bytes:
    figure = Figure(figsize=(8, 1.6), layout="constrained")
    figure.text(0.5, 0.5, model.reason_en, ha="center", va="center", wrap=True)
    return png_of(figure)
