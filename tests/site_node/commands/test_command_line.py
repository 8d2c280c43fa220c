"""How every command of riskset ends when something is wrong."""

from __future__ import annotations

import importlib.metadata

import pytest

import riskset_common
from riskset_common.errors import PolicyRefusal, RisksetError, YamlError
from riskset_common.programs.command_line import errors_as_text, version_of


@pytest.mark.parametrize(("error", "code"), [(YamlError, 1), (PolicyRefusal, 3), (RisksetError, 1)])
def test_an_error_becomes_text_on_stderr_and_its_exit_code(capsys, error, code):
    @errors_as_text
    def command():
        raise error("plan.yaml, line 3: what to do")

    with pytest.raises(SystemExit) as ended:
        command()

    assert code == ended.value.code
    assert ("", "error: plan.yaml, line 3: what to do\n") == tuple(capsys.readouterr())


def test_what_went_well_is_given_back_and_arguments_are_handed_on():
    assert 7 == errors_as_text(lambda one, two: one + two)(3, two=4)


def test_a_fault_of_riskset_keeps_its_traceback():
    @errors_as_text
    def command():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()


def test_a_decorated_command_keeps_its_name_and_its_help():
    @errors_as_text
    def check() -> None:
        """Look."""

    assert ("check", "Look.") == (check.__name__, check.__doc__)


def test_an_installed_distribution_has_its_own_version():
    assert importlib.metadata.version("numpy") == version_of("numpy")


def test_a_checkout_has_one_version_for_all_distributions(monkeypatch):
    monkeypatch.setattr(riskset_common, "__version__", "1.2.3", raising=False)

    assert "1.2.3" == version_of("riskset-of-no-distribution")
