"""The schema of the configuration; `config/README.md` is written from it."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from fleximodal.config.protocols import Protocols
from fleximodal.config.section import Section
from fleximodal.config.training import Training
from fleximodal.encoders.settings import CodesEncoder, CXREncoder, ECGEncoder, NotesEncoder
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.theory.settings import Theory
from fleximodal.training.many_settings import ManyModalities


class SyntheticPhysioNet2012(Section):
    """The generated cohort in the layout of PhysioNet 2012."""

    stays_per_set: int = Field(400, ge=50, description="records in each of the sets a, b and c")
    seed: int = Field(7, ge=0, description="seed of the generator")


class SyntheticHospital(Section):
    """The generated hospital in the layouts of MIMIC-IV and MIMIC-III."""

    stays: int = Field(600, ge=100, description="stays in the intensive-care unit")
    seed: int = Field(7, ge=0, description="seed of the generator")
    image_pixels: int = Field(256, ge=32, description="width and height of a generated radiograph")


class SyntheticAdni(Section):
    """The generated study of Alzheimer's disease in the layout of ADNI."""

    subjects: int = Field(2380, ge=120, description="labelled subjects")
    seed: int = Field(7, ge=0, description="seed of the generator")
    variants: int = Field(
        3000, ge=600, le=1_000_000, description="variants in all sets of genotypes, before filters"
    )
    ld_block: int = Field(
        10, ge=2, le=40, description="neighbouring variants that are inherited together"
    )
    image_source: Literal["freesurfer", "ravens", "both"] = Field(
        "freesurfer", description="which image files are written"
    )
    ravens_shape: tuple[
        Annotated[int, Field(ge=24)], Annotated[int, Field(ge=24)], Annotated[int, Field(ge=24)]
    ] = Field(
        (24, 29, 24),
        description="voxels of the toy atlas along its axes; the 3-D network's pooling needs 24",
    )
    apoe_layout: Literal["alleles", "genotype"] = Field(
        "alleles", description="APOE in two columns of alleles, or in one n/m"
    )


class Synthetic(Section):
    """What is generated, no patients."""

    physionet2012: SyntheticPhysioNet2012 = Field(
        default_factory=SyntheticPhysioNet2012,
        description="source `synthetic-physionet2012`",
    )
    hospital: SyntheticHospital = Field(
        default_factory=SyntheticHospital,
        description="sources `synthetic-mimic4` and `synthetic-mimic3`",
    )
    adni: SyntheticAdni = Field(
        default_factory=SyntheticAdni, description="source `synthetic-adni`"
    )


class PhysioNet2012(Section):
    """The PhysioNet/CinC Challenge 2012 release."""

    folder: str | None = Field(
        None,
        description="folder with set-{a,b,c}.tar.gz (or unpacked set-{a,b,c}/) and "
        "Outcomes-{a,b,c}.txt; null looks for physionet-challenge-2012 in data_folders",
    )
    base_address: str = Field(
        "https://physionet.org/files/challenge-2012/1.0.0/",
        description="where `snakemake download_physionet2012` fetches the release from",
    )


class Events(Section):
    """How raw measurements become events."""

    range_filter: bool | None = Field(
        None,
        description="drop values that no patient can have and clip those at the edge; null: as the "
        "channels say (on for `paper` and `haim`, off for `authors`)",
    )
    bound_at_outtime: bool | None = Field(
        None,
        description="leave out measurements after the stay ended; null: as the channels say "
        "(on for `paper` and `haim`, off for `authors`)",
    )


class Mimic4(Events):
    """MIMIC-IV 2.2 or 3.1 with its notes, radiographs and ECGs, each where it is there."""

    folder: str | None = Field(
        None, description="folder with hosp/ and icu/; null looks in data_folders"
    )
    note_folder: str | None = Field(
        None, description="folder of MIMIC-IV-Note, with note/; null looks in data_folders"
    )
    cxr_folder: str | None = Field(
        None, description="folder of MIMIC-CXR-JPG, with files/; null looks in data_folders"
    )
    ecg_folder: str | None = Field(
        None, description="folder of MIMIC-IV-ECG, with files/; null looks in data_folders"
    )
    channels: Literal["paper", "authors", "haim"] = Field(
        "paper", description="list of time-series channels: docs/discrepancies.md, C-1"
    )


