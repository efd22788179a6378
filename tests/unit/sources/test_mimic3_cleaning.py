"""Cleaning of MIMIC-III's text values: by hand, and against plain Python row by row."""

import math
import re
from collections.abc import Iterable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleximodal.sources.mimic3.channels import (
    CHANNEL_OF_ITEM,
    CHANNELS,
    CHART_ITEMS,
    LABORATORY_ITEMS,
    WORDS,
)
from fleximodal.sources.mimic3.cleaning import clean, limit, with_channel

Row = tuple[int, str | None, str | None]

BY_HAND: list[tuple[Row, float | None, str]] = [
    ((51, "120/80", "mmHg"), 120, "pressure pair split"),
    ((8368, "120/80", "mmHg"), 80, "pressure pair split"),
    ((51, "120", "mmHg"), 120, "as charted"),
    ((51, "120/", "mmHg"), None, "not a number"),
    ((52, "120/80", "mmHg"), None, "not a number"),
    ((115, "Normal <3 secs", None), 0, "word to number"),
    ((8377, "Brisk", None), 0, "word to number"),
    ((115, "Abnormal >3 secs", None), 1, "word to number"),
    ((3348, "Delayed", None), 1, "word to number"),
    ((115, "Other/Remarks", None), None, "unknown word"),
    ((115, None, None), None, "empty"),
    ((223835, "50", None), 0.5, "percent to fraction"),
    ((189, ".40000000596046448", "torr"), 0.40000000596046448, "as charted"),
    ((189, "1", "torr"), 1, "as charted"),
    ((223835, "0", None), 0, "as charted"),
    ((50809, "GREATER THAN 500", "mg/dL"), None, "not a number"),
    ((50931, "ERROR", "mg/dL"), None, "not a number"),
    ((51478, "NEG", "mg/dL"), None, "not a number"),
    ((1126, ".", None), None, "not a number"),
    ((50820, "7.38", "units"), 7.38, "as charted"),
    ((50820, "-7.38", "units"), None, "not a number"),
    ((646, "0.97", "%"), 97, "fraction to percent"),
    ((646, "0", "%"), 0, "as charted"),
    ((646, "1", "%"), 100, "fraction to percent"),
    ((646, "97", "%"), 97, "as charted"),
    ((223761, "98.6", "?F"), 37, "Fahrenheit to Celsius"),
    ((679, "98.6", None), 37, "Fahrenheit to Celsius"),
    ((676, "98.6", "Deg. C"), 37, "Fahrenheit to Celsius"),
    ((676, "50", "Deg. F"), 10, "Fahrenheit to Celsius"),
    ((223762, "37", "?C"), 37, "as charted"),
    ((676, "78.9", "Deg. C"), 78.9, "as charted"),
    ((226531, "100", None), 45.359237, "pounds to kg"),
    ((763, "100", "lb"), 45.359237, "pounds to kg"),
    ((3582, "1600", None), 45.359237, "ounces to kg"),
    ((763, "80", "kg"), 80, "as charted"),
    ((226707, "70", "Inch"), 177.8, "inches to cm"),
    ((1394, "70", None), 177.8, "inches to cm"),
    ((226730, "178", "cm"), 178, "as charted"),
    ((220739, "None", None), 1, "word to number"),
    ((184, " 3 To speech ", None), 3, "word to number"),
    ((223900, "No Response-ETT", None), 1, "word to number"),
    ((723, "1.0 ET/Trach", None), 1, "word to number"),
    ((223901, "6", None), 6, "as charted"),
    ((223900, "6", None), None, "unknown word"),
    ((198, "15", "points"), 15, "as charted"),
    ((211, "1e999", "BPM"), None, "not a number"),
    ((211, "nan", "BPM"), None, "not a number"),
    ((211, "  ", "BPM"), None, "empty"),
]


def cleaned(rows: Iterable[Row]) -> pl.DataFrame:
    frame = pl.LazyFrame(
        list(rows),
        schema={"itemid": pl.Int32, "text": pl.String, "unit": pl.String},
        orient="row",
    )
    return clean(with_channel(frame)).collect()


