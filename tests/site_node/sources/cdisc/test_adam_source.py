"""ADSL and ADTTE: the times of their dates, the same patients from every kind of file, and a word on each way to read them wrongly."""

from __future__ import annotations

import datetime
import textwrap
from fractions import Fraction

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cdisc_files import DataSets

from riskset_common.errors import DataError, NodeConfigError
from riskset_common.study.codebook import read_codebook
from riskset_common.survival.curves.kaplan_meier import kaplan_meier
from riskset_common.survival.curves.risk_table import risk_table
from riskset_node.config import read_node
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.reading import read_records
from riskset_node.sources import source_of
from riskset_node.sources.adam import AdamSettings

TODAY = datetime.date(2026, 6, 1)
DAY = datetime.timedelta(days=1)
CODEBOOK = """
codebook: pilot
version: 1
variables:
  sex: {kind: category, label: Sex, levels: {female: Female, male: Male}}
  started: {kind: date, label: First treatment}
  ttde_time: {kind: number, label: Time, unit: days}
  ttde: {kind: category, label: Status, levels: {event: Event, censored: Censored}}
"""
COLUMNS = """
    ttde_time: ttde.time
    ttde: {from: ttde.status, codes: {0: event, 1: censored}}
"""


@pytest.fixture
def read(folder):
    """Read the records of two files under these keys of the source."""

    def records(adsl, adtte, more="", columns=COLUMNS, codebook=CODEBOOK):
        (folder.path / "codebook.yaml").write_text(codebook, encoding="utf-8")
        files = ", ".join(
            f"{key}: {path.name}" for key, path in (("adsl", adsl), ("adtte", adtte)) if path
        )
        own = "sex: {from: SEX, codes: {F: female, M: male}}\n    started: TRTSDT" if adsl else ""
        node = f"""
site: boston
study_group: Boston
data:
  source: {{kind: adam, {files}, parameters: {{ttde: TTDE}}{more}}}
  patient: USUBJID
  columns:
    {own}
{textwrap.indent(textwrap.dedent(columns), "    ")}
"""
        path = folder.path / "node.yaml"
        path.write_text(node, encoding="utf-8")
        return read_records(read_node(path), read_codebook(folder.path / "codebook.yaml"), TODAY)

    return records


def columns_of(path, names, **settings):
    """Columns as the source reads them from an ADTTE alone."""
    described = {"kind": "adam", "adtte": path, "parameters": {"os": "OS"}, **settings}
    return source_of("adam").read(AdamSettings.model_validate(described), names)


def adtte(**columns):
    """An ADTTE of three subjects with times of 10, 20 and 30 days."""
    begun = datetime.date(2014, 1, 1)
    return {
        "USUBJID": ["S1", "S2", "S3"],
        "PARAMCD": ["OS"] * 3,
        "AVAL": [11, 21, 31],
        "STARTDT": [begun] * 3,
        "ADT": [begun + days * DAY for days in (10, 20, 30)],
        "CNSR": [0, 1, 2],
        "EVNTDESC": ["DEATH", "ALIVE", "LOST"],
        **columns,
    }


def by_hand(days, events):
    """Kaplan and Meier's product, exactly, at each time with an event."""
    survival, curve = Fraction(1), {}
    for time in sorted(set(days.values())):
        at_risk = sum(each >= time for each in days.values())
        died = sum(events[name] for name, each in days.items() if each == time)
        survival *= 1 - Fraction(died, at_risk)
        if died:
            curve[time] = survival
    return curve


@pytest.mark.parametrize("kind", ["xpt", "json", "ndjson"])
@pytest.mark.parametrize("more", ["", ", time: aval, aval_from: 1"])
def test_the_shape_of_the_pilot_gives_the_curve_of_its_dates(folder, pilot, read, kind, more):
    records = read(
        folder.write("adsl", pilot.adsl, kind), folder.write("adtte", pilot.adtte, kind), more
    )
    patients = records.patients
    time = patients.numbers["ttde_time"]
    event = patients.categories["ttde"] == 0
    times = np.unique(time)
    counts = [
        [np.count_nonzero((time == each) & which) for each in times] for which in (event, ~event)
    ]
    curve = kaplan_meier(risk_table(times, *map(np.array, counts)))
    expected = by_hand(pilot.days, pilot.events)

    assert () == records.findings
    assert sorted(pilot.days) == [str(name) for name in records.local_ids.names]
    assert [pilot.days[name] for name in sorted(pilot.days)] == time.tolist()
    at = dict(zip(curve.time.tolist(), curve.survival.tolist(), strict=True))
    assert {day: pytest.approx(float(share), rel=1e-12) for day, share in expected.items()} == {
        day: at[day] for day in expected
    }