class Mimic3(Events):
    """MIMIC-III 1.4."""

    folder: str | None = Field(
        None, description="folder with ICUSTAYS.csv.gz and the others; null looks in data_folders"
    )


class Adni(Preparation):
    """The Alzheimer's Disease Neuroimaging Initiative, as downloaded from LONI, and prepared so."""

    folder: str | None = Field(
        None,
        description="folder with diagnosis/, clinical/, biospecimen/, genomic/ and image/, of "
        "which the last three may be absent; null looks for adni in data_folders",
    )


class Sources(Section):
    """Where raw data are, one section per source."""

    synthetic: Synthetic = Field(default_factory=Synthetic, description="generated, no patients")
    mimic4: Mimic4 = Field(default_factory=Mimic4, description="credentialed, or the open demo")
    mimic3: Mimic3 = Field(default_factory=Mimic3, description="credentialed, or the open demo")
    physionet2012: PhysioNet2012 = Field(
        default_factory=PhysioNet2012, description="12,000 real intensive-care stays, open"
    )
    adni: Adni = Field(
        default_factory=Adni,
        description="subjects of a study of Alzheimer's disease, on application; its choices hold "
        "for `synthetic-adni` too",
    )


class Phenotyping(Section):
    """Task `25-PHE`."""

    gem_rule: Literal["any", "any_fix_i10", "last"] = Field(
        "any_fix_i10",
        description="which rows of the ICD-10 to ICD-9 mapping count: docs/discrepancies.md, C-12",
    )
    parent_fallback: bool = Field(
        False, description="map an unknown ICD-10 code by its longest known beginning"
    )
    axis: Literal["hours", "stay"] = Field(
        "hours", description="unit of the time axis: 48 hours, or the length of the stay"
    )
    mimic3_window_hours: float | None = Field(
        24.0, gt=0, description="hours that are observed on MIMIC-III; null: the whole stay"
    )


class Tasks(Section):
    """What decides labels and windows."""

    phenotyping: Phenotyping = Field(
        default_factory=Phenotyping, alias="25-PHE", description="25 phenotypes"
    )


class Leakage(Section):
    """Limits of the gates against leakage."""

    near_duplicate_share: float = Field(
        0.25,
        ge=0,
        le=1,
        description="largest share of validation and test notes with a near-duplicate in train "
        "that lets a run go on",
    )


class Encoders(Section):
    """The frozen encoders of notes, radiographs, ECGs and codes."""

    notes: NotesEncoder = Field(default_factory=NotesEncoder, description="notes")
    cxr: CXREncoder = Field(default_factory=CXREncoder, description="radiographs")
    ecg: ECGEncoder = Field(default_factory=ECGEncoder, description="ECGs")
    codes: CodesEncoder = Field(default_factory=CodesEncoder, description="diagnosis codes")


class Network(Section):
    """Sizes shared by all networks; a key left out keeps the method's own default."""

    width: int | None = Field(None, ge=1, description="model width d")
    heads: int | None = Field(None, ge=1, description="heads of the self-attention")
    layers: int | None = Field(None, ge=1, description="fusion layers")
    dropout: float | None = Field(None, ge=0, lt=1, description="dropout everywhere")
    time_width: int | None = Field(None, ge=2, description="width of the time embedding")
    time_heads: int | None = Field(None, ge=1, description="heads of the multi-time attention")
    grid_steps: int | None = Field(None, ge=1, description="points of the regular grid")
    experts: int | None = Field(None, ge=1, description="number of experts S")
    top_k: int | None = Field(None, ge=1, description="experts kept per token")
    disjoint_top_k: int | None = Field(None, ge=1, description="the same, disjoint router")
    expert_hidden: int | None = Field(None, ge=1, description="hidden width of an expert")
    aux_window: Literal["batch", "micro_batch"] | None = Field(
        None, description="stays over which the routers' losses are computed"
    )
    warmup_epochs: int | None = Field(
        None, ge=0, description="first epochs with an order of stays of their own"
    )


