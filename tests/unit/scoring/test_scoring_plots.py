"""Pictures of event models: PNGs with something on them, and the reason where there is no model."""

import io
from datetime import date

import numpy as np
import pandas as pd
from matplotlib.image import imread

from pipeline.credit.default_model import RISK_FEATURES, fit_default_model
from pipeline.scoring.plots import draw_coefficients, draw_discrimination, draw_lift


def _borrowers() -> pd.DataFrame:
    random = np.random.default_rng(0)
    months = pd.date_range("2025-01-31", "2025-09-30", freq="ME")
    size = 200 * len(months)
    frame = pd.DataFrame(
        {
            "customer_key": np.repeat([f"c{number}" for number in range(200)], len(months)),
            "month_end_date": np.tile(months, 200),
            "history_months": 12,
            "horizon_months": 3,
            "is_default": random.random(size) < 0.1,
            **{feature.column: random.normal(size=size) for feature in RISK_FEATURES},
        }
    )
    return frame.assign(days_past_due=random.integers(0, 30, size))


def test_model_is_drawn_and_so_is_its_absence() -> None:
    """All pictures exist for a fitted model, and say why there is none below the gate."""
    for least_events in (5, 5_000):
        model = fit_default_model(_borrowers(), 0, date(2025, 12, 31), least_events, 0.97, bootstraps=10)
        for draw in (draw_discrimination, draw_coefficients, draw_lift):
            pixels = imread(io.BytesIO(draw(model.event_model)), format="png")[..., :3]
            assert (pixels < 0.99).any(axis=2).mean() > 0.01
