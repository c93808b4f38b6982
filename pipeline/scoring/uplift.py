"""What a treatment adds to the share of events, against a random control group, over several campaigns.

Belongs here: the difference of two shares within strata, such as campaigns. Does not belong here: which customers are
compared, or in which groups (``propensity``).

Campaigns differ in their response rates and in how many customers they keep as control. Pooled, the control group
stands for other campaigns than the treated do, and the difference of the pooled shares mixes the two (Simpson's
paradox): two campaigns without any effect, of base rates 2 % and 20 % and control shares 50 % and 10 %, seem to have
one of 8 points. So treated and control are compared within each campaign, and the differences are averaged.

- The weight of a campaign with n treated and m control customers is n m / (n + m) (Mantel and Haenszel; for the
  difference of shares Greenland and Robins 1985, Biometrics 41, 55-68). A campaign without either counts for nothing.
- The interval is Newcombe's of each campaign, put together as that of a weighted sum: the squared distances of its
  bounds from the difference add up, weighted by the squared weights (Zou, Huang and Zhang 2009, Computational
  Statistics and Data Analysis 53, 1080-1085). Unlike one from the normal distribution it keeps its width where
  nobody of a group responds. For one campaign it is Newcombe's.
"""

import numpy as np
import pandas as pd

from pipeline.scoring.calibration import newcombe_interval

UPLIFT_COLUMNS = {
    "treated_count": "int64",
    "treated_event_share": "float64",
    "control_count": "int64",
    "control_event_share": "float64",
    "uplift_share": "float64",
    "lower_bound": "float64",
    "upper_bound": "float64",
}


def uplift_within_strata(rows: pd.DataFrame, group: str, stratum: str) -> pd.DataFrame:
    """Compare treated with control rows of each group, within strata.

    Parameters
    ----------
    rows : DataFrame
        `group`, `stratum`, ``is_control`` and ``is_event`` (bool, no nulls).
    group : str
        One result each.
    stratum : str
        What treated and control rows must share to be compared.

    Returns
    -------
    DataFrame
        The columns of `UPLIFT_COLUMNS`, indexed by the group in ascending order. Counts are of all rows; shares are
        weighted over the strata that have both, by the same weights, so that the uplift is their difference. Null
        where no stratum of a group has both.

    Examples
    --------
    Of campaign a 3 of 10 treated and 1 of 10 controls respond, weight 5; of b 4 of 30 and none of 10, weight 7.5:
    (5 * 0.2 + 7.5 * 0.1333) / 12.5 = 0.16.

    >>> def arm(campaign, is_control, count, events):
    ...     event = [True] * events + [False] * (count - events)
    ...     return pd.DataFrame({"campaign": campaign, "is_control": is_control, "is_event": event, "group": "all"})
    >>> rows = pd.concat([arm("a", False, 10, 3), arm("a", True, 10, 1), arm("b", False, 30, 4), arm("b", True, 10, 0)])
    >>> uplift_within_strata(rows, "group", "campaign").round(4).iloc[0].tolist()
    [40.0, 0.2, 20.0, 0.04, 0.16, -0.0653, 0.3194]
    """
    counts = rows.groupby([group, stratum, "is_control"], sort=True)["is_event"].agg(["size", "sum"])
    treated, control = (_arm(counts, is_control) for is_control in (False, True))
    cells = treated.index.union(control.index)
    treated, control = treated.reindex(cells, fill_value=0), control.reindex(cells, fill_value=0)
    weight = treated["size"] * control["size"] / (treated["size"] + control["size"])
    lower, upper = newcombe_interval(*(arm[name].to_numpy() for arm in (treated, control) for name in ("sum", "size")))
    treated_share, control_share = (arm["sum"] / arm["size"].where(arm["size"] > 0) for arm in (treated, control))
    difference = treated_share - control_share
    weighted = pd.DataFrame(
        {
            "weight": weight,
            "treated": weight * treated_share,
            "control": weight * control_share,
            "below": (weight * (difference - lower)) ** 2,
            "above": (weight * (upper - difference)) ** 2,
            "treated_count": treated["size"],
            "control_count": control["size"],
        }
    )
    sums = weighted.groupby(level=0).sum()
    whole = sums["weight"].where(sums["weight"] > 0)
    shares = {"treated_event_share": sums["treated"] / whole, "control_event_share": sums["control"] / whole}
    uplift = shares["treated_event_share"] - shares["control_event_share"]
    table = sums.assign(
        **shares,
        uplift_share=uplift,
        lower_bound=uplift - np.sqrt(sums["below"]) / whole,
        upper_bound=uplift + np.sqrt(sums["above"]) / whole,
    )
    return table[list(UPLIFT_COLUMNS)].astype(UPLIFT_COLUMNS)


def _arm(counts: pd.DataFrame, is_control: bool) -> pd.DataFrame:
    """Return rows and events of one arm by group and stratum."""
    return counts[counts.index.get_level_values("is_control") == is_control].droplevel("is_control")
