"""`train`: a labelled reference becomes a bundle, by the stages of the workflow in turn."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anndata as ad

from ..bundle.model_card import write_card
from ..bundle.train_bundle import complete_bundle, train_network, write_tokens
from ..core.errors import InputError
from ..core.files import atomic_path, checksum
from ..core.gpus import choose_device
from ..core.provenance import add_facts, job
from ..genes.reference_vocabulary import reference_vocabulary
from ..inputs.bundle_files import BUNDLE_FILES, FORMAT
from ..inputs.check_inputs import check_reference
from ..inputs.config import without_places
from ..outputs.parquet import write_table
from ..outputs.schemas import QC, VOCABULARY
from ..positional.healthy_types import reference_types
from ..qc.check_reference import judge_reference
from ..qc.fixed_limits import HARD_LIMITS
from .cell_files import named_as_given, write_reference
from .sample_stages import config_of, positions_of

_OF_CARD = (
    "config.json",
    "vocabulary.parquet",
    "labels.parquet",
    "reference_embedding.parquet",
    "metrics.json",
    "manifest.json",
)
log = logging.getLogger(__name__)


def train(
    data: ad.AnnData | str | Path,
    *,
    label: str,
    out: str | Path,
    donor: str | None = None,
    coarse: str | None = None,
    exclude: Sequence[str] = (),
    counts: str = "X",
    genes: str = "index",
    n_genes: int = 2000,
    preset: str = "additive",
    epochs: int = 100,
    seed: int = 1,
    device: str = "auto",
) -> Path:
    """Train CellMemory on a labelled healthy reference.

    What stands in the bundle are the bytes that the workflow writes into `results/model` for the same file, settings
    and number of threads. An AnnData in memory is written into a temporary file first: the reference's checksum, which
    the bundle names, is then another.

    Parameters
    ----------
    data
        The reference, AnnData or the path of one (.h5ad, .zarr).
    label, donor, coarse
        The obs columns with the type of each cell, its donor (which makes the held-out part honest), and a coarser
        type.
    exclude
        Labels that are left out, besides those that name no type.
    out
        Folder of the bundle; it must not exist, or be empty.
    counts
        Where the counts are: X, raw or layers/NAME.
    genes
        Where gene symbols or Ensembl ids are: index, or a column of var.
    n_genes
        Highly variable genes that the model knows.
    preset
        additive, paper or small (config/README.md).
    epochs
        Most passes over the training cells; it ends earlier where held-out cells gain nothing.
    seed
        Of everything random.
    device
        auto, cpu or cuda.

    Returns
    -------
    The folder, for `annotate`.

    Raises
    ------
    InputError
        For what is wrong with the reference or a setting, with the remedy.

    Examples
    --------
    >>> import cellcohort as cc
    >>> cc.train("reference.h5ad", label="cell_type", donor="donor", out="model")  # doctest: +SKIP
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: it is there already. Name another folder by out, or remove it.")
    read_as = {"label": label, "donor": donor, "coarse": coarse, "exclude": list(exclude)}
    read_as |= {"counts": counts, "genes": genes}
    config = config_of(
        reference={"path": str(data) if not isinstance(data, ad.AnnData) else "adata", **read_as},
        vocabulary={"n_genes": n_genes},
        model={"preset": preset},
        train={"epochs": epochs, "seed": seed, "device": device},
    )
    name = "adata" if isinstance(data, ad.AnnData) else str(data)
    with TemporaryDirectory(prefix="cellcohort-") as folder, named_as_given(name), atomic_path(out) as part:
        path, reference = str(data), without_places(config)["reference"]
        if isinstance(data, ad.AnnData):
            path = write_reference(Path(folder) / "reference.h5ad", data, counts, [label, donor, coarse])
            reference = reference | {"counts": "X"}
        check_reference(reference | {"path": path})
        part.mkdir(exist_ok=True)
        _Training(path, reference, config, Path(folder), part).run()
    return out


class _Training:
    """The stages, each the job of a rule: what it writes carries the facts that the rule's results carry."""

    def __init__(self, path: str, reference: dict[str, Any], config: dict[str, Any], folder: Path, model: Path) -> None:
        self.path, self.reference, self.config = path, reference, config
        self.qc, self.vocabulary = folder / "qc.parquet", folder / "vocabulary.parquet"
        self.tokens, self.linear_models = folder / "tokens.arrow", folder / "linear_models.safetensors"
        self.folder, self.model = folder, model
        self.device = choose_device(config["train"]["device"])

    def run(self) -> None:
        self._choose_cells_and_genes()
        self._sum_types()
        self._train()

    def _choose_cells_and_genes(self) -> None:
        limits = {key: self.config["qc"][key] for key in HARD_LIMITS}
        with job({"reference": self.reference, "qc": limits}, [self.path]):
            table, findings = judge_reference(self.reference, self.path, limits)
            write_table(self.qc, table, QC)
        for finding in findings:
            log.warning("%s", finding.text)
        settings = {"reference": self.reference, "vocabulary": self.config["vocabulary"], "panels": []}
        with job(settings, [self.path, str(self.qc)]):
            add_facts(reference_sha256=checksum(self.path))
            chosen = reference_vocabulary(self.reference, self.path, self.qc, self.config["vocabulary"])
            write_table(self.vocabulary, chosen, VOCABULARY)

    def _sum_types(self) -> None:
        positions = positions_of(self.config)
        given = [self.path, str(self.qc), str(self.vocabulary), positions]
        with job({"reference": self.reference}, given, user_tables=[positions]):
            types = reference_types(self.reference, self.path, self.qc, self.vocabulary, positions=positions)
            types.write(self.model / "healthy_types.parquet", self.model / "positional.json")

    def _train(self) -> None:
        train_settings, preset = without_places(self.config)["train"], self.config["model"]["preset"]
        known: dict[str, Any] = {
            "vocabulary": self.vocabulary,
            "linear_models": self.linear_models,
            "device": self.device,
        }
        seed = train_settings["seed"]
        write_tokens(self.tokens, self.reference, self.path, qc=self.qc, vocabulary=self.vocabulary, seed=seed)
        with job({"format": FORMAT, "preset": preset, "train": train_settings}, [str(self.vocabulary)]):
            train_network(
                self.model,
                self.tokens,
                checkpoint=self.folder / "checkpoint.safetensors",
                preset=preset,
                config={key: value for key, value in train_settings.items() if key != "device"},
                **known,
            )
        made = ("weights.safetensors", "config.json", "history.parquet", "healthy_types.parquet", "positional.json")
        given = [str(self.qc), str(self.vocabulary), *(str(self.model / name) for name in BUNDLE_FILES if name in made)]
        keep_ids = self.config["model"]["keep_ids"]
        with job({"train": train_settings, "keep_ids": keep_ids}, given):
            complete_bundle(self.model, self.tokens, qc=self.qc, seed=seed, keep_ids=keep_ids, **known)
        described = {name: self.config["model"][name] for name in ("licence", "citation")}
        with job(described, [str(self.model / name) for name in _OF_CARD]):
            write_card(self.model, self.model / "card.json", self.model / "card.md", **described)
