"""ADNI through the graph: a generated study, damaged files, and what must not leak out."""

import csv
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import polars as pl
import pytest
import yaml
from safetensors import safe_open
from snakemake.utils import update_config

from fleximodal.config.load import load_config, method_settings, training_of
from fleximodal.io.seal import seal_path
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.sources.synthetic_adni import write_release
from tests.workflow.conftest import CONFIG, ROOT, TABLE, Project, make_project

# One worker runs them all, so that the graph is run once for them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("adni")]

STUDY = {"subjects": 150, "seed": 5, "variants": 600}
ALL = "image+genomic+clinical+biospecimen"
METHODS = ["MAG", "Flex-MoE"]
SMALL: dict[str, Any] = {
    **CONFIG,
    "tables": ["small", "flexmoe_table5"],
    "figures": ["flexmoe_figure2"],
    "sources": {"synthetic": {"adni": STUDY}},
    "by_task": {
        "diagnosis": {
            "training": {"epochs": 1, "select_metric": "accuracy"},
            "network": {"grid_steps": 4, "experts": 16, "top_k": 2},
        }
    },
}
COHORT = "results/cohorts/synthetic-adni/diagnosis"
SPLITS = f"{COHORT}/splits/complete-test/splits.parquet"
LEAKAGE = f"{COHORT}/leakage/complete-test/leakage.json"
ROW_LEVEL = (".parquet", ".safetensors", ".png", ".pdf", ".pt")


def small_table(project: Project) -> dict[str, Any]:
    """Cut the shipped table 1 to two methods on all modalities; write its printed values."""
    config = project.folder / "config"
    table: dict[str, Any] = yaml.safe_load((config / "tables" / "flexmoe_table1.yaml").read_text())
    printed = pd.read_csv(config / "published" / table["published"], dtype=str)
    kept = printed["method"].isin(METHODS) & (printed["modalities"] == "IGCB")
    printed[kept].to_csv(config / "published" / "small.csv", index=False)
    methods = {name: name for name in METHODS}
    table |= {"published": "small.csv", "modalities": {"IGCB": ALL}, "methods": methods}
    return table | {"not_targets": []}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that ran a small generated study; not to be changed."""
    project = make_project(tmp_path_factory.mktemp("study") / "project")
    project.write(SMALL, small=small_table(project))
    outcome = project.run("all")
    assert outcome.code == 0, outcome.text
    return project


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with `adni`; not to be changed."""
    folder = tmp_path_factory.mktemp("data")
    write_release(folder / "adni", settings={**STUDY, "image_source": "both"})
    return folder


def test_table_holds_both_methods_and_says_synthetic(study: Project) -> None:
    results = study.folder / "results"
    for suffix in ("csv", "md", "tex", "html"):
        assert "ynthetic" in (results / "tables" / f"small.{suffix}").read_text()
    claims = pd.read_csv(results / "claims.csv")
    # What was not counted are the volumes of table 5, which the generator leaves out.
    absent = claims["verdict"] == "not run: data absent"
    assert set(claims[absent]["method"]) == {"processed_T1_tissue_map"}
    assert set(claims[~absent]["verdict"]) == {"not comparable: synthetic data"}
    table = claims[claims["table"] == "small"]
    assert sorted(table["method"]) == sorted(METHODS)
    for row in table.itertuples():
        cell = f"synthetic-adni/diagnosis/complete-test/all/{ALL}/{row.method}/paper"
        predictions = pl.read_parquet(results / "runs" / cell / "predictions.parquet")
        test = predictions.filter(pl.col("part") == "test")
        right = np.stack(test["score"].to_list()).argmax(1) == test["label"].to_numpy()
        assert row.measured == pytest.approx(100 * right.mean(), abs=1e-9)


