"""Pictures of an event model, as PNG bytes for whoever shows them.

Belongs here: drawing what an `EventModel` says. Does not belong here: computing any of it.
Texts are English, because the fonts that matplotlib carries have no Chinese characters.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from pipeline.pictures import WIDEST, png_of
from pipeline.scoring.additive import INTERCEPT
from pipeline.scoring.event_result import MODEL, RANDOM, SIMPLE_RULE, EventModel

TOWARDS, AWAY = "#b2182b", "#2166ac"
CALIBRATION_TICKS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1)
CALIBRATION_MARGIN = 0.001  # of the longest axis, below zero, for groups at zero


def draw_discrimination(model: EventModel) -> bytes:
    """Draw the ROC curve of the test rows beside the simple rule's, and the calibration by groups of equal size.

    Parameters
    ----------
    model : EventModel
        Fitted, or without a model: then the picture says why.

    Returns
    -------
    bytes
        A PNG.
    """
    if model.outcome != "fitted":
        return _draw_reason(model)
    figure = Figure(figsize=(WIDEST, 4.6), layout="constrained")
    curve_axes, calibration_axes = figure.subplots(1, 2)
    _draw_roc(curve_axes, model)
    _draw_calibration(calibration_axes, model)
    return png_of(figure)


def draw_lift(model: EventModel) -> bytes:
    """Draw the gain curves of model, simple rule and random order, with what the contact budget brings.

    Parameters
    ----------
    model : EventModel
        Fitted, or without a model: then the picture says why.

    Returns
    -------
    bytes
        A PNG.
    """
    if model.outcome != "fitted":
        return _draw_reason(model)
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    lifts = _test_metric(model, "lift_at_budget")
    names = {MODEL: "model", SIMPLE_RULE: model.spec.baseline_name_en, RANDOM: "random order"}
    for code in names:
        curve = model.lift[model.lift["ranking_code"] == code]
        at_budget = lifts.loc[code]
        told = f"lift {at_budget['value']:.2f} ({at_budget['lower_bound']:.2f} to {at_budget['upper_bound']:.2f})"
        axes.plot(curve["contact_share"], curve["captured_share"], marker=".", label=f"{names[code]}: {told}")
    budget = model.spec.contact_budget_share
    axes.axvline(budget, color="grey", linestyle=":", label=f"contact budget: {budget:.0%}")
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.set_xlabel("share of rows contacted, highest score first")
    axes.set_ylabel(f"share of all {model.spec.event_name_en} among them")
    axes.set_title("test periods, not seen in training", fontsize=10)
    axes.legend(fontsize=8, loc="lower right", title="at the budget", title_fontsize=8)
    axes.grid(alpha=0.3)
    return png_of(figure)


def draw_coefficients(model: EventModel) -> bytes:
    """Draw what one standard deviation of each feature, or piece of a feature, adds to the log odds.

    Parameters
    ----------
    model : EventModel
        Fitted, or without a model: then the picture says why.

    Returns
    -------
    bytes
        A PNG.
    """
    if model.outcome != "fitted":
        return _draw_reason(model)
    table = model.coefficients[model.coefficients["feature"] != INTERCEPT]
    pieces = table.groupby("feature").cumcount() + 1
    is_pieced = table["feature"].duplicated(keep=False)
    table = table.assign(label=table["feature"].mask(is_pieced, table["feature"] + ", piece " + pieces.astype("str")))
    table = table.reindex(table["coefficient"].abs().sort_values(kind="stable").index)
    figure = Figure(figsize=(7, 1.2 + 0.26 * len(table)), layout="constrained")
    axes = figure.subplots()
    colours = [TOWARDS if coefficient > 0 else AWAY for coefficient in table["coefficient"]]
    axes.barh(table["label"], table["coefficient"], color=colours)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlabel(f"log odds per standard deviation\n(above zero: more {model.spec.event_name_en})", fontsize=9)
    axes.set_title(str(model.model_version), fontsize=10)
    return png_of(figure)


def _draw_roc(axes: Axes, model: EventModel) -> None:
    areas = _test_metric(model, "auc")
    predictions = model.test_predictions
    for code, column, label in (
        (MODEL, "probability", "model"),
        (SIMPLE_RULE, "baseline_score", model.spec.baseline_name_en),
    ):
        false_positive, true_positive, _ = roc_curve(predictions["is_event"], predictions[column])
        area = areas.loc[code]
        text = f"{label}: AUC {area['value']:.3f} ({area['lower_bound']:.3f} to {area['upper_bound']:.3f})"
        axes.plot(false_positive, true_positive, label=text)
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance")
    axes.set_xlabel("share of other cases above the limit")
    axes.set_ylabel(f"share of {model.spec.event_name_en} above the limit")
    axes.legend(fontsize=8, loc="lower right")
    axes.set_title("test periods, not seen in training", fontsize=10)


def _draw_calibration(axes: Axes, model: EventModel) -> None:
    bins = model.calibration
    bars = [bins["observed_share"] - bins["lower_bound"], bins["upper_bound"] - bins["observed_share"]]
    axes.errorbar(bins["predicted_share"], bins["observed_share"], yerr=bars, marker="o", capsize=3)
    limit = 1.1 * float(bins[["predicted_share", "observed_share", "upper_bound"]].max().max())
    axes.plot([0, limit], [0, limit], color="grey", linestyle=":", label="perfectly calibrated")
    for scale, show in ((axes.set_xscale, axes.set_xlim), (axes.set_yscale, axes.set_ylim)):
        # most groups lie near zero: square roots keep them apart, and unlike logarithms they can show a share of none
        scale("function", functions=(_signed_root, _signed_square))
        show(-CALIBRATION_MARGIN * limit, limit)
    ticks = [0, *(share for share in CALIBRATION_TICKS if limit / 100 <= share <= limit)]
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    axes.set_xlabel("mean predicted probability (square-root axes)")
    axes.set_ylabel(f"observed share of {model.spec.event_name_en}")
    axes.xaxis.set_major_formatter("{x:.1%}")
    axes.yaxis.set_major_formatter("{x:.1%}")
    slope = float(_test_metric(model, "calibration_slope")["value"].iloc[0])
    axes.set_title(f"calibration, {len(bins)} groups of equal size, slope {slope:.2f}", fontsize=10)
    axes.legend(fontsize=8, loc="upper left")


def _signed_root(values: np.ndarray) -> np.ndarray:
    roots: np.ndarray = np.sign(values) * np.sqrt(np.abs(values))
    return roots


def _signed_square(values: np.ndarray) -> np.ndarray:
    squares: np.ndarray = values * np.abs(values)
    return squares


def _test_metric(model: EventModel, metric_code: str) -> pd.DataFrame:
    metrics = model.metrics
    is_asked = (metrics["sample_code"] == "test") & (metrics["metric_code"] == metric_code)
    return metrics[is_asked].set_index("ranking_code")


def _draw_reason(model: EventModel) -> bytes:
    figure = Figure(figsize=(8, 1.6), layout="constrained")
    figure.text(0.5, 0.5, model.reason_en, ha="center", va="center", wrap=True)
    return png_of(figure)
