"""Lineages that the tumours of a tissue come from, and whether a reference has a label of them, by words alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Lineage:
    """A lineage: its name, the tumours that come from it, the words of tissues and of labels that tell it."""

    name: str
    tumours: str
    tissues: str
    labels: str


LINEAGES = (
    Lineage(
        "epithelium",
        "a carcinoma",
        "lungs?|pulmonary|breasts?|mammary|ovar(y|ies|ian)|colon|colonic|colorectal|colorectum|rectum|bowel|intestin|"
        "duodenum|ileum|jejunum|stomach|gastric|liver|hepatic|bile|biliary|gallbladder|pancreas|pancreatic|kidneys?|"
        "renal|prostate|prostatic|bladder|urothelial|thyroid|uterus|uterine|endometri|cervix|fallopian|"
        "o?esophag|head and neck|oral|larynx|pharynx|nasopharynx|skin|epidermis|thymus|salivary|.*carcinoma|"
        "nsclc|luad|lusc|crc|pdac|hcc|(cc)?rcc|tnbc|brca|hgsoc|hnscc",
        r"epithel|\bepi\b|epcam|\blum(?!bar)|\bhep(s|\b)|carcinoma|keratinocyte|hepatocyte|"
        r"cholangiocyte|enterocyte|colonocyte|goblet|paneth|tuft|ciliated|"
        r"secretory|\bclub|basal|luminal|pneumocyte|\bat ?[12]\b|alveolar (type|cell|epi)|alveolar ?[12i]+\b|acinar|"
        r"ductal|\bduct\b|^(pancreatic )?(alpha|beta|delta|epsilon|gamma)( cells?)?$|islet|endocrine|urotheli|tubul|"
        r"podocyte|intercalated|principal|loop of henle|nephron|parietal|chief|squamous|glandular|thyrocyte|"
        r"follicular cell|mesotheli|transit amplifying|\bcrypt|ionocyte|\b[mc]tec",
    ),
    Lineage(
        "glia",
        "a glioma",
        "brain|cerebr|cerebell|glio|gbm|cns|central nervous|spinal cord|hippocamp|hypothalam|neocortex|frontal|"
        "temporal lobe",
        r"astro|oligo|\b(ast|odc?|opc)s?\b|\bglia|ependym|bergmann|neural (stem|progenitor)",
    ),
    Lineage(
        "melanocytes",
        "a melanoma",
        "skin|cutaneous|melanoma|uvea|choroid",
        "melanocyt",
    ),
    Lineage(
        "blood cells",
        "a leukaemia or lymphoma",
        "blood|pbmc|bone marrow|marrow|lymph nodes?|lymphoid|spleen|tonsil|leuk|lymphom|myeloma|aml|cll|dlbcl",
        r"\bt\b|\bb\b|\bnk\b|cd[48]\b|t ?cell|b ?cell|lympho|monocyt|macrophage|myeloid|dendritic|\bdc|plasma|"
        r"neutrophil|granulocyt|hsc|hspc|haematopoietic|hematopoietic|erythro|megakaryo|mast|leuko|leuco|immune",
    ),
    Lineage(
        "mesenchyme",
        "a sarcoma",
        r"bone|cartilage|soft tissue|muscle|adipose|fat\b|sarcoma|synovi",
        r"fibroblast|mesenchym|stroma|osteo|chondro|adipo|myocyt|myofib|smooth muscle|\bsmcs?\b|muscle|"
        r"satellite|pericyt|tenocyt",
    ),
)
"""Tissues whose tumours nearly all come from one or two lineages (WHO Classification of Tumours, 5th edition)."""

_OTHERS = r"endotheli|neuron|schwann|fibroblast|germ|sperm|oocyte"
_BETWEEN_WORDS = re.compile(r"[\s_\-.,:;/|+()\[\]]+")


def missing_lineages(labels: Iterable[str], tissue: str) -> list[Lineage]:
    """The lineages that tumours of `tissue` come from and that no label names; none where the words do not tell.

    A reference none of whose labels names a lineage (numbers, ontology ids) tells nothing, nor does an unknown tissue.
    """
    names = [_words(label) for label in labels]
    if not any(re.search(f"{_OTHERS}|{lineage.labels}", name) for name in names for lineage in LINEAGES):
        return []
    place = _words(tissue)
    of_tissue = [lineage for lineage in LINEAGES if re.search(rf"\b({lineage.tissues})", place)]
    if any(lineage.name == "blood cells" for lineage in of_tissue):  # bone marrow is no bone
        of_tissue = [lineage for lineage in of_tissue if lineage.name != "mesenchyme"]
    return [lineage for lineage in of_tissue if not any(re.search(lineage.labels, name) for name in names)]


def lineage_findings(labels: Iterable[str], tissues: Iterable[str]) -> list[str]:
    """A sentence for each tissue and lineage that is missing, tissues in alphabetical order."""
    labels = list(labels)
    return [
        f"no label of the reference names {lineage.name}: the origin of {lineage.tumours} of the {tissue} cannot be "
        "found here"
        for tissue in sorted(set(tissues))
        for lineage in missing_lineages(labels, tissue)
    ]


def _words(text: str) -> str:
    return _BETWEEN_WORDS.sub(" ", text.lower()).strip()
