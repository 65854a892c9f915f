"""Lineages that tumours of a tissue come from, by the words of labels and tissues."""

from __future__ import annotations

import pytest

from cellcohort.reference.lineages import lineage_findings, missing_lineages

IMMUNE = ["T_cell", "B cells", "CD14+ Monocytes", "gamma-delta T", "alveolar macrophage", "pDC", "Mast"]
BRAIN = ["Excitatory neuron", "Microglia", "Endothelial"]


@pytest.mark.parametrize(
    ("labels", "tissue", "names"),
    [
        (IMMUNE, "lung", ["epithelium"]),
        ([*IMMUNE, "AT2"], "Lung", []),
        ([*IMMUNE, "Epithelial"], "left ovary", []),
        (IMMUNE, "Liver metastasis", ["epithelium"]),
        ([*IMMUNE, "Hepatocyte"], "liver", []),
        (["acinar", "alpha", "schwann"], "pancreas", []),
        (BRAIN, "brain", ["glia"]),
        ([*BRAIN, "Astro"], "cerebral cortex", []),
        (["Proximal tubule", "Podocyte"], "renal cortex", []),
        ([*IMMUNE, "Keratinocytes"], "skin", ["melanocytes"]),
        (IMMUNE, "bone marrow", []),
        (["Hepatocyte"], "Bone_marrow", ["blood cells"]),
        (IMMUNE, "bone", ["mesenchyme"]),
        (IMMUNE, "PBMC", []),
        (IMMUNE, "somewhere", []),
        (IMMUNE, "HNSCC", ["epithelium"]),
        (IMMUNE, "renal cell carcinoma", ["epithelium"]),
        ([*IMMUNE, "LumHR-major"], "breast", []),
        ([*IMMUNE, "Epi"], "CRC", []),
        (BRAIN, "GBM", ["glia"]),
        ([*BRAIN, "ODC"], "GBM", []),
        (["lumbar neuron"], "breast", ["epithelium"]),
        (["0", "1", "CL:0000236"], "lung", []),
    ],
)
def test_what_a_reference_lacks(labels: list[str], tissue: str, names: list[str]) -> None:
    assert [lineage.name for lineage in missing_lineages(labels, tissue)] == names


def test_a_sentence_for_each_tissue() -> None:
    assert lineage_findings(IMMUNE, ["ovary", "lung", "ovary", "blood"]) == [
        f"no label of the reference names epithelium: the origin of a carcinoma of the {tissue} cannot be found here"
        for tissue in ("lung", "ovary")
    ]
