"""The differences between the paper and its released code that a method can switch.

`docs/discrepancies.md` is the whole register; here are those that a field of a method's settings
decides. Numbers are the register's: K FuseMoE, B baselines, E encoders, H Flex-MoE.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fleximodal.methods.settings import MethodSettings


@dataclass(frozen=True)
class Difference:
    """One difference: variant `paper` keeps a method's own values, `released` takes `fields`.

    Where a method's own values are the released code's, as the text cannot be meant or does not
    say enough, the difference is `literal`: both variants keep them, and the switch turns to what
    the text says.

    Attributes
    ----------
    id
        Number in the register.
    text, code
        What the paper says and what the released code does, each in a few words.
    fields
        Fields of settings, with the value that makes them do what the released code does; or, if
        `literal`, what the text says.
    same_as
        Numbers under which other lists have the same difference.
    """

    id: str
    text: str
    code: str
    fields: Mapping[str, object]
    same_as: tuple[str, ...] = ()
    literal: bool = False

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
    Difference(
        "H-1",
        "attention is added to its input",
        "attention is added to itself, and the input is lost",
        {"attention_residual": "self"},
    ),
    Difference(
        "H-2",
        "softmax over all experts, then the largest k",
        "the largest k, then softmax over them",
        {"gate_order": "softmax_topk"},
        literal=True,
    ),
    Difference(
        "H-3",
        "a router for full stays and one for the others",
        "one router",
        {"gate_routers": "separate"},
        literal=True,
    ),
    Difference(
        "H-4",
        "experts first learn from full stays alone",
        "the first epochs go through all stays, those with most modalities first",
        {"warmup_order": "full_only"},
        literal=True,
    ),
    Difference(
        "H-5",
        "tokens of a combination are assigned to its expert",
        "a loss draws them to it",
        {"gate_assignment": "forced"},
        literal=True,
    ),
    Difference(
        "H-8",
        "the cross-entropy is a sum over tokens",
        "the cross-entropy is a mean over tokens",
        {"assignment_reduction": "sum"},
        literal=True,
    ),
    Difference(
        "H-9",
        "the cross-entropy is of the router's output",
        "the cross-entropy is of logits with noise",
        {"assignment_logits": "clean"},
        literal=True,
    ),
    Difference(
        "H-10",
        "the balance of incomplete stays leaves out each token's strongest expert",
        "the balance of incomplete stays leaves out the expert of full stays",
        {"balance_exclude": "own_top1"},
        literal=True,
    ),
    Difference(
        "H-11",
        "load is the number of tokens",
        "load is the probability of being kept",
        {"gate_load": "count"},
        literal=True,
    ),
    Difference(
        "H-13",
        "the routers' losses are taken once",
        "the routers' losses are added over modalities",
        {"gate_loss_reduce": "mean"},
        literal=True,
    ),
    Difference(
        "H-17",
        "an unknown numeric cell gets the mean of its column",
        "an unknown numeric cell gets the mean of the first numeric column",
        {"table_fill": "first_column"},
    ),
    Difference(
        "H-19",
        "scales and fills are those of training stays",
        "scales and fills are fitted on all stays",
        {"table_fit": "all"},
    ),
    Difference(
        "H-33",
        "tables have encoders of their own, whose size fits a dense layer over all columns",
        "blocks of columns become tokens by one linear map",
        {"tabular_encoder": "dense_then_patch"},
        literal=True,
    ),
)


def find_difference(identifier: str) -> Difference | None:
    """Return the difference with this number, None if no method can switch it."""
    return next((entry for entry in DIFFERENCES if entry.id == identifier), None)


def differences_of(settings: type[MethodSettings]) -> list[Difference]:
    """Return the differences that a method with such settings can switch."""
    return [entry for entry in DIFFERENCES if entry.concerns(settings)]