def test_files_of_every_kind_give_the_same_patients(folder, pilot, read):
    digests = {
        read(
            folder.write("adsl", pilot.adsl, kind), folder.write("adtte", pilot.adtte, other)
        ).patients.digest()
        for kind, other in (("xpt", "xpt"), ("json", "ndjson"), ("ndjson", "json"))
    }

    assert 1 == len(digests)


def test_a_transport_file_of_version_8_is_read(folder):
    path = folder.path / "adtte.xpt"
    columns = {name: values for name, values in adtte().items() if name not in ("STARTDT", "ADT")}
    columns["AVALU"] = ["DAYS"] * 3
    pyreadstat.write_xport(pd.DataFrame(columns), str(path), file_format_version=8)

    read = columns_of(path, ["os.time"], time="aval", aval_from=1)
    assert {"os.time": (10, 20, 30)} == {name: tuple(values) for name, values in read.items()}


def test_the_columns_of_a_parameter(folder):
    path = folder.write("adtte", adtte())
    begun = datetime.date(2014, 1, 1)

    assert {
        "os.time": [10, 20, 30],
        "os.status": [0, 1, 2],
        "os.event": ["DEATH", 1, 2],
        "os.start": [begun] * 3,
        "os.end": [begun + 10 * DAY, begun + 20 * DAY, begun + 30 * DAY],
        "os.description": ["DEATH", "ALIVE", "LOST"],
    } == columns_of(
        path, ["os.time", "os.status", "os.event", "os.start", "os.end", "os.description"]
    )


def test_names_have_no_capital_and_no_small_letters(folder):
    small = {name.lower(): values for name, values in adtte().items()}
    path = folder.write("adtte", small, "json")

    assert {"OS.time": [10, 20, 30], "usubjid": ["S1", "S2", "S3"]} == columns_of(
        path, ["OS.time", "usubjid"]
    )


def test_an_event_without_a_description_is_not_lost_as_missing(folder):
    path = folder.write("adtte", adtte(EVNTDESC=["", "ALIVE", "LOST"]), "json")

    assert {"os.event": [0, 1, 2]} == columns_of(path, ["os.event"])


def test_an_event_is_one_however_its_number_is_written(folder):
    path = folder.write("adtte", adtte(CNSR=[0.0, 1.0, 2.0]), "json")

    assert {"os.event": ["DEATH", 1, 2]} == columns_of(path, ["os.event"])


@pytest.mark.parametrize("described", ["1", "2.0"])
def test_an_event_that_is_described_by_a_number_is_not_taken_for_a_censoring(folder, described):
    path = folder.write("adtte", adtte(EVNTDESC=[described, "ALIVE", "LOST"]), "json")
    with pytest.raises(DataError, match="EVNTDESC of an event is a number"):
        columns_of(path, ["os.event"])


def test_a_moment_in_the_place_of_a_day_is_told(folder):
    moment = pd.Series([datetime.datetime(2014, 1, 11, 10, 30)] * 3)  # noqa: DTZ001 - as SAS has it
    frame = pd.DataFrame(adtte(ADT=(moment - pd.Timestamp(1960, 1, 1)).dt.total_seconds().tolist()))
    frame["STARTDT"] = [19724.0] * 3
    path = folder.path / "adtte.xpt"
    formats = {"ADT": "DATETIME20", "STARTDT": "DATE9"}
    pyreadstat.write_xport(frame, str(path), file_format_version=5, variable_format=formats)
    with pytest.raises(
        DataError, match=r"ADT holds moments with a time of day .* Give the day alone"
    ):
        columns_of(path, ["os.time"])