def test_validation_and_test_subjects_have_every_modality(study: Project) -> None:
    splits = pl.read_parquet(study.folder / SPLITS)
    cohort = pl.read_parquet(study.folder / COHORT / "cohort" / "cohort.parquet")
    rows = splits.join(cohort, on="stay_id")
    held_out = rows.filter(pl.col("part") != "train")
    assert held_out.select(pl.all_horizontal(f"has_{name}" for name in ALL.split("+")).all()).item()
    # 15 % of all subjects each, to the nearest whole subject.
    assert held_out["part"].value_counts().sort("part")["count"].to_list() == [22, 22]
    assert rows.height == rows["stay_id"].n_unique() == STUDY["subjects"]


def test_figure2_counts_the_combinations_that_were_drawn(study: Project) -> None:
    numbers = pd.read_csv(study.folder / "results" / "figures" / "flexmoe_figure2.csv")
    ours = numbers[(numbers["origin"] == "measured") & (numbers["quantity"] == "exactly")]
    measured = {row.label: row.subjects for row in ours.itertuples() if row.subjects}
    truth = pl.read_parquet(study.folder / "results" / "raw" / "synthetic-adni" / "truth.parquet")
    drawn = Counter(truth["combination"].drop_nulls().to_list())
    assert measured == {letters: number for letters, number in drawn.items() if letters}
    assert set(ours["data"]) == {"synthetic"}


def test_table5_counts_the_raw_files(study: Project) -> None:
    table = pd.read_csv(study.folder / "results" / "tables" / "flexmoe_table5.csv")
    raw = study.folder / "results" / "raw" / "synthetic-adni"
    measured = table.dropna(subset=["measured"]).set_index(["measured_file", "quantity"])
    files = sorted({name for name, _ in measured.index})
    assert len(files) == 12  # seven study tables, five sets of genotypes, no volumes
    for name in files:
        found = next(raw.glob(f"*/{name}.csv"), None)
        if found is None:
            rows = len(next(raw.glob(f"*/{name}.fam")).read_text().splitlines())
            columns = len(next(raw.glob(f"*/{name}.bim")).read_text().splitlines())
        else:
            with found.open(newline="") as lines:
                header, *content = csv.reader(lines)
            rows, columns = len(content), len(header)
        assert measured.loc[(name, "n_rows"), "measured"] == rows
        assert measured.loc[(name, "n_columns"), "measured"] == columns


def test_no_subject_gets_into_logs_tables_figures_and_manifests(study: Project) -> None:
    canonical = study.folder / "results" / "canonical" / "synthetic-adni"
    ids = set(pl.read_parquet(canonical / "stays.parquet")["stay_id"].cast(pl.String))
    assert len(ids) > STUDY["subjects"] and min(map(len, ids)) == 5
    files = [path for path in (study.folder / "logs").rglob("*") if path.is_file()]
    for path in (study.folder / "results").rglob("*"):
        kept = path.relative_to(study.folder / "results").parts[0] not in ("raw", "runs")
        # A seal holds a size, which may be any number, and a hash.
        kept = kept and not path.name.endswith(".seal.json")
        if path.is_file() and kept and path.suffix not in ROW_LEVEL:
            files.append(path)
    assert len(files) > 40
    for file in files:
        text = file.read_text(errors="replace")
        if file.suffix == ".svg":
            # Coordinates are numbers of any length; words stand in comments beside their outlines.
            text = " ".join(re.findall(r"<!--.*?-->|>[^<]+<", text, re.S))
        # The site, the letter S and the roster number of a PTID are words of their own here.
        assert not set(re.findall(r"[A-Za-z0-9]{5,}", text)) & ids, file


def test_second_run_does_nothing(study: Project) -> None:
    outcome = study.run("all", "--dry-run")
    assert outcome.code == 0
    assert "Nothing to be done" in outcome.text


