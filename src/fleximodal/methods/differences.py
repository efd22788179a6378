"""The differences between the paper and its released code that a method can switch.

`docs/discrepancies.md` is the whole register; here are those that a field of a method's settings
decides. Numbers are the register's: K FuseMoE, B baselines, E encoders.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fleximodal.methods.settings import MethodSettings


@dataclass(frozen=True)
class Difference:
    """One difference: variant `paper` keeps a method's own values, `released` takes `fields`.

    Attributes
    ----------
    id
        Number in the register.
    text, code
        What the paper says and what the released code does, each in a few words.
    fields
        Fields of settings, with the value that makes them do what the released code does.
    same_as
        Numbers under which other lists have the same difference.
    """

    id: str
    text: str
    code: str
    fields: Mapping[str, object]
    same_as: tuple[str, ...] = ()

    def concerns(self, settings: type[MethodSettings]) -> bool:
        """Return whether a method with such settings has the switch."""
        return self.fields.keys() <= settings.model_fields.keys()


DIFFERENCES = (
    Difference(
        "K-1",
        "importance and load are balanced by a loss",
        "the balance loss is computed and dropped",
        {"balance_coef": 0.0},
    ),
    Difference(
        "K-2",
        "an entropy loss gives each modality its own experts",
        "there is no entropy loss",
        {"entropy_coef": 0.0},
    ),
    Difference(
        "K-3",
        "the outputs of experts are added",
        "experts end in a log-softmax and are mixed as probabilities",
        {"expert_output": "log_softmax"},
    ),
    Difference(
        "K-4",
        "gate noise in training alone",
        "gate noise in evaluation too",
        {"eval_noise": True},
    ),
    Difference(
        "K-5",
        "one time axis for all modalities",
        "note times are reversed; those of images and ECGs stay in hours",
        {"time_axis": "authors"},
        ("B-20", "E-6"),
    ),
    Difference(
        "K-6",
        "a stay's sequence is one token",
        "a token mixes time slices of all stays of a micro-batch",
        {"flatten": "authors_reshape"},
    ),
    Difference(
        "K-7",
        "routers of single modalities are trained",
        "routers of single modalities stay zero, so noise alone routes",
        {"register_router": False},
    ),
    Difference(
        "K-8",
        "an absent modality is replaced by a learned embedding",
        "an absent modality becomes zeros, or in pairs an empty item",
        {"missing_embedding": "zero", "missing_flags": "withheld_from_pairs"},
        ("C-9", "E-7"),
    ),
    Difference(
        "K-9",
        "each modality has a type vector",
        "ECGs take that of notes where a micro-batch lacks an ECG",
        {"type_row": "authors"},
    ),
    Difference(
        "K-10",
        "the grid carries the last observation forward",
        "the grid carries only into hours with a measurement of another channel",
        {"imputation": "authors_f_impute"},
        ("C-16",),
    ),
    Difference(
        "K-11",
        "both branches of a series are mixed per point and feature",
        "both branches of a series are mixed by one weight per stay",
        {"gate_level": "batch"},
        ("B-11",),
    ),
    Difference(
        "K-12",
        "all positions are learned",
        "the first position keeps its random value",
        {"freeze_first_position": True},
    ),
    Difference(
        "K-13",
        "the convolution over the grid is causal",
        "the convolution over the grid is padded on both sides",
        {"grid_padding": "symmetric"},
    ),
    Difference(
        "K-15",
        "every stay is used",
        "stays of 1,000 time points and more are left out of all parts",
        {"overlong": "drop"},
        ("C-14",),
    ),
    Difference(
        "E-4",
        "notes, images and ECGs are limited alike",
        "only notes are cut to the last five",
        {"item_limit": "notes"},
    ),
    Difference(
        "B-2",
        "HAIM reads the last 128 times and the last five notes",
        "HAIM reads the first 128 times and the notes after the fifth",
        {"slices": "authors"},
        ("K-22",),
    ),
    Difference(
        "B-3",
        "HAIM's statistics are those of observed values",
        "HAIM's statistics count what was not observed as 0",
        {"unobserved": "zero"},
        ("K-22",),
    ),
    Difference(
        "B-4",
        "HAIM's variance divides by n - 1",
        "HAIM's variance divides by n",
        {"variance_ddof": 0},
    ),
    Difference(
        "B-13",
        "MAG bounds each stay's shift, from a bound of 1 on",
        "MAG bounds the shifts of a micro-batch together, from a random bound on",
        {"mag_norm": "batch", "mag_beta": "normal"},
    ),
)


def find_difference(identifier: str) -> Difference | None:
    """Return the difference with this number, None if no method can switch it."""
    return next((entry for entry in DIFFERENCES if entry.id == identifier), None)


def differences_of(settings: type[MethodSettings]) -> list[Difference]:
    """Return the differences that a method with such settings can switch."""
    return [entry for entry in DIFFERENCES if entry.concerns(settings)]
