"""The shipped profile agrees with the rules; no cluster is needed."""

import re

import pytest

from tests.cluster.conftest import PROFILE
from tests.workflow.conftest import ROOT

# From here on a rule's need depends on the data, and a retry has to ask for more.
LARGE_MB = 4000


def rules() -> dict[str, str]:
    """Return the text of every rule that runs a script, by its name."""
    text = "\n".join(file.read_text() for file in sorted((ROOT / "rules").glob("*.smk")))
    parts = re.split(r"^rule (\w+):$", text, flags=re.M)
    named = zip(parts[1::2], parts[2::2], strict=True)
    return {name: rule for name, rule in named if re.search(r"^    script:", rule, re.M)}


RULES = rules()


def own(rule: str, resource: str) -> int:
    found = re.search(rf"^ +{resource}=(\d+),$", RULES[rule], re.M)
    assert found, f"rule {rule} does not say {resource}"
    return int(found[1])


@pytest.mark.parametrize("rule", PROFILE["set-resources"])
def test_first_attempt_asks_for_what_the_rule_says_and_later_ones_for_more(rule: str) -> None:
    growth = {"mem_mb": (1, 2, 4), "runtime": (1, 2, 3)}
    for resource, factors in growth.items():
        expression = PROFILE["set-resources"][rule][resource]
        asked = [eval(expression, {"attempt": attempt}) for attempt in (1, 2, 3)]
        assert asked == [factor * own(rule, resource) for factor in factors], (rule, resource)


def test_every_rule_with_large_needs_asks_for_more_when_it_is_retried() -> None:
    large = {rule for rule in RULES if own(rule, "mem_mb") >= LARGE_MB}
    assert len(large) > 10
    assert large - set(PROFILE["set-resources"]) == set()


def test_retries_are_the_profiles_business() -> None:
    # In a rule they would run a killed job again inside the same limits before Slurm is asked.
    assert PROFILE["retries"] == 2
    own_retries = [name for name, text in RULES.items() if re.search(r"^    retries:", text, re.M)]
    assert own_retries == ["download_physionet2012"]