def test_every_value_of_cnsr_is_a_code_to_be_mapped(folder, read, only):
    columns = {**adtte(), "PARAMCD": ["TTDE"] * 3}
    finding = only(read(None, folder.write("adtte", columns)).findings)

    assert ("unmapped_code", ("2",)) == (finding.kind, finding.values)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"time": "aval", "aval_from": 0},
            r"AVAL is 1 on the first day in every row .* Set it to 1",
        ),
        ({}, None),
        ({"time": "aval", "aval_from": 1}, None),
    ],
)
def test_a_time_is_never_shifted_by_a_day(folder, settings, said):
    path = folder.write("adtte", adtte())
    if said is None:
        assert [10, 20, 30] == list(columns_of(path, ["os.time"], **settings)["os.time"])
        return
    with pytest.raises(DataError, match=said):
        columns_of(path, ["os.time"], **settings)


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        (
            {"AVAL": [11, 21, 32], "AVALU": ["DAYS"] * 3},
            {"aval_from": 1},
            r"not what STARTDT and ADT give .*subject S3",
        ),
        ({"AVAL": [11, 21, 32]}, {"aval_from": 1}, r"does not say in which unit .*subject S3"),
        ({"AVAL": [10, 20, 30]}, {"aval_from": 1}, "AVAL is 0 on the first day"),
        ({"AVALU": ["DAYS", "MONTHS", "DAYS"]}, {"aval_from": 1}, "not the same in every row"),
        ({"AVALU": ["DAYS", "", "DAYS"]}, {"aval_from": 1}, r"every row \(days, empty\)"),
        ({"AVALU": ["CYCLES"] * 3}, {"aval_from": 1}, "AVALU is CYCLES, which is no unit"),
        ({"AVAL": [11, None, 31], "AVALU": ["DAYS"] * 3}, {"aval_from": 1}, "would lose these"),
        ({"AVAL": [4, 8, 12]}, {"aval_from": 0}, "does not say in which unit"),
        (
            {"AVAL": [0.36, 0.69, 1.02], "AVALU": ["MONTHS"] * 3},
            {"aval_from": 1},
            "not precise enough",
        ),
        (
            {"AVAL": [1, 2, 3], "AVALU": ["MONTHS"] * 3},
            {"aval_from": 0},
            "not what STARTDT and ADT give",
        ),
    ],
)
def test_aval_that_is_not_what_the_dates_say_is_refused(folder, change, settings, said):
    path = folder.write("adtte", adtte(AVALU=[""] * 3) | change, "json")

    with pytest.raises(DataError, match=said):
        columns_of(path, ["os.time"], time="aval", **settings)


@given(
    days=st.lists(st.integers(1, 6000), min_size=1, max_size=8),
    first=st.sampled_from([0, 1]),
    said=st.sampled_from([0, 1]),
    unit=st.sampled_from(["DAYS", "WEEKS", "MONTHS", "YEARS", None]),
    dated=st.booleans(),
)
def test_times_by_aval_are_those_of_the_dates_or_refused(
    tmp_path_factory, days, first, said, unit, dated
):
    per_unit = {"DAYS": 1, "WEEKS": 7, "MONTHS": 30.4375, "YEARS": 365.25, None: 1}[unit]
    begun = datetime.date(2001, 3, 1)
    n = len(days)
    columns = {
        "USUBJID": [f"S{number}" for number in range(n)],
        "PARAMCD": ["OS"] * n,
        "AVAL": [(day + first) / per_unit for day in days],
        **({} if unit is None else {"AVALU": [unit] * n}),
        **({"STARTDT": [begun] * n, "ADT": [begun + day * DAY for day in days]} if dated else {}),
        "CNSR": [0] * n,
    }
    path = DataSets(tmp_path_factory.mktemp("adam")).write("adtte", columns, "json")
    try:
        times = columns_of(path, ["os.time"], time="aval", aval_from=said)["os.time"]
    except DataError:
        assert first != said or (unit is None and not dated)
        return
    # Without dates nothing can be compared with what node.yaml says.
    assert first == said or not dated
    assert [day + first - said for day in days] == list(times)


