"""Answers to what a clinician asks about a patient, and how sure it is, in words made from the facts."""

from __future__ import annotations

from typing import NamedTuple

from ...cnv.arm_effects import ARM_FDR, SECOND_ARM
from ...cnv.settings import Settings
from ...cohort.composition import FALSE_DISCOVERIES
from ...ood.fitting_origins import LEAST_KEPT, LEAST_MARGIN
from ...verdict.decision import NORMAL, SURE, UNEXPLAINED, UNSURE
from ..report_data import UNLIKE_REFERENCE, ReportData
from ..text.number_format import MINUS, cells, count, listed, percent
from .origins import Origin
from .patients import UNSURE as UNSURE_LABEL
from .patients import Arm, Patient, Type

MANY_FALSE_ALARMS = 1.2  # times alpha, above which the reference's own rate is told
_TYPES, _REFERENCE_TYPES, _ORIGINS, _CLONES, _GENES = 6, 12, 3, 4, 4


class Answer(NamedTuple):
    question: str
    answer: str
    certainty: str


def answers(patient: Patient, data: ReportData, *, alpha: float) -> list[Answer]:
    """Seven questions (five without copy number), or one for a patient without cells."""
    if not patient.n_kept:
        return [Answer("How many cells?", f"None of {count(patient.n_cells)} could be used.", "See the cautions.")]
    found = [
        _malignant(patient),
        _how_many(patient),
        _which_types(patient, data),
        _which_unlike(patient, data, alpha),
        _from_where(patient, data),
    ]
    if patient.calls is not None:
        found += [_aneuploid(patient, data), _which_arms(patient)]
    return found


def _malignant(patient: Patient) -> Answer:
    counts, of = patient.judged.counts, cells(patient.judged.n_cells)
    headline = patient.judged.headline
    genes = [(what, names) for what, names in (("more", patient.higher), ("less", patient.lower)) if names]
    beside = " and ".join(f"{what} of {listed(names, _GENES)}" for what, names in genes)
    others = (f"{count(counts[name])} {name}" for name in (NORMAL, UNEXPLAINED, UNSURE))
    rule = (
        f"Of {of} in all {', '.join(others)}. A cell is called malignant or normal where that is at least "
        f"{percent(SURE)} probable, and malignant only with a sign of a tumour: blocks along the genome, chromosome "
        "arms, a clone, a light chain, or the arms that the sheet names. Unexplained cells are unlike the reference "
        "without such a sign: quiet tumours are among them. At most counts the unsure cells as malignant, too, but not "
        "the unexplained ones."
    )
    text = f"{headline[0].upper()}{headline[1:]}."
    text += f" Beside the patient's normal cells they have {beside}." if beside else ""
    return Answer("Are there malignant cells?", text, rule)


def _how_many(patient: Patient) -> Answer:
    samples = [sample for sample in patient.samples if sample["status"] == "ok"]
    genes = [sample["qc"]["n_genes"]["median"] for sample in samples if "n_genes" in sample["qc"]]
    found = [sample["vocabulary_share"] for sample in samples if sample["vocabulary_share"] is not None]
    number = f"{len(samples)} sample{'' if len(samples) == 1 else 's'}"
    depth = f"A median of {count(min(genes))} genes a cell was measured" if genes else "Depth is not known"
    share = f"; {percent(min(found))} of the model's genes were found" if found else ""
    lowest = " (lowest sample)" if len(samples) > 1 else ""
    return Answer(
        "How many cells?",
        f"{count(patient.n_kept)} of {cells(patient.n_cells)} in {number} passed quality control.",
        f"{depth}{share}{lowest}.",
    )


def _which_types(patient: Patient, data: ReportData) -> Answer:
    kinds = [f"{kind.name} {percent(kind.share)}{_altered(kind)}" for kind in patient.reference_types]
    answer = f"Of {cells(patient.n_kept)}: {listed(kinds, _TYPES) or 'none of a type of the reference'}."
    if patient.n_ood:
        answer += f" The other {percent(patient.ood_share)} are {UNLIKE_REFERENCE}."
    text = (
        f"Half of the labels have a probability above {patient.confidence:.2f}; {percent(patient.unsure)} of them have "
        f"less than {UNSURE_LABEL:g}."
    )
    if "accuracy" in patient.scores:
        score = _interval(patient.scores["accuracy"])
        text += f" Against the sample's own annotation {score} of the known types' labels were right."
    elif "accuracy" in data.metrics.get("validation", {}):
        text += f" On held-out reference cells {percent(data.metrics['validation']['accuracy'])} were right."
    if patient.n_aneuploid_in_types:
        n = cells(patient.n_aneuploid_in_types)
        text += f" {n} of these types are aneuploid: their type is what they resemble."
    return Answer("What types?", answer, text)


def _altered(kind: Type) -> str:
    return f" ({count(kind.n_aneuploid)} of {count(kind.n)} aneuploid)" if kind.n_aneuploid else ""


def _which_unlike(patient: Patient, data: ReportData, alpha: float) -> Answer:
    measured = data.false_alarm_rate(alpha)
    expected = cells(round(alpha * patient.n_kept))
    text = f"If all were ordinary, about {expected} ({percent(alpha)} of the cells) would be called"
    if measured > MANY_FALSE_ALARMS * alpha:
        worse = count(round(measured * patient.n_kept))
        text += f", or {worse} at the rate of the reference's own cells, judged without their donor and before a "
        text += f"technical shift is taken off ({percent(measured)} of them)"
    text += f". At a false discovery rate of {percent(FALSE_DISCOVERIES)} (q-values) it is {count(patient.n_ood_fdr)}."
    if "ood_recall" in patient.scores and "ood_false_alarm_rate" in patient.scores:
        recall, alarms = (_interval(patient.scores[name]) for name in ("ood_recall", "ood_false_alarm_rate"))
        text += f" Against the sample's own annotation {recall} of the cells of unknown types were found, and {alarms} "
        text += "of the ordinary ones called."
    answer = f"{count(patient.n_ood)} of {cells(patient.n_kept)} ({percent(patient.ood_share)})."
    return Answer(f"Which cells are {UNLIKE_REFERENCE}?", answer, text)