class TaskValues(Section):
    """Values of a task, laid over those of the sections of the same names."""

    training: dict[str, Any] = Field(
        default_factory=dict, description="keys of `training` with the task's own values"
    )
    network: dict[str, Any] = Field(
        default_factory=dict, description="keys of `network` with the task's own values"
    )


class Evaluation(Section):
    """How metrics get their intervals."""

    bootstrap_replicates: int = Field(1000, ge=10, description="resamples of patients")
    bootstrap_seed: int = Field(0, ge=0, description="seed of the resampling")


class Claims(Section):
    """How measured values are held against published ones; fixed before anything is run."""

    level: float = Field(0.05, gt=0, lt=0.5, description="level of the tests")
    margin: dict[
        Literal["auroc", "f1", "accuracy", "macro_f1"], Annotated[float, Field(gt=0, lt=1)]
    ] = Field(
        {"auroc": 0.01, "f1": 0.02, "accuracy": 0.02, "macro_f1": 0.02},
        description="largest difference, as a fraction, that counts as equivalent",
    )


class Folders(Section):
    """Where the graph writes; configurations with folders of their own never overwrite others."""

    results: str = Field("results", description="folder of results")
    logs: str = Field("logs", description="folder of logs")


class Config(Section):
    """The whole configuration."""

    tables: list[str] = Field(
        min_length=1, description="tables of `all`, each declared in config/tables/NAME.yaml"
    )
    figures: list[str] = Field(
        default_factory=list,
        description="figures of `all`, each declared in config/figures/NAME.yaml",
    )
    papers_data: Literal["generated", "real"] = Field(
        "generated",
        description="what the papers' tables and figures are computed from: the generated hospital "
        "or the credentialed releases",
    )
    note: str = Field("", description="words added to every title, such as 'demonstration'")
    pathvars: Folders = Field(default_factory=Folders, description="folders of this configuration")
    data_folders: list[str] = Field(
        ["data"],
        description="where sources without a configured folder are looked for, in this order; "
        "the environment variable FLEXIMODAL_DATA goes first",
    )
    sources: Sources = Field(default_factory=Sources, description="raw data")
    tasks: Tasks = Field(default_factory=Tasks, description="labels and windows")
    protocols: Protocols = Field(default_factory=Protocols, description="splits")
    leakage: Leakage = Field(default_factory=Leakage, description="gates against leakage")
    encoders: Encoders = Field(default_factory=Encoders, description="frozen encoders")
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(
        [32, 42, 52], min_length=1, description="seeds of initialisation, data order and noise"
    )
    training: Training = Field(default_factory=Training, description="the training loop")
    threads: int = Field(1, ge=1, description="processor threads of one training job")
    network: Network = Field(default_factory=Network, description="sizes of all networks")
    by_task: dict[str, TaskValues] = Field(
        default_factory=dict,
        description="per task, `training` and `network` with values laid over those sections",
    )
    methods: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="settings per method, over those of `network`"
    )
    evaluation: Evaluation = Field(default_factory=Evaluation, description="intervals")
    claims: Claims = Field(default_factory=Claims, description="verdicts on published values")
    many_modalities: ManyModalities = Field(
        default_factory=ManyModalities,
        description="generated stays with two to many modalities: what more of them cost",
    )
    theory: Theory = Field(default_factory=Theory, description="simulation of FuseMoE, section 4")

    @field_validator("seeds", "tables", "figures")
    @classmethod
    def _each_once(cls, value: list[Any]) -> list[Any]:
        if len(set(value)) < len(value):
            raise ValueError("an entry occurs twice; each counts once")
        return value
