"""BERT notes on a tiny network made here, against the library called directly."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file

from fleximodal.encoders.clinicalbert import ClinicalBERTNotes
from fleximodal.encoders.run import encode
from fleximodal.encoders.settings import CLINICALBERT, NotesEncoder
from fleximodal.errors import FleximodalError
from tests.unit.encoders.small_items import write_items

transformers = pytest.importorskip("transformers")

WORDS = ["heart", "Heart", "size", "is", "normal", "left", "lung", "clear", "##ed", "##s", "."]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
NOTES = [
    "Heart size is normal. Lungs cleared.",
    "",
    "lung " * 700,
    "left lung clear.",
    "heart lung\n" * 400,
    "Heart heart",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("bert")
    config = transformers.BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=512,
    )
    torch.manual_seed(3)
    model = transformers.BertModel(config)
    with torch.no_grad():  # larger than the usual initialisation, so that differences show
        for parameter in model.parameters():
            parameter.mul_(4)
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    return folder


# The words of NOTES that are not pieces themselves.
CUT = {"cleared": ["clear", "##ed"], "Lungs": ["[UNK]"]}


def pieces(text: str) -> list[int]:
    words = text.replace(".", " . ").split()
    return [VOCABULARY.index(piece) for word in words for piece in CUT.get(word, [word])]


def direct(folder: Path, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return pooled output and last [CLS] state of one chunk, alone and unpadded."""
    model = transformers.BertModel.from_pretrained(folder, local_files_only=True).eval()
    with torch.no_grad():
        output = model(input_ids=torch.tensor([[2, *ids, 3]]))
    return output.pooler_output[0].numpy(), output.last_hidden_state[0, 0].numpy()


def vectors(folder: Path, notes: list[str], **settings: object) -> np.ndarray:
    options = NotesEncoder.model_validate(
        {"kind": "clinicalbert", "folder": str(folder), "batch_size": 4, **settings}
    )
    encoder = ClinicalBERTNotes(options, torch.device("cpu"))
    return encoder.encode(pl.DataFrame({"text": notes})).vectors


def test_first_is_the_pooled_output_of_the_first_512_tokens(folder: Path) -> None:
    expected = [direct(folder, pieces(note)[:510])[0] for note in NOTES]
    found = vectors(folder, NOTES)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found[0] - found[5]).max() > 0.01


def test_cls_is_the_last_state(folder: Path) -> None:
    expected = [direct(folder, pieces(note)[:510])[1] for note in NOTES]
    np.testing.assert_allclose(vectors(folder, NOTES, chunks="cls"), expected, atol=1e-5)


def test_mean_is_over_all_chunks_filled_by_lines(folder: Path) -> None:
    long = pieces(NOTES[2])
    lines = pieces(NOTES[4])  # two pieces a line, so that a chunk takes 255 lines
    assert (len(long), len(lines)) == (700, 800)
    chunks = [
        [pieces(NOTES[0])],
        [[]],
        [long[:510], long[510:]],
        [pieces(NOTES[3])],
        [lines[:510], lines[510:]],
        [pieces(NOTES[5])],
    ]
    expected = [np.mean([direct(folder, ids)[0] for ids in note], axis=0) for note in chunks]
    np.testing.assert_allclose(vectors(folder, NOTES, chunks="mean"), expected, atol=1e-5)


def test_a_line_that_does_not_fit_begins_the_next_chunk(folder: Path) -> None:
    note = "lung " * 300 + "\n" + "heart " * 300 + "\nclear"
    words = [VOCABULARY.index(word) for word in ("lung", "heart", "clear")]
    first, second = [words[0]] * 300, [words[1]] * 300 + [words[2]]
    expected = (direct(folder, first)[0] + direct(folder, second)[0]) / 2
    np.testing.assert_allclose(
        vectors(folder, [note], chunks="mean")[0], expected, rtol=0, atol=1e-5
    )


def test_case_is_kept_unless_the_folder_says_otherwise(folder: Path, tmp_path: Path) -> None:
    upper, lower = vectors(folder, ["Heart", "heart"])
    assert np.abs(upper - lower).max() > 0.01
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    upper, lower = vectors(tmp_path, ["Heart", "heart"])
    np.testing.assert_allclose(upper, lower, atol=1e-6)


def test_neighbours_in_a_batch_do_not_matter(folder: Path) -> None:
    together = vectors(folder, NOTES, batch_size=6)
    alone = np.concatenate([vectors(folder, [note]) for note in NOTES])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_encode_names_the_weights_by_digest(folder: Path, tmp_path: Path) -> None:
    write_items(tmp_path / "notes.parquet", text=NOTES)
    encode(
        "notes",
        tmp_path,
        tmp_path / "out",
        settings={"kind": "clinicalbert", "folder": str(folder), "device": "cpu"},
        state=tmp_path / "state",
    )
    settings = json.loads((tmp_path / "out" / "manifest.json").read_text())["settings"]
    assert settings["features"] == 16
    assert "model.safetensors sha256 " in settings["weights"]
    assert settings["lower_case"] is False
    assert settings["counts"] == {"notes without a word": 1}
    found = load_file(tmp_path / "out" / "vectors.safetensors")["vectors"].numpy()
    np.testing.assert_allclose(found, vectors(folder, NOTES), atol=1e-5)


def test_folders_that_are_not_a_model(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match=r"holds no BERT model \(config\.json is missing\)"):
        vectors(tmp_path / "nothing", ["a"])
    for name in ("config.json", "vocab.txt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(FleximodalError, match="holds no weights"):
        vectors(tmp_path, ["a"])
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "pooler" not in name}
    save_file(kept, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(FleximodalError, match=r"lacks weights of the model \(first: pooler"):
        vectors(tmp_path, ["a"])
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(FleximodalError, match="cannot be loaded as a BERT model"):
        vectors(tmp_path, ["a"])


def test_offline_hub_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    options = NotesEncoder(kind="clinicalbert")
    with pytest.raises(FleximodalError, match=f"The model {CLINICALBERT} is neither in the local"):
        ClinicalBERTNotes(options, torch.device("cpu"))
