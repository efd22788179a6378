"""The schema of the configuration; `config/README.md` is written from it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Section(BaseModel):
    """A part of the configuration; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Synthetic(Section):
    """The generated cohort in the layout of PhysioNet 2012."""

    stays_per_set: int = Field(400, ge=50, description="records in each of the sets a, b and c")
    seed: int = Field(7, ge=0, description="seed of the generator")


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


class Sources(Section):
    """Where raw data are, one section per source."""

    synthetic: Synthetic = Field(default_factory=Synthetic, description="generated, no patients")
    physionet2012: PhysioNet2012 = Field(
        default_factory=PhysioNet2012, description="12,000 real intensive-care stays, open"
    )


class Official(Section):
    """Train on set a, validate on set b, test on set c; nothing to choose."""


class FiveRandom(Section):
    """The five random 80/10/10 splits of Zhang et al. (Raindrop, ICLR 2022)."""

    splits: list[Literal["split1", "split2", "split3", "split4", "split5"]] = Field(
        ["split1", "split2", "split3", "split4", "split5"],
        min_length=1,
        description="which of the five are run",
    )
    file: str | None = Field(
        None,
        description="the CSV of splits (RecordID,split1..split5); null takes "
        "splits-five-random.csv from the source's folder",
    )


class Seeded(Section):
    """Own random splits by patient."""

    fractions: tuple[float, float, float] = Field(
        (0.70, 0.15, 0.15), description="shares of patients in train, val and test"
    )
    seed: int = Field(0, ge=0, description="seed of the first split's shuffle")
    count: int = Field(1, ge=1, description="number of splits, named seed0, seed1, ... by seed")

    @field_validator("fractions")
    @classmethod
    def _sum_to_one(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(value) <= 0 or abs(sum(value) - 1) > 1e-9:
            raise ValueError("the three fractions must be positive and sum to 1")
        return value


class Protocols(Section):
    """How stays are divided into train, val and test."""

    official: Official = Field(default_factory=Official, description="the challenge's own sets")
    five_random: FiveRandom = Field(
        default_factory=FiveRandom, alias="five-random", description="splits used by later papers"
    )
    seeded: Seeded = Field(default_factory=Seeded, description="own random splits")


class Training(Section):
    """The training loop, the same for all networks (FuseMoE table 6 where it says)."""

    epochs: int = Field(8, ge=1, description="passes over the training part")
    batch_size: int = Field(32, ge=1, description="stays per optimiser step")
    learning_rate: float = Field(4e-4, gt=0, description="learning rate of Adam")
    select_metric: Literal["f1", "auroc", "auprc"] = Field(
        "f1", description="validation metric that chooses the epoch; the paper uses f1"
    )
    max_rows: int = Field(1000, ge=1, description="most recent time points kept per modality")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto = a GPU if there is one"
    )


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


class Evaluation(Section):
    """How metrics get their intervals."""

    bootstrap_replicates: int = Field(1000, ge=10, description="resamples of patients")
    bootstrap_seed: int = Field(0, ge=0, description="seed of the resampling")


class Folders(Section):
    """Where the graph writes; configurations with folders of their own never overwrite others."""

    results: str = Field("results", description="folder of results")
    logs: str = Field("logs", description="folder of logs")


class Config(Section):
    """The whole configuration."""

    tables: list[str] = Field(
        min_length=1, description="tables of `all`, each declared in config/tables/NAME.yaml"
    )
    note: str = Field("", description="words added to every title, such as 'demonstration'")
    pathvars: Folders = Field(default_factory=Folders, description="folders of this configuration")
    data_folders: list[str] = Field(
        ["data"],
        description="where sources without a configured folder are looked for, in this order; "
        "the environment variable FLEXIMODAL_DATA goes first",
    )
    sources: Sources = Field(default_factory=Sources, description="raw data")
    protocols: Protocols = Field(default_factory=Protocols, description="splits")
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(
        [32, 42, 52], min_length=1, description="seeds of initialisation, data order and noise"
    )
    training: Training = Field(default_factory=Training, description="the training loop")
    threads: int = Field(1, ge=1, description="processor threads of one training job")
    network: Network = Field(default_factory=Network, description="sizes of all networks")
    methods: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="settings per method, over those of `network`"
    )
    evaluation: Evaluation = Field(default_factory=Evaluation, description="intervals")

    @field_validator("seeds", "tables")
    @classmethod
    def _each_once(cls, value: list[Any]) -> list[Any]:
        if len(set(value)) < len(value):
            raise ValueError("an entry occurs twice; each counts once")
        return value
