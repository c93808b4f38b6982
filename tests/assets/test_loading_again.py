"""The same files lead to the same content, however often and in whatever order their dates are loaded."""

from datetime import date

from content import content_hashes, differing
from small_bank import FIRST_DATE, LAST_DATE, load_days


def test_a_date_loaded_again_changes_nothing(copy_of_bank, loaded_bank):
    """Guards idempotence: a date in the middle, loaded and built again, leaves every table as it was."""
    load_days(copy_of_bank, date(2025, 1, 20))
    assert differing(content_hashes(copy_of_bank), loaded_bank.hashes) == {}


def test_later_dates_first_lead_to_the_same_content(fresh_home, loaded_bank):
    """Guards against anything that depends on the order of loads: versions, balances, arrears, windows of months."""
    load_days(fresh_home, date(2025, 1, 23), LAST_DATE)
    load_days(fresh_home, FIRST_DATE, date(2025, 1, 22))
    assert differing(content_hashes(fresh_home), loaded_bank.hashes) == {}
