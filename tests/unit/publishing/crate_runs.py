"""A small run made by hand: jobs that write text and leave seals and records as real ones do."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fleximodal.io.job_record import write_job_record
from fleximodal.io.seal import seal
from fleximodal.publishing.provenance.crate import write_provenance
from fleximodal.publishing.provenance.workflow import Rule, Workflow, files_of

RULES = ("generate", "extract", "train_cell", "evaluate_cell", "write_table")
STAY = 200_417
RECORD = 132_539
GENERATED = "results/raw/synthetic-lab/stays.csv.gz"
IMAGES = "results/raw/synthetic-lab/images"
RUN = "results/runs/{}/model/predictions.parquet"
METRICS = "results/metrics/{}/model/metrics.json"
SYNTHETIC, REAL, BOTH, NONE = (
    f"results/tables/{name}.csv" for name in ("generated", "measured", "both", "printed")
)
TABLES = [SYNTHETIC, REAL, BOTH, NONE]


def job(
    rule: str,
    outputs: Mapping[str, str | Mapping[str, str]],
    inputs: Sequence[str] = (),
    *,
    wildcards: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
) -> None:
    """Write files with these texts, or folders of such files, and record the job that did it."""
    for path, text in outputs.items():
        files = {path: text} if isinstance(text, str) else {f"{path}/{n}": text[n] for n in text}
        for file, content in files.items():
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(content)
    smk = SimpleNamespace(
        rule=rule,
        input=list(inputs),
        output=list(outputs),
        wildcards=dict(wildcards or {}),
        params={"code": f"code of {rule}", **(params or {})},
        threads=1,
    )
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    record = write_job_record(smk, [], started=started, seconds=1.5)
    for path in outputs:
        seal(path, record)


def run(folder: Path) -> None:
    """Make a run in `folder`, which is the working folder, from generated and from real data."""
    write_workflow(folder)
    Path("data").mkdir()
    for name in ("admissions.csv.gz", f"{RECORD}.txt", "135001.txt"):
        Path("data", name).write_text(f"raw {name}")
    generated = {GENERATED: "raw rows", IMAGES: {f"p{STAY}.jpg": "pixels"}}
    job("generate", generated, params={"seed": 1})
    branch("synthetic-lab", list(generated))
    branch("lab", [f"data/{path.name}" for path in Path("data").iterdir()])
    metrics = {source: METRICS.format(source) for source in ("synthetic-lab", "lab")}
    declared = "config/tables/t.yaml"
    job("write_table", {SYNTHETIC: "a,1"}, [declared, metrics["synthetic-lab"]])
    job("write_table", {REAL: "b,1"}, [declared, metrics["lab"]])
    job("write_table", {BOTH: "c,1"}, [declared, *metrics.values()])
    job("write_table", {NONE: "d,1"}, [declared])


def branch(source: str, raw: Sequence[str], *, epochs: int = 2, auroc: float = 0.5) -> None:
    """Run the jobs of one source from its raw files to the metrics of a model."""
    wildcards = {"source": source}
    stays = f"results/canonical/{source}/stays.parquet"
    job("extract", {stays: f"{STAY}"}, raw, wildcards=wildcards)
    predictions = RUN.format(source)
    settings = {"epochs": epochs}
    job("train_cell", {predictions: f"{STAY}"}, [stays], wildcards=wildcards, params=settings)
    metrics = {METRICS.format(source): f"{auroc}"}
    job("evaluate_cell", metrics, [predictions], wildcards=wildcards)


def write_workflow(folder: Path) -> None:
    """Write the files of a workflow with the rules of the run."""
    for name in ("rules/all.smk", "envs/one.yaml", "config/tables/t.yaml", "Snakefile"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n")
    (folder / "workflow" / "scripts").mkdir(parents=True)
    for name in RULES:
        (folder / "workflow" / "scripts" / f"{name}.py").write_text(f"# {name}\n")


def workflow() -> Workflow:
    """Return the workflow of the run in the working folder."""
    rules = {name: Rule(f"Do {name}.", f"{name}.py", "one.yaml") for name in RULES}
    return Workflow(".", list(files_of(".")), rules, "results", "9.27.1")


def write(folder: Path | str = "results/provenance") -> Path:
    """Write the crate of the run in the working folder."""
    write_provenance(
        folder,
        TABLES,
        workflow(),
        config={"seeds": [1]},
        config_files=["config/tables/t.yaml"],
    )
    return Path(folder)
