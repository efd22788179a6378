"""Methods: built in, registered by others, and refused in clear words."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from fleximodal.errors import FleximodalError
from fleximodal.methods import registry
from fleximodal.methods.registry import Method, find_method, known_methods, settings_of
from fleximodal.methods.settings import ConcatSettings, HAIMSettings

OTHERS = Method("Others", ConcatSettings(width=24, heads=4), "somebody else's")
SECOND_HAIM = Method("HAIM", HAIMSettings(), "a name that is taken")


@pytest.fixture
def fresh() -> Iterator[None]:
    known_methods.cache_clear()
    yield
    known_methods.cache_clear()


def offer(monkeypatch: pytest.MonkeyPatch, attribute: str) -> None:
    point = EntryPoint("others", f"{__name__}:{attribute}", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])


def test_a_registered_method_is_found(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    offer(monkeypatch, "OTHERS")
    assert find_method("Others") == OTHERS
    assert "HAIM" in known_methods()


def test_a_name_cannot_be_taken_twice(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    offer(monkeypatch, "SECOND_HAIM")
    with pytest.raises(FleximodalError, match="'HAIM' is registered twice"):
        known_methods()


def test_what_is_no_method_is_refused(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    offer(monkeypatch, "offer")
    with pytest.raises(FleximodalError, match="must give a fleximodal.methods.registry.Method"):
        known_methods()


def test_a_package_that_cannot_be_imported_is_named(
    monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    point = EntryPoint("gone", "package_that_is_gone:METHOD", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    with pytest.raises(FleximodalError, match="'gone'.*cannot be loaded"):
        known_methods()


def test_unknown_method_names_the_nearest() -> None:
    with pytest.raises(FleximodalError, match="did you mean 'FuseMoE-Gaussian'"):
        find_method("FuseMoE-Gausian")


def test_settings_survive_the_way_through_json() -> None:
    for method in known_methods().values():
        assert settings_of(method.name, method.settings.model_dump(mode="json")) == method.settings
