"""Radiographs: pixels against the definition, refusals without paths, the folder of vectors."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from fleximodal.encoders.densenet import random_densenet
from fleximodal.encoders.images import read_image
from fleximodal.encoders.run import encode
from fleximodal.errors import FleximodalError
from tests.unit.encoders.small_items import write_items, write_jpeg


def area(values: np.ndarray, side: int) -> np.ndarray:
    """Mean of the pixels under each cell, borders rounded outwards."""
    rows, columns = values.shape
    out = np.empty((side, side))
    for i in range(side):
        for j in range(side):
            top, bottom = rows * i // side, -(-rows * (i + 1) // side)
            left, right = columns * j // side, -(-columns * (j + 1) // side)
            out[i, j] = values[top:bottom, left:right].mean()
    return out


@pytest.mark.parametrize("size", [(448, 672), (300, 517), (100, 90)])
def test_pixels_are_scaled_and_averaged(tmp_path: Path, size: tuple[int, int]) -> None:
    write_jpeg(tmp_path / "image.jpg", 5, size)
    with Image.open(tmp_path / "image.jpg") as image:
        grey = np.asarray(image, dtype=np.float64)
    found = read_image(tmp_path / "image.jpg", "row 1")
    assert found.shape == (1, 224, 224) and found.dtype == torch.float32
    expected = area((2 * grey / 255 - 1) * 1024, 224)
    np.testing.assert_allclose(found[0].numpy(), expected, atol=0.01)


def test_black_and_white_are_the_ends_of_the_range(tmp_path: Path) -> None:
    for value, expected in ((0, -1024.0), (255, 1024.0)):
        Image.new("L", (256, 256), value).save(tmp_path / "image.jpg", quality=100)
        assert read_image(tmp_path / "image.jpg", "row 1").unique().tolist() == [expected]


def test_colour_becomes_grey(tmp_path: Path) -> None:
    Image.new("RGB", (224, 224), (90, 90, 90)).save(tmp_path / "image.jpg", quality=100)
    expected = (2 * 90 / 255 - 1) * 1024
    assert torch.allclose(read_image(tmp_path / "image.jpg", "x"), torch.tensor(expected), atol=9)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9])
def test_truncated_images_are_refused_without_their_path(tmp_path: Path, share: float) -> None:
    path = tmp_path / "secret-name.jpg"
    write_jpeg(path, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FleximodalError, match=r"image of row 7 of images\.parquet is no") as error:
        read_image(path, "row 7 of images.parquet")
    assert "secret" not in str(error.value) and error.value.__suppress_context__


def test_other_files_are_refused(tmp_path: Path) -> None:
    Image.new("L", (10, 10)).save(tmp_path / "image.png")
    for name in ("image.png", "absent.jpg"):
        with pytest.raises(FleximodalError, match=r"The image of row 7 is (no JPEG|missing)"):
            read_image(tmp_path / name, "row 7")


@pytest.fixture
def canonical(tmp_path: Path) -> Path:
    paths = [f"files/p1/s{number}/image.jpg" for number in range(6)]
    for number, path in enumerate(paths):
        write_jpeg(tmp_path / "cxr" / path, number)
    views = ["AP", "LATERAL", None, "PA", "LL", "AP"]
    write_items(tmp_path / "canonical" / "images.parquet", path=paths, view=views)
    return tmp_path / "canonical"


def vectors(canonical: Path, name: str, **settings: object) -> np.ndarray:
    output = canonical.parent / name
    encode(
        "cxr",
        canonical,
        output,
        settings={"device": "cpu", **settings},
        root=canonical.parent / "cxr",
        state=canonical.parent / "state",
        threads=2,
    )
    found: np.ndarray = load_file(output / "vectors.safetensors")["vectors"]
    return found


def test_encode_with_untrained_weights(canonical: Path) -> None:
    found = vectors(canonical, "out", kind="densenet", views="frontal", batch_size=2)
    images = [canonical.parent / "cxr" / f"files/p1/s{n}/image.jpg" for n in (0, 3, 5)]
    with torch.no_grad():
        expected = random_densenet(0)(torch.stack([read_image(path, "x") for path in images]))
    scale = float(expected.abs().max())
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * scale)
    assert pl.read_parquet(canonical.parent / "out" / "items.parquet")["item_id"].to_list() == [
        "item-0000",
        "item-0003",
        "item-0005",
    ]
    text = (canonical.parent / "out" / "manifest.json").read_text()
    settings = json.loads(text)["settings"]
    assert settings["weights"] == "random, seed 0, not trained"
    assert (settings["views"], settings["features"]) == ("frontal", 1024)
    assert "item-" not in text and ".jpg" not in text


def test_all_views_by_default_and_any_batch(canonical: Path) -> None:
    one, four = vectors(canonical, "a", batch_size=1), vectors(canonical, "b", batch_size=4)
    assert one.shape == (6, 1024)
    np.testing.assert_allclose(one, four, rtol=1e-6)


def test_pooled_pixels_are_means_of_cells(canonical: Path) -> None:
    found = vectors(canonical, "out", kind="pooling")
    first = read_image(canonical.parent / "cxr" / "files/p1/s0/image.jpg", "x")
    expected = area(first[0].double().numpy() / 1024, 32)
    np.testing.assert_allclose(found[0].reshape(32, 32), expected, atol=1e-6)
    assert found.min() >= -1 and found.max() <= 1
    settings = json.loads((canonical.parent / "out" / "manifest.json").read_text())["settings"]
    assert (settings["encoder"], settings["weights"]) == ("pooling", "none")


def test_a_bad_image_is_named_by_its_row_and_the_others_are_kept(canonical: Path) -> None:
    bad = canonical.parent / "cxr" / "files/p1/s3/image.jpg"
    whole = bad.read_bytes()
    for content, what in ((whole[:500], "is no JPEG or is damaged"), (None, "is missing")):
        bad.unlink()
        if content is not None:
            bad.write_bytes(content)
        with pytest.raises(FleximodalError, match=rf"row 4 of images\.parquet {what}") as error:
            vectors(canonical, "out", batch_size=2)
        assert "files" not in str(error.value) and "s3" not in str(error.value)
        assert not (canonical.parent / "out").exists()
        assert len(list((canonical.parent / "state" / "batches").iterdir())) == 1
    bad.write_bytes(whole)
    np.testing.assert_array_equal(
        vectors(canonical, "out", batch_size=2), vectors(canonical, "anew", batch_size=2)
    )


def test_an_image_that_changed_is_encoded_again(canonical: Path) -> None:
    last = canonical.parent / "cxr" / "files/p1/s5/image.jpg"
    hidden = last.with_suffix(".hidden")
    last.rename(hidden)
    with pytest.raises(FleximodalError):
        vectors(canonical, "out", batch_size=2)
    hidden.rename(last)
    first = canonical.parent / "cxr" / "files/p1/s0/image.jpg"
    write_jpeg(first, 77)
    os.utime(first, ns=(1, 1))
    np.testing.assert_array_equal(
        vectors(canonical, "out", batch_size=2), vectors(canonical, "anew", batch_size=2)
    )


def test_frontal_needs_a_view_column(canonical: Path) -> None:
    table = canonical / "images.parquet"
    pl.read_parquet(table).drop("view").write_parquet(table)
    with pytest.raises(FleximodalError, match="has no column view;"):
        vectors(canonical, "out", views="frontal")
