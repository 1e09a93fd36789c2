"""The table of endpoints against the official `openai` package: whatever one knows, the other knows."""

import inspect
import typing
from typing import Any

import pytest
from openai.resources.admin.organization.usage import Usage
from openai.types.admin import organization as types

from tallybook.model.datasets import DATASETS, DIMENSIONS, FILTERS, MEASURES, dataset
from tallybook.model.errors import UnknownNameError
from tallybook.model.schema import USAGE_TABLE, parsed

COMMON = {"start_time", "end_time", "bucket_width", "group_by", "limit", "page"}
MONEY_FIELDS = {"amount", "quantity", "quantity_unit"}
ENVELOPE = {"object"}
NAMES = sorted(DATASETS)


def methods() -> set[str]:
    plain = {
        n for n, f in vars(Usage).items() if inspect.isfunction(f) and "start_time" in inspect.signature(f).parameters
    }
    return plain  # noqa: RET504 # the name says what is returned


def params(name: str) -> dict[str, Any]:
    camel = "".join(part.title() for part in name.split("_"))
    return typing.get_type_hints(getattr(types, f"usage_{name}_params").__dict__[f"Usage{camel}Params"])


def literals(hint: Any) -> set[str]:
    """Return the strings of every Literal within a type."""
    if typing.get_origin(hint) is typing.Literal:
        return set(typing.get_args(hint))
    return {text for inner in typing.get_args(hint) for text in literals(inner)}


def results(hint: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Collect every result model within a response type, by its `object` literal."""
    fields = getattr(hint, "model_fields", {})
    if "object" in fields:
        for literal in literals(fields["object"].annotation):
            found[literal] = hint
    for inner in [*typing.get_args(hint), *(f.annotation for f in fields.values())]:
        results(inner, found)
    return found


def result(name: str) -> dict[str, Any]:
    camel = "".join(part.title() for part in name.split("_"))
    response = getattr(types, f"Usage{camel}Response")
    return results(response, {})[DATASETS[name].result].model_fields


def test_every_endpoint_of_the_package_is_a_dataset() -> None:
    assert methods() == set(DATASETS)
    source = inspect.getsource(Usage)
    assert {f'"/{d.path}"' for d in DATASETS.values() if f'"/{d.path}"' not in source} == set()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_dimensions_can_be_grouped_by(name: str) -> None:
    assert literals(params(name)["group_by"]) == set(DATASETS[name].dimensions)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_filters_are_accepted(name: str) -> None:
    assert set(params(name)) - COMMON == {FILTERS[f] for f in DATASETS[name].filters}


@pytest.mark.parametrize("name", NAMES)
def test_a_result_has_the_same_fields(name: str) -> None:
    known = DATASETS[name]
    expected = set(result(name)) - ENVELOPE
    assert expected == {*known.dimensions, *known.measures, *(MONEY_FIELDS if known.is_costs else ())}


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "costs"])
def test_measures_are_whole_numbers_and_dimensions_text(name: str) -> None:
    kinds = {field: str(info.annotation) for field, info in result(name).items()}
    assert all("int" in kinds[m] for m in DATASETS[name].measures)
    assert {d for d in DATASETS[name].dimensions if "bool" in kinds[d]} <= {"batch"}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_widths_are_accepted(name: str) -> None:
    assert literals(params(name)["bucket_width"]) == {w for w, _ in DATASETS[name].widths}


def test_limits_are_the_documented_ones() -> None:
    assert {d.widths for d in DATASETS.values() if not d.is_costs} == {(("1d", 31), ("1h", 168), ("1m", 1440))}
    assert dataset("costs").widths == (("1d", 180),)
    with pytest.raises(UnknownNameError, match="width of costs"):
        dataset("costs").limit("1h")


def test_result_literals_are_distinct() -> None:
    assert len({d.result for d in DATASETS.values()}) == len(DATASETS)


def test_the_columns_of_the_book_are_those_of_the_datasets() -> None:
    usage = [known for known in DATASETS.values() if not known.is_costs]
    assert {d for known in usage for d in known.dimensions} == set(DIMENSIONS)
    assert {m for known in usage for m in known.measures} == set(MEASURES)
    for known in usage:
        for field in parsed(known):
            assert USAGE_TABLE.field(field.name).type == field.type


def test_costs_and_completions_are_asked_first_and_the_bill_by_project_and_line_item() -> None:
    assert list(DATASETS)[:2] == ["costs", "completions"]
    assert dataset("costs").asked == ("line_item", "project_id")
    assert dataset("completions").asked == tuple(sorted(dataset("completions").dimensions))


def test_only_storage_is_a_level() -> None:
    assert [m.name for m in MEASURES.values() if m.kind == "level"] == ["usage_bytes"]


def test_an_unknown_dataset_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `completions`"):
        dataset("completion")
