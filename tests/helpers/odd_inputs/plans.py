"""Odd configs and odd paths in them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import anndata as ad
from tiny_cohort import write_cells

from .case import Case
from .plan_folder import cohort

HEADER = "sample_id\tpatient_id\tpath\n"


def _config(**config) -> Callable[[Path], None]:
    """A good cohort but for these keys of the config."""
    return lambda folder: cohort(folder, **config)


def _written(text: str, name: str = "config.yaml") -> Callable[[Path], None]:
    """A good cohort whose config is this text."""

    def make(folder: Path) -> None:
        cohort(folder)
        (folder / name).write_text(text)

    return make


def _path(path: str, spoil: Callable[[Path], object] = lambda folder: None) -> Callable[[Path], None]:
    """A good cohort of one sample with this path."""

    def make(folder: Path) -> None:
        cohort(folder)
        (folder / "samples.tsv").write_text(f"{HEADER}A1\tA\t{path}\n")
        spoil(folder)

    return make


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # the name of a socket may have 108 characters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a.h5ad")
    os.chdir(here)


def _coarse(types: dict[str, str]) -> Callable[[Path], None]:
    """A reference whose column `broad` has these coarse types."""

    def make(folder: Path) -> None:
        cohort(folder, reference={"path": "reference.h5ad", "coarse": "broad"})
        cells = ad.read_h5ad(folder / "reference.h5ad")
        cells.obs["broad"] = [types[label] for label in cells.obs["cell_type"]]
        cells.obs.iloc[0, -1] = types.get("first", cells.obs["broad"].iloc[0])
        cells.write_h5ad(folder / "reference.h5ad")

    return make


def _without(name: str, **config) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        cohort(folder, **config)
        (folder / name).unlink()

    return make


def _sheet_beside(folder: Path) -> None:
    cohort(folder, samples="sheet/samples.tsv")
    (folder / "sheet").mkdir()
    for name in ("samples.tsv", "A1.h5ad"):
        (folder / name).rename(folder / "sheet" / name)


SOUND = "samples: samples.tsv\nreference: {path: reference.h5ad}\n"
TABS = '{\n\t"samples": "samples.tsv",\n\t"reference": {"path": "reference.h5ad"},\n\t"%s": {"alpha": 0.1}\n}\n'

CONFIGS = [
    Case("config_misspelt_key", "A misspelt key in the config", _config(ood={"alhpa": 0.05}), "stopped", "alpha"),
    Case(
        "config_tabs_misspelt",
        "A config in JSON, indented by tabs, with a misspelt key",
        _written(TABS % "odd"),
        "stopped",
        "config.yaml: odd: unknown key. Did you mean ood?",
    ),
    Case("config_tabs", "A config in JSON, indented by tabs", _written(TABS % "ood"), "planned"),
    Case("config_no_key", "A config without any key", _written("{}\n"), "stopped", "samples: missing. Set it"),
    Case(
        "config_key_twice",
        "A section twice in the config, of which YAML takes the last",
        _written(SOUND + "qc: {min_genes: 1}\nqc: {min_counts: 1}\n"),
        "stopped",
        "config.yaml: line 4: the key qc is there already",
    ),
    Case(
        "config_key_twice_within",
        "A key twice within a section",
        _written(SOUND + "qc:\n  min_genes: 1\n  min_genes: 2\n"),
        "stopped",
        "line 5: the key min_genes is there already",
    ),
    Case(
        "config_number_for_a_key",
        "A number as a key of the config",
        _written(SOUND + "1: 2\n"),
        "stopped",
        "1: unknown key. Known are: samples, reference",
    ),
    Case("config_empty_section", "A section without content", _written(SOUND + "qc:\n"), "stopped", "qc: None is not"),
    Case("config_capitals", "A key in capitals", _written(SOUND + "OOD: {}\n"), "stopped", "Did you mean ood?"),
    Case(
        "config_alpha_nan", "alpha is not a number", _config(ood={"alpha": float("nan")}), "stopped", "alpha: nan is no"
    ),
    Case("config_counts_inf", "A limit is infinite", _config(qc={"min_counts": float("inf")}), "stopped", "min_counts"),
    Case(
        "config_mads_nan", "A limit is NaN", _config(qc={"n_mads": float("nan")}), "stopped", "n_mads: nan is no finite"
    ),
    Case(
        "config_huge_number",
        "A number that no computer holds",
        _written(SOUND + "qc: {min_counts: 1.0e+999}\n"),
        "stopped",
        "min_counts: inf is greater",
    ),
    Case("config_share_nan", "A share is NaN", _config(vocabulary={"min_share": float("nan")}), "stopped", "min_share"),
    Case("config_negative", "A limit below zero", _config(qc={"min_genes": -1}), "stopped", "-1 is less than"),
    Case(
        "config_boolean", "A boolean for a number", _config(qc={"min_counts": True}), "stopped", "True is not of type"
    ),
    Case("config_text", "A number in quotes", _config(ood={"alpha": "0.05"}), "stopped", "write it without quotes"),
    Case(
        "config_power_of_ten",
        "A power of ten that YAML takes for text",
        _written(SOUND + "ood: {alpha: 5e-2}\n"),
        "stopped",
        "with a decimal point (1.0e-3)",
    ),
    Case(
        "config_seed", "A seed beyond 32 bits", _config(train={"seed": 10**30}), "stopped", "greater than the maximum"
    ),
    Case("config_share", "A percentage for a share", _config(qc={"max_mito_share": 20}), "stopped", "greater than"),
    Case(
        "config_switch_as_text",
        "A switch in quotes",
        _config(cnv={"enabled": "false"}),
        "stopped",
        "not of type 'boolean'",
    ),
    Case("config_list_as_text", "One label for a list", _config(cnv={"normal_labels": "T"}), "stopped", "not of type"),
    Case(
        "config_normal_label",
        "A label of normal cells that the reference lacks",
        _config(cnv={"normal_labels": ["T", "Nk"]}),
        "stopped",
        "cnv.normal_labels: 'Nk' is no label. Did you mean NK?",
    ),
    Case(
        "config_panel_without_sample",
        "A panel that the sheet does not have",
        _config(vocabulary={"panels": ["A9"]}),
        "stopped",
        "vocabulary.panels: 'A9' is no sample",
    ),
    Case("config_normal_labels", "Known labels of normal cells", _config(cnv={"normal_labels": ["T"]}), "planned"),
    Case(
        "coarse_absent",
        "A column of coarse types that is not there",
        _config(reference={"path": "reference.h5ad", "coarse": "broad"}),
        "stopped",
        "reference.coarse: reference.h5ad has no obs column 'broad'",
    ),
    Case("coarse_types", "Coarse types", _coarse({"T": "lymphoid", "B": "lymphoid", "NK": "other"}), "planned"),
    Case(
        "coarse_splits_a_label",
        "A label with two coarse types",
        _coarse({"T": "lymphoid", "B": "lymphoid", "NK": "other", "first": "myeloid"}),
        "stopped",
        "cells of 'T' have several coarse types",
    ),
    Case(
        "coarse_empty_for_a_label",
        "A label without coarse type",
        _coarse({"T": "lymphoid", "B": " ", "NK": "other"}),
        "stopped",
        "cells of 'B' have several coarse types or none",
    ),
    Case(
        "results_brace", "A brace in the folder of results", _config(pathvars={"results": "a{b}"}), "stopped", "brace"
    ),
    Case(
        "results_unknown_name",
        "The folder of results names a path that is not set",
        _config(pathvars={"results": "<scratch>/results"}),
        "stopped",
        "pathvars.results: <scratch> is not among the pathvars",
    ),
    Case(
        "results_known_name",
        "The folder of results lies below another path of the config",
        _config(pathvars={"scratch": "big", "results": "<scratch>/results"}),
        "planned",
    ),
    Case(
        "results_misspelt",
        "A misspelt path of the results",
        _config(pathvars={"result": "out"}),
        "stopped",
        "pathvars.result: unknown name. Did you mean results?",
    ),
    Case(
        "results_in_a_file",
        "The folder of results is a file",
        _config(pathvars={"results": "samples.tsv/results"}),
        "stopped",
        "samples.tsv is no folder",
    ),
]

PATHS = [
    Case("path_pathvar", "<results> in a path", _path("<results>.h5ad"), "stopped", "angle brackets"),
    Case("path_bracket", "<b> in a path", _path("<b>/A1.h5ad"), "stopped", "Snakemake reads as the name of a path"),
    Case(
        "path_quotes",
        "Quotes in a path",
        _path("it's.h5ad", lambda folder: (folder / "A1.h5ad").rename(folder / "it's.h5ad")),
        "planned",
    ),
    Case(
        "path_blanks",
        "Blanks and umlauts in a path",
        _path("mein Präparat.h5ad", lambda folder: (folder / "A1.h5ad").rename(folder / "mein Präparat.h5ad")),
        "planned",
    ),
    Case("path_home", "~ in a path", _path("~/A1.h5ad"), "stopped", "not expanded: write it in full"),
    Case("path_variable", "A variable of the shell", _path("$HOME/A1.h5ad"), "stopped", "not expanded"),
    Case(
        "path_s3", "An address for a path", _path("s3://bucket/A1.h5ad"), "stopped", "it is an address: fetch the file"
    ),
    Case("path_url", "A web address", _path("https://example.org/A1.h5ad"), "stopped", "does not exist"),
    Case("path_pipe", "A pipe", _path("a.h5ad", lambda folder: os.mkfifo(folder / "a.h5ad")), "stopped", "is a pipe"),
    Case("path_socket", "A socket", _path("a.h5ad", _socket), "stopped", "is a pipe, socket or device"),
    Case("path_device", "A device", _path("/dev/zero"), "stopped", "is a pipe, socket or device"),
    Case("path_too_long", "A path of 5,000 letters", _path("x" * 5000), "stopped", "File name too long"),
    Case(
        "path_broken_link",
        "A link to nothing",
        _path("a.h5ad", lambda folder: (folder / "a.h5ad").symlink_to("gone.h5ad")),
        "stopped",
        "it is a link to gone.h5ad, which is not there",
    ),
    Case(
        "path_link_loop",
        "A link to itself",
        _path("a.h5ad", lambda folder: (folder / "a.h5ad").symlink_to("a.h5ad")),
        "stopped",
        "a.h5ad",
    ),
    Case(
        "path_below_a_file",
        "A path below a file",
        _path("samples.tsv/A1.h5ad"),
        "stopped",
        "does not exist. Correct the path",
    ),
    Case(
        "path_empty_folder",
        "An empty folder",
        _path("A1", lambda folder: (folder / "A1").mkdir()),
        "stopped",
        "A1 is a folder without a 10x matrix",
    ),
    Case("path_text", "A text file for a matrix", _path("samples.tsv"), "stopped", "of no known format"),
    Case(
        "path_beside_the_sheet",
        "Paths in a sheet that lies in another folder, written as if they started there",
        _sheet_beside,
        "stopped",
        "write sheet/A1.h5ad",
    ),
    Case(
        "reference_pipe",
        "A pipe as reference",
        lambda folder: (_without("reference.h5ad")(folder), os.mkfifo(folder / "reference.h5ad"))[0],
        "stopped",
        "reference.path: reference.h5ad is a pipe",
    ),
    Case("reference_absent", "No reference", _without("reference.h5ad"), "stopped", "reference.h5ad does not exist"),
    Case(
        "reference_folder", "A folder as reference", _config(reference={"path": "."}), "stopped", "without a 10x matrix"
    ),
    Case(
        "reference_line_break",
        "A line break in a path",
        _config(reference={"path": "reference\n.h5ad"}),
        "stopped",
        "holds a line break",
    ),
    Case("reference_nul", "A NUL in a path", _written(SOUND.replace("e.h5ad", '"e\\0"')), "stopped", "reference.path"),
    Case(
        "reference_of_one_type",
        "A reference of one type",
        lambda folder: (cohort(folder), write_cells(folder / "reference.h5ad", labels=("T",)))[0],
        "stopped",
        "at least two are needed",
    ),
    Case("bundle_absent", "No bundle", _config(model={"bundle": "model"}), "stopped", "model does not exist"),
    Case("bundle_bracket", "<b> in the bundle's path", _config(model={"bundle": "<b>"}), "stopped", "angle brackets"),
]

CASES = CONFIGS + PATHS
