"""Variants: their names, what they change, and what they leave alone."""

import pytest

from fleximodal.config.load import load_config, method_settings
from fleximodal.errors import FleximodalError
from fleximodal.methods.differences import DIFFERENCES, Difference, differences_of
from fleximodal.methods.flexmoe_settings import FlexMoESettings
from fleximodal.methods.registry import known_methods
from fleximodal.methods.settings import ConcatSettings, FuseMoESettings, HAIMSettings
from fleximodal.methods.variants import Variant, parse_variant, with_variant

CONFIG = {"tables": ["hospital"]}


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("paper", Variant("paper")),
        ("released+K-7", Variant("released", ("K-7",))),
        ("paper+K-3+K-6", Variant("paper", ("K-3", "K-6"))),
        ("paper+shuffled-labels", Variant("paper", (), ("shuffled-labels",))),
        ("released+noise-cxr+K-4", Variant("released", ("K-4",), ("noise-cxr",))),
    ],
)
def test_names_are_read(text: str, variant: Variant) -> None:
    assert parse_variant(text) == variant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("papr", "must begin with paper or released; did you mean 'paper'?"),
        ("", "must begin with paper or released"),
        ("paper+K-33", "unknown modifier 'K-33'; did you mean 'K-3'?"),
        ("paper+shuffled-label", "did you mean 'shuffled-labels'?"),
        ("paper+noise-", "unknown modifier 'noise-'"),
        ("paper+", "unknown modifier ''"),
        ("paper+K-3+K-3", "names 'K-3' twice"),
        ("paper+B-20", "'B-20' is switched by K-5; write that instead"),
        ("paper+K-22", "'K-22' is switched by B-2 and B-3; write that instead"),
        ("paper+K-16", "docs/discrepancies.md says which differences have no switch"),
    ],
)
def test_unknown_names_are_refused(text: str, words: str) -> None:
    with pytest.raises(FleximodalError) as caught:
        parse_variant(text)
    assert words in str(caught.value)


def values_of(settings: object, difference: Difference) -> dict[str, object]:
    return {field: getattr(settings, field) for field in difference.fields}


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda entry: entry.id)
def test_each_difference_is_a_switch_of_some_method(difference: Difference) -> None:
    """The switch's value is valid, and not the default; it moves nothing else.

    Variant `released` has it by itself, unless the difference is literal.
    """
    concerned = [
        method.settings
        for method in known_methods().values()
        if difference.concerns(type(method.settings))
        and values_of(type(method.settings)(), difference) == values_of(method.settings, difference)
    ]
    assert concerned
    for paper in concerned:
        released = with_variant(paper, parse_variant("released"))
        assert values_of(paper, difference) != difference.fields
        of_paper = values_of(paper, difference)
        expected = of_paper if difference.literal else difference.fields
        assert values_of(released, difference) == expected
        alone = with_variant(paper, parse_variant(f"paper+{difference.id}"))
        assert alone.model_dump() == paper.model_dump() | difference.fields
        other = with_variant(paper, parse_variant(f"released+{difference.id}"))
        turned = difference.fields if difference.literal else of_paper
        assert other.model_dump() == released.model_dump() | turned


def test_no_field_belongs_to_two_differences() -> None:
    fields = [field for difference in DIFFERENCES for field in difference.fields]
    assert len(set(fields)) == len(fields)
    numbers = [difference.id for difference in DIFFERENCES]
    assert len(set(numbers)) == len(numbers)


def test_methods_have_the_differences_of_their_fields() -> None:
    numbers = {kind: {entry.id for entry in differences_of(kind)} for kind in (
        FuseMoESettings, ConcatSettings, HAIMSettings, FlexMoESettings)}  # fmt: skip
    assert {"H-1", "H-2", "H-13", "H-17", "H-33"} <= numbers[FlexMoESettings]
    assert not {entry for entry in numbers[FlexMoESettings] if entry in ("K-1", "K-3", "K-6")}
    assert "H-19" in numbers[FuseMoESettings] and "H-1" not in numbers[FuseMoESettings]
    assert {"K-1", "K-3", "K-5", "K-7"} <= numbers[FuseMoESettings]
    assert {"K-5", "K-8", "K-10"} <= numbers[ConcatSettings]
    assert not {"K-3", "K-7"} & numbers[ConcatSettings]
    assert not {entry for entry in numbers[HAIMSettings] if entry.startswith("K")}


def test_profiles_of_flexmoe() -> None:
    """What the released profile turns, and what the text as it is written turns."""
    paper = FlexMoESettings()
    released = with_variant(paper, parse_variant("released"))
    written = with_variant(paper, parse_variant("paper+H-2+H-9+H-10"))
    assert isinstance(released, FlexMoESettings) and isinstance(written, FlexMoESettings)
    assert (paper.attention_residual, released.attention_residual) == ("input", "self")
    assert (paper.table_fill, released.table_fill) == ("column_mean", "first_column")
    assert (paper.table_fit, released.table_fit) == ("train", "all")
    assert paper.gate_order == released.gate_order == "topk_softmax"
    assert (written.gate_order, written.assignment_logits) == ("softmax_topk", "clean")
    assert written.balance_exclude == "own_top1" and written.attention_residual == "input"


def test_variant_paper_is_the_method_itself() -> None:
    for method in known_methods().values():
        assert with_variant(method.settings, Variant("paper")) == method.settings


def test_configuration_gives_the_settings_of_a_variant() -> None:
    config = load_config(
        {
            **CONFIG,
            "network": {"width": 64, "experts": 8},
            "methods": {"FuseMoE-Laplace": {"balance_coef": 0.5, "gate_level": "batch_seq"}},
        }
    )
    paper = method_settings(config, "FuseMoE-Laplace")
    released = method_settings(config, "FuseMoE-Laplace", "released+K-3")
    assert isinstance(paper, FuseMoESettings) and isinstance(released, FuseMoESettings)
    assert (released.width, released.experts) == (paper.width, paper.experts) == (64, 8)
    assert (paper.balance_coef, released.balance_coef) == (0.5, 0.0)
    assert (paper.gate_level, released.gate_level) == ("batch_seq", "batch")
    assert (paper.expert_output, released.expert_output) == ("linear", "linear")
    with pytest.raises(FleximodalError, match="unknown modifier"):
        method_settings(config, "FuseMoE-Laplace", "paper+K-99")


def test_what_defines_a_method_is_not_overridden_by_sizes_of_all_networks() -> None:
    config = load_config({**CONFIG, "network": {"width": 32, "experts": 6, "top_k": 2}})
    four = method_settings(config, "FuseMoE-Laplace-4-experts").model_dump()
    assert (four["width"], four["experts"], four["top_k"]) == (32, 4, 4)
    changed = load_config({**CONFIG, "methods": {"FuseMoE-Laplace-4-experts": {"experts": 5}}})
    assert method_settings(changed, "FuseMoE-Laplace-4-experts").model_dump()["experts"] == 5


def test_values_that_do_not_fit_the_variant_are_named() -> None:
    config = load_config({**CONFIG, "methods": {"Concat": {"grid_kernel": 2}}})
    with pytest.raises(FleximodalError, match=r"methods\.Concat.*grid_kernel 2 is even"):
        method_settings(config, "Concat", "released")
