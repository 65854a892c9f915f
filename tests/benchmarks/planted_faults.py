"""Faults to plant, one at a time, each of which some test of its own package has to notice (mutants.py plants them)."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NamedTuple

LIBRARY = "scripts/cellcohort/"
PLANS = "tests/workflow/test_workflow.py tests/workflow/test_provenance_of_rules.py"
CHAIN = "tests/workflow/test_chain.py"


class Fault(NamedTuple):
    """A fault.

    Attributes
    ----------
    file
        The file below the repository's root, of the library below `LIBRARY`.
    old, new
        Text that occurs in it exactly once, and what takes its place.
    breaks
        What is then wrong.
    tests
        Arguments of pytest, parted by blanks; empty: the tests of the module's package, of a script the chain of all
        steps, of a rule those of the plan.
    quick
        A test that notices it within seconds: the suite itself plants it (tests/test_mutants.py).
    """

    file: str
    old: str
    new: str
    breaks: str
    tests: str = ""
    quick: str = ""

    @property
    def path(self) -> str:
        """The file below the repository's root."""
        return self.file if self.file.startswith(("scripts/", "workflow/")) else LIBRARY + self.file

    @property
    def own_tests(self) -> list[str]:
        """Arguments of pytest that run the tests which should notice it."""
        parts = PurePosixPath(self.path).parts
        default = PLANS if parts[0] == "workflow" else f"tests/{parts[2]}" if len(parts) > 3 else CHAIN
        return (self.tests or default).split()