def same(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize(("row", "value", "outcome"), BY_HAND)
def test_by_hand(row: Row, value: float | None, outcome: str) -> None:
    found = cleaned([row])
    assert found["outcome"].to_list() == [outcome]
    assert same(found["value"][0], value)


def reference(item: int, text: str | None, unit: str | None) -> tuple[float | None, str]:
    """Say in plain Python what a row means."""
    channel = CHANNEL_OF_ITEM[item]
    text, unit = (text or "").strip(" \t\r\n"), (unit or "").lower()
    if not text:
        return None, "empty"
    pair = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if pair and channel in ("Systolic BP", "Diastolic BP"):
        return float(pair[1 if channel == "Systolic BP" else 2]), "pressure pair split"
    if channel in WORDS:
        if text.lower() in WORDS[channel]:
            return WORDS[channel][text.lower()], "word to number"
        best = {"GCS eye": 4, "GCS verbal": 5, "GCS motor": 6}.get(channel, 0)
        if re.fullmatch(r"[1-6](\.0*)?", text) and float(text) <= best:
            return float(text), "as charted"
        return None, "unknown word"
    sign = "" if channel in ("Glucose", "pH", "Oxygen saturation") else "[+-]?"
    power = "([eE][+-]?[0-9]+)?" if sign else ""
    if not re.fullmatch(rf"{sign}([0-9]+\.?[0-9]*|\.[0-9]+){power}", text):
        return None, "not a number"
    number = float(text)
    if not math.isfinite(number) or abs(number) > 1e30:
        return None, "not a number"
    if channel == "FiO2" and number > 1:
        return number / 100, "percent to fraction"
    if channel == "Oxygen saturation" and 0 < number <= 1:
        return number * 100, "fraction to percent"
    if channel == "Temperature":
        if number >= 79 or "f" in unit or item in (678, 679, 3654, 223761):
            return (number - 32) / 1.8, "Fahrenheit to Celsius"
    if channel == "Weight" and ("oz" in unit or item == 3582):
        return number / 16 * 0.45359237, "ounces to kg"
    if channel == "Weight" and ("lb" in unit or item in (3581, 226531)):
        return number * 0.45359237, "pounds to kg"
    if channel == "Height" and ("in" in unit or item in (1394, 226707)):
        return number * 2.54, "inches to cm"
    return number, "as charted"


VOCABULARY = sorted({word for words in WORDS.values() for word in words})
TEXTS = st.one_of(
    st.none(),
    st.sampled_from(VOCABULARY),
    st.sampled_from(VOCABULARY).map(str.title),
    st.from_regex(r"[+-]?[0-9]{0,4}\.?[0-9]{0,3}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}/[0-9]{0,3}", fullmatch=True),
    st.floats(-1, 120).map(lambda value: f"{value:.2f}"),
    st.text(max_size=8),
)
UNITS = st.sampled_from([None, "", "Deg. F", "?C", "kg", "lb", "lbs.", "oz", "Inch", "cm", "torr"])
ROWS = st.tuples(st.sampled_from(sorted(CHANNEL_OF_ITEM)), TEXTS, UNITS)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=60))
def test_against_plain_python(rows: list[Row]) -> None:
    found = cleaned(rows)
    assert found.height == len(rows)
    for row, value, outcome in zip(rows, found["value"], found["outcome"], strict=True):
        expected, name = reference(*row)
        assert outcome == name, row
        assert same(value, expected), row


@pytest.mark.parametrize(
    ("channel", "value", "kept", "verdict"),
    [
        ("Heart rate", 350, 350, "inside"),
        ("Heart rate", 360, 350, "clipped"),
        ("Heart rate", 391, None, "out of range"),
        ("Mean BP", 5, 14, "clipped"),
        ("Mean BP", -1, None, "out of range"),
        ("Temperature", 20, 26, "clipped"),
        ("Temperature", 14.1, None, "out of range"),
        ("pH", 9, 8.4, "clipped"),
        ("FiO2", 0.2, 0.21, "clipped"),
        ("FiO2", 0.19, None, "out of range"),
        ("GCS eye", 4, 4, "inside"),
        ("Glucose", None, None, "inside"),
    ],
)
def test_ranges(channel: str, value: float | None, kept: float | None, verdict: str) -> None:
    rows = pl.LazyFrame(
        {"channel": [channel], "value": [value]}, schema_overrides={"value": pl.Float64}
    ).cast({"channel": pl.Enum([one.name for one in CHANNELS])})
    found = limit(rows).collect()
    assert found["value"].to_list() == [kept]
    assert found["range"].to_list() == [verdict]


def test_channels_are_the_benchmarks() -> None:
    assert len(CHANNELS) == 17
    items = [item for channel in CHANNELS for item in channel.items]
    assert len(items) == len(set(items)) == len(CHART_ITEMS) + len(LABORATORY_ITEMS) == 114
    assert sorted(LABORATORY_ITEMS) == [50809, 50817, 50820, 50831, 50931, 51094, 51478, 51491]
    for channel in CHANNELS:
        assert channel.outliers[0] <= channel.valid[0] < channel.valid[1] <= channel.outliers[1]
