"""Forms of dates: each reads back what is written in it, and nothing else."""

from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from riskset_node.sources.date_forms import DAY_ZERO, date_form

LAYOUTS = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%Y%m%d",
    "%d%m%Y",
    "%m%d%Y",
    "%d%b%Y",
    "%d %B %Y",
    "%Y%j",
    "%b %d, %Y",
)
WITHOUT_SIGNS = ("%Y%m%d", "%d%m%Y", "%m%d%Y", "%y%m%d", "%d%m%y", "%m%d%y", "%Y%j")
days = st.dates(datetime.date(1900, 1, 1), datetime.date(2068, 12, 31))


@given(days, st.sampled_from(LAYOUTS))
def test_what_is_written_in_a_form_is_read_back(day, layout):
    written = date_form(layout).read(day.strftime(layout))

    assert written is not None
    assert (day, True) == (written.day, written.has_day)


@given(days, st.sampled_from(WITHOUT_SIGNS), st.integers(0, 7))
def test_a_digit_less_is_no_date_in_a_form_without_signs(day, layout, place):
    text = day.strftime(layout)
    assume(place < len(text))

    assert date_form(layout).read(text[:place] + text[place + 1 :]) is None


@given(days, st.sampled_from(LAYOUTS), st.sampled_from("0123456789 .-T"), st.booleans())
def test_more_than_the_form_is_no_date(day, layout, more, before):
    text = day.strftime(layout)
    longer = more + text if before else text + more
    # 5.11.2019 with a leading zero is the same day, and 15.11.2019 another in the same form.
    assume(not (more.isdigit() and layout[:2] in {"%d", "%m"} and text[0] == "0"))
    read = date_form(layout).read(longer)

    assert read is None or longer.lstrip("0") == f"{read.day:{layout}}".lstrip("0")


@given(days)
def test_a_leading_zero_may_be_absent_between_signs(day):
    for layout, text in (
        ("%d.%m.%Y", f"{day.day}.{day.month}.{day.year}"),
        ("%d%b%Y", f"{day.day}{day:%b}{day.year}"),
        ("%d%b%Y", f"{day.day}{day:%b}{day.year}".upper()),
    ):
        written = date_form(layout).read(text)

        assert written is not None
        assert day == written.day


@given(st.integers(-20_000, 80_000), st.sampled_from(sorted(DAY_ZERO)))
def test_day_numbers_count_from_their_day_0(number, system):
    written = date_form(system).read(str(number))
    if system == "excel" and number < 61 and number != 0:
        assert written is None
    else:
        assert written is not None
        assert number == (written.day - DAY_ZERO[system]).days


@pytest.mark.parametrize(
    ("system", "number"), [("excel", "43100"), ("sas", "21184"), ("r", "17531"), ("r", "17531.0")]
)
def test_the_31st_of_december_2017_in_three_programs(system, number):
    written = date_form(system).read(number)

    assert written is not None
    assert datetime.date(2017, 12, 31) == written.day


def test_a_fraction_of_a_day_number_is_a_time_of_day():
    written = date_form("excel").read("43100.25")

    assert written is not None
    assert datetime.datetime(2017, 12, 31, 6) == written.day  # noqa: DTZ001


@given(st.integers(1900, 2060), st.integers(1, 12))
def test_month_and_year_have_no_day(year, month):
    written = date_form("%Y-%m").read(f"{year}-{month:02}")

    assert written is not None
    assert (datetime.date(year, month, 1), False) == (written.day, written.has_day)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2017-12-31T23:00:00Z", datetime.datetime(2017, 12, 31, 23, tzinfo=datetime.UTC)),
        (
            "2017-12-31T23:00:00-05:30",
            datetime.datetime(
                2017, 12, 31, 23, tzinfo=datetime.timezone(-datetime.timedelta(hours=5, minutes=30))
            ),
        ),
    ],
)
def test_a_moment_keeps_its_zone(text, moment):
    written = date_form("%Y-%m-%dT%H:%M:%S%z").read(text)

    assert written is not None
    assert moment == written.day


def test_less_than_a_microsecond_after_midnight_is_not_midnight():
    written = date_form("%Y-%m-%d %H:%M:%S.%f").read("2017-12-31 00:00:00.000000001")

    assert written is not None
    assert datetime.datetime(2017, 12, 31, 0, 0, 0, 1) == written.day  # noqa: DTZ001


@pytest.mark.parametrize(
    "text", ["2017-02-29", "2017-13-01", "2017-00-10", "٢٠١٧-١٢-٣١", "2017-12-31 "]
)
def test_what_is_no_day_of_the_calendar_is_none(text):
    assert date_form("%Y-%m-%d").read(text) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("%Q", "%Q is not known"),
        ("%d-%m", "does not hold day, month and year, each once"),
        ("%d-%m-%y-%Y", "does not hold day, month and year, each once"),
        ("%Y-%j-%d", "does not hold day, month and year, each once"),
        ("%Y-%m %H:%M", "has a time of day but no day"),
        ("Excel", "Did you mean 'excel'?"),
        ("yyyy-mm-dd", "Or write for example %Y-%m-%d"),
    ],
)
def test_what_is_no_form_is_told_with_what_to_write(name, said):
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        date_form(name)

    assert said in str(refused.value)
