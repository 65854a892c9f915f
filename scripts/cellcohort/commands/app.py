"""The command line `cellcohort`: its commands, what they take, and how they end.

What a command needs is imported when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.errors import InputError

REJECTED, WRONG_USAGE = 1, 2
"""Exit codes: what was given cannot be used; it was asked for wrongly (typer's own)."""

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
)
bundles = typer.Typer(no_args_is_help=True, rich_markup_mode=None, context_settings=_SETTINGS)
app.add_typer(bundles, name="bundle", short_help="Look at trained models.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text.")]


@app.callback()
def commands() -> None:
    """Map single-cell samples onto a healthy reference.

    A cohort is run by Snakemake; these commands prepare it, look at its files, and take single files through the same
    stages.

    \b
    cellcohort init lung               a folder for a cohort, beside the clone
    cellcohort check data/*.h5ad       what files hold, and whether they can be used
    cellcohort train healthy.h5ad --label cell_type --donor donor --out model
    cellcohort annotate tumour.h5ad --bundle model --out annotated.h5ad
    cellcohort bundle show model       what a model was trained on, and how good it is

    They end with 0 where all is well, 1 where a file would be rejected, and 2 where they were called wrongly.
    """
    logging.getLogger("cellcohort").addHandler(logging.NullHandler())
    logging.getLogger("cellcohort").propagate = False


