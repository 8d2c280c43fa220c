"""Whole runs (files, site nodes, masked sums) of every reference data set, split into its sites, against R on the pooled patients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.system.end_to_end.reference_study import (
    BLIND,
    CURVE_INTERVALS,
    Study,
    analyses_of,
    data_sets,
    landmark_of,
    level,
    names,
    splits_of,
    why_not,
    write,
)

from riskset_common.results.as_json import as_json
from riskset_embedded.local_run import run_for_results

TOLERANCE = 1e-9


CONVENTIONAL = {"reverse_km"}
"""What differs by conventions beside the settings that every other analysis here states itself."""


def asked_of(name: str, split: str, conventions: str) -> list[Any]:
    """What is asked of a data set split in one way; under SAS's conventions only what they change."""
    asked = [
        analysis
        for analysis in analyses_of(name)
        if why_not(analysis) is None
        and split in splits_of(analysis)
        and (conventions == "r" or analysis["kind"] in CONVENTIONAL)
    ]
    # A category that is a factor of one model and stratum of another has the order of its levels from the first.
    return sorted(asked, key=lambda analysis: bool(analysis["spec"].get("strata")))


def studies() -> Iterator[Any]:
    """Every data set, once for each way in which its analyses want it split, and for the conventions that matter there."""
    for name in data_sets():
        splits = {
            split
            for analysis in analyses_of(name)
            if why_not(analysis) is None
            for split in splits_of(analysis)
        }
        for split in sorted(splits):
            for conventions in ("r", "sas"):
                if asked_of(name, split, conventions):
                    yield pytest.param(
                        name, split, conventions, id=f"{name}, split by {split}, {conventions}"
                    )


def close(expected: Any, actual: Any, tolerance: float = TOLERANCE) -> bool:
    """Equal to 1e-9 relative or 1e-12 absolute; null equals null."""
    if isinstance(expected, list):
        return len(expected) == len(actual) and all(
            map(lambda a, b: close(a, b, tolerance), expected, actual)
        )
    if expected is None or actual is None:
        return expected is actual
    return math.isclose(
        float(expected), float(actual), rel_tol=tolerance, abs_tol=max(1e-12, tolerance * 1e-3)
    )


@pytest.mark.parametrize(("name", "split", "conventions"), list(studies()))
def test_a_run_equals_r(name: str, split: str, conventions: str, tmp_path: Path) -> None:
    study = Study(name, conventions)
    for analysis in asked_of(name, split, conventions):
        ask = ASK[analysis["kind"]] if landmark_of(analysis) is None else ask_landmark
        ask(study, analysis, split)
    write(study, split, tmp_path)

    files = [tmp_path / name for name in ("plan.yaml", "codebook.yaml", "nodes")]
    results = as_json(run_for_results(*files).analyses)
    for key, analysis in study.asked.items():
        compare = COMPARE[analysis["kind"]] if landmark_of(analysis) is None else compare_landmark
        compare(analysis, results[key], f"{analysis['id']} ({key})")


def ask_curve(study: Study, analysis: Any, split: str) -> None:
    spec = analysis["spec"]
    by = [study.category(column) for column in names(spec["group"])]
    for interval in CURVE_INTERVALS:
        study.ask(
            analysis,
            kind="kaplan_meier",
            endpoint=study.endpoint(spec["response"]),
            by=by,
            at=spec["horizons"] if isinstance(spec["horizons"], list) else [spec["horizons"]],
            ci=interval,
            quantiles=[0.25, 0.5, 0.75],
            rmean=spec["rmean_tau"],
        )