def test_volumes_of_the_brain_reach_a_table(project: Project) -> None:
    """RAVENS maps (H-25) through the whole graph: raw array and mask, 3-D network, table."""
    images = {"image_source": "ravens"}
    sources = {"synthetic": {"adni": {**STUDY, **images}}, "adni": images}
    declared = {**TABLE, "source": "synthetic-adni", "task": "diagnosis"}
    declared |= {"protocol": "complete-test", "modalities": ["image", ALL]}
    declared |= {"methods": ["Flex-MoE"], "metrics": ["accuracy"]}
    config = {**SMALL, "tables": ["volumes"], "figures": [], "sources": sources}
    project.write(config, volumes=declared)
    outcome = project.run("results/tables/volumes.csv")
    assert outcome.code == 0, outcome.text
    table = pd.read_csv(project.folder / "results" / "tables" / "volumes.csv")
    networks = table[table["method"] == "Flex-MoE"]
    assert sorted(networks["modalities"]) == sorted(declared["modalities"])
    assert networks["accuracy_mean"].between(0, 1).all()
    for modalities in declared["modalities"]:
        cell = f"synthetic-adni/diagnosis/complete-test/all/{modalities}/Flex-MoE/paper"
        (file,) = (project.folder / "results/runs" / cell / "checkpoints").glob("*.safetensors")
        with safe_open(file, framework="numpy") as weights:
            shapes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}
        # Five axes of a weight: a convolution over three of space.
        assert any(len(shape) == 5 for shape in shapes.values()), shapes


def test_subject_in_two_parts_stops_before_training(study: Project, tmp_path: Path) -> None:
    shutil.copytree(study.folder, tmp_path / "project", symlinks=True)
    changed = Project(tmp_path / "project")
    splits = pl.read_parquet(changed.folder / SPLITS)
    twice = splits.filter(pl.col("part") == "test").head(1)
    both = pl.concat([splits, twice.with_columns(part=pl.lit("train").cast(splits["part"].dtype))])
    both.write_parquet(changed.folder / SPLITS)
    # Without its seal the file counts as a user's own, so that the gate is what finds the fault.
    seal_path(changed.folder / SPLITS).unlink()
    runs = {file: file.stat().st_mtime_ns for file in changed.folder.rglob("run.json")}
    outcome = changed.run("results/tables/small.csv")
    assert outcome.code != 0
    errors = [line for line in outcome.text.splitlines() if "ERROR:" in line]
    assert any("share the same stay between parts (1 in complete0)" in line for line in errors)
    assert "Traceback" not in outcome.text
    assert not (changed.folder / LEAKAGE).exists()
    assert runs == {file: file.stat().st_mtime_ns for file in changed.folder.rglob("run.json")}
    assert len(runs) == len(METHODS)


def variants_without_genotypes(release: Path) -> tuple[str, ...]:
    file = release / "genomic" / "ADNI3_PLINK_Final.bim"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    return "ADNI3_PLINK_Final.bed", "give three files of one set"


def unknown_diagnosis(release: Path) -> tuple[str, ...]:
    file = release / "diagnosis" / "DXSUM_PDXCONV_01Jan2026.csv"
    with file.open(newline="") as lines:
        rows = list(csv.reader(lines))
    rows[3][rows[0].index("DIAGNOSIS")] = "4"
    with file.open("w", newline="") as lines:
        csv.writer(lines, quoting=csv.QUOTE_ALL).writerows(rows)
    return file.name, "row 3", "has a DIAGNOSIS that is none of 1, 2 and 3"


def mask_of_another_shape(release: Path) -> tuple[str, ...]:
    file = next((release / "image").glob("*.nii*"))
    labels = np.asarray(nibabel.Nifti1Image.from_filename(file).dataobj)
    other = nibabel.Nifti1Image(np.ascontiguousarray(labels[:-4, :, :-3]), np.eye(4))
    nibabel.save(other, file)
    return file.name, "give the mask with which the array was made"


def empty_table(release: Path) -> tuple[str, ...]:
    file = release / "clinical" / "VITALS_01Jan2026.csv"
    file.write_text(file.read_text().splitlines(keepends=True)[0])
    return file.name, "has a header but no row"


