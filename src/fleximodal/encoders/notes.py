"""Notes without a language model: hashed tokens, a fixed random table, mean, tanh."""

import re
import zlib

import numpy as np
import polars as pl

from fleximodal.encoders.encoder import Encoded, ItemEncoder, digest_of
from fleximodal.encoders.settings import NotesEncoder

FEATURES = 768
_TOKEN = re.compile(r"\w+")
_ROWS = 2**14


class HashingNotes(ItemEncoder):
    """Mean of the table rows of a note's tokens, through tanh; (768,) per note.

    A token is a lower-cased run of letters and digits. It picks one of 16,384 rows of a table of
    standard normal numbers by its CRC-32, so no vocabulary is kept and no download is needed. A
    note without tokens becomes zeros. What it keeps of a text is which words occur how often;
    it is for tests and for profiles without a language model.
    """

    features = FEATURES

    def __init__(self, settings: NotesEncoder) -> None:
        self.batch_size = settings.batch_size
        self.description = {
            "encoder": "hashing",
            "weights": f"random, seed {settings.seed}, not trained",
        }
        generator = np.random.default_rng(settings.seed)
        self._table = generator.standard_normal((_ROWS, FEATURES), dtype=np.float32)

    def digest(self, batch: pl.DataFrame) -> bytes:
        """Return the digest of the texts."""
        return digest_of(batch["text"])

    def encode(self, batch: pl.DataFrame) -> Encoded:
        """Return one vector per text."""
        result = Encoded(np.zeros((batch.height, FEATURES), dtype=np.float32))
        for vector, text in zip(result.vectors, batch["text"], strict=True):
            tokens = _TOKEN.findall((text or "").lower())
            if tokens:
                rows = [zlib.crc32(token.encode("utf-8", "replace")) % _ROWS for token in tokens]
                np.tanh(self._table[rows].mean(axis=0), out=vector)
            else:
                result.counts["notes without a word"] += 1
        return result
