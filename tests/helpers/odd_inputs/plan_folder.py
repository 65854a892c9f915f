"""The good cohort that the cases of a plan make odd."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tiny_cohort import write_cohort, write_config


def cohort(folder: Path, **config) -> None:
    """Fill a folder with a reference, three samples of two patients, a sheet and config.yaml."""
    for name, content in _files().items():
        (folder / name).write_bytes(content)
    write_config(folder, **config)


@cache
def _files() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        return {path.name: path.read_bytes() for path in sorted(write_cohort(Path(folder)).iterdir())}
