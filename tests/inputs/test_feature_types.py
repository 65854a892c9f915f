"""What the types of features are called, and what they stand for."""

from __future__ import annotations

import pytest

from cellcohort.inputs.formats.feature_types import _kind

NAMES = {
    "genes": "Gene Expression|gene-expression|GENE EXPRESSION|GEX|gex|Gene|genes|RNA|mRNA|scRNA-seq|transcriptome|"
    "protein_coding|lncRNA|lincRNA|miRNA|misc_RNA|Mt_tRNA|IG_V_gene|TR_C_gene|IG_V_pseudogene|processed_pseudogene|TEC|"
    "nonsense_mediated_decay|ribozyme|synthetic",
    "other": "Antibody Capture|antibody|ADT|adt|AbSeq|protein|Protein Expression|surface protein|CITE-seq|ATAC|Peaks|"
    "Chromatin Accessibility|Multiplexing Capture|HTO|hashtag|CRISPR Guide Capture|sgRNA|Custom|Antigen Capture|VDJ-B|"
    "Negative Control Probe|Unassigned Codeword|Genomic Control|spike-in|CMO",
    "unknown": "foo|unknown|gene activity|lipids|DNA|GRCh38|motif",
    "empty": "| |nan|None|NA",
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMES.items() for name in names.split("|")])
def test_kind_of_a_type(kind, name):
    assert _kind(name) == kind
