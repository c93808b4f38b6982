"""Scaling: giants have no say, kinds are bent as documented, blocks weigh alike."""

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.mining.segment_behaviours import Behaviour, Block, Measure
from pipeline.mining.segment_scaling import fit_scaling, scaled_values


def _behaviour(column: str, measure: Measure, block: Block = "value") -> Behaviour:
    return Behaviour(column, block, measure, (column,), column, column, column, "", "", "", "")


def test_a_giant_moves_neither_scale_nor_centre() -> None:
    """One customer with a thousand times the money of all others leaves everybody else where they were."""
    random = np.random.default_rng(0)
    balances = np.exp(random.normal(8, 1, size=2_000))
    plain, giant = pd.DataFrame({"balance": balances}), pd.DataFrame({"balance": balances})
    giant.loc[7, "balance"] = balances.sum() * 1_000
    behaviours = [_behaviour("balance", "amount")]
    before, after = (scaled_values(values, fit_scaling(values, behaviours))[:, 0] for values in (plain, giant))
    others = np.arange(len(balances)) != 7
    assert np.abs(before[others] - after[others]).max() < 0.05
    assert after[7] == after[others].max()


def test_blocks_weigh_alike() -> None:
    """A block of three behaviours has the variance of a block of one."""
    random = np.random.default_rng(0)
    values = pd.DataFrame(random.normal(size=(1_000, 4)), columns=list("abcd"))
    behaviours = [_behaviour("a", "years", "life_stage"), *(_behaviour(name, "share", "needs") for name in "bcd")]
    variances = scaled_values(values, fit_scaling(values, behaviours)).var(axis=0)
    assert variances[0] == pytest.approx(1, abs=1e-4)
    assert variances[1:].sum() == pytest.approx(1, abs=1e-4)


def test_distance_of_compositions_is_hellingers() -> None:
    """Between two customers it is, up to one factor for all, the distance of the roots of their shares."""
    random = np.random.default_rng(1)
    shares = random.dirichlet([4, 2, 1], size=500)
    values = pd.DataFrame(shares, columns=list("abc"))
    scaled = scaled_values(values, fit_scaling(values, [_behaviour(name, "composition", "needs") for name in "abc"]))
    inside = np.flatnonzero(((shares > np.quantile(shares, 0.01, axis=0)) & (shares < 0.9)).all(axis=1))[:50]
    ours = np.linalg.norm(scaled[inside[:-1]] - scaled[inside[1:]], axis=1)
    hellinger = np.linalg.norm(np.sqrt(shares[inside[:-1]]) - np.sqrt(shares[inside[1:]]), axis=1)
    ratios = ours / hellinger
    assert ratios.max() / ratios.min() < 1.02


def test_overdrawn_is_below_nothing() -> None:
    """Negative money keeps its sign and order; unknown is the mean."""
    values = pd.DataFrame({"balance": [-5_000.0, -50.0, 0.0, 50.0, 5_000.0, None]})
    scaled = scaled_values(values, fit_scaling(values, [_behaviour("balance", "amount")]))[:, 0]
    assert (np.diff(scaled[:5]) > 0).all()
    assert scaled[5] == 0
    assert scaled[2] == pytest.approx(0, abs=1e-5)


def test_what_hardly_anybody_has_does_not_vary() -> None:
    """One in a thousand is no behaviour of a bank: without a scale it would be a segment of its own."""
    values = pd.DataFrame({"rare": np.arange(1_000) == 0, "age": np.arange(1_000)}).astype(float)
    scaling = fit_scaling(values, [_behaviour("rare", "count"), _behaviour("age", "years")])
    assert list(scaling["behaviour"]) == ["age"]
    with pytest.raises(InputError, match="no behaviour varies"):
        fit_scaling(values, [_behaviour("rare", "count")])
