"""The pages of the report: register, claims, costs, model card, checklists."""

import html
import json
import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from fleximodal.errors import FleximodalError
from fleximodal.publishing.claims import COLUMNS
from fleximodal.publishing.rankings import COLUMNS as RANKED
from fleximodal.publishing.report.answers import ANSWERS
from fleximodal.publishing.report.checklist import answer_of, load_checklist, write_checklist
from fleximodal.publishing.report.claims_page import write_claims_page
from fleximodal.publishing.report.costs_page import write_costs
from fleximodal.publishing.report.discrepancies_page import write_discrepancies
from fleximodal.publishing.report.facts import Facts, read_facts
from fleximodal.publishing.report.model_card import write_model_card
from fleximodal.publishing.report.register import read_register
from fleximodal.publishing.report.statuses import APPLIES_NOT, TO_STATE

ROOT = Path(__file__).resolve().parents[3]
CHECKLISTS = {name: ROOT / f"config/report/{name}.yaml" for name in ("reforms", "tripod_ai")}
REGISTER = ROOT / "docs" / "discrepancies.md"
PLACE = {"task": "48-IHM", "protocol": "patient", "cases": "all", "modalities": "vitals+notes"}


def facts_of(source: str) -> Facts:
    """Return the facts of a run with one cohort and two cells."""
    cells = [
        {"source": source, **PLACE, "method": method, "variant": "paper"}
        for method in ("HAIM", "FuseMoE-Laplace")
    ]
    interval = {"mean": 0.8123, "sd": 0.01, "low": 0.75, "high": 0.87, "undefined_replicates": 0}
    gates = [
        {"name": "stays-disjoint", "verdict": "passed", "numbers": {}},
        {"name": "patients-disjoint", "verdict": "passed", "numbers": {}},
    ]
    steps = [
        {"step": "all stays", "stays": 1200, "patients": 1000, "positive": 150},
        {"step": "of at least 48 hours", "stays": 1100, "patients": 950, "positive": 110},
    ]
    return Facts(
        configuration={
            "tables": ["table3"],
            "figures": [],
            "papers_data": "real",
            "note": "",
            "seeds": [32, 42],
            "evaluation": {"bootstrap_replicates": 100, "bootstrap_seed": 0},
            "claims": {"level": 0.05, "margin": {"auroc": 0.01}},
        },
        environment={
            "version": "0.1.0",
            "git_commit": "abc123",
            "system": "Linux x86_64",
            "processors": 2,
            "python": "3.11.7",
            "jobs": [{"python": "3.11.7", "packages": {"torch": "2.13.0"}, "conda": None}],
        },
        absent={"adni": 6},
        cohorts=[
            {
                "source": source,
                "task": "48-IHM",
                "data": "synthetic" if source.startswith("synthetic-") else "real",
                "unit": "stays",
                "origin": {"release": "3.1"},
                "dropped": {"chartevents": 505},
                "labels": ["death"],
                "window_hours": 48.0,
                "horizon_hours": 48.0,
                "steps": steps,
                "availability": [{**steps[1], "modality": "notes", "stays": 550, "positive": 55}],
            }
        ],
        splits=[
            {
                "source": source,
                "task": "48-IHM",
                "protocol": "patient",
                "gates": gates,
                "missingness_only": {"notes": {"patient0": {"auroc": 0.561}}},
            }
        ],
        trained=[
            {
                **cell,
                "seeds": [32, 42],
                "splits": ["patient0"],
                "training": {"epochs": 8, "select_metric": "auroc", "class_weights": None},
                "settings": {"imputation": "locf_mean"},
                "wall_seconds": 3600.0 + number,
                "peak_memory_mb": 512.0,
                "parameters": 1000 * (number + 1),
                "device": "cpu",
                "threads": 1,
            }
            for number, cell in enumerate(cells)
        ],
        evaluated=[
            {
                **cell,
                "data": "real",
                "n_runs": 2,
                "n_stays": 165,
                "n_patients": 140,
                "prevalence": 0.1,
                "replicates": 100,
                "metrics": {"auroc": interval, "calibration_slope": interval},
            }
            for cell in cells
        ],
    )


@pytest.fixture(params=["mimic4", "synthetic-mimic4"])
def facts(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(asdict(facts_of(request.param))), encoding="utf-8")
    return path


