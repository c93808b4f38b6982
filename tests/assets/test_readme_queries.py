"""The queries of the README on a published snapshot: what is told to a newcomer works as it stands."""

import re

import pytest

from pipeline.serving.reading import query_snapshot
from pipeline.settings import PROJECT_ROOT

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
QUERIES = [
    query.strip()
    for block in re.findall(r"```sql\n(.*?)```", README, flags=re.DOTALL)
    for query in block.split(";")
    if query.strip()
]
# What only data stewards may read says so in its comment.
STEWARDS = "data_stewards"


def test_there_are_queries():
    """Guards the pattern that finds them."""
    assert len(QUERIES) >= 10


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.splitlines()[0].removeprefix("-- "))
def test_query_of_the_readme_runs(loaded_bank, query):
    """Guards names of tables and columns against a change that the README did not follow."""
    audience = STEWARDS if STEWARDS in query else "analysts"
    query_snapshot(loaded_bank.settings, audience, query)
