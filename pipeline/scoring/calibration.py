"""Whether probabilities are right: groups, recalibration slope and intercept, intervals of shares.

Belongs here: comparing predicted with observed shares. Does not belong here: ranking (``discrimination``).

- The calibration slope is the coefficient b of the logistic regression of the outcome on the predicted log odds,
  log odds = a + b * predicted (Cox 1958, Biometrika 45, 562-565): below 1 the predictions are too extreme. The
  calibration intercept is a where b is held at 1 ("in the large"; Van Calster et al. 2019, BMC Medicine 17, 230):
  above 0 there are more events than predicted.
- The expected calibration error is the mean distance of predicted and observed share over groups of equal size (Naeini,
  Cooper and Hauskrecht 2015, AAAI). It is never negative, and noise alone makes it positive.
- The Brier score is the mean squared error of the probability (Brier 1950).
"""

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from pipeline.scoring.discrimination import DECIMALS, RowMeasure

BIN_COUNT = 10
NORMAL_95 = 1.959963984540054
BIN_COLUMNS = {
    "bin_number": "int64",
    "predicted_share": "float64",
    "observed_share": "float64",
    "lower_bound": "float64",
    "upper_bound": "float64",
    "row_count": "int64",
}
SMALLEST_PROBABILITY = 1e-12  # the log odds of 0 and 1 are infinite
MOST_STEPS = 50
STEP_TOLERANCE = 1e-9


def probability_measures(is_event: np.ndarray, probabilities: np.ndarray) -> dict[str, RowMeasure]:
    """Bind the measures of probabilities to labelled rows, for `discrimination.measure`.

    Parameters
    ----------
    is_event : ndarray of bool, (n,)
    probabilities : ndarray of float, (n,)

    Returns
    -------
    dict
        ``brier, calibration_slope, calibration_intercept, expected_calibration_error``, each a function of the rows'
        weights. The slope is unknown (NaN) where all probabilities are equal or the classes are separated.
    """
    events = is_event.astype("float64")
    squared_errors = (probabilities - events) ** 2
    log_odds = logit(np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))
    group = _groups(probabilities)
    errors = probabilities - events

    def expected_error(weights: np.ndarray) -> float:
        return float(np.abs(np.bincount(group, weights * errors)).sum() / weights.sum())

    return {
        "brier": lambda weights: float(np.average(squared_errors, weights=weights)),
        "calibration_slope": lambda weights: recalibration(events, log_odds, weights)[1],
        "calibration_intercept": lambda weights: calibration_in_the_large(events, log_odds, weights),
        "expected_calibration_error": expected_error,
    }


