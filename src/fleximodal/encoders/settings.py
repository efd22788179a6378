"""Settings of the encoders; plain data, so that the configuration can hold them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

CLINICALBERT = "emilyalsentzer/Bio_ClinicalBERT"
# The file that torchxrayvision fetches for the weights "densenet121-res224-chex".
CHEXPERT_WEIGHTS = (
    "https://github.com/mlmed/torchxrayvision/releases/download/v1/"
    "chex-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt"
)

DeviceName = Literal["auto", "cpu", "cuda"]


class EncoderSettings(BaseModel):
    """What all encoders share: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NotesEncoder(EncoderSettings):
    """Texts to 768 numbers."""

    kind: Literal["hashing", "clinicalbert"] = Field(
        "hashing", description="hashing needs no download and knows no language; clinicalbert does"
    )
    folder: str | None = Field(
        None, description="local folder with the BERT model; null takes `model` from the hub"
    )
    model: str = Field(CLINICALBERT, description="name of the model on the Hugging Face hub")
    chunks: Literal["first", "mean", "cls"] = Field(
        "first",
        description="first: pooled output of the first 512 tokens; mean: mean of the pooled "
        "outputs of all chunks of a note; cls: last-layer state of [CLS], first 512 tokens",
    )
    batch_size: int = Field(32, ge=1, description="notes (or chunks of notes) per forward pass")
    seed: int = Field(0, ge=0, description="seed of the hashing encoder's table")
    device: DeviceName = Field("auto", description="auto = a GPU if the job was given one")


class CXREncoder(EncoderSettings):
    """Chest radiographs to 1024 numbers."""

    kind: Literal["pooling", "densenet"] = Field(
        "pooling",
        description="pooling: grey values of 32 x 32 cells, nothing to download, knows no anatomy; "
        "densenet: DenseNet-121 with `weights`",
    )
    weights: Literal["random", "file", "download"] = Field(
        "random",
        description="of the DenseNet-121; random: untrained, of `seed`; file: read `file`; "
        "download: fetch `address` to `file` unless it is there",
    )
    file: str | None = Field(None, description="weights of the DenseNet-121 (.pt or .safetensors)")
    address: str = Field(CHEXPERT_WEIGHTS, description="where the weights are fetched from")
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="digest that `file` must have; null = any"
    )
    views: Literal["all", "frontal"] = Field(
        "all", description="all: every image, as the authors do; frontal: AP and PA only"
    )
    batch_size: int = Field(32, ge=1, description="images per forward pass")
    seed: int = Field(0, ge=0, description="seed of random weights")
    device: DeviceName = Field("auto", description="auto = a GPU if the job was given one")

    @model_validator(mode="after")
    def _file_is_named(self) -> "CXREncoder":
        if self.weights != "random" and self.file is None:
            raise ValueError(f"`file` must be given where weights are '{self.weights}'")
        return self


class ECGEncoder(EncoderSettings):
    """The training of the ECG autoencoder, and ECGs to 256 numbers."""

    patients: Literal["fit", "all"] = Field(
        "fit",
        description="on whose ECGs the autoencoder is trained; fit: patients that are in train in "
        "every split; all: everybody, test patients included, as the authors do",
    )
    max_records: int | None = Field(
        None, ge=2, description="ECGs used in training and validation; null = all"
    )
    batch_size: int = Field(2048, ge=1, description="ECGs per optimiser step")
    max_epochs: int = Field(100, ge=1, description="epochs at most; stops after 6 without progress")
    learning_rate: float = Field(1e-3, gt=0, description="first learning rate of Adam")
    encode_batch_size: int = Field(32, ge=1, description="ECGs per forward pass when encoding")
    cache_gb: float = Field(
        8.0, ge=0, description="disk for samples kept between epochs; what does not fit is reread"
    )
    seed: int = Field(0, ge=0, description="seed of initialisation, split, order and dropout")
    device: DeviceName = Field("auto", description="auto = a GPU if the job was given one")


class CodesEncoder(EncoderSettings):
    """Diagnoses of an admission to one 0/1 per category."""

    floor: int = Field(
        20, ge=1, description="patients that must have a category for it to be a feature"
    )
