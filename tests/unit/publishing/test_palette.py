"""Colours of figures can be told apart by readers with a colour deficiency, or need not be."""

from itertools import combinations

import numpy as np
import pytest

from fleximodal.publishing import curves, drawing, figure_autoencoder, figure_shares, optimum_figure
from tests.unit.publishing.colour_vision import SEEN, ciede2000, lab

# CIEDE2000: 1 is just noticed side by side; two marks in different places need far more.
LEAST = 10
PALETTES = {
    "methods": drawing.COLOURS,
    "optimum": (*optimum_figure.METHOD_COLOURS, optimum_figure.BEST_COLOUR),
    "layers": tuple(figure_autoencoder.COLOURS.values()),
    "shares": tuple(colour for _, colour in figure_shares.READINGS.values()),
}


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_distance_is_ciede2000(one: tuple, other: tuple, distance: float) -> None:
    # Pairs of the test data of Sharma, Wu and Dalal (2005).
    assert ciede2000(np.array(one), np.array(other)) == pytest.approx(distance, abs=1e-4)


def test_white_is_white_in_every_vision() -> None:
    for vision in SEEN:
        assert lab("#FFFFFF", vision) == pytest.approx([100, 0, 0], abs=0.05)


@pytest.mark.parametrize("vision", SEEN)
@pytest.mark.parametrize("name", PALETTES)
def test_colours_are_told_apart(name: str, vision: str) -> None:
    pairs = combinations(PALETTES[name], 2)
    near = min((ciede2000(lab(a, vision), lab(b, vision)), a, b) for a, b in pairs)
    assert near[0] >= LEAST, near


@pytest.mark.parametrize("vision", SEEN)
def test_a_palette_that_fails_is_found(vision: str) -> None:
    """Red and green of equal lightness: told apart by all, but not by two kinds of readers."""
    distance = ciede2000(lab("#C03000", vision), lab("#6B7A00", vision))
    assert (distance < LEAST) == (vision == "deuteranopia")


def test_colour_is_never_the_only_cue_for_neighbouring_methods() -> None:
    """Methods of one marker are so far apart in the list that their colours are very different."""
    count = len(drawing.COLOURS)
    looks = [(drawing.COLOURS[n], drawing.MARKERS[n % len(drawing.MARKERS)]) for n in range(count)]
    for (colour, marker), (other, same) in combinations(looks, 2):
        if marker == same:
            for vision in SEEN:
                assert ciede2000(lab(colour, vision), lab(other, vision)) >= 2 * LEAST
    # Curves differ by their stroke besides.
    assert len(set(map(str, curves.STROKES))) >= 5