def words_of(path: Path) -> str:
    """Return what a reader sees of a page."""
    text = re.sub(r"<(script|style)>.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.mark.parametrize("name", CHECKLISTS)
def test_every_point_of_a_checklist_is_answered(name: str, facts: Path) -> None:
    checklist, told = load_checklist(CHECKLISTS[name]), read_facts(facts)
    for item in checklist.items:
        answer = answer_of(item, told)
        assert answer.text.strip(), item.item
        assert not answer.text.startswith("\n"), item.item


def test_the_checklists_are_whole() -> None:
    """REFORMS has 32 points in 8 parts, TRIPOD+AI 27 points, 52 with those of each letter."""
    reforms = load_checklist(CHECKLISTS["reforms"]).items
    assert len(reforms) == 32
    assert Counter(item.item[0] for item in reforms) == dict(
        zip("12345678", (3, 5, 7, 3, 6, 3, 3, 2), strict=True)
    )
    assert len({item.section for item in reforms}) == 8
    tripod = load_checklist(CHECKLISTS["tripod_ai"]).items
    assert len(tripod) == 52
    assert list(dict.fromkeys(item.item.rstrip("abcdefg") for item in tripod)) == [
        str(number) for number in range(1, 28)
    ]


def test_every_answer_is_asked_for() -> None:
    asked = {item.answer for path in CHECKLISTS.values() for item in load_checklist(path).items}
    assert asked - {None} == set(ANSWERS)


def test_answers_follow_the_run() -> None:
    real, generated = facts_of("mimic4"), facts_of("synthetic-mimic4")
    assert ANSWERS["ethics"](generated).status == APPLIES_NOT
    assert "Approval of a new study is to be stated" in ANSWERS["ethics"](real).text
    assert "MIMIC-IV (3.1)" in ANSWERS["population"](real).text
    assert "no claim about real ones" in ANSWERS["population"](generated).text
    assert "1,100 stays of 950 patients; 110 positive (10.0 %)" in ANSWERS["sample_size"](real).text
    assert "notes 50.0 % (50.0 % of positive)" in ANSWERS["missing"](real).text
    assert "AUROC of up to 56.1 %" in ANSWERS["legitimacy"](real).text
    assert "chartevents 505" in ANSWERS["faulty_values"](real).text
    assert "several parts" not in ANSWERS["duplicates"](real).text
    shared = facts_of("mimic4")
    shared.splits[0]["gates"][1]["verdict"] = "reported"
    assert "Patients are in several parts" in ANSWERS["duplicates"](shared).text
    weighted = facts_of("mimic4")
    weighted.trained[1]["training"]["class_weights"] = [1.0, 2.0]
    assert ANSWERS["imbalance"](real).status == APPLIES_NOT
    assert "FuseMoE-Laplace" in ANSWERS["imbalance"](weighted).text
    assert "None is tuned" in ANSWERS["baselines"](real).text
    tuned = facts_of("mimic4")
    tuned.trained[0]["settings"]["grid"] = "full"
    assert "grid search of its own: HAIM" in ANSWERS["baselines"](tuned).text


def test_a_run_without_data_says_so() -> None:
    """Where nothing was there, no answer claims that something was done."""
    nothing = replace(
        facts_of("mimic4"), cohorts=[], splits=[], trained=[], evaluated=[], absent={"mimic4": 27}
    )
    for name in ("population", "models", "metrics", "uncertainty", "separation", "performance"):
        assert ANSWERS[name](nothing).status == "not done", name
    for answer in ANSWERS.values():
        assert answer(nothing).text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"answer": "modles"}, "unknown answer 'modles'; did you mean 'models'"),
        ({"reason": "none"}, "needs exactly one of answer, reason, to_state"),
        ({"wording": "x"}, "wording"),
    ],
)
def test_a_faulty_declaration_is_named(tmp_path: Path, change: dict, words: str) -> None:
    declared = yaml.safe_load(CHECKLISTS["reforms"].read_text(encoding="utf-8"))
    declared["items"][0] |= change
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(declared), encoding="utf-8")
    with pytest.raises(FleximodalError, match=re.escape(words)) as told:
        load_checklist(path)
    assert "mine.yaml" in str(told.value)


def test_a_repeated_point_is_named(tmp_path: Path) -> None:
    declared = yaml.safe_load(CHECKLISTS["reforms"].read_text(encoding="utf-8"))
    declared["items"].append(declared["items"][0])
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(declared), encoding="utf-8")
    with pytest.raises(FleximodalError, match="'1a' is there twice"):
        load_checklist(path)


def test_the_page_of_a_checklist(facts: Path, tmp_path: Path) -> None:
    write_checklist(CHECKLISTS["tripod_ai"], facts, tmp_path / "page.html")
    words = words_of(tmp_path / "page.html")
    assert "52 points: " in words
    assert TO_STATE in words
    assert ("All numbers of this run are from synthetic" in words) == (read_facts(facts).generated)