@given(
    days=st.lists(st.integers(0, 9000), min_size=2, max_size=6),
    begun=st.dates(datetime.date(1955, 1, 1), datetime.date(2000, 1, 1)),
    written=st.sampled_from(["DATE9", "%Y-%m-%d", "%d%b%Y", "number", "moment"]),
    forms=st.sampled_from(["%Y-%m-%d", "%d%b%Y", "sas", "r"]),
)
def test_times_are_those_of_the_dates_in_whatever_form_or_refused(
    tmp_path_factory, days, begun, written, forms
):
    def cell(day):
        if written == "DATE9":
            return day
        if written == "moment":
            return f"{day.isoformat()}T00:00:00"
        number = (day - datetime.date(1960, 1, 1)).days
        return number if written == "number" else day.strftime(written)

    n = len(days)
    columns = {
        "USUBJID": [f"S{number}" for number in range(n)],
        "PARAMCD": ["OS"] * n,
        "STARTDT": [cell(begun)] * n,
        "ADT": [cell(begun + day * DAY) for day in days],
        "CNSR": [0] * n,
    }
    path = DataSets(tmp_path_factory.mktemp("adam")).write("adtte", columns, "json")
    try:
        times = columns_of(path, ["os.time"], dates=(forms,))["os.time"]
    except DataError:
        zeros = {datetime.date(year, 1, 1) for year in (1960, 1970)}
        held = zeros & {begun, *(begun + day * DAY for day in days)}
        assert written == "moment" or held or written not in ("DATE9", forms)
        return
    assert days == list(times)


def test_few_decimals_stay_in_the_unit_of_avalu(folder, read):
    columns = adtte(PARAMCD=["TTDE"] * 3, AVAL=[0.33, 0.66, 0.99], AVALU=["MONTHS"] * 3)
    path = folder.write("adtte", columns, "json")
    mapped = """
    ttde_time: {from: ttde.time, round: day}
    ttde: {from: ttde.status, codes: {0: event, 1: censored, 2: censored}}
    """
    records = read(None, path, ", time: aval, aval_from: 0", mapped)

    assert [10, 20, 30] == records.patients.numbers["ttde_time"].tolist()
    assert [FindingKind.ROUNDED_TIMES] == [found.kind for found in records.findings]


@pytest.mark.parametrize(
    ("unit", "column", "expected"),
    [
        ("unit: weeks", "ttde.time", [Fraction(10, 7), Fraction(20, 7), Fraction(30, 7)]),
        ("unit: months", "{from: ttde.time, unit: days}", [day / 30.4375 for day in (10, 20, 30)]),
        ("unit: days", "{from: ttde.time, unit: months}", r"unit: ttde\.time is in days"),
        ("unit: days", "{from: ttde.time, factor: 2}", r"factor: ttde\.time is in days"),
        ("range: [0, 900]", "ttde.time", "has no unit in the codebook"),
        ("unit: G/L", "ttde.time", "has the unit G/L in the codebook"),
        ("range: [0, 900]", "{from: ttde.time, factor: 1}", [10, 20, 30]),
    ],
)
def test_the_unit_of_a_time_is_the_one_of_the_source(folder, read, unit, column, expected):
    path = folder.write("adtte", adtte(PARAMCD=["TTDE"] * 3))
    codebook = CODEBOOK.replace("unit: days", unit)
    mapped = f"ttde_time: {column}\nttde: {{from: ttde.status, codes: {{0: event, 1: censored, 2: censored}}}}"
    if isinstance(expected, str):
        with pytest.raises(NodeConfigError, match=expected):
            read(None, path, columns=mapped, codebook=codebook)
        return
    times = read(None, path, columns=mapped, codebook=codebook).patients.numbers["ttde_time"]
    assert list(map(float, expected)) == times.tolist()


