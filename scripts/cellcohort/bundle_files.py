"""The files of a model bundle, for those that only plan with them (nothing heavy is imported)."""

from __future__ import annotations

from pathlib import Path

from .errors import InputError

BUNDLE_FILES = (
    "config.json",
    "weights.safetensors",
    "vocabulary.parquet",
    "labels.parquet",
    "calibration.json",
    "profiles.safetensors",
    "reference_embedding.parquet",
    "history.parquet",
    "metrics.json",
)


def check_bundle(folder: str | Path) -> None:
    """Raise InputError unless `folder` holds every file of a model bundle."""
    missing = [name for name in BUNDLE_FILES if not (Path(folder) / name).is_file()]
    if missing:
        raise InputError(
            f"{folder}: the model bundle lacks {', '.join(missing)}. Name (model.bundle) or copy the whole model "
            "folder of a finished run."
        )
