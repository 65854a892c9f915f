"""Which features of a file are genes, and not antibodies, peaks or other modalities, by what their types are called."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...core.errors import InputError
from .container import Container

_GENES = re.compile(
    "gene expression.*|genes?|gex|gene ?ex(p|pr)?|(gene |transcript |rna |mrna )?expression|transcripts?|transcriptome"
    "|(sc|sn|m|c)?rna( ?seq)?|cdna"
)
_ANTIBODIES = "adts?|abs?|abc|ab ?seq|antibod(y|ies)( .*)?|cite( ?seq)?|((cell )?surface )?prot(eins?)?( expression)?"
_PEAKS = "(sc|sn)?atac( ?seq)?|peaks?|(chromatin )?accessibility|chromatin"
_TAGS = "multiplexing( capture)?|htos?|(cell )?hash(tags?|ing)( .*)?|cmos?|(sample )?tags?"
_GUIDES = "crispr( .*)?|s?grnas?|guides?( .*)?|guide rnas?|perturbations?"
_CONTROLS = ".*(control|codeword)s?( .*)?|blanks?( .*)?|spike ?ins?|ercc"
_OTHERS = re.compile("|".join([_ANTIBODIES, _PEAKS, _TAGS, _GUIDES, _CONTROLS, "custom|antigen( .*)?|vdj( .*)?"]))
_BIOTYPES = re.compile(
    "protein coding|processed transcript|antisense|sense (intronic|overlapping)|retained intron|tec|ribozyme|artifact"
    "|synthetic|non coding|(ig|tr) [a-z]+ .*gene|.*(pseudogene|rna|decay)"
)
"""What Ensembl and CELLxGENE call the types of genes."""
_MANY = 60
"""A column of more values than this says something else of the features than their type."""


def genes_alone(file: Container, path: Path) -> Container:
    """The file without the features that are no genes.

    Raises
    ------
    InputError
        When a type is not known, or none of the features is a gene.
    """
    if file.types is None:
        return file
    kinds = {name: _kind(name) for name in sorted({name.strip() for name in file.types})}
    if len(kinds) > _MANY:
        return file
    others = [name for name, kind in kinds.items() if kind == "other"]
    unknown = [name for name, kind in kinds.items() if kind == "unknown" or (kind == "empty" and others)]
    if unknown:
        names = ", ".join(repr(name) for name in unknown[:5])
        raise InputError(
            f"{path}: of features of the type {names} it is not known whether they are genes. Call the types of genes "
            "'Gene Expression' and leave other features out, or name them as Cell Ranger does ('Antibody Capture')."
        )
    if len(others) == len(kinds):
        raise InputError(
            f"{path}: it holds {', '.join(others)} alone, no genes. Give the file of gene expression, whose features "
            "have the type 'Gene Expression'."
        )
    keep = np.array([kinds[name.strip()] != "other" for name in file.types], dtype=bool)
    return replace(file, genes=file.genes[keep].reset_index(drop=True), keep=keep)


def _kind(name: str) -> str:
    """What a type stands for: genes, other features, unknown, or empty."""
    words = re.sub(r"[\W_]+", " ", name).strip().lower()
    if words in ("", "none", "nan", "na", "null"):
        return "empty"
    if _GENES.fullmatch(words):
        return "genes"
    if _OTHERS.fullmatch(words):
        return "other"
    return "genes" if _BIOTYPES.fullmatch(words) else "unknown"