DAMAGES = [variants_without_genotypes, unknown_diagnosis, mask_of_another_shape, empty_table]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_file_stops_with_one_sentence(
    project: Project, releases: Path, tmp_path: Path, damage: Callable[[Path], tuple[str, ...]]
) -> None:
    release = tmp_path / "release"
    shutil.copytree(releases / "adni", release)
    words = damage(release)
    images = "ravens" if damage is mask_of_another_shape else "freesurfer"
    source = {"folder": str(release), "image_source": images}
    project.write({**SMALL, "tables": ["tiny"], "figures": [], "sources": {"adni": source}})
    outcome = project.run("results/canonical/adni/counts.json")
    assert outcome.code != 0
    errors = [line for line in outcome.text.splitlines() if "ERROR:" in line]
    assert errors, outcome.text
    for word in words:
        assert word in errors[0]
    assert "Traceback" not in outcome.text
    canonical = project.folder / "results" / "canonical"
    assert not [path for path in canonical.rglob("*") if path.is_file()]


def test_folder_without_one_of_its_tables(project: Project, releases: Path, tmp_path: Path) -> None:
    """The study is found by the name of its folder; a modality is whole or absent."""
    shutil.copytree(releases / "adni", tmp_path / "data" / "adni")
    biospecimen = tmp_path / "data" / "adni" / "biospecimen"
    (biospecimen / "APOERES_01Jan2026.csv").unlink()
    given = {"tables": ["tiny"], "figures": [], "data_folders": [str(tmp_path / "data")]}
    project.write({**SMALL, **given})
    outcome = project.run("results/canonical/adni/counts.json")
    assert outcome.code != 0
    assert f"{biospecimen} holds no file APOERES_*.csv; put it there" in outcome.text
    assert "src/fleximodal" not in outcome.text  # the graph's own traceback alone
    assert not (project.folder / "results" / "canonical").exists()


def test_shipped_configuration_lists_the_cells_of_what_is_there(
    project: Project, releases: Path
) -> None:
    config = "config/adni.yaml config/mine.yaml"
    mine = project.folder / "config" / "mine.yaml"
    mine.write_text(yaml.safe_dump({"data_folders": [str(releases)]}))
    table = "results/adni/tables/flexmoe_table7.csv"
    outcome = project.run(table, "--dry-run", config=config)
    assert outcome.code == 0, outcome.text
    listed = set(re.findall(r"results/adni/runs/(\S+)/predictions\.parquet", outcome.text))
    declared = yaml.safe_load((ROOT / "config" / "tables" / "flexmoe_table7.yaml").read_text())
    wanted = {
        f"adni/diagnosis/complete-test/all/{modalities}/{method}/paper"
        for modalities in declared["modalities"].values()
        for method in declared["methods"].values()
    }
    assert listed == wanted and len(wanted) == 110


def test_shipped_sizes_are_those_that_the_paper_prints() -> None:
    merged: dict[str, Any] = {}
    for name in ("config.yaml", "adni.yaml"):
        # Without the aliases of YAML: what two keys share would be changed in both.
        layer = json.loads(json.dumps(yaml.safe_load((ROOT / "config" / name).read_text())))
        update_config(merged, layer)
    config = load_config(merged)
    printed = pd.read_csv(ROOT / "config" / "published" / "flexmoe_table6.csv")
    assert len(printed) == 18
    for task, rows in printed.groupby("task"):
        training = training_of(config, str(task))
        settings = method_settings(config, "Flex-MoE", task=str(task)).model_dump()
        used = {
            "Learning rate": training.learning_rate,
            "Training epochs": training.epochs,
            "Batch size": training.batch_size,
            "Number of experts": settings["experts"],
            "Number of SMoE layers": settings["layers"],
            "Top k": settings["top_k"],
            "Warm-up epochs": settings["warmup_epochs"],
            "Hidden dimension": settings["width"],
            "Number of attention heads": settings["heads"],
        }
        assert used == dict(zip(rows["parameter"], rows["value_as_printed"], strict=True))
        assert (settings["grid_steps"], settings["dropout"]) == (16, 0.5)
        assert training.select_metric == "accuracy"


def test_released_configuration_is_the_released_preparation() -> None:
    file = ROOT / "config" / "adni_released.yaml"
    given = yaml.safe_load(file.read_text())["sources"]["adni"]
    assert Preparation(**given) == Preparation.released()
    kept = Preparation().model_dump()
    assert all(value != kept[name] for name, value in given.items())
