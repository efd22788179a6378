"""Which texts are nearly the same: MinHash signatures, banded, then compared exactly.

Broder (1997) for the signatures; Indyk and Motwani (1998) for the bands.
"""

from collections.abc import Iterable
from functools import cached_property
from zlib import crc32

import numpy as np
import polars as pl
from datasketch import MinHash, MinHashLSH

WORDS = 5
PERMUTATIONS = 128
# Candidates are compared exactly: a band may err on the side of too many. A pair on the verge of
# a likeness of 0.8 is then found with a chance of 95 %, one of 0.85 with 99 %.
WEIGHTS = (0.05, 0.95)
# Compared exactly at most, the most alike by signature first: templates have thousands of kin.
MOST_COMPARED = 64


def normalise(text: pl.Expr) -> pl.Expr:
    """Return lower-case words; digits, punctuation and the blanks of de-identification go."""
    return text.str.to_lowercase().str.replace_all(r"[^\p{L}]+", " ").str.strip_chars()


def shingles(text: str) -> np.ndarray:
    """Return the distinct runs of `WORDS` words as ascending 32-bit hashes; short texts are one."""
    words = text.split()
    last = max(len(words) - WORDS, 0)
    runs = (" ".join(words[start : start + WORDS]) for start in range(last + 1))
    return np.unique(np.fromiter((crc32(run.encode()) for run in runs), dtype=np.uint32))


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """Return the size of the intersection over that of the union of two ascending sets."""
    shared = np.intersect1d(one, other, assume_unique=True).size
    return shared / (one.size + other.size - shared)


def signatures(texts: Iterable[str], size: int) -> np.ndarray:
    """Return the (size, PERMUTATIONS) MinHash signatures of texts, uint32."""
    found = np.empty((size, PERMUTATIONS), dtype=np.uint32)
    sketch = MinHash(num_perm=PERMUTATIONS, hashfunc=int)
    for row, text in enumerate(texts):
        sketch.clear()
        sketch.update_batch(shingles(text).tolist())
        found[row] = sketch.hashvalues
    return found


class SimilarTexts:
    """Distinct normalised texts, and which of them are alike.

    Two texts are candidates if their signatures agree in one band at least, with the bands that
    `datasketch.MinHashLSH` chooses for the similarity; it would hold a set per text and band, of
    which nearly all have one member, so that sorted arrays take its place.

    Parameters
    ----------
    texts
        Distinct texts; referred to by position.
    similarity
        Jaccard similarity of shingles from which on two texts are alike.
    """

    def __init__(self, texts: pl.Series, similarity: float) -> None:
        self._texts = texts
        self._similarity = similarity
        self._shingles: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self._texts)

    @cached_property
    def _signatures(self) -> np.ndarray:
        return signatures(self._texts, len(self._texts))

    @cached_property
    def _bands(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Per band: each text's bucket, the texts by bucket, and where each bucket starts."""
        bands = []
        for start, end in MinHashLSH(self._similarity, PERMUTATIONS, WEIGHTS).hashranges:
            keys = np.ascontiguousarray(self._signatures[:, start:end])
            whole = keys.view(np.dtype((np.void, keys.itemsize * (end - start)))).reshape(-1)
            _, bucket = np.unique(whole, return_inverse=True)
            order = np.argsort(bucket, kind="stable")
            starts = np.searchsorted(bucket[order], np.arange(bucket.max(initial=-1) + 2))
            bands.append((bucket, order, starts))
        return bands

    def candidates(self, text: int) -> np.ndarray:
        """Return the other texts that share a band with `text`, ascending."""
        members = [
            order[starts[bucket[text]] : starts[bucket[text] + 1]]
            for bucket, order, starts in self._bands
        ]
        found = np.unique(np.concatenate(members))
        return found[found != text]

    def any_alike(self, text: int, among: np.ndarray) -> bool:
        """Tell whether one of the texts `among` is alike to `text`."""
        if among.size > MOST_COMPARED:
            agreeing = (self._signatures[among] == self._signatures[text]).sum(axis=1)
            among = among[np.argsort(-agreeing, kind="stable")[:MOST_COMPARED]]
        own = self._shingles_of(text)
        return any(jaccard(own, self._shingles_of(one)) >= self._similarity for one in among)

    def _shingles_of(self, text: int) -> np.ndarray:
        text = int(text)
        if text not in self._shingles:
            self._shingles[text] = shingles(self._texts[text])
        return self._shingles[text]
