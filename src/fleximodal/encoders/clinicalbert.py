"""Notes through a BERT model, Bio_ClinicalBERT by default."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from safetensors import SafetensorError
from torch import Tensor

from fleximodal.encoders.encoder import Encoded, ItemEncoder, digest_of
from fleximodal.encoders.settings import NotesEncoder
from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import sha256_of

MAX_TOKENS = 512  # with the two special ones
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_FILES = ("config.json", "vocab.txt", "tokenizer*.json", "special_tokens_map.json", *_WEIGHTS)


class ClinicalBERTNotes(ItemEncoder):
    """Vectors of a frozen BERT in evaluation mode; (768,) per note for the published model.

    `chunks` of the settings: "first" is the pooled output (tanh of a linear map of the last [CLS]
    state) of the first 512 tokens, specials included; "mean" the mean of the pooled outputs of all
    chunks, which are filled line by line up to 510 word pieces; "cls" the last [CLS] state itself
    of the first 512 tokens.
    """

    def __init__(self, settings: NotesEncoder, device: torch.device) -> None:
        folder = _model_folder(settings)
        self._device = device
        self._chunks = settings.chunks
        self._tokenizer, self._model = _load(folder)
        self._model.to(device)
        longest = min(MAX_TOKENS, int(self._model.config.max_position_embeddings))
        self._pieces = longest - 2
        self.features = int(self._model.config.hidden_size)
        self.batch_size = settings.batch_size
        digests = [f"{path.name} sha256 {sha256_of(path)}" for path in _weight_files(folder)]
        name = settings.model if settings.folder is None else folder.name
        self.description = {
            "encoder": "clinicalbert",
            "weights": f"{name}, {', '.join(digests)}",
            "chunks": settings.chunks,
            "lower_case": _lower_case(folder),
            "max_tokens": longest,
            "device": device.type,
        }

    def digest(self, batch: pl.DataFrame) -> bytes:
        """Return the digest of the texts."""
        return digest_of(batch["text"])

    def cost(self, window: pl.DataFrame) -> np.ndarray:
        """Return the lengths of the texts: notes of similar length need little padding."""
        return window["text"].str.len_bytes().fill_null(0).to_numpy()

    @torch.inference_mode()
    def encode(self, batch: pl.DataFrame) -> Encoded:
        """Return one vector per text."""
        notes = [self._split(text or "") for text in batch["text"]]
        counts = [len(chunks) for chunks in notes]
        vectors = self._vectors([chunk for chunks in notes for chunk in chunks])
        ends = np.cumsum([0, *counts])
        result = Encoded(np.stack([vectors[a:b].mean(axis=0) for a, b in pairwise(ends)]))
        result.counts["notes without a word"] = sum(not chunks[0] for chunks in notes)
        return result

    def _split(self, text: str) -> list[list[int]]:
        """Return the word pieces of the chunks that are used, without special tokens."""
        if self._chunks != "mean":
            return [self._tokens([text], truncate=True)[0]]
        lines = text.splitlines() or [""]
        chunks: list[list[int]] = [[]]
        for line in self._tokens(lines, truncate=False):
            for start in range(0, len(line), self._pieces):
                piece = line[start : start + self._pieces]
                if len(chunks[-1]) + len(piece) > self._pieces:
                    chunks.append([])
                chunks[-1] += piece
        return chunks

    def _tokens(self, texts: list[str], *, truncate: bool) -> list[list[int]]:
        limits: dict[str, Any] = {"truncation": True, "max_length": self._pieces}
        answer = self._tokenizer(
            texts, add_special_tokens=False, verbose=False, **(limits if truncate else {})
        )
        return list(answer["input_ids"])

    def _vectors(self, chunks: list[list[int]]) -> np.ndarray:
        """Return (n, hidden) of chunks of word pieces, computed in batches of similar length."""
        order = np.argsort([len(chunk) for chunk in chunks], kind="stable")
        vectors = np.empty((len(chunks), self.features), dtype=np.float32)
        for start in range(0, len(chunks), self.batch_size):
            part = order[start : start + self.batch_size]
            ids, mask = self._pad([chunks[index] for index in part])
            output = self._model(input_ids=ids, attention_mask=mask)
            state = output.last_hidden_state[:, 0]
            vectors[part] = (state if self._chunks == "cls" else output.pooler_output).cpu()
        return vectors

    def _pad(self, chunks: list[list[int]]) -> tuple[Tensor, Tensor]:
        """Add special tokens and padding; return ids and mask, (n, longest) int64."""
        tokenizer = self._tokenizer
        shape = (len(chunks), max(map(len, chunks)) + 2)
        ids = torch.full(shape, int(tokenizer.pad_token_id or 0))
        mask = torch.zeros(shape, dtype=torch.int64)
        for row, chunk in enumerate(chunks):
            whole = [int(tokenizer.cls_token_id), *chunk, int(tokenizer.sep_token_id)]
            ids[row, : len(whole)] = torch.tensor(whole)
            mask[row, : len(whole)] = 1
        return ids.to(self._device), mask.to(self._device)


def _model_folder(settings: NotesEncoder) -> Path:
    """Return the local folder, or the one to which the hub's client fetches the model."""
    if settings.folder is not None:
        folder = Path(settings.folder)
        if not (folder / "config.json").is_file():
            raise FleximodalError(
                f"{folder} holds no BERT model (config.json is missing); put the files of "
                f"{settings.model} there, or correct the notes encoder's folder."
            )
    else:
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(settings.model, allow_patterns=list(_FILES)))
        except Exception as error:  # the client raises its own, HTTP's and the system's errors
            raise FleximodalError(
                f"The model {settings.model} is neither in the local cache nor to be had from the "
                f"Hugging Face hub ({type(error).__name__}); give a folder that holds it, or use "
                "the hashing encoder."
            ) from None
    if not _weight_files(folder):
        raise FleximodalError(
            f"{folder} holds no weights (model.safetensors or pytorch_model.bin); put them there."
        )
    return folder


def _weight_files(folder: Path) -> list[Path]:
    """Return the files that are loaded: safetensors if there are any, otherwise torch's own."""
    for pattern in _WEIGHTS:
        files = sorted(folder.glob(pattern))
        if files:
            return files
    return []


def _lower_case(folder: Path) -> bool:
    """Return whether texts are lower-cased: as the folder says, otherwise not.

    NOTE[DIFF]: the published folder says nothing, and the library would then lower-case the text
    although vocabulary and training were cased.
    """
    path = folder / "tokenizer_config.json"
    if not path.is_file():
        return False
    return bool(json.loads(path.read_text(encoding="utf-8")).get("do_lower_case", False))


def _load(folder: Path) -> tuple[Any, Any]:
    """Return tokenizer and model."""
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, do_lower_case=_lower_case(folder)
        )
        model, report = AutoModel.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise FleximodalError(
            f"{folder} cannot be loaded as a BERT model ({type(error).__name__}); fetch its files "
            "again."
        ) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise FleximodalError(
            f"{folder} lacks weights of the model (first: {missing[0]}); fetch its files again."
        )
    return tokenizer, model.eval()
