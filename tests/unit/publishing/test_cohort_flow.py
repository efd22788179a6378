"""The cohort-flow figure and the numbers beside it."""

from pathlib import Path

import matplotlib
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fleximodal.errors import FleximodalError
from fleximodal.publishing.cohort_flow import STYLE, columns_of, draw, write_cohort_flow
from fleximodal.publishing.flow_numbers import flow_numbers
from tests.unit.publishing.cohorts import write_cohort

STEPS = [
    ("all stays", 1_200, 950, 200),
    ("at least two days", 1_000, 800, 150),
    ("with any measurement", 1_000, 800, 150),
]
AVAILABILITY = [("vitals", 1_000, 800, 150), ("notes", 601, 500, 100), ("cxr", 250, 200, 70)]
COMPLETE = {"vitals+notes": 590, "vitals+cxr": 240, "vitals+notes+cxr": 201}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_numbers_are_those_of_the_flow(tmp_path: Path) -> None:
    entry = write_cohort(
        tmp_path,
        "mimic4",
        "48-IHM",
        counts=[],
        steps=STEPS,
        availability=AVAILABILITY,
        complete=COMPLETE,
    )
    frame = flow_numbers([entry])
    steps = frame[frame["kind"] == "step"]
    assert steps["stays"].tolist() == [1_200, 1_000, 1_000]
    assert steps["excluded_stays"].tolist()[1:] == [200, 0]
    assert steps["excluded_patients"].tolist()[1:] == [150, 0]
    assert pd.isna(steps["excluded_stays"].iloc[0])
    shares = frame.set_index("name")["share_of_total"]
    assert (shares["notes"], shares["vitals+notes+cxr"]) == (0.601, 0.201)
    assert frame["kind"].tolist() == ["step"] * 3 + ["modality"] * 3 + ["all of"] * 3
    assert set(frame["release"]) == {"MIMIC-IV 2.2"}


def test_figure_says_what_it_shows(tmp_path: Path) -> None:
    entry = write_cohort(
        tmp_path,
        "mimic4",
        "48-IHM",
        counts=[],
        steps=STEPS,
        availability=AVAILABILITY,
        complete=COMPLETE,
    )
    words = texts(draw(flow_numbers([entry])))
    for part in (
        "48-IHM, source mimic4",
        "real data, MIMIC-IV 2.2",
        "1,200 stays of 950 patients",
        "left out: 200 stays,\n150 patients",
        "none left out",
        "150 positive (15.0 %)",
        "601 (60.1 %)",
        "vitals+notes+cxr",
    ):
        assert part in words
    # Of the sets only the nested ones are drawn.
    assert "vitals+cxr" not in words
    assert not [word for word in words if "synthetic" in word]


def test_lengths_of_bars_are_shares(tmp_path: Path) -> None:
    entry = write_cohort(
        tmp_path, "mimic4", "LOS", counts=[], steps=STEPS, availability=AVAILABILITY
    )
    axis = draw(flow_numbers([entry])).axes[0]
    widths = [bar.get_width() for container in axis.containers for bar in container.patches]
    full, drawn = widths[::2], widths[1::2]
    assert [part / whole for part, whole in zip(drawn, full, strict=True)] == pytest.approx(
        [1.0, 0.601, 0.25]
    )


def test_generated_data_and_several_labels_say_so(tmp_path: Path) -> None:
    step = ("all stays", 100, 1, [10, 30])
    entry = write_cohort(
        tmp_path, "synthetic-mimic3", "25-PHE", counts=[], steps=[step], availability=[]
    )
    figure = draw(flow_numbers([entry]))
    words = texts(figure)
    assert "synthetic (generated) data" in words
    assert "100 stays of 1 patient" in words
    assert "2 labels, 20.0 % positive on average" in words
    assert not [word for word in words if "real data" in word]


def test_eight_panels_do_not_overlap_and_no_text_leaves_its_panel(tmp_path: Path) -> None:
    long = "stays of adult patients with at least one measurement within the first 48 hours"
    steps = [("all stays", 73_181, 50_920, 9_000), (long, 35_129, 28_100, 4_000)]
    names = [
        *(
            (source, task)
            for source in ("mimic4", "synthetic-mimic4")
            for task in ("48-IHM", "LOS")
        ),
        *((source, "25-PHE") for source in ("mimic4", "mimic3", "synthetic-mimic4")),
        ("physionet2012", "48-IHM"),
    ]
    entries = [
        write_cohort(
            tmp_path,
            *name,
            counts=[],
            steps=steps * (1 + number % 3),
            availability=AVAILABILITY,
            complete=COMPLETE,
        )
        for number, name in enumerate(names)
    ]
    with matplotlib.rc_context(STYLE):
        figure = draw(flow_numbers(entries))
    assert len(figure.axes) == 8
    renderer = FigureCanvasAgg(figure).get_renderer()
    panels = [axis.get_window_extent() for axis in figure.axes]
    for number, panel in enumerate(panels):
        assert not [other for other in panels[:number] if panel.overlaps(other)]
        for text in figure.axes[number].texts:
            extent = text.get_window_extent(renderer)
            assert panel.x0 - 2 < extent.x0 and extent.x1 < panel.x1 + 20, text.get_text()
            assert panel.y0 - 2 < extent.y0 and extent.y1 < panel.y1 + 2, text.get_text()
    # On a landscape page of 30 cm the text is as large as STYLE says.
    assert figure.get_size_inches()[0] < 12


def test_columns_keep_the_order_and_are_as_short_as_can_be() -> None:
    assert columns_of([5.0], 1) == [[0]]
    assert columns_of([5.0, 1.0, 1.0, 3.0], 2) == [[0], [1, 2, 3]]
    assert columns_of([1.0, 1.0, 1.0, 1.0, 4.0], 3) == [[0], [1, 2, 3], [4]]


def test_equal_numbers_give_equal_bytes(tmp_path: Path) -> None:
    entry = write_cohort(tmp_path, "synthetic-mimic4", "48-IHM")
    for name in ("first", "again"):
        write_cohort_flow([entry], tmp_path / name, "small networks")
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == [f"cohort_flow.{suffix}" for suffix in ("csv", "pdf", "png", "svg")]
    for name in names:
        first, again = ((tmp_path / folder / name).read_bytes() for folder in ("first", "again"))
        assert first == again
    stored = pd.read_csv(tmp_path / "first" / "cohort_flow.csv")
    assert set(stored["data"]) == {"synthetic"}
    assert stored["stays"].tolist() == flow_numbers([entry])["stays"].tolist()


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="figure cohort_flow: no cohort was built"):
        write_cohort_flow([], tmp_path)