def _from_where(patient: Patient, data: ReportData) -> Answer:
    question = "Where did they come from?"
    if not patient.origins:
        return Answer(question, f"No cells are {UNLIKE_REFERENCE}.", "")
    first = patient.origins[0]
    text = (
        f"No type fits cells that have lost more than {percent(1 - LEAST_KEPT)} of what sets their nearest type apart, "
        f"or suit the next one about as well (by less than {LEAST_MARGIN:g} standard deviation)."
    )
    if first.fits:
        text = (
            f"{percent(first.low)} to {percent(first.high)} of these cells for {first.name} (95% interval over cells "
            f"alone). It suits them better than the next type by a median of {first.margin:.1f} standard deviations. "
            f"It is a resemblance, not a lineage tracing. {text}"
        )
    known = data.metrics.get("confusion", {}).get("labels", [])
    if known:
        text += (
            f" The reference holds {listed(known, _REFERENCE_TYPES)} alone: another type cannot be named. The genes "
            "that are higher in the cells can tell."
        )
    kinds = [
        f"{origin.name if origin.fits else 'none of the reference'} {percent(origin.share)}"
        for origin in patient.origins
    ]
    nearest = f"Of {cells(patient.n_ood)}, by origin: {listed(kinds, _ORIGINS)}."
    return Answer(question, nearest + _apart(first), text)


def _apart(origin: Origin) -> str:
    """What sets the cells apart from their origin."""
    said = [(what, names) for what, names in (("gained", origin.gained), ("lost", origin.lost)) if names]
    genes = " and ".join(f"{what} {listed(names, _GENES)}" for what, names in said)
    return f" Beside {origin.name} they {genes}." if genes else ""


def _aneuploid(patient: Patient, data: ReportData) -> Answer:
    question, calls = "Are cells aneuploid?", patient.calls or {}
    n_normal = calls.get("reference", 0)
    if not patient.n_tested:
        return Answer(question, "No cell was tested.", f"{cells(n_normal)} served as normal reference.")
    n = calls.get("aneuploid", 0)
    answer = f"{count(n)} of {cells(patient.n_tested)} tested are aneuploid"
    if n:
        answer += f", {count(n - patient.n_aneuploid_in_types)} of them {UNLIKE_REFERENCE}"
    answer += f"; {count(calls.get('diploid', 0))} are diploid."
    clones = [f"{name} ({cells(size)})" for name, size in patient.clones.items()]
    if clones:
        answer += f" Cells that share their changes: {listed(clones, _CLONES)}."
    borrowed = f"; {count(patient.n_borrowed)} were judged against borrowed cells" if patient.n_borrowed else ""
    open_cells = cells(calls.get("undetermined", 0))
    certainty = f"{open_cells} stay undetermined. The normal side is {cells(n_normal)} of this patient{borrowed}."
    return Answer(question, answer, f"{certainty} {_limit(patient, data)}")


def _limit(patient: Patient, data: ReportData) -> str:
    """The least that would have been found, by the events planted into the patient's own normal cells."""
    limits = data.cnv_limits
    limits = None if limits is None else limits[limits["patient_id"] == patient.id]
    if limits is None or limits["share"].isna().all():
        return "What would have been missed is not known: too few of the patient's cells are normal."
    least = limits.dropna(subset="share").sort_values(["share", "arms"]).iloc[0]
    arms = f"{least['arms']} arm{'' if least['arms'] == 1 else 's'}"
    return (
        f"Planted into the patient's normal cells, a clone of {percent(least['share'])} of them with {arms} changed "
        "was found, taken as one group; a smaller one may be missed, and one of a single arm at any size if its cells "
        "pass for a normal type."
    )


def _which_arms(patient: Patient) -> Answer:
    question, limits = "Which chromosome arms changed?", Settings()
    rule = (
        "A group of cells (a clone among cells of one nearest type) counts as altered when an arm exceeds a |z| of "
        f"{limits.min_z:g}, or two {SECOND_ARM * limits.min_z:g}, and a |log2 ratio| of {limits.min_effect:g}; its "
        f"arms are then called at a false discovery rate of {percent(ARM_FDR)}."
    )
    if not patient.arms:
        return Answer(question, "None was called.", rule)
    everywhere = [_arm(arm) for arm in patient.arms if arm.common]
    others = len(patient.arms) - len(everywhere)
    text = f"In more than half of the aneuploid cells: {' '.join(everywhere)}. " if everywhere else ""
    text += f"{others} other change{'' if others == 1 else 's'} in fewer cells." if others else ""
    weakest = min(abs(arm.z) for arm in patient.arms)
    return Answer(question, text or "None in most of the cells.", f"{rule} Weakest called arm here: |z| {weakest:.1f}.")


def _arm(arm: Arm) -> str:
    return f"{'+' if arm.gained else MINUS}{arm.name}"


def _interval(score: dict) -> str:
    return f"{percent(score['value'])} ({percent(score['low'])} to {percent(score['high'])})"