def recalibration(is_event: np.ndarray, log_odds: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Fit log odds = a + b * predicted log odds by Newton's method.

    Parameters
    ----------
    is_event, log_odds, weights : ndarray of float, (n,)

    Returns
    -------
    tuple of float
        Intercept a and slope b; NaN where there is no finite optimum.
    """
    estimate = np.array([0.0, 1.0])
    likelihood = _log_likelihood(estimate, is_event, log_odds, weights)
    for _ in range(MOST_STEPS):
        step = _newton_step(estimate, is_event, log_odds, weights)
        if not np.isfinite(step).all():
            break
        # a full step may lead beyond the optimum, and from there away
        while _log_likelihood(estimate + step, is_event, log_odds, weights) < likelihood - STEP_TOLERANCE:
            step = step / 2
        estimate = estimate + step
        likelihood = _log_likelihood(estimate, is_event, log_odds, weights)
        if np.abs(step).sum() < STEP_TOLERANCE:
            return float(estimate[0]), float(estimate[1])
    return np.nan, np.nan


def calibration_in_the_large(is_event: np.ndarray, log_odds: np.ndarray, weights: np.ndarray) -> float:
    """Return what has to be added to all log odds so that as many events are expected as there are.

    Parameters
    ----------
    is_event, log_odds, weights : ndarray of float, (n,)

    Returns
    -------
    float
        NaN where there is no finite optimum.
    """
    intercept = 0.0
    for _ in range(MOST_STEPS):
        expected = expit(intercept + log_odds)
        curvature = (weights * expected * (1 - expected)).sum()
        if not curvature > 0:
            break
        step = float((weights * (is_event - expected)).sum() / curvature)
        # a longer step would leave the range where the curve is anything but flat
        step = float(np.clip(step, -2, 2))
        intercept += step
        if abs(step) < STEP_TOLERANCE:
            return intercept
    return np.nan


def calibration_bins(is_event: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Compare predicted and observed shares in `BIN_COUNT` groups of equal size, by predicted probability.

    Parameters
    ----------
    is_event : ndarray of bool, (n,)
    probabilities : ndarray of float, (n,)

    Returns
    -------
    DataFrame
        The columns of `BIN_COLUMNS`; bin 1 has the lowest predictions. The bounds are `wilson_interval`'s and take the
        rows for independent: where customers come in several months, the truth is a little less sure.
    """
    rows = pd.DataFrame(
        {"is_event": is_event.astype("float64"), "probability": probabilities, "bin_number": _groups(probabilities) + 1}
    )
    bins = rows.groupby("bin_number", sort=True).agg(
        predicted_share=("probability", "mean"), observed_share=("is_event", "mean"), row_count=("is_event", "size")
    )
    events = (bins["observed_share"] * bins["row_count"]).round().to_numpy()
    bins["lower_bound"], bins["upper_bound"] = wilson_interval(events, bins["row_count"].to_numpy())
    return bins.reset_index()[list(BIN_COLUMNS)].astype(BIN_COLUMNS).round(DECIMALS)


def wilson_interval(events: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22, 209-212).

    It stays within 0 and 1 where there are no or few events. NaN where there are no rows.

    Parameters
    ----------
    events, rows : ndarray, (k,)

    Returns
    -------
    tuple of ndarray, (k,)
        Lower and upper bounds.

    Examples
    --------
    >>> [bound.round(4).tolist() for bound in wilson_interval(np.array([0, 15]), np.array([10, 148]))]
    [[0.0, 0.0624], [0.2775, 0.1605]]
    """
    events, rows = np.asarray(events, dtype=float), np.asarray(rows, dtype=float)
    rows = np.where(rows > 0, rows, np.nan)
    share, z = events / rows, NORMAL_95
    centre = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half_width = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    # a share of 0 lies on its own lower bound, up to the last bit
    return np.minimum(centre - half_width, share), np.maximum(centre + half_width, share)


def newcombe_interval(
    events: np.ndarray, rows: np.ndarray, other_events: np.ndarray, other_rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of the difference of two shares (Newcombe 1998, Stat. Med. 17, 873-890, method 10).

    Parameters
    ----------
    events, rows : ndarray, (k,)
        Of the first share.
    other_events, other_rows : ndarray, (k,)
        Of the share that is subtracted.

    Returns
    -------
    tuple of ndarray, (k,)
        Lower and upper bounds; NaN where either side has no rows.

    Examples
    --------
    The paper's first example, 56 of 70 against 48 of 80:

    >>> [round(float(bound), 4) for bound in newcombe_interval(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    lower, upper = wilson_interval(events, rows)
    other_lower, other_upper = wilson_interval(other_events, other_rows)
    share = np.asarray(events, float) / np.where(np.asarray(rows) > 0, rows, np.nan)
    other_share = np.asarray(other_events, float) / np.where(np.asarray(other_rows) > 0, other_rows, np.nan)
    difference = share - other_share
    return (
        difference - np.hypot(share - lower, other_upper - other_share),
        difference + np.hypot(upper - share, other_share - other_lower),
    )


def _newton_step(estimate: np.ndarray, is_event: np.ndarray, log_odds: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the step of intercept and slope; not finite where the curvature has no inverse."""
    expected = expit(estimate[0] + estimate[1] * log_odds)
    residual = weights * (is_event - expected)
    curvature = weights * expected * (1 - expected)
    # plain sums: a threaded scalar product differs in the last bits from run to run
    of_x_rows = curvature * log_odds
    of_one, of_x, of_square = curvature.sum(), of_x_rows.sum(), (of_x_rows * log_odds).sum()
    determinant = of_one * of_square - of_x**2
    if not determinant > SMALLEST_PROBABILITY * of_one * of_square:
        return np.full(2, np.nan)
    gradient_one, gradient_x = residual.sum(), (residual * log_odds).sum()
    return np.array(
        [
            (of_square * gradient_one - of_x * gradient_x) / determinant,
            (of_one * gradient_x - of_x * gradient_one) / determinant,
        ]
    )


def _log_likelihood(estimate: np.ndarray, is_event: np.ndarray, log_odds: np.ndarray, weights: np.ndarray) -> float:
    recalibrated = estimate[0] + estimate[1] * log_odds
    return float((weights * (is_event * recalibrated - np.logaddexp(0, recalibrated))).sum())


def _groups(probabilities: np.ndarray) -> np.ndarray:
    """Number the rows' groups of equal size from 0; equal probabilities are one group, whatever the order of rows."""
    rank = pd.Series(probabilities).rank(method="min").to_numpy()
    return np.minimum((rank - 1) * BIN_COUNT // max(len(rank), 1), BIN_COUNT - 1).astype("int64")
