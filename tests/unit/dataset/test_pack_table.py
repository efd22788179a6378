"""Tables from canonical files to batches."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.numpy import save_file
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.cohorts.tables import Modality
from fleximodal.dataset.batch import BatchBuilder, ItemsBatch
from fleximodal.dataset.pack import pack_dataset
from fleximodal.dataset.pack_table import as_table
from fleximodal.dataset.packed import Items, PackedDataset, Table, read_packed
from fleximodal.dataset.scaler import fit_scaler, read_scalers, write_scalers
from fleximodal.errors import FleximodalError
from tests.unit.dataset.tables import study, table, write_modality, write_subjects

CLINICAL = {3: [1.0, np.nan], 5: [2.0, 8.0], 6: [5.0, 1.0], 8: [0.0, 2.0], 9: [7.0, 7.0]}
GENOMIC = {5: [0, 2, -1], 8: [1, -1, 0], 4: [2, 2, 2]}
IMAGE = {6: [0.5, 1.5], 9: [2.5, -1.0]}


@pytest.fixture
def canonical(tmp_path: Path) -> Path:
    folder = tmp_path / "canonical"
    entries = [
        write_modality(folder, "image", IMAGE, scaling="pooled", shape=[2, 2, 1]),
        write_modality(folder, "genomic", GENOMIC, dosages=True, categorical=[True] * 3),
        write_modality(folder, "clinical", CLINICAL),
    ]
    subjects: list[Any] = [(3, 2, None), (4, None, "changes"), (5, 0, None)]
    return write_subjects(folder, [*subjects, (6, 1, None), (8, 0, None), (9, 1, None)], entries)


def packed(canonical: Path) -> PackedDataset:
    cohort, output = canonical.parent / "cohort", canonical.parent / "packed"
    write_cohort(canonical, cohort, source="synthetic-adni", task="diagnosis")
    pack_dataset(canonical, cohort, output, source="synthetic-adni", task="diagnosis")
    return read_packed(output)


def test_tables_keep_type_order_and_description(canonical: Path) -> None:
    dataset = packed(canonical)
    assert dataset.stay_id.tolist() == [3, 5, 6, 8, 9]
    assert (dataset.label.tolist(), dataset.label.dtype) == ([2, 0, 1, 0, 1], np.int8)
    assert (dataset.num_classes, dataset.labels) == (3, ("CN", "MCI", "dementia"))
    image, genomic, clinical = dataset.modalities.values()
    assert isinstance(genomic, Table) and isinstance(clinical, Table) and isinstance(image, Table)
    assert genomic.features_array.dtype == np.int8
    assert genomic.features_array.tolist() == [GENOMIC[5], GENOMIC[8]]
    assert genomic.row_offsets.tolist() == [0, 0, 1, 1, 2, 2]
    assert genomic.categorical.tolist() == [True, True, True]
    assert clinical.features_array.dtype == np.float32
    np.testing.assert_array_equal(clinical.features_array, [CLINICAL[n] for n in sorted(CLINICAL)])
    assert (image.scaling, image.shape, clinical.shape) == ("pooled", (2, 2, 1), None)
    assert image.places is not None and image.places.tolist() == [0, 2]
    assert image.hours.tolist() == [0, 0]
    manifest = json.loads((canonical.parent / "packed" / "manifest.json").read_text())
    read = {Path(one).name for one in manifest["inputs"]}
    assert {"genomic.parquet", "genomic.safetensors", "genomic_features.parquet"} <= read


def test_batches_are_scaled_and_filled_as_scikit_learn_does(canonical: Path) -> None:
    dataset = packed(canonical).select(["genomic", "clinical"])
    train = np.array([1, 2, 3])
    builder = BatchBuilder(dataset, fit_scaler(dataset, train))
    order = [4, 0, 3, 2, 1]
    batch = builder.batch(torch.tensor(order))
    assert batch.labels.tolist() == [1, 2, 0, 1, 0]
    raw = np.array([CLINICAL[n] for n in sorted(CLINICAL)], dtype=np.float64)
    scaler = MinMaxScaler((-1, 1)).fit(raw[train])
    imputer = SimpleImputer().fit(scaler.transform(raw[train]))
    wanted = imputer.transform(scaler.transform(raw[order]))
    clinical, genomic = batch.modalities["clinical"], batch.modalities["genomic"]
    assert isinstance(clinical, ItemsBatch) and isinstance(genomic, ItemsBatch)
    np.testing.assert_allclose(clinical.values.squeeze(1).numpy(), wanted, atol=1e-6)
    assert clinical.values.shape == (5, 1, 2)
    # Dosages 0 1 of the first become -1 1; the second is constant; the third lacks a cell.
    assert genomic.values.squeeze(1).tolist() == [
        [0, 0, 0],
        [0, 0, 0],
        [1, -1, -1],
        [0, 0, 0],
        [-1, -1, -1],
    ]
    assert genomic.present.tolist() == [False, False, True, False, True]
    assert genomic.mask.tolist() == [[0], [0], [1], [0], [1]]
    assert genomic.times.tolist() == [[0]] * 5


def test_the_matrix_is_not_copied_on_the_cpu(canonical: Path) -> None:
    dataset = packed(canonical)
    builder = BatchBuilder(dataset, fit_scaler(dataset, np.arange(5)))
    genomic = dataset.modalities["genomic"]
    assert isinstance(genomic, Table)
    genomic.features_array[0, 0] = 2  # copy on write: the file stays
    found = builder.batch(torch.tensor([1])).modalities["genomic"].values
    assert found[0, 0, 0] == 3
    assert read_packed(canonical.parent / "packed").modalities["genomic"].features_array[0, 0] == 0  # type: ignore[union-attr]


def test_scalers_of_tables_are_written_and_read(canonical: Path, tmp_path: Path) -> None:
    dataset = packed(canonical)
    scaler = fit_scaler(dataset, np.array([1, 2, 3, 4]))
    write_scalers(tmp_path / "scalers.json", {"one": scaler})
    again = read_scalers(tmp_path / "scalers.json")["one"]
    assert sorted(again.fill) == ["clinical", "genomic", "image"]
    for name in again.fill:
        for kind in ("mean", "std", "fill"):
            np.testing.assert_array_equal(getattr(again, kind)[name], getattr(scaler, kind)[name])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scaling": "guess"}, "needs vectors, features and a scaling of range"),
        ({"shape": [1, 1, 1]}, "genomic: a volume needs both its shape and the places"),
        ({"vectors": "absent.safetensors"}, "absent.safetensors does not exist"),
        ({"features": "clinical_features.parquet"}, "2 rows and clinical_features.parquet 2"),
    ],
)
def test_files_that_disagree_are_refused(
    canonical: Path, change: dict[str, object], words: str
) -> None:
    units = json.loads((canonical / "modalities.json").read_text())
    units["subject"][1] |= change
    save_file({"vectors": np.zeros((2, 3), dtype=np.int8)}, canonical / "genomic.safetensors")
    pl.DataFrame({"stay_id": [5, 8]}).write_parquet(canonical / "genomic.parquet")
    (canonical / "modalities.json").write_text(json.dumps(units))
    with pytest.raises(FleximodalError, match=words):
        packed(canonical)


def test_two_rows_of_a_subject_and_other_types_are_refused(canonical: Path) -> None:
    pl.DataFrame({"stay_id": [5, 8, 8]}).write_parquet(canonical / "genomic.parquet")
    with pytest.raises(FleximodalError, match=r"genomic.parquet has more than one row of a stay"):
        packed(canonical)
    save_file({"vectors": np.zeros((3, 3))}, canonical / "genomic.safetensors")
    with pytest.raises(FleximodalError, match="must be a matrix of float32 or int8"):
        packed(canonical)
    (canonical / "genomic.safetensors").write_bytes(b"nothing")
    with pytest.raises(FleximodalError, match="genomic.safetensors is damaged"):
        packed(canonical)


def test_items_of_which_a_stay_has_one_become_a_table() -> None:
    items = Items(
        name="notes",
        features=("a", "b"),
        row_offsets=np.array([0, 1, 1, 3]),
        hours=np.array([2.0, 1.0, 4.0], dtype=np.float32),
        features_array=np.array([[1, 2], [3, 4], [5, np.nan]], dtype=np.float32),
    )
    made = as_table(items)
    assert made.fault(3) is None
    assert (made.scaling, made.row_offsets.tolist()) == ("standard", [0, 1, 1, 2])
    np.testing.assert_array_equal(made.features_array, [[1, 2], [5, np.nan]])
    assert made.hours.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"row_offsets": np.array([0, 2, 2])}, "more than one row"),
        ({"categorical": np.array([True])}, "categorical has another length"),
        ({"scaling": "log"}, "scaling is 'log'"),
        ({"shape": (2, 1, 1)}, "needs both its shape and the places"),
        ({"shape": (2, 1, 1), "places": np.array([0, 2])}, "lie outside of the volume"),
    ],
)
def test_faults_of_tables_are_found(change: dict[str, Any], words: str) -> None:
    values = np.zeros((2, 2), dtype=np.float32)
    good = table("t", values, [True, True])
    assert good.fault(2) is None
    assert words in str(Table(**vars(good) | change).fault(2))


def test_a_binary_label_has_two_classes() -> None:
    label = np.array([0, 1])
    made = table("t", np.zeros((2, 1), dtype=np.float32), [True, True])
    assert study([made], label, labels=("death",)).num_classes == 2
    assert study([made], np.stack([label, label], 1), labels=("a", "b")).num_classes == 2
    assert Modality("t", "items", (), "t.parquet").single is False
