"""The model bundle: a trained model as a folder of files that can be copied anywhere, without pickle (design law 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import numpy as arrays
from safetensors.torch import load_file, save

from ..classifier.attribution import GeneContributions, label_contrast
from ..classifier.type_profiles import Profiles
from ..core.files import digest, read_json, write_bytes
from ..core.provenance import write_record
from ..inputs.bundle_files import BUNDLE_FILES, CONTENT_FILES, FORMAT, check_bundle, check_format, read_manifest
from ..model.network import CellMemory
from ..model.presets import Network, make_network, network_name
from ..model.token_store import TokenStore
from ..ood.detector import Detector
from ..outputs.parquet import read_frame
from .bundle_content import check_network, check_tables, network_config

FITTED_FILES = ("weights.safetensors", "calibration.json", "profiles.safetensors")
"""What depends on the genes that are measured."""


def save_model(model: Network, *, weights: str | Path, config: str | Path, settings: Mapping) -> None:
    """Write weights and sizes; `settings` says how the model was trained."""
    save_weights(model, weights)
    network = {"network": network_name(model.config), "model": asdict(model.config)}
    write_record(config, {"format": FORMAT, **network, **settings})


def save_weights(model: Network, path: str | Path) -> None:
    """Write weights.safetensors."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    write_bytes(path, save(tensors))


def load_model(weights: str | Path, config: str | Path) -> Network:
    """The model in evaluation mode, on the CPU; raises InputError unless the files agree."""
    check_format(config)
    check_network(weights, config)
    model = make_network(network_config(config))
    model.load_state_dict(load_file(weights))
    return model.eval()


def bundle_paths(folder: str | Path) -> dict[str, Path]:
    """The paths of a bundle's files in `folder`, each by its name without suffix."""
    return {Path(name).stem: Path(folder) / name for name in BUNDLE_FILES}


@dataclass(frozen=True)
class Bundle:
    """A trained model with all that annotation needs.

    Attributes
    ----------
    folder
        Of the files `bundle_files.BUNDLE_FILES`.
    measured
        Ascending token ids of the genes that a sample measures, the others being unknown; None for all.
    fitted
        Folder of `FITTED_FILES` that were fitted to these genes (`fitted_genes`); None for those of the bundle.
    """

    folder: Path
    measured: np.ndarray | None = field(default=None, compare=False)
    fitted: Path | None = None

    @classmethod
    def open(cls, folder: str | Path) -> Bundle:
        """Check that the folder is whole and of one run; files are read when first asked for."""
        check_bundle(folder)
        check_network(Path(folder) / "weights.safetensors", Path(folder) / "config.json")
        check_tables(folder)
        return cls(Path(folder))

    @classmethod
    def of_files(cls, paths: Iterable[str | Path]) -> Bundle:
        """Open the bundle whose files are `paths`, all of one folder: a rule's `input.bundle`."""
        (folder,) = {Path(path).parent for path in paths}
        return cls.open(folder)

    @cached_property
    def sha256(self) -> str:
        """Digest of all files of the bundle but the manifest, which has their checksums."""
        files = read_manifest(self.folder)["files"]
        return digest({name: files[name]["sha256"] for name in CONTENT_FILES})

    @cached_property
    def model(self) -> Network:
        """The model in evaluation mode, on the CPU."""
        model = load_model(self._of_genes("weights.safetensors"), self.folder / "config.json")
        if self.measured is not None and isinstance(model, CellMemory):
            model.measured = self.measured
        return model

    @cached_property
    def vocabulary(self) -> pd.DataFrame:
        """The genes (schemas.VOCABULARY)."""
        return read_frame(self.folder / "vocabulary.parquet")

    @cached_property
    def labels(self) -> list[str]:
        """The reference types in the order of the logits."""
        return read_frame(self.folder / "labels.parquet")["label"].tolist()

    @cached_property
    def coarse(self) -> np.ndarray | None:
        """The coarse type of each label, shape (n_labels,), or None where the reference has none."""
        coarse = read_frame(self.folder / "labels.parquet")["coarse"]
        return None if coarse.isna().any() else coarse.to_numpy(object)

    @cached_property
    def ensemble_weights(self) -> np.ndarray:
        """Weights of the ensemble's members (`ensemble.MEMBERS`); of the network alone in an imported model."""
        return np.array(read_json(self._of_genes("calibration.json"))["mix"])

    @cached_property
    def limits(self) -> np.ndarray:
        """Least probabilities of the types in a label set, shape (len(label_sets.COVERAGES), n_labels)."""
        return np.array(read_json(self._of_genes("calibration.json"))["label_sets"])

    @cached_property
    def held_out_accuracy(self) -> float | None:
        """Share of held-out reference cells that get the right label by the genes that a sample measures; None where
        nothing was fitted to these."""
        if self.fitted is None:
            return None
        return read_json(self.fitted / "calibration.json")["validation"]["accuracy"]

    @cached_property
    def slot_stability(self) -> np.ndarray | None:
        """Share of refits in which each slot of the additive workspace returns, shape (n_slots,); None for another."""
        stability = read_json(self.folder / "calibration.json")["slot_stability"]
        return None if stability is None else np.array(stability)

    @cached_property
    def detector(self) -> Detector:
        """The OOD detector."""
        return Detector.from_json(read_json(self._of_genes("calibration.json"))["ood"])

    @cached_property
    def profiles(self) -> Profiles:
        """Profiles of the reference's types."""
        profiles = Profiles(**arrays.load_file(self._of_genes("profiles.safetensors")))
        if self.measured is None:
            return profiles
        return profiles.without(np.setdiff1d(np.arange(len(profiles.weight)), self.measured))

    @cached_property
    def reference_tokens(self) -> TokenStore:
        """Tokens of the reference cells on which the bundle was calibrated."""
        return TokenStore(self.folder / "reference_tokens.arrow")

    def _of_genes(self, name: str) -> Path:
        """The file of `FITTED_FILES` that suits the genes."""
        return (self.fitted or self.folder) / name

    @cached_property
    def contrast(self) -> np.ndarray:
        """Weights of the logits in the contrast of each label to the others, shape (n_labels, n_labels)."""
        return label_contrast(self.profiles)

    @cached_property
    def contributions(self) -> GeneContributions | None:
        """What the members beside the network add, gene by gene; None where labels come from the network alone."""
        if len(self.ensemble_weights) == 1:
            return None
        return GeneContributions(self.profiles, self.ensemble_weights, self.model.config.n_bins)