def compare_curve(analysis: Any, result: Any, where: str) -> None:
    groups = analysis["result"]["groups"]
    interval = result["ci"]
    key = CURVE_INTERVALS[interval]

    assert analysis["result"]["n_used"] == result["n"], where
    assert len(groups) == len(result["groups"]), where
    for expected in groups:
        group = next(
            each for each in result["groups"] if level_named(each["level"], expected["level"])
        )
        curve, here = group["curve"], f"{where} {expected['level']}"
        places = [curve["time"].index(time) for time in expected["time"]]
        picked = {name: [values[place] for place in places] for name, values in curve.items()}

        assert (expected["n"], expected["events"]) == (group["n"], group["events"]), here
        assert len(curve["time"]) == expected["n_times"], here
        for counts in (("n_risk", "at_risk"), ("n_event", "events"), ("n_censor", "censored")):
            assert expected[counts[0]] == picked[counts[1]], here
        assert close(expected["surv"], picked["survival"]), here
        assert close(expected["se_greenwood"], picked["std_err"]), here
        for limit in ("lower", "upper"):
            limits = zip(
                expected[f"ci_{key}"][limit], picked[limit], picked["survival"], strict=True
            )
            assert all(close(a, b) for a, b, survival in limits if survival != 1), here
        for p, *quantile in zip(
            [0.25, 0.5, 0.75],
            *(expected["quantiles"][key][q] for q in ("quantile", "lower", "upper")),
            strict=True,
        ):
            found = next(each for each in group["quantiles"] if each["p"] == p)
            assert close(quantile, [found["estimate"], found["lower"], found["upper"]]), (here, p)
        for at, horizon in zip(group["at"], expected["horizons"], strict=True):
            assert (horizon["n_risk"], horizon["cum_event"]) == (at["at_risk"], at["events_to"]), (
                here
            )
            if horizon["n_risk"] == 0 and horizon["surv"] > 0:
                # R was asked to extend the curve; beyond follow-up there is no estimate.
                assert {None} == {at[key] for key in ("survival", "std_err", "lower", "upper")}
                continue
            assert close(
                [horizon["surv"], horizon["se_greenwood"]], [at["survival"], at["std_err"]]
            ), here
            if at["survival"] != 1:
                assert close(horizon["ci"][interval], [at["lower"], at["upper"]]), here
        last, tau = curve["time"][-1], expected["rmst"]["tau"]
        if last < tau and curve["survival"][-1] > 0:
            assert {None} == {group["rmean"][key] for key in ("estimate", "std_err")}
        elif expected["rmst"]["mean"] is not None:
            assert close(
                [expected["rmst"]["mean"], expected["rmst"]["se"]],
                [group["rmean"]["estimate"], group["rmean"]["std_err"]],
            ), here


def level_named(levels: dict[str, str], named: str) -> bool:
    """Whether R's name of a group ("g=A, x=1") is that of these levels."""
    if named == "all":
        return not levels
    return ", ".join(f"{name[2:]}={value}" for name, value in levels.items()) == ", ".join(
        f"{part.split('=')[0]}={level(part.split('=', 1)[1].strip())}" for part in named.split(", ")
    )


FAMILY: dict[str, Any] = {
    "logrank": "log_rank",
    "gehan": "gehan",
    "tarone": "tarone_ware",
    "sas_peto": "peto",
    "sas_modpeto": "modified_peto",
    "fh_1_0": {"log_rank": {"rho": 1}},
    "fh_0.5_0": {"log_rank": {"rho": 0.5}},
    "fh_0_1": {"log_rank": {"gamma": 1}},
    "fh_1_1": {"log_rank": {"rho": 1, "gamma": 1}},
    "fh_0.5_0.5": {"log_rank": {"rho": 0.5, "gamma": 0.5}},
}
TRENDS = ("logrank", "gehan", "fh_0.5_0.5")
SURVDIFF = {"logrank": "rho_0", "fh_1_0": "rho_1", "fh_0.5_0": "rho_0.5"}
NAMED = {
    "log-rank": "logrank",
    "Gehan": "gehan",
    "Tarone-Ware": "tarone",
    "Peto-Peto": "sas_peto",
    "modified Peto-Peto": "sas_modpeto",
} | {
    f"Fleming-Harrington (rho {rho}, gamma {gamma})": f"fh_{rho}_{gamma}"
    for rho, gamma in (("1", "0"), ("0.5", "0"), ("0", "1"), ("1", "1"), ("0.5", "0.5"))
}


def ask_test(study: Study, analysis: Any, split: str) -> None:
    spec = analysis["spec"]
    strata = names(spec["strata"])
    of_all = {
        "kind": "kaplan_meier",
        "endpoint": study.endpoint(spec["response"]),
        "by": [study.category(column) for column in names(spec["group"])],
        "strata": ["site"] if strata == [split] else [study.category(column) for column in strata],
    }
    study.ask(analysis, **of_all, test="log_rank")
    if study.conventions == "r":  # no test depends on the conventions
        for name, test in FAMILY.items():
            if name in analysis["result"]["weighted"]:
                if name in TRENDS:
                    study.ask(analysis, **of_all, test={"trend": test})
                if name != "logrank":
                    study.ask(analysis, **of_all, test=test)


