"""From the text of a value to a number, by the benchmark's rules; each row says what was done.

All rules read VALUE, a text, and VALUEUOM. A table larger than memory streams through them: words
are looked up by joins, because polars' `replace_strict` would hold the whole column. The rules:

- *Systolic BP*, *Diastolic BP*: of `a/b` the first gives the systolic, the second the diastolic.
- *Capillary refill rate* and the three *GCS* scores: words to numbers by `channels.WORDS`; the
  scores may also be written as numbers. *GCS total* is charted as a number.
- *FiO2*: above 1 it is a percentage and divided by 100.
- *Glucose*, *pH*, *Oxygen saturation*: only plain decimal numbers count, without sign or exponent.
- *Oxygen saturation*: above 0 and up to 1 it is a fraction and multiplied by 100.
- *Temperature*: from 79 up, or labelled F by the row's unit or the item: Fahrenheit to Celsius.
- *Weight*: labelled oz or lb by the row's unit or the item: to kg.
- *Height*: labelled in inches by the row's unit or the item: to cm.
- every other channel: numbers.
"""

import polars as pl

from fleximodal.sources.mimic3.channels import (
    CHANNEL_NAMES,
    CHANNEL_OF_ITEM,
    CHANNELS,
    FAHRENHEIT_ITEMS,
    INCH_ITEMS,
    OUNCE_ITEMS,
    POUND_ITEMS,
    WORDS,
)

CHANNEL = pl.Enum(CHANNEL_NAMES)

REPAIRS = (
    "pressure pair split",
    "word to number",
    "percent to fraction",
    "fraction to percent",
    "Fahrenheit to Celsius",
    "ounces to kg",
    "pounds to kg",
    "inches to cm",
)
FAULTS = ("empty", "not a number", "unknown word")
OUTCOME = pl.Enum(["as charted", *REPAIRS, *FAULTS])

RANGE = pl.Enum(["inside", "clipped", "out of range"])

KG_OF_POUND = 0.45359237
OUNCES_OF_POUND = 16
CM_OF_INCH = 2.54

_ITEMS = pl.DataFrame(
    {
        "itemid": pl.Series(list(CHANNEL_OF_ITEM), dtype=pl.Int32),
        "channel": pl.Series(list(CHANNEL_OF_ITEM.values()), dtype=CHANNEL),
    }
)
_SCORES_OF_WORDS = pl.DataFrame(
    [(name, word, score) for name, words in WORDS.items() for word, score in words.items()],
    schema={"channel": CHANNEL, "_word": pl.String, "_score": pl.Float64},
    orient="row",
)

_PLAIN = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)$"
_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_PAIR = r"^([0-9]+)/([0-9]+)$"
# No measurement, and with every conversion below still finite in 32 bits.
_LARGEST = 1e30
# Highest number of points.
_SCORES = {channel.name: channel.valid[1] for channel in CHANNELS if "GCS" in channel.name}
_PLAIN_ONLY = ("Glucose", "pH", "Oxygen saturation")


