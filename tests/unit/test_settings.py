"""Settings come from the environment, in one place."""

from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.settings import FIRST_DATE_VARIABLE, HOME_VARIABLE, load_settings


def test_home_defaults_to_data_below_the_working_directory(monkeypatch, tmp_path):
    """Guards the documented default."""
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert load_settings().home == tmp_path / "data"


def test_home_and_first_date_from_the_environment(monkeypatch):
    """Guards the two variables."""
    monkeypatch.setenv(HOME_VARIABLE, "/srv/bank")
    monkeypatch.setenv(FIRST_DATE_VARIABLE, "1993-01-01")
    settings = load_settings()
    assert (settings.home, settings.first_business_date) == (Path("/srv/bank"), date(1993, 1, 1))
    assert settings.landing == Path("/srv/bank/landing")


def test_a_first_date_that_is_none_is_told(monkeypatch):
    """Guards the message for a typing error in the environment."""
    monkeypatch.setenv(FIRST_DATE_VARIABLE, "1.1.1993")
    with pytest.raises(InputError, match=r"'1\.1\.1993'"):
        load_settings()