@app.command(short_help="Make a folder for a cohort.")
def init(
    folder: Annotated[Path, typer.Argument(help="The cohort's folder; it is made where there is none.")],
    workflow: Annotated[
        Path | None,
        typer.Option(
            help="A clone of cellmemory-cohort; needed where cellcohort was installed without one.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Make a folder for a cohort: config.yaml, samples.tsv and a Snakefile that imports the workflow.

    Any number of cohorts can stand beside one clone. Files that are there are never overwritten.

    \b
    cellcohort init lung
    cd lung                            fill in samples.tsv and config.yaml
    snakemake -n                       the plan; mistakes are named here
    snakemake --cores 8
    """
    from .cohort_folder import find_workflow, make_folder

    source = find_workflow(workflow)
    if source is None:
        raise typer.BadParameter(
            "cellcohort is installed without the workflow. Clone cellmemory-cohort, and name the clone.",
            param_hint="--workflow",
        )
    for path in make_folder(folder, source):
        typer.echo(path)
    typer.echo(f"Fill in samples.tsv and config.yaml, then: cd {folder} && snakemake -n && snakemake --cores 8")


@app.command(short_help="Say what files hold and whether they can be used.")
def check(
    files: Annotated[
        list[Path], typer.Argument(help=".h5ad, 10x .h5, 10x matrix folders or .zarr.", exists=True, metavar="FILE...")
    ],
    bundle: Annotated[
        Path | None,
        typer.Option(help="A trained model: how many of its genes are in each file.", exists=True, file_okay=False),
    ] = None,
    counts: Annotated[str, typer.Option(help="The matrix: X, raw or layers/NAME.")] = "X",
    genes: Annotated[str, typer.Option(help="Where gene names are: index or a column of var.")] = "index",
    species: Annotated[str | None, typer.Option(help="human or mouse; left out: as the genes are named.")] = None,
    reference: Annotated[bool, typer.Option("--reference", help="Judge the file as a reference to train on.")] = False,
    label: Annotated[str, typer.Option(help="With --reference: the obs column of labels.")] = "cell_type",
    donor: Annotated[str | None, typer.Option(help="With --reference: the obs column of donors.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="With --reference: a label to leave out.")] = None,
    tissue: Annotated[list[str] | None, typer.Option(help="With --reference: a tissue of the samples.")] = None,
    as_json: Json = False,
) -> None:
    """Say what files hold and whether they can be used, in seconds and without loading them.

    Of each: cells, genes and their species, the kind of values, the share of a bundle's genes, and what would be
    rejected, with the reason. The matrix is looked at in a few places only, so what a whole run finds is more.

    \b
    cellcohort check tumour.h5ad
    cellcohort check data/*/outs/filtered_feature_bc_matrix.h5 --bundle results/model
    cellcohort check counts_in_a_layer.h5ad --counts layers/counts --json
    cellcohort check healthy.h5ad --reference --label cell_type --donor donor --tissue lung
    """
    if species not in (None, "human", "mouse"):
        raise typer.BadParameter(f"{species!r} is neither human nor mouse.", param_hint="--species")
    if not reference and (donor or exclude or tissue):
        raise typer.BadParameter("They are of a reference.", param_hint="--donor, --exclude or --tissue")
    from .file_summary import summarise_file
    from .reference_summary import summarise_reference
    from .summary_text import file_text, reference_text

    found, where = [], {"counts": counts, "genes": genes}
    for path in files:
        if reference:
            columns = {"label": label, "donor": donor, "exclude": exclude or []}
            found.append(summarise_reference(path, columns | where, tissues=tissue or []))
        else:
            found.append(summarise_file(path, where | {"species": species}, bundle=bundle))
        if not as_json:
            typer.echo((reference_text if reference else file_text)(found[-1]))
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    if any(summary["rejected"] for summary in found):
        raise typer.Exit(REJECTED)


@app.command(short_help="Train a model on a labelled healthy reference.")
def train(
    reference: Annotated[Path, typer.Argument(help="The reference, .h5ad or .zarr (AnnData).", exists=True)],
    label: Annotated[str, typer.Option(help="The obs column with the cell type.")],
    out: Annotated[Path, typer.Option(help="Folder of the model; it must not exist, or be empty.")],
    donor: Annotated[str | None, typer.Option(help="The obs column with the donor.")] = None,
    coarse: Annotated[str | None, typer.Option(help="The obs column with coarse types.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A label to leave out.")] = None,
    counts: Annotated[str, typer.Option(help="The matrix: X, raw or layers/NAME.")] = "X",
    genes: Annotated[str, typer.Option(help="Where gene names are: index or a column of var.")] = "index",
    n_genes: Annotated[int, typer.Option(help="Highly variable genes that the model knows.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train a model on a labelled healthy reference; minutes on a CPU.

    \b
    cellcohort check healthy.h5ad --reference --label cell_type --donor donor
    cellcohort train healthy.h5ad --label cell_type --donor donor --out model
    cellcohort bundle show model
    """
    from ..api.make_bundle import train as train_model

    log_to_terminal()
    columns: dict[str, Any] = {"label": label, "donor": donor, "coarse": coarse, "exclude": exclude or []}
    columns |= {"counts": counts, "genes": genes}
    train_model(reference, out=out, n_genes=n_genes, seed=seed, device=device, **columns)
    typer.echo(f"{out}: a model; `cellcohort bundle show {out}` says how good it is")


@app.command(short_help="Annotate the cells of a file.")
def annotate(
    file: Annotated[Path, typer.Argument(help=".h5ad, .zarr, 10x .h5 or 10x matrix folder.", exists=True)],
    bundle: Annotated[Path, typer.Option(help="A trained model.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="The .h5ad to write: the cells of the file with what was found.")],
    patient: Annotated[str | None, typer.Option(help="The obs column with the patient, for cells of several.")] = None,
    counts: Annotated[str, typer.Option(help="The matrix: X, raw or layers/NAME.")] = "X",
    genes: Annotated[str, typer.Option(help="Where gene names are: index or a column of var.")] = "index",
    species: Annotated[str, typer.Option(help="human or mouse.")] = "human",
    qc: Annotated[bool, typer.Option(help="Judge the cells first.")] = True,
    cnv: Annotated[bool, typer.Option("--cnv", help="Infer copy number, too.")] = False,
    alpha: Annotated[float, typer.Option(help="Level of unlike the reference.")] = 0.05,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Annotate the cells of a file: label, confidence, unlike the reference or not, and the verdict.

    \b
    cellcohort annotate tumour.h5ad --bundle results/model --out annotated.h5ad
    cellcohort annotate cohort.h5ad --bundle model --patient donor_id --cnv --out annotated.h5ad
    """
    if out.suffix != ".h5ad":
        raise typer.BadParameter(f"{out} does not end in .h5ad.", param_hint="--out")
    from ..api.annotate_cells import annotate as annotate_cells
    from ..api.patient_evidence import assign_verdict, infer_cnv
    from ..core.files import atomic_path

    log_to_terminal()
    where: dict[str, Any] = {"counts": counts, "genes": genes, "species": species}
    cells: Any = annotate_cells(file, bundle, patient=patient, qc=qc, alpha=alpha, device=device, **where)
    if cnv:
        infer_cnv(cells, genome="GRCm39" if species == "mouse" else "hg38", **where)
    assign_verdict(cells, bundle)
    with atomic_path(out) as part:
        cells.write_h5ad(part)
    passed = cells.obs["qc_pass"]
    verdicts = cells.obs.loc[passed, "verdict"].value_counts()
    told = ", ".join(f"{n:,} {verdict}" for verdict, n in verdicts.items() if n)
    typer.echo(f"{out}: {passed.sum():,} of {len(passed):,} cells passed quality control: {told}")


def log_to_terminal() -> None:
    """Show warnings of the library on the terminal."""
    log = logging.getLogger("cellcohort")
    handler = logging.StreamHandler()
    handler.setLevel("WARNING")
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    log.addHandler(handler)


@bundles.callback()
def bundle_commands() -> None:
    """Trained models: results/model of a run, or a copy of it."""


@bundles.command(short_help="Show the card of a model.")
def show(
    folder: Annotated[Path, typer.Argument(help="The folder of the model.", exists=True, file_okay=False)],
    as_json: Json = False,
) -> None:
    """Show the card of a model: data, labels, quality on held-out cells, limits, licence, and checksums.

    \b
    cellcohort bundle show results/model
    cellcohort bundle show results/model --json | jq .labels
    """
    from ..bundle.model_card import card_text, read_card
    from ..inputs.bundle_files import check_bundle

    check_bundle(folder)
    card = read_card(folder)
    typer.echo(json.dumps(card, indent=2, ensure_ascii=False) if as_json else card_text(card).rstrip())


def main() -> None:
    """The entry point: what the user can mend is one line, and anything else a traceback (design law 9)."""
    try:
        app(prog_name="cellcohort")
    except InputError as error:
        typer.echo(f"cellcohort: {error}", err=True)
        sys.exit(REJECTED)