FAULTS = [
    # core
    Fault(
        "core/files.py",
        "        shutil.rmtree(part) if part.is_dir() else part.unlink(missing_ok=True)\n",
        "        pass\n",
        "a write that fails leaves its temporary file",
        tests="tests/core/test_files.py tests/core/test_provenance.py",
        quick="tests/core/test_files.py::test_an_error_leaves_the_old_file_and_nothing_else",
    ),
    Fault(
        "core/files.py",
        '    part = path.with_name(f".{path.stem}.part{path.suffix}")\n',
        "    part = path\n",
        "files are written in place, so that half a file can stay",
        tests="tests/core/test_files.py tests/core/test_provenance.py",
        quick="tests/core/test_files.py",
    ),
    Fault(
        "core/files.py",
        "digest([[str(file.relative_to(path)), checksum(file)] for file in files])",
        "digest([str(file.relative_to(path)) for file in files])",
        "the checksum of a folder ignores what its files hold",
        tests="tests/core/test_files.py tests/core/test_provenance.py",
    ),
    Fault(
        "core/provenance.py",
        "digest([settings, [checksum(path) for path in user_tables], _facts.get(CONFIG)])",
        "digest([settings, [checksum(path) for path in user_tables]])",
        "the digest of the config forgets the jobs before",
        tests="tests/core/test_provenance.py",
    ),
    Fault(
        "core/gpus.py",
        "fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)",
        "two jobs share a GPU",
        tests="tests/core/test_gpus.py",
    ),
    # inputs
    Fault(
        "inputs/counts.py",
        "block[:, self._container.keep]",
        "block[:, : self.n_genes]",
        "genes are kept by position, not where the file says that they are",
        tests="tests/inputs/test_counts.py",
    ),
    Fault(
        "inputs/counts.py",
        "starts = np.linspace(0, self.n_cells - width, n_blocks).astype(int)",
        "starts = np.arange(n_blocks) * width",
        "the kind of values is told from the first cells alone",
        tests="tests/inputs/test_counts.py",
    ),
    Fault(
        "inputs/counts.py",
        "                    block = block[part - part[0]]\n",
        "                    block = block[: part.size]\n",
        "rows that were not asked for are read",
        tests="tests/inputs/test_counts.py",
    ),
    Fault(
        "inputs/value_kind.py",
        "np.expm1(values * np.float32(np.log(self.base)))",
        "np.expm1(values)",
        "logarithms of any base are undone with base e",
        tests="tests/inputs/test_counts.py",
    ),
    Fault(
        "inputs/value_kind.py",
        "    if data.size and data.min() < 0:\n",
        "    if data.size and data.min() < -1:\n",
        "small negative values pass as counts",
        tests="tests/inputs/test_counts.py",
    ),
    Fault(
        "inputs/gene_names.py",
        r'(?:\.\d+)?(?:_PAR_Y)?"',
        r'"',
        "Ensembl ids with a version are no ids",
        tests="tests/inputs/test_counts.py",
    ),
    Fault(
        "inputs/sample_sheet.py",
        'column == "sample_id" and line != number',
        'column == "sample_id" and not number',
        "two samples of one name pass",
        tests="tests/inputs/test_sample_sheet.py",
        quick="tests/inputs/test_sample_sheet.py -k mistake_is_named",
    ),
    Fault(
        "inputs/sample_sheet.py",
        "    if extra and extra[0] > len(header):\n",
        "    if extra and extra[0] > len(header) + 1:\n",
        "a line with a cell too many passes",
        tests="tests/inputs/test_sample_sheet.py",
        quick="tests/inputs/test_sample_sheet.py -k mistake_is_named",
    ),
    Fault(
        "inputs/gene_sets.py",
        "        if name in sets:\n",
        "        if not name:\n",
        "a gene set that occurs twice replaces the first",
        tests="tests/cohort/test_enrichment.py",
    ),
    # outputs
    Fault(
        "outputs/parquet.py",
        '"float_format": "%.6g"',
        '"float_format": "%.3g"',
        "tables for people have three digits",
        tests="tests/outputs/test_parquet.py",
        quick="tests/outputs/test_parquet.py -k both_forms",
    ),
    Fault(
        "outputs/parquet.py",
        "        if waiting:\n",
        "        if len(waiting) > 1:\n",
        "the last table of a stream is lost",
        tests="tests/outputs/test_parquet.py",
        quick="tests/outputs/test_parquet.py",
    ),
    Fault(
        "outputs/h5ad.py",
        'group["indptr"][-1] + matrix.indptr[1:].astype(np.int64)',
        "matrix.indptr[1:].astype(np.int64)",
        "rows that are added point into the first ones",
        tests="tests/outputs/test_h5ad.py",
    ),
    # reference
    Fault(
        "reference/splits.py",
        "    order = np.random.default_rng(seed).permutation(len(names))\n",
        "    order = np.random.default_rng(0).permutation(len(names))\n",
        "held-out donors ignore the seed",
        quick="tests/reference/test_splits.py",
    ),
    Fault(
        "reference/splits.py",
        "        held_out &= np.isin(labels, np.unique(labels[~held_out]))\n",
        "",
        "a label that only held-out donors have is never learned",
        quick="tests/reference/test_splits.py",
    ),
    Fault(
        "reference/splits.py",
        '    by_id = np.argsort(cell_ids, kind="stable")\n',
        "    by_id = np.arange(len(cell_ids))\n",
        "held-out cells depend on the order of the file",
    ),
    Fault(
        "reference/cells.py",
        "    rows = np.flatnonzero(~unnamed if passed is None else ~unnamed & passed)\n",
        "    rows = np.arange(len(labels))\n",
        "cells without a label are learned as a type of their own",
        tests="tests/reference tests/genes/test_vocabulary.py",
    ),
    # genes
    Fault(
        "genes/alignment.py",
        '            if token is None or (found[token] == "id" and self._has_id[gene]):\n',
        "            if token is None:\n",
        "another gene's counts are added to a gene found by id",
        tests="tests/genes/test_alignment.py",
        quick="tests/genes/test_alignment.py -k another_id",
    ),
    Fault(
        "genes/alignment.py",
        "        target = np.array([tokens.get(name, -1) for name in _names(genes)], dtype=np.int32)\n",
        "        target = np.array([tokens.get(name, 0) for name in _names(genes)], dtype=np.int32)\n",
        "genes that the model does not know are added to its first one",
        tests="tests/genes/test_alignment.py",
        quick="tests/genes/test_alignment.py -k rebuilt",
    ),
    Fault(
        "genes/align_sample.py",
        "alignment.share >= min_share",
        "alignment.share > min_share",
        "a sample exactly at min_share is rejected",
        tests="tests/qc/test_quality_control.py",
    ),
    Fault(
        "genes/chromosome_arms.py",
        "(middle >= row.start)",
        "(middle > row.start)",
        "the first base of an arm lies on none",
        tests="tests/genes/test_chromosome_arms.py",
    ),
    Fault(
        "genes/positions.py",
        "natsorted(names, alg=ns.IGNORECASE)",
        "sorted(names)",
        "chromosome 10 comes before chromosome 2",
        tests="tests/genes/test_positions.py",
        quick="tests/genes/test_positions.py -k order",
    ),
    Fault(
        "genes/highly_variable.py",
        "    ranks[ranks >= n_genes] = np.nan\n",
        "",
        "genes that vary in one donor alone rank by all",
        tests="tests/genes/test_vocabulary.py",
    ),
    Fault(
        "genes/vocabulary.py",
        'drop_duplicates("symbol").reset_index(drop=True)',
        "reset_index(drop=True)",
        "a symbol occurs twice in the vocabulary",
        tests="tests/genes/test_vocabulary.py",
    ),
    # qc
    Fault(
        "qc/doublets.py",
        "_RATE_PER_CELL = 8e-6",
        "_RATE_PER_CELL = 8e-5",
        "the share of doublets to expect is ten times too high",
        tests="tests/qc -k doublets",
    ),
    Fault(
        "qc/doublets.py",
        '    result.loc[order, "score"], result.loc[order, "doublet"] = scores, called\n',
        '    result["score"], result["doublet"] = scores, called\n',
        "doublets are called by place, not by name",
    ),
    Fault(
        "qc/quality_control.py",
        "min_counts=max(low_counts, floor.min_counts)",
        "min_counts=low_counts",
        "the sample's own limit loosens the hard one",
    ),
    Fault(
        "qc/quality_control.py",
        "max(high_mito, ALWAYS_ALLOWED_MITO)",
        "high_mito",
        "small mitochondrial shares are dropped",
    ),
    Fault(
        "qc/quality_control.py",
        '_log_range(met["n_genes"], n_mads)',
        '_range(met["n_genes"].to_numpy(np.float64), n_mads)',
        "limits on genes are taken on the linear scale",
    ),
    # model
    Fault(
        "model/additive.py",
        "return F.softmax(prior + content @ (memory @ self.feedback).transpose(1, 2), 2)",
        "return F.softmax(prior + content @ (memory @ self.feedback).transpose(1, 2), 1)",
        "slots do not compete for genes",
        tests="tests/model/test_additive.py",
    ),
    Fault(
        "model/additive.py",
        "divide(labels[:, None] * self.gain, *",
        "divide(labels[:, None].expand(-1, self.config.n_slots, -1).contiguous(), *",
        "contributions forget the gain of a slot",
        tests="tests/model/test_additive.py",
    ),
    Fault(
        "model/training.py",
        "    torch.manual_seed(config.seed)\n    model = make_network(model_config)\n",
        "    torch.manual_seed(0)\n    model = make_network(model_config)\n",
        "the first weights ignore the seed",
        tests="tests/model/test_training.py -k seed",
    ),
    Fault(
        "model/training.py",
        "(config.seed, progress.epoch + 1)",
        "(0, progress.epoch + 1)",
        "the batches ignore the seed",
        tests="tests/model/test_training.py -k seed",
    ),
    Fault(
        "model/training.py",
        "        torch.manual_seed((config.seed * 1_000_003 + progress.step) * world_size() + rank())\n",
        "",
        "what dropout drops depends on what was drawn before",
        tests="tests/model/test_training.py -k seed",
    ),
    Fault(
        "model/training.py",
        "(config.seed * 1_000_003 + progress.step)",
        "progress.step",
        "what dropout drops ignores the seed",
        tests="tests/model/test_training.py -k seed",
    ),
    Fault(
        "model/training.py",
        "    run.model.load_state_dict(run.best)\n",
        "",
        "the last epoch's weights are kept, not the best",
        tests="tests/model/test_training.py",
    ),
    Fault(
        "model/tokens.py",
        'side="right")',
        'side="left")',
        "bins are one too low at their edges",
        tests="tests/model/test_tokens.py",
    ),
    Fault(
        "model/tokens.py",
        "        positions = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])\n",
        "        positions = np.arange(indptr[-1])\n",
        "the first cells are taken for any",
        tests="tests/model/test_tokens.py",
    ),
    Fault(
        "model/inference.py",
        "            array[rows] = getattr(output, name)",
        "            array[np.sort(rows)] = getattr(output, name)",
        "results are those of other cells",
        tests="tests/annotation/test_annotate.py",
    ),
    Fault(
        "model/network.py",
        "scores.masked_fill_(~mask[:, None], -torch.inf)",
        "scores",
        "padding is read as tokens",
        tests="tests/model/test_network.py",
    ),
    # classifier
    Fault(
        "classifier/cross_fit.py",
        "        others = folds != fold\n",
        "        others = np.ones(len(folds), bool)\n",
        "a cell is compared with profiles that know it",
        tests="tests/classifier/test_type_profiles.py",
    ),
    Fault(
        "classifier/type_profiles.py",
        "            score[:, label] /= np.interp(depth, DEPTHS, deviation)\n",
        "",
        "atypicality grows with depth",
        tests="tests/classifier/test_type_profiles.py",
    ),
    Fault(
        "classifier/attribution.py",
        "    return own - others / others.sum(1, keepdims=True)\n",
        "    return own.astype(float)\n",
        "a gene's score ignores the other labels",
        tests="tests/annotation/test_explanation.py",
    ),
    Fault(
        "classifier/ensemble.py",
        "value = ((weights - 1) ** 2).sum() - log_chance",
        "value = 0 * weights.sum() - log_chance",
        "weights of the ensemble run away where every cell is right",
        tests="tests/classifier/test_ensemble.py",
    ),
    # ood
    Fault(
        "ood/null.py",
        "slope * np.maximum(values - tail[-1], 0))",
        "0 * np.maximum(values - tail[-1], 0))",
        "p-values have a floor",
        tests="tests/ood/test_null.py",
        quick="tests/ood/test_null.py -k below_one",
    ),
    Fault(
        "ood/null.py",
        "np.minimum(weight * tail + (1 - weight) * usual, usual)",
        "weight * tail + (1 - weight) * usual",
        "a mixed label of the reference widens its own null",
        tests="tests/ood/test_null.py",
    ),
    Fault(
        "ood/judgement.py",
        "may = ~cells.barred[cells.asked]",
        "may = np.ones(len(cells.asked), bool)",
        "cells with positional evidence anchor a shift",
        tests="tests/ood/test_judgement.py",
    ),
    Fault(
        "ood/judgement.py",
        "np.where(cells.barred, np.minimum(granted, 0), granted)",
        "granted",
        "cells with positional evidence are excused by a shift",
        tests="tests/ood/test_judgement.py",
    ),
    Fault(
        "ood/anchors.py",
        "min(contrasts.of(code, members).kept, central[code].kept)",
        "contrasts.of(code, members).kept",
        "a few known cells make a foreign population an anchor",
        tests="tests/ood/test_anchors.py",
    ),
    Fault(
        "ood/extract.py",
        '        vectors = stacked(pa.chunked_array([embedded["vector"].filter(chosen)]))\n',
        '        vectors = stacked(pa.chunked_array([embedded["vector"]]))[: chosen.true_count]\n',
        "OOD cells get the embeddings of the first cells",
        tests="tests/ood/test_extract.py",
    ),
    # bundle
    Fault(
        "bundle/members.py",
        "    chosen = np.flatnonzero(out_of_fold.folds == 0)\n",
        "    chosen = np.flatnonzero(out_of_fold.folds != 0)\n",
        "the ensemble is fitted on cells that its members have seen",
        tests="tests/bundle/test_model_bundle.py",
    ),
    Fault(
        "bundle/members.py",
        "detector = fit_detector(out_of_fold, neighbours, n_labels, others)",
        "detector = fit_detector(out_of_fold, neighbours, n_labels, cells)",
        "the false-alarm rate is of the cells that calibrated the detector",
        tests="tests/bundle/test_model_bundle.py",
    ),
    Fault(
        "bundle/model_bundle.py",
        'digest({name: files[name]["sha256"] for name in CONTENT_FILES})',
        'digest({name: files[name]["sha256"] for name in CONTENT_FILES[:2]})',
        "a bundle with another calibration passes for the same",
        tests="tests/core/test_provenance.py",
    ),
    # annotation
    Fault(
        "ood/null.py",
        "[types] - shift) / deviation",
        "[types] + shift) / deviation",
        "the technical shift is added instead of taken off",
        tests="tests/ood/test_null.py",
    ),
    Fault(
        "qc/check_reference.py",
        "lost.index[lost > MOST_OF_A_TYPE]",
        "lost.index[lost > 1]",
        "limits that do not suit a type take it out of the reference",
        tests="tests/qc/test_check_reference.py",
    ),
    Fault(
        "ood/fitting_origins.py",
        "and share >= LEAST_KEPT",
        "and share > -1",
        "cells that lost what sets a type apart have it as their origin",
        tests="tests/ood/test_fitting_origins.py",
    ),
    Fault(
        "verdict/markers.py",
        "max(max_cells // labels.nunique(), 1)",
        "max_cells",
        "the most frequent normal type stands for all",
        tests="tests/verdict/test_markers.py",
    ),
    Fault(
        "cohort/differential_detection.py",
        "np.isin(verdicts, [MALIGNANT, UNEXPLAINED])",
        "(verdicts != NORMAL)",
        "unsure cells are compared with their origin",
        tests="tests/cohort/test_differential_detection.py",
    ),
    Fault(
        "annotation/ood_calls.py",
        '"ood_pvalue") <= alpha',
        '"ood_pvalue") < alpha',
        "a cell of exactly alpha is not OOD",
        tests="tests/annotation/test_ood_calls.py",
    ),
    Fault(
        "annotation/annotate.py",
        "false_discovery_control(judged.pvalues)",
        "judged.pvalues",
        "q-values are p-values",
        tests="tests/annotation/test_annotate.py",
    ),
    Fault(
        "annotation/annotate.py",
        'np.where(confidence >= SURE, columns["label"], coarse_label)',
        'np.where(confidence < SURE, columns["label"], coarse_label)',
        "unsure labels stand and sure ones become coarse",
        tests="tests/annotation/test_annotate.py",
    ),
    Fault(
        "annotation/explanation.py",
        "(self.scores[present][:, measured] / n_cells).ravel()",
        "self.scores[present][:, measured].ravel()",
        "gene scores are sums over cells",
        tests="tests/annotation/test_explanation.py",
    ),
    # cnv
    Fault(
        "cnv/call_copy_number.py",
        "        noise_cells=groups >= 0,\n",
        "        noise_cells=None,\n",
        "the noise threshold comes from tumour cells, too",
        tests="tests/cnv",
    ),
    Fault(
        "cnv/arm_effects.py",
        "    effect = effect - _centre(effect, error, number)\n",
        "",
        "many gains make the other arms look lost",
        tests="tests/cnv/test_arm_effects.py",
    ),
    Fault(
        "cnv/likelihood.py",
        "depth * changed / changed.sum(axis=1, keepdims=True)\n    with",
        "depth * changed\n    with",
        "a pattern's arms hold more counts than the cell",
        tests="tests/cnv/test_arm_effects.py",
    ),
    Fault(
        "cnv/likelihood.py",
        "np.quantile(null, _NULL_QUANTILE)",
        "np.quantile(null, 0.5)",
        "half of the normal cells may look aneuploid",
        tests="tests/cnv/test_call_copy_number.py",
    ),
    Fault(
        "cnv/clones.py",
        "(-len(patterns[i].cells), patterns[i].cells[0])",
        "(len(patterns[i].cells), patterns[i].cells[0])",
        "clones are numbered from the smallest on",
        tests="tests/cnv/test_call_copy_number.py",
    ),
    Fault(
        "cnv/patient_summary.py",
        "{name: sums[name] / number for name in",
        "{name: sums[name] / len(cells) for name in",
        "shares of an arm are of all cells, not of the aneuploid ones",
        tests="tests/cnv/test_patient_summary.py",
    ),
    Fault(
        "cnv/patient_files.py",
        'part = adata[(adata.obs["sample_id"] == sample_id).to_numpy()].copy()',
        'part = adata[(adata.obs["sample_id"] == sample_id).to_numpy()[::-1]].copy()',
        "a sample gets the profile of another one's cells",
        tests="tests/cnv/test_patient_files.py",
    ),
    Fault(
        "genes/chromosome_arms.py",
        "(middle < row.end)",
        "(middle <= row.end)",
        "the first base after an arm is inside it",
        tests="tests/genes/test_chromosome_arms.py",
    ),
    Fault(
        "cnv/call_copy_number.py",
        "return (n_reference >= min_reference)[lineage]",
        "return (n_reference > min_reference)[lineage]",
        "a lineage with just enough reference cells has none",
        tests="tests/cnv/test_call_copy_number.py",
    ),
    Fault(
        "cnv/likelihood.py",
        "min_llr + max(-carrier_log_odds(llr), 0.0)",
        "min_llr + max(carrier_log_odds(llr), 0.0)",
        "rare carriers are called at a lower threshold",
        tests="tests/cnv/test_cell_calls.py",
    ),
    Fault(
        "cnv/cell_calls.py",
        "fdr[~null] = false_discovery(llr[~null], llr[null])",
        "fdr[~null] = false_discovery(llr[~null], llr)",
        "the null of false discoveries holds the tested cells",
        tests="tests/cnv/test_call_copy_number.py",
    ),
    Fault(
        "cnv/cell_calls.py",
        "missed = _has_pattern(cells, patterns) & (detectable < threshold)",
        "missed = _has_pattern(cells, patterns) & (detectable > threshold)",
        "cells in which a pattern could not be seen are called",
        tests="tests/cnv/test_cell_calls.py",
    ),
    Fault(
        "cnv/cell_calls.py",
        ">= MIN_POWER",
        "< MIN_POWER",
        "cells with power are undetermined, those without diploid",
        tests="tests/cnv/test_power.py",
    ),
    Fault(
        "cnv/arm_effects.py",
        "error = _MEDIAN_COST * spread * np.sqrt((weight**2).sum()) / weight.sum()",
        "error = _MEDIAN_COST * spread * np.sqrt(weight.sum()) / weight.sum()",
        "the error of an arm is that of equal weights squared away",
        tests="tests/cnv",
    ),
    Fault(
        "cnv/arm_effects.py",
        "np.sign(np.nan_to_num(self.log2_ratio))",
        "-np.sign(np.nan_to_num(self.log2_ratio))",
        "gains are losses",
        tests="tests/cnv/test_arm_effects.py",
    ),
    Fault(
        "cnv/arm_effects.py",
        "share = np.log2((references + 0.5) / depths).mean(axis=0)",
        "share = np.log2(((references + 0.5) / depths).sum(axis=0))",
        "references are summed instead of averaged on the log scale",
        tests="tests/cnv/test_arm_effects.py",
    ),
    Fault(
        "cnv/baseline.py",
        "held_out, others = cells & (folds == fold), cells & (folds != fold)",
        "held_out, others = cells & (folds == fold), cells",
        "a held-out baseline is fitted to the held-out cells, too",
        tests="tests/cnv/test_baseline.py",
    ),
    Fault(
        "cnv/baseline.py",
        "excess = ((values - expected) ** 2 - expected)",
        "excess = ((values - expected) ** 2)",
        "Poisson noise counts as dispersion",
        tests="tests/cnv",
    ),
    Fault(
        "cnv/arm_counts.py",
        "weights = np.minimum(weights, ",
        "weights = np.maximum(weights, ",
        "heavy genes are not capped",
        tests="tests/cnv/test_arm_effects.py",
    ),
    Fault(
        "cnv/likelihood.py",
        "cost = (values + 1 / dispersion)",
        "cost = (values - 1 / dispersion)",
        "dispersion lowers the variance",
        tests="tests/cnv/test_arm_effects.py",
    ),
    Fault(
        "cnv/likelihood.py",
        "rate = (1 + above) / (1 + len(null))",
        "rate = above / len(null)",
        "a false-discovery rate of zero",
        tests="tests/cnv/test_arm_effects.py",
    ),
    Fault(
        "cnv/likelihood.py",
        "np.sqrt(2 * mean)",
        "np.sqrt(mean) * 0",
        "power is certain",
        tests="tests/cnv/test_power.py",
    ),
    Fault(
        "cnv/likelihood.py",
        "return np.sqrt((z**2).mean(axis=1))",
        "return np.sqrt((z**2).sum(axis=1))",
        "the score of a cell grows with its arms",
        tests="tests/cnv/test_call_copy_number.py",
    ),
    Fault(
        "cnv/patterns.py",
        "if not is_known or (pattern",
        "if is_known or (pattern",
        "unknown groups are normal",
        tests="tests/cnv/test_patterns.py",
    ),
    Fault(
        "cnv/patterns.py",
        "key=lambda pair: (pair[1], -n_reference[pair[0]])",
        "key=lambda pair: (-pair[1], -n_reference[pair[0]])",
        "the baseline of a lineage is its least normal group",
        tests="tests/cnv/test_patterns.py",
    ),
    Fault(
        "cnv/patterns.py",
        "(pattern.dosage != 1).sum() <= _MAX_CELL_STATE_ARMS",
        "(pattern.dosage != 1).sum() < _MAX_CELL_STATE_ARMS",
        "a state of two arms is a clone",
        tests="tests/cnv/test_patterns.py",
    ),
    Fault(
        "cnv/patterns.py",
        "search.reference[pattern.cells] = False",
        "pass",
        "cells with a pattern stay in the reference",
        tests="tests/cnv",
    ),
    Fault(
        "cnv/normals/reference_cells.py",
        "number = min(int(_HELD_OUT * len(rows)), len(rows) - min_reference)",
        "number = int(_HELD_OUT * len(rows))",
        "all reference cells are held out",
        tests="tests/cnv/test_call_patient.py",
    ),
    Fault(
        "cnv/normals/reference_cells.py",
        'obs["confidence"].to_numpy(dtype=float) >= min_confidence',
        'obs["confidence"].to_numpy(dtype=float) > min_confidence',
        "a cell at exactly the least confidence is no reference",
        tests="tests/cnv/test_call_patient.py",
    ),
    Fault(
        "cnv/normals/reference_cells.py",
        "if enough.get(label, 0) < min_reference",
        "if enough.get(label, 0) <= min_reference",
        "a label with just enough normal cells borrows more",
        tests="tests/cnv/test_call_patient.py",
    ),
    Fault(
        "cnv/normals/reference_cells.py",
        "lineage = lineage.mask(chosen & (size < SMALL_GROUP), name)",
        "lineage = lineage.mask(chosen & (size <= SMALL_GROUP), name)",
        "a lineage of exactly the least size is pooled",
        tests="tests/cnv/test_call_patient.py",
    ),
    Fault(
        "cnv/clones.py",
        "np.maximum(0.35, 2.5 * error)",
        "np.minimum(0.35, 2.5 * error)",
        "close clones are merged as if nothing were measured",
        tests="tests/cnv/test_clones.py",
    ),
    Fault(
        "cnv/smoothed_profile.py",
        "return smoothed - np.median(smoothed, axis=1, keepdims=True)",
        "return smoothed - np.median(smoothed, axis=0, keepdims=True)",
        "the profile is centred over cells instead of genes",
        tests="tests/cnv/test_smoothed_profile.py",
    ),
    Fault(
        "cnv/patient_summary.py",
        "np.flatnonzero(share > _MAJORITY)",
        "np.flatnonzero(share >= _MAJORITY)",
        "an arm in exactly half of the cells is the majority's",
        tests="tests/cnv/test_patient_summary.py",
    ),
    Fault(
        "verdict/markers.py",
        'table[table["score"] < 0].tail(n_genes)[::-1]',
        'table[table["score"] < 0].head(n_genes)',
        "the genes that are lowered least are listed as lowered most",
        tests="tests/verdict/test_markers.py",
    ),
    Fault(
        "genes/shared_genes.py",
        "(-n_placed[i], list(samples)[i])",
        "(n_placed[i], list(samples)[i])",
        "the sample with the fewest genes sets the genes",
        tests="tests/genes/test_shared_genes.py",
    ),
    # cohort
    Fault(
        "cohort/mean_explanations.py",
        '["label", "score", "symbol"], ascending=[True, False, True]',
        '["label", "score", "symbol"], ascending=[True, True, True]',
        "the lowest gene scores come first",
        tests="tests/cohort/test_composition.py",
        quick="tests/cohort/test_composition.py -k highest_first",
    ),
    Fault(
        "cohort/mean_explanations.py",
        'astype("float64") * frame["n_cells"]',
        'astype("float64") * frame["n_cells"].max()',
        "all labels of a sample weigh as much as its most frequent one",
        tests="tests/cohort/test_composition.py",
    ),
    Fault(
        "cohort/umap_projection.py",
        "    weights = weights / weights.sum(1, keepdims=True)\n",
        "    weights = np.full(rows.shape, 1 / rows.shape[1])\n",
        "a cell is placed in the middle of its neighbours, however near they are",
        tests="tests/cohort/test_umap_projection.py",
    ),
    Fault(
        "cohort/composition.py",
        "share = n_ood / n_cells",
        "share = n_ood / max(n_cells - n_ood, 1)",
        "the share of OOD cells is of the others",
        tests="tests/cohort/test_composition.py",
    ),
    Fault(
        "cohort/evaluation.py",
        '        kept = ("ood_false_alarm_rate",) if',
        '        kept = ("ood_recall",) if',
        "known types have no rate of false alarms",
        tests="tests/cohort/test_evaluation.py",
    ),
    Fault(
        "cohort/sampling.py",
        "    return cells[(rank <= cap).to_numpy()].sort_values",
        "    return cells[(rank < cap).to_numpy()].sort_values",
        "one cell of each label is not drawn",
        tests="tests/cohort/test_sampling.py tests/cohort/test_umap_projection.py",
    ),
    Fault(
        "cohort/differential_detection.py",
        "    change[altered.measured[codes] < MIN_CELLS] = 0.0\n",
        "",
        "genes that were hardly measured are reported",
        tests="tests/cohort/test_differential_detection.py",
    ),
    Fault(
        "cohort/enrichment.py",
        "size * (size + 1) / 2",
        "size * size / 2",
        "the areas under the curve are too high",
        tests="tests/cohort/test_enrichment.py",
    ),
    # report
    Fault(
        "report/facts/patients.py",
        "        return self.n_ood / max(self.n_kept, 1)\n",
        "        return self.n_ood / max(self.n_cells, 1)\n",
        "the share of OOD cells is of the file's cells",
        tests="tests/report/test_page.py -k share",
    ),
    Fault(
        "report/facts/patients.py",
        'definite = calls.get("aneuploid", 0) + calls.get("diploid", 0)',
        'definite = calls.get("aneuploid", 0) + calls.get("diploid", 0) + calls.get("undetermined", 0)',
        "the share of aneuploid cells counts those without a call",
        tests="tests/report/test_page.py -k share",
    ),
    Fault(
        "report/report_data.py",
        '    table["share"] = table["n"] / table.groupby("patient_id")["n"].transform("sum")\n',
        '    table["share"] = table["n"] / table["n"].sum()\n',
        "shares of types are of the cohort",
        tests="tests/report/test_page.py -k share",
    ),
    Fault(
        "report/report_data.py",
        "    middle = (np.arange(histogram.shape[1]) + 0.5) / histogram.shape[1]\n",
        "    middle = np.arange(histogram.shape[1]) / (histogram.shape[1] - 1) * 0.5\n",
        "medians of confidence are halved",
        tests="tests/report/test_page.py -k quantiles",
    ),
    Fault(
        "report/page.py",
        'ensure_ascii=False).replace("<", "\\\\u003c"))',
        "ensure_ascii=False))",
        "a label can end the script that holds the page's data",
        tests="tests/report",
    ),
    Fault(
        "report/page.py",
        'select_autoescape(["html", "j2"])',
        "False",
        "names are written into the page as HTML",
        tests="tests/report/test_page.py",
    ),
    Fault(
        "report/text/number_format.py",
        "    if 99.5 <= value < 100:\n",
        "    if 99.9 <= value < 100:\n",
        "99.6 % is rounded to all",
        tests="tests/report/test_page.py -k percent",
    ),
    # scripts
    Fault(
        "scripts/quality_control.py",
        "    add_facts(input_sha256=checksum(snakemake.input.counts))\n",
        "    checksum(snakemake.input.counts)\n",
        "results do not say of which file they are",
    ),
    Fault(
        "scripts/annotate.py",
        "add_facts(bundle_sha256=bundle.sha256)\n",
        "",
        "results do not say by which model they were made",
    ),
    Fault(
        "scripts/collect_cells.py",
        'kinds = states["value_kind"].where(states["status"] == "ok", None)\n',
        'kinds = states["value_kind"]\n',
        "rejected samples are opened again",
    ),
    Fault(
        "scripts/extract_ood.py",
        'if read_json(snakemake.input.status)["status"] == "ok":\n',
        "if True:\n",
        "OOD cells of a rejected sample are looked for in its file",
    ),
    # rules
    Fault(
        "workflow/rules/common.smk",
        "        return int(attempt * min(most, base + factor * cells_mb(wildcards)))\n",
        "        return int(min(most, base + factor * cells_mb(wildcards)))\n",
        "a job that was killed for its memory asks for no more",
    ),
    Fault(
        "workflow/rules/inputs.smk",
        'SAMPLES = {row["sample_id"]: {key: row[key] for key in COMPUTING if key in row} for row in SHEET}',
        'SAMPLES = {row["sample_id"]: {key: row[key] for key in COMPUTING[:4] if key in row} for row in SHEET}',
        "the species of a sample is no parameter of its jobs",
    ),
    Fault(
        "workflow/rules/inputs.smk",
        '    row["sample_id"]: {key: row.get(key, value)',
        '    row["sample_id"]: {key: value',
        "a sample's own thresholds are not heeded",
        tests="tests/workflow/test_workflow.py -k own_threshold",
    ),
    Fault(
        "workflow/rules/cnv.smk",
        '        annotation=of_patient("annotation.parquet"),\n',
        "",
        "copy number does not wait for the annotation",
    ),
    Fault(
        "workflow/rules/cnv.smk",
        '        user_tables=["positions", "arms"],\n',
        "",
        "results do not tell by which gene positions they were made",
        tests="tests/workflow/test_provenance_of_rules.py",
    ),
    Fault(
        "workflow/rules/qc.smk",
        "        parts=parts_of_sample,\n",
        "",
        "a 10x folder whose files changed is not read again",
        tests="tests/workflow/test_workflow.py -k watched",
    ),
]
