"""Assignment: SQL and NumPy agree for every customer, and both with the definition written out."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from segment_policy import segment_policy

from pipeline.errors import InputError
from pipeline.mining.segment_assignment import assign_segments, assignment_query, centroid_table
from pipeline.mining.segment_behaviours import SOURCE_COLUMNS, active_persons
from pipeline.mining.segments import Segmentation, fit_segments

GROUPS = ["daily_needs", "dining", "travel", "home", "health", "education_children", "leisure", "car", "other"]


def _customer_months(customers: int, seed: int) -> pd.DataFrame:
    """Two months of three kinds of people, with all that may be missing missing somewhere."""
    random = np.random.default_rng(seed)
    kind = random.integers(3, size=customers)
    rates = np.array(
        [[8, 4, 0.2, 0.5, 0.2, 0.5, 3, 0.1, 0.5], [10, 2, 1, 1, 1, 3, 1, 2, 1], [12, 1, 0.1, 0.5, 5, 0, 0, 0, 1]]
    )
    purchases = random.poisson(rates[kind] * random.gamma(2, 0.5, size=(customers, 1)))
    inflow = np.exp(random.normal(np.array([8, 11, 9])[kind], 0.7)).round(2) * (random.random(customers) > 0.05)
    frame = pd.DataFrame(
        {
            "customer_key": [f"c{number:05}" for number in range(customers)],
            "customer_type": np.where(random.random(customers) < 0.9, "person", "company"),
            "transactions_3m_count": random.poisson(3, size=customers),
            "age_years": random.normal(np.array([23, 40, 70])[kind], 4).round(),
            "deposit_average_balance_3m_amount": (inflow * random.normal(2, 1.5, size=customers)).round(2),
            "inflow_3m_amount": inflow,
            "salary_inflow_3m_amount": (inflow * random.random(customers)).round(2),
            "cash_3m_share": random.beta(2, 8, size=customers),
            "purchases_3m_count": purchases.sum(axis=1),
            **{f"purchases_{group}_3m_count": purchases[:, place] for place, group in enumerate(GROUPS)},
            **{
                f"{channel}_interactions_3m_count": random.poisson(0.7, size=customers)
                for channel in ("web", "mobile", "wechat", "call_centre")
            },
        }
    )
    for column in ("age_years", "deposit_average_balance_3m_amount", "cash_3m_share"):
        frame[column] = frame[column].mask(random.random(customers) < 0.05)
    later = frame.assign(inflow_3m_amount=frame["inflow_3m_amount"] * 1.3, age_years=frame["age_years"] + 1)
    return pd.concat(
        [
            frame.assign(month_end_date=pd.Timestamp(2025, 1, 31)),
            later.assign(month_end_date=pd.Timestamp(2025, 2, 28)),
        ],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def months() -> pd.DataFrame:
    """Customer-months of made-up people."""
    return _customer_months(1_500, 0)


@pytest.fixture(scope="module")
def segmentation(months: pd.DataFrame) -> Segmentation:
    """Segments of the first month."""
    first = months[months["month_end_date"] == pd.Timestamp(2025, 1, 31)]
    return fit_segments(active_persons(first), 0, segment_policy(3, 4, random_tables=3))


def test_sql_equals_numpy_for_every_customer(months: pd.DataFrame, segmentation: Segmentation) -> None:
    """The written query gives each person's code and distance, in the fitted month and another, to the last digit."""
    assert segmentation.outcome == "segmented"
    by_sql = duckdb.sql(assignment_query(segmentation.centroids, "months")).df()
    for month, own in months.groupby("month_end_date"):
        expected = assign_segments(active_persons(own), segmentation.centroids)
        got = by_sql[by_sql["month_end_date"] == month].drop(columns="month_end_date").reset_index(drop=True)
        pd.testing.assert_frame_equal(got, expected, check_exact=True, check_dtype=False)
    first = by_sql[by_sql["month_end_date"] == pd.Timestamp(2025, 1, 31)].drop(columns="month_end_date")
    pd.testing.assert_frame_equal(
        first.reset_index(drop=True), segmentation.assignments, check_exact=True, check_dtype=False
    )
    assert 0 < by_sql["customer_key"].nunique() < months["customer_key"].nunique()