def with_channel(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Keep the rows whose `itemid` is of a channel, and add `channel`."""
    return rows.join(_ITEMS.lazy(), on="itemid", how="inner", maintain_order="left")


def clean(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Turn texts into numbers.

    Parameters
    ----------
    rows
        With the columns itemid i32, channel (`CHANNEL`), text str and unit str (both may be null).

    Returns
    -------
    polars.LazyFrame
        The same rows in the same order with two more columns: value f64, null for a fault, else
        finite; outcome (`OUTCOME`): as charted, which of `REPAIRS`, or which of `FAULTS`.
    """
    text = pl.col("text").str.strip_chars(" \t\r\n")
    return (
        rows.with_columns(text=pl.when(text != "").then(text))
        .with_columns(_word=pl.col("text").str.to_lowercase())
        .join(_SCORES_OF_WORDS.lazy(), on=["channel", "_word"], how="left", maintain_order="left")
        .with_columns(_number=_number())
        .with_columns(value=_value(), outcome=_outcome())
        .drop("_word", "_score", "_number")
    )


def limit(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Apply the ranges of `channels` to `value` and add `range` (`RANGE`).

    A value beyond the outlier bounds becomes null and is *out of range*; one between outlier and
    valid bounds becomes the valid bound and is *clipped*. A null stays null and counts as inside.
    """
    bounds = pl.LazyFrame(
        {
            "channel": pl.Series(CHANNEL_NAMES, dtype=CHANNEL),
            "_outlier_low": [float(channel.outliers[0]) for channel in CHANNELS],
            "_outlier_high": [float(channel.outliers[1]) for channel in CHANNELS],
            "_low": [float(channel.valid[0]) for channel in CHANNELS],
            "_high": [float(channel.valid[1]) for channel in CHANNELS],
        }
    )
    value = pl.col("value")
    outlier = ~value.is_between("_outlier_low", "_outlier_high").fill_null(True)
    clipped = ~value.is_between("_low", "_high").fill_null(True)
    verdict = (
        pl.when(outlier)
        .then(pl.lit("out of range"))
        .when(clipped)
        .then(pl.lit("clipped"))
        .otherwise(pl.lit("inside"))
    )
    return (
        rows.join(bounds, on="channel", how="left", maintain_order="left")
        .with_columns(
            value=pl.when(~outlier).then(value.clip(pl.col("_low"), pl.col("_high"))),
            range=verdict.cast(RANGE),
        )
        .drop("_outlier_low", "_outlier_high", "_low", "_high")
    )


def _number() -> pl.Expr:
    """Return the number that the text states, before any conversion of units."""
    text, channel = pl.col("text"), pl.col("channel")
    number = pl.when(text.str.contains(_NUMBER)).then(text.cast(pl.Float64, strict=False))
    plain = pl.when(text.str.contains(_PLAIN)).then(number)
    halves = {
        name: pl.coalesce(text.str.extract(_PAIR, group).cast(pl.Float64, strict=False), number)
        for group, name in enumerate(("Systolic BP", "Diastolic BP"), start=1)
    }
    scores = {name: _score(text, name) for name in WORDS}
    special = {**dict.fromkeys(_PLAIN_ONLY, plain), **halves, **scores}
    cases = [pl.when(channel == name).then(value) for name, value in special.items()]
    value = pl.coalesce(*cases, pl.when(~channel.is_in(list(special))).then(number))
    return pl.when(value.abs() <= _LARGEST).then(value)


def _score(text: pl.Expr, name: str) -> pl.Expr:
    if name not in _SCORES:
        return pl.col("_score")
    digit = text.str.extract(r"^([1-6])(?:\.0*)?$").cast(pl.Float64)
    return pl.coalesce("_score", pl.when(digit <= _SCORES[name]).then(digit))


def _repairs() -> dict[str, tuple[pl.Expr, pl.Expr]]:
    """Return, by name of the repair, when it applies and the value it gives."""
    channel, text, number = pl.col("channel"), pl.col("text"), pl.col("_number")
    pounds = number * KG_OF_POUND
    rules = {
        "pressure pair split": (
            channel.is_in(["Systolic BP", "Diastolic BP"]) & text.str.contains(_PAIR),
            number,
        ),
        "word to number": (channel.is_in(list(WORDS)) & ~text.str.contains(_NUMBER), number),
        "percent to fraction": ((channel == "FiO2") & (number > 1), number / 100),
        "fraction to percent": (
            (channel == "Oxygen saturation") & (number > 0) & (number <= 1),
            number * 100,
        ),
        "Fahrenheit to Celsius": (
            (channel == "Temperature") & ((number >= 79) | _labelled("f", FAHRENHEIT_ITEMS)),
            (number - 32) * 5 / 9,
        ),
        "ounces to kg": (
            (channel == "Weight") & _labelled("oz", OUNCE_ITEMS),
            pounds / OUNCES_OF_POUND,
        ),
        "pounds to kg": ((channel == "Weight") & _labelled("lb", POUND_ITEMS), pounds),
        "inches to cm": ((channel == "Height") & _labelled("in", INCH_ITEMS), number * CM_OF_INCH),
    }
    return {name: rules[name] for name in REPAIRS}


def _labelled(unit: str, items: tuple[int, ...]) -> pl.Expr:
    """Return whether the row's unit contains `unit`, or the label of its item does."""
    by_row = pl.col("unit").str.to_lowercase().str.contains(unit, literal=True)
    return by_row.fill_null(False) | pl.col("itemid").is_in(items)


def _value() -> pl.Expr:
    cases = [pl.when(applies).then(value) for applies, value in _repairs().values()]
    return pl.coalesce(*cases, "_number")


def _outcome() -> pl.Expr:
    faults = {
        "empty": pl.col("text").is_null(),
        "unknown word": pl.col("_number").is_null() & pl.col("channel").is_in(list(WORDS)),
        "not a number": pl.col("_number").is_null(),
    }
    repairs = {name: applies for name, (applies, _) in _repairs().items()}
    cases = [pl.when(rule).then(pl.lit(name)) for name, rule in {**faults, **repairs}.items()]
    return pl.coalesce(*cases, pl.lit("as charted")).cast(OUTCOME)
