"""All printed numbers of Flex-MoE's ten tables, and of figure 2, in one table of claims."""

from pathlib import Path

import pandas as pd

from fleximodal.publishing import figure_cohort
from fleximodal.publishing.claims import collect_claims, write_claims
from fleximodal.publishing.complexity_table import write_complexity_table
from fleximodal.publishing.entries import entries
from fleximodal.publishing.published_table import published_claims
from fleximodal.publishing.raw_files_table import write_raw_files_table
from fleximodal.publishing.task_settings_table import write_task_settings_table
from tests.unit.publishing import (
    test_complexity_table,
    test_facts_tables,
    test_figure_cohort,
    test_flexmoe_tables,
    test_raw_files_table,
)

PUBLISHED = Path(__file__).resolve().parents[3] / "config" / "published"
RULE = test_flexmoe_tables.RULE


def test_every_printed_number_has_exactly_one_claim(tmp_path: Path) -> None:
    parts = {f"table{number}": tmp_path / f"flexmoe_table{number}.csv" for number in range(1, 11)}
    parts["figure2"] = tmp_path / "flexmoe_figure2.csv"
    for name in test_flexmoe_tables.VALUES:
        table = test_flexmoe_tables.load(name)
        frame = test_flexmoe_tables.built(tmp_path, table, 0.6)
        write_claims(published_claims(table, frame), tmp_path / f"{name}.csv")
    complexity = test_complexity_table.load()
    write_complexity_table(
        complexity,
        entries(complexity, metrics=[]),
        None,
        test_complexity_table.PRINTED,
        RULE,
        tmp_path / "tables",
        parts["table4"],
    )
    write_raw_files_table(
        test_raw_files_table.load(),
        test_raw_files_table.PRINTED,
        None,
        tmp_path / "tables",
        parts["table5"],
    )
    write_task_settings_table(
        test_facts_tables.task_settings_table(),
        test_facts_tables.OF_TASKS,
        test_facts_tables.used_by_task(),
        tmp_path / "tables",
        parts["table6"],
    )
    figure = test_figure_cohort.declared()
    counts = test_figure_cohort.numbers(figure, test_figure_cohort.EXACT)
    write_claims(figure_cohort.claims(figure, counts, RULE), parts["figure2"])
    collect_claims(list(parts.values()), tmp_path / "claims.csv")
    claims = pd.read_csv(tmp_path / "claims.csv")
    assert set(claims["paper"]) == {"Flex-MoE"}
    sizes = claims.groupby("table").size().to_dict()
    printed = {f"flexmoe_{name}": pd.read_csv(PUBLISHED / f"flexmoe_{name}.csv") for name in parts}
    assert sizes == {name: len(frame) for name, frame in printed.items()}
    assert len(claims) == 330 + 72 + 12 + 72 + 40 + 18 + 10
    for name, frame in printed.items():
        column = next(c for c in ("mean", "value", "value_as_printed") if c in frame)
        told = claims.loc[claims["table"] == name, "published_mean"]
        assert sorted(told) == sorted(frame[column].astype(float))