def test_query_works_on_decimals_and_from_the_table_alone(months: pd.DataFrame, segmentation: Segmentation) -> None:
    """Money is decimal(18,2) in the warehouse and the table of centroids is read back from it: same answer."""
    with duckdb.connect() as connection:
        connection.register("as_floats", months)
        amounts = ["deposit_average_balance_3m_amount", "inflow_3m_amount", "salary_inflow_3m_amount"]
        replaced = ", ".join(f"{name}::decimal(18, 2) as {name}" for name in amounts)
        connection.execute(f"create table as_decimals as select * replace ({replaced}) from as_floats")
        connection.register("found", segmentation.centroids)
        connection.execute("create table centroids as select * from found")
        centroids = connection.table("centroids").df()
        rounded = f"(select * replace ({', '.join(f'round({name}, 2) as {name}' for name in amounts)}) from as_floats)"
        one = connection.sql(assignment_query(centroids, "as_decimals")).df()
        other = connection.sql(assignment_query(segmentation.centroids, rounded)).df()
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_assignment_is_the_nearest_centre_of_the_stored_table(months: pd.DataFrame, segmentation: Segmentation) -> None:
    """One customer at a time by the definition, from the table of centroids alone."""
    centroids = segmentation.centroids
    first = months[months["month_end_date"] == pd.Timestamp(2025, 1, 31)]
    stored = segmentation.assignments.set_index("customer_key")
    for customer in active_persons(first).head(60).to_dict("records"):
        squares: dict[str, float] = {}
        for row in centroids.itertuples():
            value = customer[row.behaviour]
            if row.measure in ("amount", "count"):
                value = np.copysign(np.log1p(abs(value) / row.unit), value)
            elif row.measure == "composition":
                value = value**0.5
            scaled = (min(max(value, row.lower), row.upper) - row.centre) / row.scale * row.weight
            scaled = 0 if np.isnan(customer[row.behaviour]) else scaled
            squares[row.segment_code] = squares.get(row.segment_code, 0) + (scaled - row.scaled_centre) ** 2
        code = min(squares, key=lambda segment: squares[segment])
        assert stored.loc[customer["customer_key"], "segment_code"] == code
        assert stored.loc[customer["customer_key"], "centre_distance"] == pytest.approx(squares[code] ** 0.5, abs=2e-6)


def test_a_bank_without_merchants_and_contacts_has_segments(months: pd.DataFrame) -> None:
    """Counts that are 0 for all drop out of fit, centroids and query; the rest divides customers."""
    absent = [name for name in SOURCE_COLUMNS if name.startswith("purchases") or "interactions" in name]
    bare = months.assign(**dict.fromkeys(absent, 0))
    first = bare[bare["month_end_date"] == pd.Timestamp(2025, 1, 31)]
    found = fit_segments(active_persons(first), 0, segment_policy(3, 4, random_tables=2))
    assert len(found.constant_behaviours) == 11
    query = assignment_query(found.centroids, "bare")
    assert "purchases" not in query
    by_sql = duckdb.sql(query).df()
    assert (by_sql["month_end_date"] == pd.Timestamp(2025, 1, 31)).sum() == len(found.assignments)


def test_of_equally_near_centres_the_first_wins() -> None:
    """Ten codes, all centres the same: S1, not S10, in NumPy as in SQL."""
    scaling = pd.DataFrame(
        [("age", "life_stage", "age_years::double", "years", 1.0, 0.0, 99.0, 40.0, 10.0, 1.0)],
        columns=["behaviour", "block", "derivation", "measure", "unit", "lower", "upper", "centre", "scale", "weight"],
    )
    centroids = centroid_table(scaling, np.zeros((10, 1))).sample(frac=1, random_state=0)
    people = pd.DataFrame({"customer_key": ["a"], "age": [50.0]})
    assert assign_segments(people, centroids).to_numpy().tolist() == [["a", "S1", 1.0]]
    relation = (
        "(select 'a' as customer_key, date '2025-01-31' as month_end_date, 50 as age_years,"
        " 'person' as customer_type, 1 as transactions_3m_count)"
    )
    assert duckdb.sql(assignment_query(centroids, relation)).fetchall()[0][2:] == ("S1", 1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.iloc[:0], "centroids is empty"),
        (lambda table: table.iloc[1:], "table of centroids is incomplete"),
        (lambda table: table.drop(columns="scale"), "no scale"),
        (lambda table: pd.concat([table, table]), "a key more than once"),
    ],
)
def test_bad_tables_of_centroids_are_refused(change: object, message: str, segmentation: Segmentation) -> None:
    """A table that cannot assign is told apart before it assigns wrongly."""
    with pytest.raises(InputError, match=message):
        assignment_query(change(segmentation.centroids), "months")  # type: ignore[operator]