def test_the_register_is_read_whole() -> None:
    entries = read_register(REGISTER)
    lines = REGISTER.read_text(encoding="utf-8").splitlines()
    numbered = [line.split("|")[1].strip() for line in lines if re.match(r"\| [A-Z]+-\d+ \|", line)]
    assert [entry.number for entry in entries] == numbered
    assert len(numbered) > 100
    assert all("`" not in "".join(entry.cells.values()) for entry in entries)


def test_a_row_of_the_register_with_a_cell_too_many_is_named(tmp_path: Path) -> None:
    path = tmp_path / "register.md"
    head = (
        "# Part\n\n| | text | released code | effect | here | switch |\n|---|---|---|---|---|---|\n"
    )
    path.write_text(head + "| K-1 | a | b | c | d | e | f |\n", encoding="utf-8")
    with pytest.raises(FleximodalError, match="line 5: 7 cells instead of 6"):
        read_register(path)
    path.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(FleximodalError, match="holds no table"):
        read_register(path)


def test_discrepancies_tell_what_was_measured(facts: Path, tmp_path: Path) -> None:
    row: dict[str, Any] = {
        "table": "switches",
        "task": "48-IHM",
        "method": "FuseMoE-Laplace",
        "variant": "paper+K-3",
        "against_variant": "paper",
        "data": "synthetic",
        "metric": "auroc",
        "difference": -0.0123,
        "difference_low": -0.02,
        "difference_high": 0.001,
    }
    pd.DataFrame([row]).to_csv(tmp_path / "switches.csv", index=False)
    write_discrepancies(
        facts,
        tmp_path / "page.html",
        register=REGISTER,
        comparisons=[tmp_path / "switches.csv"],
    )
    words = words_of(tmp_path / "page.html")
    assert "the effect of 1 of them" in words
    told = "switches, 48-IHM, FuseMoE-Laplace: AUROC -1.2 [-2.0, 0.1] points (synthetic data)"
    assert told in words


def _claims(tmp_path: Path, verdicts: list[str]) -> tuple[Path, Path]:
    claims = [
        {
            "claim": f"c{number}",
            "paper": "FuseMoE",
            "table": "table3",
            "metric": "AUROC",
            "method": f"method {number}",
            "published_mean": 80.0,
            "measured": 80.5,
            "low": 79.9,
            "high": 81.0,
            "data": "real",
            "verdict": verdict,
        }
        for number, verdict in enumerate(verdicts)
    ]
    pd.DataFrame(claims, columns=COLUMNS).to_csv(tmp_path / "claims.csv", index=False)
    pd.DataFrame([], columns=RANKED).to_csv(tmp_path / "rankings.csv", index=False)
    return tmp_path / "claims.csv", tmp_path / "rankings.csv"


def test_claims_are_counted_by_verdict(facts: Path, tmp_path: Path) -> None:
    verdicts = ["equivalent", "equivalent", "different", "not run: data absent"]
    verdicts += ["not a target: misprint", "not a target: another unit"]
    claims, rankings = _claims(tmp_path, verdicts)
    write_claims_page(facts, tmp_path / "page.html", claims=claims, rankings=rankings)
    words = words_of(tmp_path / "page.html")
    assert "Reproduced (2)" in words
    assert "Different (1)" in words
    assert "verdicts by table (6 published values)" in words
    # Of one table: equivalent, different, not run, no target; then the sums.
    assert "FuseMoE table3 2 1 1 2 all all 2 1 1 2" in words
    assert "6 cell(s) of source adni: give its folder under sources.adni" in words
    assert "80.50 [79.90, 81.00]" in words
    assert "not a target: misprint" in words


def test_claims_without_published_values(facts: Path, tmp_path: Path) -> None:
    write_claims_page(facts, tmp_path / "page.html", claims=None, rankings=None)
    assert "holds published values" in words_of(tmp_path / "page.html")


def test_costs_add_up(facts: Path, tmp_path: Path) -> None:
    write_costs(facts, tmp_path / "page.html")
    words = words_of(tmp_path / "page.html")
    assert "2 cells were trained in 2.00 hours" in words
    assert "HAIM 1 3,600.0 1800.00" in words.replace("1,800.00", "1800.00")


def test_the_model_card_warns_and_tells(facts: Path, tmp_path: Path) -> None:
    write_model_card(facts, tmp_path / "page.html")
    words = words_of(tmp_path / "page.html")
    assert "No model of this run is meant for use on patients" in words
    assert "81.2 [75.0, 87.0]" in words
    assert "Calibration slope" in words
    assert "No metric is computed by age, sex" in words
    assert "of at least 48 hours 1,100 950 110 positive (10.0 %)" in words


def test_facts_of_another_shape_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text('{"cells": []}', encoding="utf-8")
    with pytest.raises(FleximodalError, match="facts.json: holds other keys"):
        read_facts(path)
