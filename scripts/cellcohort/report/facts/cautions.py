"""Cautions about one patient's results and about the model, from thresholds named here."""

from __future__ import annotations

import pandas as pd

from ...reference.lineages import lineage_findings
from ..report_data import UNLIKE_REFERENCE, ReportData
from ..text.number_format import count
from .origins import Origin
from .patients import Patient

FEW_CELLS = 100
LOW_COVERAGE = 0.7  # of the model's genes
LOW_CONFIDENCE = 0.7
HIGH_OOD = 0.5  # of the annotated cells
FEW_KEPT = 0.5  # of a sample's cells
MANY_UNDETERMINED = 0.3  # of the query cells
MANY_ANEUPLOID_IN_TYPES = 0.1  # of the aneuploid cells
FEW_NORMAL = 50
LARGE_SHIFT = 2.0  # units of the OOD score
LOW_MACRO_F1 = 0.8
HIGH_CALIBRATION_ERROR = 0.1
MANY_FALSE_ALARMS = 2.0  # times alpha


def patient_warnings(patient: Patient) -> list[str]:
    """Reasons for caution with one patient, the gravest first; none when nothing stands out."""
    if not patient.n_kept:
        return ["No cell could be annotated.", *_sample_warnings(patient)]
    warnings = _sample_warnings(patient)
    if patient.n_kept < FEW_CELLS:
        warnings.append(f"Only {patient.n_kept} cells were annotated: every share is uncertain.")
    if patient.ood_share > HIGH_OOD:
        warnings.append(
            f"{patient.ood_share:.0%} of the cells are {UNLIKE_REFERENCE}. That can be disease, or a "
            "technical difference between this sample and the reference: look at quality and gene coverage first."
        )
    if patient.shift > LARGE_SHIFT:
        warnings.append(
            f"The cells look technically different from the reference, by {patient.shift:.1f} units of the score. "
            f"That was taken off, but the larger it is the less sure it is which cells are {UNLIKE_REFERENCE}."
        )
    if patient.origins:
        warnings += _origin_warnings(patient.origins[0])
    if patient.doubted:
        warnings.append(patient.doubted)
    if patient.confidence is not None and patient.confidence < LOW_CONFIDENCE:
        warnings.append(f"Labels are uncertain: the median confidence is {patient.confidence:.2f}.")
    return [*warnings, *_copy_number_warnings(patient)]


def model_warnings(data: ReportData, *, alpha: float) -> list[str]:
    """Reasons for caution with the whole report, from the model's record on held-out reference cells."""
    scores, warnings = data.metrics.get("validation", {}), []
    if scores.get("macro_f1", 1) < LOW_MACRO_F1:
        warnings.append(
            f"The model confuses types even on held-out cells of the reference (macro-F1 {scores['macro_f1']:.2f})."
        )
    if scores.get("ece", 0) > HIGH_CALIBRATION_ERROR:
        warnings.append(f"Confidence is off by {scores['ece']:.0%} on average on held-out cells of the reference.")
    if data.metrics.get("held_out") == "cells":
        warnings.append(
            "The reference names no donors, so the model was judged on other cells of the same people: expect more "
            "errors and more false alarms on new patients than the figures here say."
        )
    elif data.metrics.get("n_donors") == 1:
        warnings.append(
            "The model was judged on a single held-out donor of the reference: its accuracy on new patients may differ "
            "from the figures here."
        )
    alarms = data.false_alarm_rate(alpha)
    if alarms > MANY_FALSE_ALARMS * alpha:
        warnings.append(
            f"{alarms:.0%} of the reference's own cells were called {UNLIKE_REFERENCE}, each judged without its donor "
            f"and before a technical shift is taken off, where {alpha:.0%} were to be expected."
        )
    return [*warnings, *reference_warnings(data)]


def reference_warnings(data: ReportData) -> list[str]:
    """What was found in the reference, and what it lacks for the tissues of the samples.

    Without its donors: the model's record says how it was judged.
    """
    found = data.findings.loc[data.findings["topic"] != "donors", "text"].tolist()
    lacking = lineage_findings(data.reference["label"], data.samples["tissue"].dropna())
    return [f"Reference: {text}." for text in [*found, *lacking]]


def _sample_warnings(patient: Patient) -> list[str]:
    warnings = []
    for sample in patient.samples:
        name, found = sample["sample_id"], sample["vocabulary_share"]
        if sample["status"] != "ok":
            warnings.append(f"Sample {name} was rejected. {sample['reason'] or ''}".strip())
            continue
        if found is not None and found < LOW_COVERAGE:
            right = sample["held_out_accuracy"]
            told = f" (with them {right:.0%} of held-out reference cells got the right one)" if pd.notna(right) else ""
            warnings.append(
                f"Sample {name} holds only {found:.0%} of the model's genes: labels are weaker{told}, and "
                f"so is the call of which cells are {UNLIKE_REFERENCE}."
            )
        if sample["n_cells"] and sample["n_cells_kept"] < FEW_KEPT * sample["n_cells"]:
            kept = sample["n_cells_kept"] / sample["n_cells"]
            warnings.append(f"Only {kept:.0%} of the cells of sample {name} passed quality control.")
    return warnings


def _origin_warnings(first: Origin) -> list[str]:
    warnings = []
    if not first.fits:
        warnings.append(
            f"No type of the reference fits {count(first.n)} of the cells {UNLIKE_REFERENCE}: the reference may lack "
            "what they come from."
        )
    if first.sets_gained and first.sets_lost:
        warnings.append(
            f"The cells {UNLIKE_REFERENCE} that are nearest to {first.name} gained {', '.join(first.sets_gained)} and "
            f"lost {', '.join(first.sets_lost)}: {first.name} is the nearest type of the reference, not what they are."
        )
    return warnings


def _copy_number_warnings(patient: Patient) -> list[str]:
    if not patient.calls:
        return []
    n_normal = patient.calls.get("reference", 0)
    n_query = sum(patient.calls.values()) - n_normal
    warnings = []
    if patient.n_borrowed:
        warnings.append(
            f"The copy number of {patient.n_borrowed} cells was judged against cells of the healthy reference, because "
            "the patient has too few normal cells of that type: a difference between the two studies can look like a "
            "gain or a loss."
        )
    if n_normal < FEW_NORMAL:
        warnings.append(f"Copy number rests on only {n_normal} normal cells of this patient.")
    n_altered = patient.calls.get("aneuploid", 0)
    if patient.n_aneuploid_in_types > MANY_ANEUPLOID_IN_TYPES * n_altered:
        warnings.append(
            f"{patient.n_aneuploid_in_types} of {n_altered} aneuploid cells were not called {UNLIKE_REFERENCE}: they "
            f"resemble the type that their label names. The share of cells {UNLIKE_REFERENCE} is too low, and some "
            "cells counted with a type are altered."
        )
    if n_query and patient.calls.get("undetermined", 0) > MANY_UNDETERMINED * n_query:
        share = patient.calls["undetermined"] / n_query
        warnings.append(f"For {share:.0%} of the tested cells the evidence does not carry a copy-number call.")
    return warnings
