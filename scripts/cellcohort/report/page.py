"""The report's page and static figures: facts, figures and texts put into the jinja2 template."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, PackageLoader, Template, select_autoescape
from markupsafe import Markup

from ..cohort.composition import FALSE_DISCOVERIES
from ..core.files import atomic_path
from ..inputs.sample_columns import DESCRIPTION
from ..outputs.parquet import write_tsv
from .facts.answers import answers
from .facts.cautions import model_warnings, patient_warnings
from .facts.judged_cells import judged_cohort
from .facts.patients import patient_facts
from .facts.type_genes import MOST_Q, type_genes
from .figures import cnv_figures, maps, model_figures, patient_figures
from .figures.figure_tables import figure_tables
from .figures.gene_figures import genes
from .figures.images import data_uri
from .figures.palette import UNLIKE, label_colours
from .figures.panels import Figure
from .report_data import NONE_FITS, UNLIKE_REFERENCE, ReportData, load
from .text.captions import captions
from .text.methods import methods_text, package_versions
from .text.metric_names import METRIC_NAMES
from .text.number_format import count, percent

_OF_ALL_PATIENTS = ("Reference, by type", "Cohort, by patient")
_LIBRARIES = "window.vegaEmbed = vegaEmbed;"


def render_report(
    inputs: Mapping[str, str | Sequence[str]],
    report: str | Path,
    *,
    figures: Mapping[str, str | Path],
    config: Mapping[str, Any],
    tables: Mapping[str, str | Path] | None = None,
    patients: Sequence[str] = (),
    title: str = "Cohort report",
) -> None:
    """Write the cohort report as one HTML file that needs no network, and its figures as SVG.

    Parameters
    ----------
    inputs
        Paths by name (see `report_data.load`).
    report
        The HTML file.
    figures
        SVG paths by figure name: composition, ood, umap, origins, cnv, qc, coverage, training, confusion, evaluation.
    config
        The workflow's config with its defaults, for alpha, thresholds, captions and the methods.
    tables
        TSV paths by the names of `figure_tables`: the tables behind figures that have no other.
    patients
        The patients of `inputs["heatmaps"]`, in its order.
    """
    data = load(inputs, patients=patients)
    drawn = build_figures(data, config)
    for name, path in figures.items():
        with atomic_path(path) as part:
            part.write_text(drawn[name].svg())
    behind = figure_tables(data)
    for name, path in (tables or {}).items():
        write_tsv(path, behind[name])
    shown = {name: figure for name, figure in drawn.items() if not figure.is_empty}
    page = _template().render(**_context(data, shown, title, config))
    with atomic_path(report) as part:
        part.write_text(page, encoding="utf-8")


def build_figures(data: ReportData, config: Mapping[str, Any]) -> dict[str, Figure]:
    """All figures by name; cnv only when copy number was inferred."""
    figures = [
        patient_figures.composition(data),
        patient_figures.ood(data, alpha=config["ood"]["alpha"]),
        maps.umap(data),
        maps.sections(data),
        genes(data),
        patient_figures.origins(data),
        patient_figures.qc(data),
        patient_figures.coverage(data, min_share=config["vocabulary"]["min_share"]),
        model_figures.training(data),
        model_figures.confusion(data),
        model_figures.evaluation(data),
    ]
    if data.cnv_arms is not None:
        figures += [cnv_figures.cnv(data), cnv_figures.cnv_groups(data)]
    return {figure.name: figure for figure in figures}


def _context(data: ReportData, figures: dict[str, Figure], title: str, config: Mapping[str, Any]) -> dict[str, Any]:
    facts, alpha = patient_facts(data), config["ood"]["alpha"]
    return {
        "title": title,
        "data": data,
        "patients": facts,
        "judged": judged_cohort({patient.id: patient.judged for patient in facts}),
        "described": [name for name in DESCRIPTION if data.samples[name].notna().any()],
        "answers": {patient.id: answers(patient, data, alpha=alpha) for patient in facts},
        "warnings": {patient.id: patient_warnings(patient) for patient in facts},
        "model_warnings": model_warnings(data, alpha=alpha),
        "figures": figures,
        "captions": captions(config),
        "patient_maps": _maps_of_one_patient(figures),
        "mapped": set(data.umap["patient_id"].dropna()),
        "altered": set(figures["cnv_groups"].data["arms"]["patient"]) if "cnv_groups" in figures else set(),
        "sections_of": data.sections.groupby("patient_id")["sample_id"].unique().to_dict(),
        "genes": type_genes(data),
        **_colours(data),
        "unlike": UNLIKE_REFERENCE,
        "alpha": alpha,
        "false_discoveries": FALSE_DISCOVERIES,
        "gene_set_q": MOST_Q,
        "heatmaps": {name: data_uri(path, n_pictures=len(data.heatmaps)) for name, path in data.heatmaps.items()},
        "methods": methods_text(data, config, package_versions()),
        "metric_names": METRIC_NAMES,
        "cohort_scores": data.evaluation[data.evaluation["level"] == "cohort"].to_dict("records"),
        "payload": _json({"figures": _payload(figures)}),
        "vega": _script(vl_convert.javascript_bundle(_LIBRARIES)),
    }


def _colours(data: ReportData) -> dict[str, dict[str, str]]:
    """Colours of the types, and of everything that has one."""
    types = {**label_colours(data.labels), UNLIKE_REFERENCE: UNLIKE}
    return {"type_colours": types, "colours": types | {NONE_FITS: UNLIKE}}


def _maps_of_one_patient(figures: dict[str, Figure]) -> list[int]:
    """Panels of the map that say something of a single patient."""
    panels = figures["umap"].panels if "umap" in figures else []
    return [number for number, panel in enumerate(panels) if panel.title not in _OF_ALL_PATIENTS]


def _payload(figures: dict[str, Figure]) -> dict[str, Any]:
    return {
        name: {
            "data": figure.packed_data(),
            "specs": figure.specs(ink="currentColor"),
            "canvas": [p.canvas for p in figure.panels],
        }
        for name, figure in figures.items()
    }


def _template() -> Template:
    loader = PackageLoader("cellcohort.report")
    environment = Environment(
        loader=loader, autoescape=select_autoescape(["html", "j2"]), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(count=count, percent=percent)
    environment.globals["asset"] = lambda name: Markup(loader.get_source(environment, name)[0])
    return environment.get_template("report.html.j2")


def _json(content: dict) -> Markup:
    """JSON that cannot end the script element that holds it."""
    return Markup(json.dumps(content, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c"))


def _script(code: str) -> Markup:
    return Markup(code.replace("</script", "<\\/script"))
