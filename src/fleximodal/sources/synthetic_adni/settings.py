"""The settings of a generated study, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from fleximodal.errors import FleximodalError

ImageSource = Literal["freesurfer", "ravens", "both"]
ApoeLayout = Literal["alleles", "genotype"]

# The rarest combination has 21 of 2,380 subjects: one of 120.
MIN_SUBJECTS = 120
MIN_VARIANTS = 600
MIN_SIDE = 12


@dataclass(frozen=True)
class Settings:
    """What to generate.

    Attributes
    ----------
    subjects
        Labelled subjects with data; about a fifth as many others come on top.
    seed
        Seed, at least 0; equal settings give equal bytes.
    variants
        Distinct variant ids over the five genotype sets, before any filter.
    ld_block
        Neighbouring variants that are inherited together, 2 to 40.
    image_source
        Which image files to write.
    ravens_shape
        Voxels of the toy atlas along its three axes.
    apoe_layout
        `alleles`: two columns of alleles (2024); `genotype`: one column n/m (2025).
    """

    subjects: int = 2_380
    seed: int = 0
    variants: int = 3_000
    ld_block: int = 10
    image_source: ImageSource = "freesurfer"
    ravens_shape: tuple[int, int, int] = (24, 29, 24)
    apoe_layout: ApoeLayout = "alleles"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Settings":
        """Return the settings with `values` laid over the defaults.

        Raises
        ------
        FleximodalError
            If a key is unknown or a value out of its range.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise FleximodalError(
                f"Unknown setting {unknown[0]!r} of synthetic-adni; known are {', '.join(known)}."
            )
        given = dict(values)
        if "ravens_shape" in given:
            given["ravens_shape"] = tuple(int(side) for side in given["ravens_shape"])
        settings = cls(**given)
        settings._check()
        return settings

    def _check(self) -> None:
        for name, least, most in (
            ("subjects", MIN_SUBJECTS, 100_000),
            ("seed", 0, 2**63),
            ("variants", MIN_VARIANTS, 1_000_000),
            ("ld_block", 2, 40),
        ):
            if not least <= getattr(self, name) <= most:
                raise FleximodalError(
                    f"{name} of synthetic-adni is {getattr(self, name)}; give {least} to {most}."
                )
        for name, allowed in (("image_source", ImageSource), ("apoe_layout", ApoeLayout)):
            if getattr(self, name) not in get_args(allowed):
                raise FleximodalError(
                    f"{name} of synthetic-adni is {getattr(self, name)!r}; "
                    f"choose one of {', '.join(get_args(allowed))}."
                )
        if len(self.ravens_shape) != 3 or min(self.ravens_shape) < MIN_SIDE:
            raise FleximodalError(
                f"ravens_shape of synthetic-adni is {self.ravens_shape}; "
                f"give three numbers of at least {MIN_SIDE}."
            )
