"""What counts.json tells of raw files, against other readers of the same files."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from bed_reader import open_bed

from fleximodal.sources.adni.canonical import write_canonical
from fleximodal.sources.adni.files import find_files
from fleximodal.sources.adni.preparation import Preparation
from tests.unit.sources.small_adni import write_small


def test_shapes_and_gaps_are_those_of_pandas_and_bed_reader(tmp_path: Path) -> None:
    raw, output = write_small(tmp_path / "raw"), tmp_path / "canonical"
    write_canonical(raw, output, source="adni", preparation=Preparation(prune_r2=1))
    told = json.loads((output / "counts.json").read_text())["raw"]

    array = np.load(raw / "image" / "ADNI_G.npy")
    template = nibabel.load(next((raw / "image").glob("*.nii*")))
    assert told.pop("ADNI_G") == {
        "rows": len(array),
        "columns": array.shape[1],
        "shape": list(template.shape),
    }
    expected = {}
    for file in find_files(raw):
        if file.suffix == ".csv":
            table = pd.read_csv(file)
            rows, columns = table.shape
            missing = float(table.isna().to_numpy().mean())
            expected[file.stem] = {"rows": rows, "columns": columns, "missing": missing}
        elif file.suffix == ".bed":
            genotypes = open_bed(file).read()
            rows, columns = genotypes.shape
            missing = float(np.isnan(genotypes).mean())
            expected[file.stem] = {"rows": rows, "columns": columns, "missing": missing}
    assert told.keys() == expected.keys()
    for name, facts in expected.items():
        assert told[name] == pytest.approx(facts), name
    assert any(facts.get("missing") for facts in told.values())