def compare_test(analysis: Any, result: Any, where: str) -> None:
    expected, test = analysis["result"], result["test"]
    weights, _, trend = test["name"].partition(" test for ")
    name = NAMED[weights]
    r = expected["weighted"][name]
    scale = math.sqrt(max(abs(each) for row in r["V"] for each in row)) or 1.0
    deviation = [o - e for o, e in zip(test["observed"], test["expected"], strict=True)]

    assert close([each / scale for each in r["U"]], [each / scale for each in deviation]), where
    assert close(scaled(r["V"], scale), scaled(test["covariance"], scale)), where
    if trend:
        r = r["trend"]
        # Where nothing varies R has no statistic, and riskset 0 on 0 degrees of freedom.
        found = [test["statistic"], test["p_value"]] if test["df"] else [None, None]

        assert close([r["chisq"], r["p"]], found, 1e-8), where
        return
    assert close([r["chisq"], r["df"]], [test["statistic"], test["df"]]), where
    assert close(r["p"], test["p_value"], 1e-7), where
    survdiff = expected.get(SURVDIFF.get(name, ""))
    if survdiff is not None and "r_error" not in survdiff:
        assert close(
            [survdiff["chisq"], survdiff["df"], survdiff["obs"], survdiff["exp"]],
            [test["statistic"], test["df"], test["observed"], test["expected"]],
        ), where


def scaled(covariance: list[list[float]], scale: float) -> list[list[float]]:
    """A covariance whose largest element is 1."""
    return [[each / scale**2 for each in row] for row in covariance]


RHO = {"gray": 0, "gray_rho_1": 1, "gray_rho_-1": -1}


def ask_incidence(study: Study, analysis: Any, split: str) -> None:
    spec = analysis["spec"]
    strata = names(spec["strata"])
    tests: list[str | None] = [name for name in RHO if name in analysis["result"]]
    for name in tests or [None]:
        stratified = ["site"] if strata == [split] else [study.category(each) for each in strata]
        study.ask(
            analysis,
            kind="cumulative_incidence",
            endpoint=study.competing_endpoint(spec),
            by=[study.category(column) for column in names(spec["group"])],
            at=spec["horizons"],
            **({"test": {"gray": {"rho": RHO[name]}}, "strata": stratified} if name else {}),
        )


def compare_incidence(analysis: Any, result: Any, where: str) -> None:
    expected = analysis["result"]
    by_level = {" ".join(group["level"].values()): group for group in result["groups"]}

    assert expected["n_used"] == result["n"], where
    assert len(expected["cuminc"]) == len(by_level) * len(result["causes"]), where
    for each in expected["cuminc"]:
        named = "" if len(by_level) == 1 else level(each["group"].strip())
        landmarks = by_level[named]["causes"][f"cause_{each['cause']}"]["at"]
        horizons = each["horizons"]
        for at, estimate, variance in zip(landmarks, horizons["est"], horizons["var"], strict=True):
            # Beyond the last time of a group R gives no estimate.
            if estimate is not None:
                assert close([estimate, variance], [at["incidence"], at["std_err"] ** 2]), where
    if "tests" in result:
        rho = next(iter(result["tests"].values())).get("rho", 0)
        gray = expected[next(name for name, each in RHO.items() if each == rho)]
        for index, cause in enumerate(gray["cause"]):
            test = result["tests"][f"cause_{cause}"]

            assert gray["df"][index] == test["df"], where
            assert close(gray["stat"][index], test["statistic"]), where
            assert math.isclose(gray["p"][index], test["p_value"], rel_tol=1e-7, abs_tol=1e-15)


def ask_follow_up(study: Study, analysis: Any, split: str) -> None:
    study.ask(analysis, kind="follow_up", endpoint=study.endpoint(analysis["spec"]["response"]))


def compare_follow_up(analysis: Any, result: Any, where: str) -> None:
    expected = analysis["result"]
    key = {"log": "log", "log-log": "loglog"}[result["ci"]]

    assert expected["n_used"] == result["n"], where
    assert close(
        [expected["median_complement"], expected[f"lower_{key}"], expected[f"upper_{key}"]],
        [result["median"], result["lower"], result["upper"]],
    ), where