def test_imputed_dates_are_completed_dates(folder, read):
    columns = adtte(PARAMCD=["TTDE"] * 3, ADTF=["D", "", ""], STARTDTF=["", "", "M"])
    adsl = {
        "USUBJID": ["S3", "S1", "S2"],
        "SEX": list("FMF"),
        "TRTSDT": [datetime.date(2014, 1, 1)] * 3,
        "TRTSDTF": ["", "Y", ""],
    }
    mapped = COLUMNS.replace("1: censored", "1: censored, 2: censored")
    read_ = read(folder.write("adsl", adsl), folder.write("adtte", columns), columns=mapped)

    assert {"ttde_time": [True, False, True], "started": [True, False, False]} == {
        name: rows.tolist() for name, rows in read_.patients.approximate.items()
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ADT": [19734.0, 19744.0, 19754.0]}, "ADT holds numbers .* set data.source.dates to sas"),
        ({"ADT": ["01JAN2014"] * 3}, "ADT holds what is no day .* Set data.source.dates"),
        ({"ADT": ["2014-01"] * 3}, "ADT holds dates without a day .* flag in ADTF"),
        (
            {"ADT": ["2014-01-11", "2099-12-31", "2014-01-31"]},
            "ADT holds 2099-12-31 .* after today",
        ),
        ({"ADT": None}, "without ADT no time can be counted by dates"),
        ({"ADT": [None, *adtte()["ADT"][1:]]}, r"would lose these times.*Fill in the dates"),
        ({"ADT": ["1960-01-01", "2014-02-01", "2014-03-01"]}, "ADT holds 1960-01-01 .*subject S1"),
        ({"STARTDT": ["1960-01-01"] * 3}, "STARTDT holds 1960-01-01 .*as software writes it for"),
        ({"STARTDT": ["1900-01-01", "2014-01-01", "2014-01-01"]}, "STARTDT holds 1900-01-01"),
        ({"ADT": ["2222-02-02", "2014-02-01", "9999-12-31"]}, "2222-02-02, 9999-12-31"),
        ({"AVAL": ["x", "1", "2"]}, "AVAL holds what is no number"),
        ({"PARAMCD": ["OS", "os", "OS"]}, "holds 'OS' and also 'os'"),
        ({"PARAMCD": ["PFS"] * 3}, r"has no parameter 'OS'\. Known: PFS"),
        ({"PARAMCD": None}, "there is no column PARAMCD"),
        ({"USUBJID": ["S1", "S1", "S2"]}, "parameter OS: subject S1 has more than one row"),
        ({"USUBJID": ["S1", "", "S2"]}, "USUBJID is empty in row 2"),
    ],
)
def test_an_adtte_that_cannot_be_read_right_is_refused(folder, change, said):
    columns = {**adtte(), **change}
    kept = {name: values for name, values in columns.items() if values is not None}
    path = folder.write("adtte", kept, "json")

    with pytest.raises((DataError, NodeConfigError), match=said):
        columns_of(path, ["os.time"])


@pytest.mark.parametrize("sign", [".A", ".Z", "._", ".", "NA"])
def test_special_missing_values_of_sas_are_missing_dates_and_times(folder, sign):
    path = folder.write(
        "adtte", adtte(ADT=[sign, "2014-01-21", "2014-01-31"], AVAL=[sign, "21", "31"]), "json"
    )

    assert [None, 20, 30] == list(columns_of(path, ["os.time"])["os.time"])
    assert [None, 20, 30] == list(
        columns_of(path, ["os.time"], time="aval", aval_from=1)["os.time"]
    )


def test_day_numbers_are_days_where_node_yaml_says_so(folder):
    path = folder.write("adtte", adtte(ADT=[19734.0, 19744.0, 19754.0]), "json")

    assert [10, 20, 30] == list(columns_of(path, ["os.time"], dates=("sas",))["os.time"])


@pytest.mark.parametrize(
    ("adsl", "said"),
    [
        ({"USUBJID": ["S1", "S2"]}, r"adtte\.json: subject S3 has no row in .*adsl\.json"),
        (
            {"USUBJID": ["S1", "S2", "S3", "S4"]},
            r"adsl\.json: subject S4 has no row of OS in .*adtte\.json",
        ),
        ({"USUBJID": ["S1", "S2", "s3"]}, r"subject s3 has no row.*\n.*subject S3 has no row"),
        ({"USUBJID": ["S1", "S2", "S3", "S1"]}, "subject S1 has more than one row"),
        ({"USUBJID": ["S1", "S2", "S3"], "STUDYID": ["A", "B", "A"]}, "S2 is of another STUDYID"),
    ],
)
def test_every_subject_is_in_both_files_once(folder, adsl, said):
    settings = {"adsl": folder.write("adsl", adsl, "json")}
    path = folder.write("adtte", adtte(STUDYID=["A"] * 3), "json")

    with pytest.raises(DataError, match=said):
        columns_of(path, ["os.time"], **settings)


def test_a_subject_without_one_of_several_parameters_has_no_such_time(folder):
    two = {name: [*values, values[0]] for name, values in adtte().items()}
    two["PARAMCD"] = ["OS", "OS", "OS", "EFS"]
    path = folder.write("adtte", two)

    assert {"efs.time": [10, None, None], "USUBJID": ["S1", "S2", "S3"]} == columns_of(
        path, ["efs.time", "USUBJID"], parameters={"os": "OS", "efs": "EFS"}
    )


