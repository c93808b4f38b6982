"""The split by time: what is learnt from, what is tested on, and what is neither.

Belongs here: which sample a row belongs to. Does not belong here: fitting or measuring anything.

The test is on the latest periods whose outcome is fully observed. The training rows are earlier, and their outcome
window had ended before the first test period began, so that nothing a model learns was unknown when the first test
score would have been given. Rows between the two are the gap. A split at random, which mixes months of the same
customers, would flatter.
"""

from datetime import date

import pandas as pd
from pandas.tseries.offsets import MonthEnd

SAMPLE_CODES = ("train", "gap", "test", "not_observed", "short_history")
SAMPLE_COLUMNS = {
    "month_end_date": "datetime64[us]",
    "sample_code": "str",
    "row_count": "int64",
    "event_count": "int64",
}


def month_periods(rows: pd.DataFrame) -> pd.DataFrame:
    """Return when the month of each row begins and when its outcome window ends.

    Parameters
    ----------
    rows : DataFrame
        ``month_end_date`` and ``horizon_months``, no nulls.

    Returns
    -------
    DataFrame
        `rows` with ``period_start_date`` and ``outcome_end_date``.

    Examples
    --------
    >>> rows = pd.DataFrame({"month_end_date": pd.to_datetime(["2025-01-31"]), "horizon_months": [3]})
    >>> month_periods(rows)[["period_start_date", "outcome_end_date"]].astype("str").values.tolist()
    [['2025-01-01', '2025-04-30']]
    """
    month_end = pd.to_datetime(rows["month_end_date"])
    horizon_months = rows["horizon_months"].astype("int64")
    outcome_end = month_end.copy()
    for months in horizon_months.unique():
        outcome_end = outcome_end.mask(horizon_months == months, month_end + MonthEnd(months))
    first_day = month_end - MonthEnd(1) + pd.Timedelta(days=1)
    return rows.assign(month_end_date=month_end, period_start_date=first_day, outcome_end_date=outcome_end)


def split_by_time(rows: pd.DataFrame, as_of_date: date, test_period_count: int, least_history_months: int) -> pd.Series:
    """Say for each row which sample it belongs to.

    Parameters
    ----------
    rows : DataFrame
        ``period_start_date`` (rows with the same one are one period: a month, or the campaigns that start on a day),
        ``outcome_end_date``, ``is_event`` (null while not observed), ``history_months``.
    as_of_date : date
        Outcomes whose window ends later are not looked at, whatever the frame says.
    test_period_count : int
        Periods in the test.
    least_history_months : int
        Rows with less are neither learnt from nor scored: windows of features would not mean the same.

    Returns
    -------
    Series of str
        One of `SAMPLE_CODES`, the index of `rows`.
    """
    has_history = rows["history_months"] >= least_history_months
    is_observed = rows["is_event"].notna() & (rows["outcome_end_date"] <= pd.Timestamp(as_of_date))
    periods = sorted(rows.loc[has_history & is_observed, "period_start_date"].unique())
    test_periods = periods[-test_period_count:]
    first_test_day = test_periods[0] if test_periods else pd.Timestamp.min

    samples = pd.Series("gap", index=rows.index, dtype="str")
    samples = samples.mask(rows["outcome_end_date"] < first_test_day, "train")
    samples = samples.mask(rows["period_start_date"].isin(test_periods), "test")
    samples = samples.mask(~is_observed, "not_observed")
    return samples.mask(~has_history, "short_history")


def sample_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Count rows and events by month-end and sample.

    Parameters
    ----------
    rows : DataFrame
        ``month_end_date, sample_code`` and ``is_event`` (bool, False where not observed).

    Returns
    -------
    DataFrame
        The columns of `SAMPLE_COLUMNS`, in their order.
    """
    grouped = rows.groupby(["month_end_date", "sample_code"], sort=True)["is_event"]
    return grouped.agg(row_count="size", event_count="sum").reset_index().astype(SAMPLE_COLUMNS)
