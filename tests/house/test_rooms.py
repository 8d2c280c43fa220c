"""The product is a house: no import circle, no way back up, and folders in which a reader sees a plan.

Every import counts, that of a function and that for the type checker alone too: whoever reads a module has to read what it names,
whenever that is loaded. import-linter, which `make lint` runs, leaves out the imports for the type checker.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.house.imports import Product

MOST_MODULES, LEAST_MODULES = 16, 3
NAMED_AS_THEIR_FOLDER = {
    "riskset_common.study.study",
    "riskset_common.estimators.heterogeneity.heterogeneity",
    "riskset_server.run.run",
    "riskset_server.kinds.kinds",
}
SMALL = {
    "riskset_node.enrolment": "an invitation that is taken in a browser",
    "riskset_node.state": "the records of the audit",
    "riskset_server.results": "files of results beside the report, for other programs",
    "riskset_server.sites": "randomisation beside the admission of sites",
}
"""Folders of fewer modules than that, and the work that will fill them."""


@pytest.fixture(scope="module")
def product(checkout: Path) -> Product:
    return Product(checkout)


def test_no_modules_import_each_other_in_a_circle(product: Product) -> None:
    assert [] == product.circles()


def test_no_import_between_rooms_leads_back_up(product: Product) -> None:
    assert {} == {folder: ways for folder in product.floors if (ways := product.ways_up(folder))}


def test_every_room_has_its_floor(product: Product) -> None:
    rooms = {
        folder: {
            module.removeprefix(f"{folder}.").partition(".")[0]
            for module in product.modules
            if module.startswith(f"{folder}.")
        }
        for folder in product.floors
    }

    assert {} == {
        folder: new for folder in rooms if (new := rooms[folder] - product.floors[folder].keys())
    }


def test_a_folder_has_at_most_16_modules(product: Product) -> None:
    assert {} == {
        folder: len(modules)
        for folder, modules in product.folders.items()
        if len(modules) > MOST_MODULES
    }


def test_a_folder_of_fewer_than_3_modules_has_folders_below_it_or_is_listed(
    product: Product,
) -> None:
    small = {
        folder
        for folder, modules in product.folders.items()
        if 0 < len(modules) < LEAST_MODULES
        and not any(other.startswith(f"{folder}.") for other in product.folders)
    }

    assert set() == small - SMALL.keys()


def test_no_module_has_its_folders_name_but_four(product: Product) -> None:
    named = {
        module
        for folder, modules in product.folders.items()
        for module in modules
        if module.rpartition(".")[2] == folder.rpartition(".")[2]
    }

    assert NAMED_AS_THEIR_FOLDER == named


def test_no_name_of_a_module_is_used_more_than_twice_in_a_distribution(product: Product) -> None:
    names = Counter(
        (module.partition(".")[0], module.rpartition(".")[2])
        for modules in product.folders.values()
        for module in modules
    )

    assert {} == {name: count for name, count in names.items() if count > 2}