def test_what_adtte_says_of_a_subject_must_be_the_same_in_every_row(folder):
    two = {name: [*values, *values] for name, values in adtte(SEX=list("FMF")).items()}
    two["PARAMCD"] = ["OS"] * 3 + ["EFS"] * 3
    settings = {"parameters": {"os": "OS", "efs": "EFS"}}

    assert {"SEX": list("FMF")} == columns_of(folder.write("a", two), ["SEX"], **settings)
    two["SEX"] = list("FMFFMM")
    with pytest.raises(DataError, match="SEX of subject S3 is not the same in all rows"):
        columns_of(folder.write("a", two), ["SEX"], **settings)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("kind: adam", "Write adsl, adtte or both"),
        ("kind: adam, adtte: a.xpt", r"parameters: \{efs: EFS, os: OS\}"),
        (
            "kind: adam, adsl: a.xpt, parameters: {os: OS}",
            "parameters: has no effect without adtte",
        ),
        ("kind: adam, adsl: a.xpt, aval_from: 1", "aval_from: has no effect without adtte"),
        ("kind: adam, adtte: a.xpt, parameters: {os: OS}, time: aval", "also needs aval_from"),
        ("kind: adam, adtte: a.xpt, parameters: {os: OS}, aval_from: 0", "no effect without time"),
        ("kind: adam, adtte: a.xpt, parameters: {os: OS, OS: PFS}", "differ only in capital"),
        ("kind: adam, adtte: a.xpt, parameters: {o.s: OS}", "'o.s' cannot begin the names of"),
        ("kind: adam, adsl: a.xpt, where: {PARAMCD: OS}", "where"),
    ],
)
def test_settings_that_do_not_fit_are_told(site, written, said):
    with pytest.raises(NodeConfigError, match=said):
        site.node(f"source: {{{written}}}\npatient: USUBJID")


def test_the_patients_column_is_needed(site):
    with pytest.raises(NodeConfigError, match="patient: the rows of a source of kind adam come in"):
        site.node("source: {kind: adam, adsl: a.xpt}")


def test_a_missing_column_is_told_with_the_near_name(folder):
    path = folder.write("adtte", adtte())

    with pytest.raises(NodeConfigError, match=r"no column 'efs\.time'\. Did you mean 'os\.time'"):
        columns_of(path, ["efs.time"])


@pytest.mark.parametrize("kind", ["csv", "sas", "adam"])
def test_one_adtte_is_the_same_patients_by_every_kind_that_reads_it(folder, site, kind):
    columns = {name: [*values, *values] for name, values in adtte().items()}
    columns["PARAMCD"] = ["OS"] * 3 + ["PFS"] * 3
    columns["ADT"] = [*columns["ADT"][:3], *(day - 5 * DAY for day in columns["ADT"][3:])]
    folder.write("adtte", columns)
    texts = [
        [
            value.strftime("%d%b%Y").upper() if isinstance(value, datetime.date) else value
            for value in row
        ]
        for row in zip(*columns.values(), strict=True)
    ]
    pd.DataFrame(texts, columns=list(columns)).to_csv(folder.path / "adtte.csv", index=False)
    source, (start, end, status) = {
        "csv": (
            '{kind: csv, path: adtte.csv, dates: "%d%b%Y", where: {PARAMCD: OS}}',
            ("STARTDT", "ADT", "CNSR"),
        ),
        "sas": ("{kind: sas, path: adtte.xpt, where: {PARAMCD: OS}}", ("STARTDT", "ADT", "CNSR")),
        "adam": (
            "{kind: adam, adtte: adtte.xpt, parameters: {os: OS}}",
            ("os.start", "os.end", "os.status"),
        ),
    }[kind]
    codebook = """
    codebook: pilot
    version: 1
    variables:
      start: {kind: date, label: Start}
      end: {kind: date, label: End}
      status: {kind: category, label: Status, levels: {event: Event, censored: Censored}}
    """
    node = site.node(
        f"source: {source}\npatient: USUBJID\ncolumns:\n  start: {start}\n  end: {end}\n"
        f"  status: {{from: {status}, codes: {{0: event, 1: censored, 2: censored}}}}"
    )
    records = read_records(node, site.codebook(codebook), TODAY)

    assert () == records.findings
    assert records.local_ids.names is not None
    assert ["S1", "S2", "S3"] == list(records.local_ids.names)
    days = records.patients.dates
    assert [10, 20, 30] == (days["end"] - days["start"]).tolist()
    assert [0, 1, 1] == records.patients.categories["status"].tolist()