def ask_table(study: Study, analysis: Any, split: str) -> None:
    spec = analysis["spec"]
    for test in ("chi_square", "fisher"):
        study.ask(
            analysis,
            kind="baseline",
            by=study.category(spec["col"]),
            rows=[study.category(spec["row"])],
            test=test,
        )


def compare_table(analysis: Any, result: Any, where: str) -> None:
    expected = analysis["result"]
    if analysis["spec"]["strata"] is not None:
        # R left out the patients whose stratum is missing, riskset was not asked to.
        return
    test = result["tests"][result["rows"][0]["variable"]]

    assert expected["counts"] == [row["counts"] for row in result["rows"]], where
    if test["name"] == "Fisher's exact":
        assert close(expected["fisher"]["p"], test["p_value"]), where
        return
    assert close(
        [expected["pearson"]["stat"], expected["pearson"]["df"], expected["pearson"]["p"]],
        [test["statistic"], test["df"], test["p_value"]],
    ), where


def terms_of(study: Study, spec: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The main effects of a model, and what each column is called."""
    terms: list[dict[str, Any]] = []
    called: dict[str, str] = {}
    for term in spec["terms"]:
        if term["type"] == "numeric":
            called[term["col"]] = study.number(term["col"])
            terms.append({"number": called[term["col"]]})
        elif term["type"] == "factor":
            called[term["col"]] = study.category(term["col"], term["levels"])
            terms.append({"factor": called[term["col"]], "reference": level(str(term["ref"]))})
    return terms, called


def ask_cox(study: Study, analysis: Any, split: str) -> None:
    spec = analysis["spec"]
    terms, called = terms_of(study, spec)
    strata = [study.category(column) for column in names(spec["strata"]) if column != split]
    tested = ph_tests(analysis["result"])
    # One transformation of time each; every one of them is compared without a run in tests/golden.
    tight = {"ph_test": tested[len(study.analyses) % len(tested)]} if tested else {}
    for more in (tight,) if split == BLIND else (tight, {"convergence": "r"}):
        study.ask(
            analysis,
            kind="cox",
            endpoint=study.endpoint(spec["response"]),
            terms=terms,
            interaction=[
                [called[column] for column in term["of"]]
                for term in spec["terms"]
                if term["type"] == "interaction"
            ],
            strata=strata if split == BLIND else ["site", *strata],
            ties=spec["ties"],
            **more,
        )


def ph_tests(expected: Any) -> list[str]:
    """Transformations of time for which R tested proportional hazards."""
    found = expected.get("zph") or {}
    return [name for name, test in found.items() if "error" not in test]


def compare_cox(analysis: Any, result: Any, where: str) -> None:
    expected = analysis["result"]
    terms, tests = result["terms"], result["tests"]

    assert (expected["n_used"], expected["n_event"]) == (result["n"], result["events"]), where
    assert expected["aliased"] == [term["aliased"] for term in terms], where
    assert close(expected["loglik_null"], result["log_likelihood"]["null"]), where
    if expected["monotone_likelihood"]:
        assert any(term["monotone"] for term in terms), where
        assert close(expected["loglik"], result["log_likelihood"]["fitted"], 1e-8), where
        return
    if result["convergence"] == "r":
        default = expected["default_control"]

        assert default["iter"] == result["iterations"], where
        assert close(default["coef"], [term["coef"] for term in terms], 1e-8), where
        return
    assert close(expected["coef"], [term["coef"] for term in terms]) or near_in_se(
        expected, terms
    ), where
    assert close(unalias(expected["se"], terms), [term["std_err"] for term in terms]), where
    assert close(expected["loglik"], result["log_likelihood"]["fitted"]), where
    for test, name in (("lr", "likelihood_ratio"), ("score", "score"), ("wald", "wald")):
        found = [tests[name]["statistic"], tests[name]["df"]]

        assert close([expected[test]["stat"], expected[test]["df"]], found, 1e-8), (where, name)
    if "ph_test" in result:
        compare_ph_test(expected["zph"], result["ph_test"], where)


def compare_ph_test(zph: Any, found: Any, where: str) -> None:
    expected = zph[found["transform"]]
    tests = [*found["terms"].values(), found["global_test"]]
    for index, test in enumerate(tests):
        r = [expected[key][index] for key in ("chisq", "df", "p")]

        assert close(r, [test["statistic"], test["df"], test["p_value"]], 1e-7), (where, index)


def ask_fine_gray(study: Study, analysis: Any, split: str) -> None:
    spec = analysis["spec"]
    terms, _ = terms_of(study, spec)
    for ties in ("efron", "breslow"):
        study.ask(
            analysis,
            kind="fine_gray",
            endpoint=study.competing_endpoint(spec),
            cause=f"cause_{level(str(spec['cause']))}",
            terms=terms,
            strata=["site"],
            # R's references estimate it in each stratum; with one stratum that is the pool.
            censoring="strata" if spec["strata"] else "pooled",
            ties=ties,
        )


def compare_fine_gray(analysis: Any, result: Any, where: str) -> None:
    expected = analysis["result"]["finegray_coxph"][result["ties"]]
    terms = result["terms"]

    assert analysis["result"]["n_used"] == result["n"], where
    assert close(expected["coef"], [term["coef"] for term in terms]) or near_in_se(
        expected, terms
    ), where
    assert close(expected["robust_se"], [term["std_err"] for term in terms]), where
    assert close(expected["naive_se"], result["robust"]["naive_std_err"]), where
    assert close(expected["loglik"], result["log_likelihood"]["fitted"]), where


def ask_landmark(study: Study, analysis: Any, split: str) -> None:
    at, column = landmark_of(analysis) or (0.0, "")
    spec = analysis["spec"]
    asked: dict[str, Any] = {
        "kind": "landmark",
        "endpoint": study.endpoint(spec["response"]),
        "at": at,
        "exposure": study.number(column),
    }
    if analysis["kind"] == "cox":
        asked |= {"terms": [], "ties": spec["ties"]}
        asked |= {} if split == BLIND else {"strata": ["site"]}
        for term in spec["terms"][1:]:
            if term["type"] == "numeric":
                asked["terms"].append({"number": study.number(term["col"])})
            else:
                factor = study.category(term["col"], term["levels"])
                asked["terms"].append({"factor": factor, "reference": level(str(term["ref"]))})
    elif analysis["kind"] == "km":
        asked |= {
            "horizons": spec["horizons"],
            "ci": "log",
            "quantiles": [0.25, 0.5, 0.75],
            "rmean": spec["rmean_tau"],
        }
    elif analysis["kind"] == "logrank":
        asked["test"] = "log_rank"
    study.ask(analysis, **asked)


def compare_landmark(analysis: Any, result: Any, where: str) -> None:
    if analysis["kind"] == "cox":
        compare_cox(analysis, result["model"], where)
        return
    curves = result["curves"]
    if analysis["kind"] == "landmark_counts":
        expected = analysis["result"]
        by_exposure = {
            group["level"][f"n_{analysis['spec']['exposure_time']}_by_landmark"]: group
            for group in curves["groups"]
        }

        assert expected["n"] == result["n"], where
        assert expected["exposed"] == by_exposure["exposed"]["n"], where
        assert expected["events_exposed"] == by_exposure["exposed"]["events"], where
        assert expected["events_unexposed"] == by_exposure["not exposed"]["events"], where
        return
    as_r_has_them = [
        group | {"level": {"c_exposed_by_landmark": str(int(exposed == "exposed"))}}
        for group in curves["groups"]
        for exposed in group["level"].values()
    ]
    COMPARE[analysis["kind"]](analysis, curves | {"groups": as_r_has_them}, where)


def near_in_se(expected: Any, terms: Any) -> bool:
    """Coefficients within 1e-9 standard errors: for those that are all but zero."""
    return all(
        (each is None and term["coef"] is None)
        or abs(each - term["coef"]) <= TOLERANCE * term["std_err"]
        for each, term in zip(expected["coef"], terms, strict=True)
    )


def unalias(std_errs: list[float], terms: Any) -> list[float | None]:
    """R gives an aliased coefficient the standard error 0, riskset none."""
    return [None if term["aliased"] else each for each, term in zip(std_errs, terms, strict=True)]


ASK = {
    "km": ask_curve,
    "logrank": ask_test,
    "reverse_km": ask_follow_up,
    "table": ask_table,
    "cox": ask_cox,
    "cif": ask_incidence,
    "fine_gray": ask_fine_gray,
}
COMPARE = {
    "km": compare_curve,
    "logrank": compare_test,
    "reverse_km": compare_follow_up,
    "table": compare_table,
    "cox": compare_cox,
    "cif": compare_incidence,
    "fine_gray": compare_fine_gray,
}
