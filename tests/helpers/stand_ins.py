"""Copies of the repository to import or to run: with its own scripts, or with stand-ins that only write their name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tiny_cohort import REPO

STAND_IN = """
from pathlib import Path

import cellcohort

for path in snakemake.output:
    params = [str(value) for value in snakemake.params]
    Path(path).write_text(f"{snakemake.rule} {dict(snakemake.wildcards)} {params} mem_mb={snakemake.resources.mem_mb}")
"""
FOLDERS = ("workflow", "resources", "envs", "profiles", "scripts")
FILES = ("Snakefile", "pyproject.toml", "README.md", "LICENSE")


def copy_repository(folder: Path, *, stand_in: bool = False) -> Path:
    """Copy what runs and what is installed to `folder`; with `stand_in` nothing is computed. Returns the folder."""
    for name in FOLDERS:
        shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(REPO / name, folder)
    if stand_in:
        for script in (folder / "scripts").glob("*.py"):
            script.write_text(STAND_IN)
    return folder


def commit_all(folder: Path) -> str:
    """Make `folder` a git repository with one commit on main; returns the address of its workflow."""
    git = ("git", "-C", str(folder), "-c", "user.name=test", "-c", "user.email=test@example.org")
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "all")):
        subprocess.run([*git, *command], check=True)
    return f"git+file://{folder}/workflow/Snakefile@main"
