"""Odd sample sheets."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from .case import Case
from .plan_folder import cohort

HEADER = "sample_id\tpatient_id\tpath\n"


def _sheet(content: str | bytes) -> Callable[[Path], None]:
    """A good cohort with this sheet."""

    def make(folder: Path) -> None:
        cohort(folder)
        data = content if isinstance(content, bytes) else content.encode()
        (folder / "samples.tsv").write_bytes(data)

    return make


def _named(sample: str, patient: str = "A") -> Callable[[Path], None]:
    """A sheet of one sample of this name."""
    return _sheet(f"{HEADER}{sample}\t{patient}\tA1.h5ad\n")


def _with(column: str, value: str) -> Callable[[Path], None]:
    """A sheet of one sample with one more column."""
    return _sheet(f"{HEADER[:-1]}\t{column}\nA1\tA\tA1.h5ad\t{value}\n")


def _moved(spoil: Callable[[Path], object]) -> Callable[[Path], None]:
    """A cohort whose sheet is taken away and replaced."""

    def make(folder: Path) -> None:
        cohort(folder)
        (folder / "samples.tsv").unlink()
        spoil(folder / "samples.tsv")

    return make


def _workbook() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    return content.getvalue()


def _linked(folder: Path) -> None:
    _sheet(f"{HEADER}A1\tA\tA1.h5ad\nA2\tA\tlink.h5ad\n")(folder)
    (folder / "link.h5ad").symlink_to("A1.h5ad")


def _folder_twice(folder: Path) -> None:
    _sheet(f"{HEADER}A1\tA\tA1\nA2\tA\tA1/\n")(folder)
    (folder / "A1").mkdir()
    for name in ("matrix.mtx", "barcodes.tsv", "features.tsv"):
        (folder / "A1" / name).touch()


ROW = "A1\tA\tA1.h5ad\n"
FORMS = [
    Case(
        "sheet_empty_columns",
        "Tabs at the end of every line of the sheet",
        _sheet(HEADER.replace("\n", "\t\t\n") + ROW.replace("\n", "\t\t\n") + "\t\t\t\t\n"),
        "planned",
    ),
    Case(
        "sheet_empty_column_within",
        "A column without name and content between others",
        _sheet("sample_id\t\tpatient_id\tpath\nA1\t\tA\tA1.h5ad\n"),
        "planned",
    ),
    Case(
        "sheet_column_without_name",
        "Numbers of rows in a column without a name",
        _sheet("\tsample_id\tpatient_id\tpath\n0\tA1\tA\tA1.h5ad\n"),
        "stopped",
        "line 2: cell 1 lies in a column without a name",
    ),
    Case(
        "sheet_quoted",
        "Every cell of the sheet in quotes",
        _sheet('"sample_id"\t"patient_id"\t"path"\t"tissue"\n"A1"\t"A"\t"A1.h5ad"\t"the ""left"" lung"\n'),
        "planned",
    ),
    Case(
        "sheet_quote_open",
        "A line break within a quoted cell",
        _sheet(f'{HEADER[:-1]}\ttissue\nA1\tA\tA1.h5ad\t"left\nlung"\n'),
        "stopped",
        "line 2: a quote is not closed",
    ),
    Case("sheet_inch", "A quote within a cell", _with("tissue", '5" biopsy'), "planned"),
    Case("sheet_crlf", "Line ends of Windows", _sheet((HEADER + ROW).replace("\n", "\r\n")), "planned"),
    Case("sheet_cr", "Line ends of an old Mac", _sheet((HEADER + ROW).replace("\n", "\r")), "planned"),
    Case("sheet_bom", "A byte order mark", _sheet(b"\xef\xbb\xbf" + (HEADER + ROW).encode()), "planned"),
    Case(
        "sheet_blanks", "Blanks around cells", _sheet(" sample_id \tpatient_id\t path\n A1\tA \t A1.h5ad \n"), "planned"
    ),
    Case("sheet_comment", "A comment above the header", _sheet(f"# of spring\n{HEADER}{ROW}"), "planned"),
    Case("sheet_hash_header", "A header that starts with #", _sheet(f"#{HEADER}{ROW}"), "planned"),
    Case(
        "sheet_row_commented_out",
        "A row behind #",
        _sheet(f"{HEADER}{ROW}#A2\tA\tA2.h5ad\n"),
        "stopped",
        "line 3, column sample_id: '#A2' does not match",
    ),
    Case(
        "sheet_capitals",
        "A header in capitals",
        _sheet(HEADER.upper() + ROW),
        "stopped",
        "column 'SAMPLE_ID': unknown column. Did you mean sample_id?",
    ),
    Case("sheet_commas", "Commas for tabs", _sheet((HEADER + ROW).replace("\t", ",")), "stopped", "one column only"),
    Case("sheet_semicolons", "Semicolons for tabs", _sheet((HEADER + ROW).replace("\t", ";")), "stopped", "by tabs"),
    Case("sheet_utf_16", "A sheet in UTF-16", _sheet((HEADER + ROW).encode("utf-16")), "stopped", "not UTF-8 text"),
    Case("sheet_latin_1", "A sheet in Latin-1", _sheet(f"{HEADER}ä\tA\tx\n".encode("latin-1")), "stopped", "not UTF-8"),
    Case("sheet_workbook", "A sheet that is an Excel workbook", _sheet(_workbook()), "stopped", "an Excel workbook"),
    Case("sheet_compressed", "A compressed sheet", _sheet(gzip.compress(ROW.encode())), "stopped", "not UTF-8 text"),
    Case("sheet_empty", "A sheet of nothing", _sheet(""), "stopped", "no samples"),
    Case("sheet_only_header", "A header and no line", _sheet(HEADER), "stopped", "no samples"),
    Case("sheet_only_comment", "A sheet of comments", _sheet("# a\n# b\n"), "stopped", "no samples"),
    Case(
        "sheet_long_cell", "A cell of 200,000 letters", _sheet("x" * 200_000 + "\n" + ROW), "stopped", "one column only"
    ),
    Case("sheet_folder", "A folder for a sheet", _moved(Path.mkdir), "stopped", "samples.tsv: it is a folder"),
    Case("sheet_pipe", "A pipe for a sheet", _moved(os.mkfifo), "stopped", "is a pipe, socket or device"),
    Case("sheet_absent", "No sheet", _moved(lambda path: None), "stopped", "sample sheet not found"),
    Case(
        "sheet_broken_link",
        "A link to nothing for a sheet",
        _moved(lambda path: path.symlink_to("gone")),
        "stopped",
        "it is a link to gone",
    ),
]

NAMES = [
    Case("name_long", "A name of 300 letters", _named("x" * 300), "stopped", "is too long. Unique name of the sample"),
    Case("name_longest", "A name of 100 letters", _named("ab1-_" * 19 + "a.b.c"), "planned"),
    Case("name_letter_30_times", "One letter 30 times", _named("A" * 30), "stopped", "ends in 20 repeats of the same"),
    Case(
        "name_zeros", "20 zeros at the end", _named("S" + "0" * 20), "stopped", "Snakemake refuses as an endless loop"
    ),
    Case("name_pairs", "Two letters 20 times", _named("A", "ab" * 20), "stopped", "column patient_id: abab"),
    Case("name_19_times", "One letter 19 times", _named("A" * 19), "planned"),
    Case("name_dots", "A name of two dots", _named(".."), "stopped", "'..' does not match"),
    Case("name_dot", "A name of one dot", _named("."), "stopped", "'.' does not match"),
    Case("name_dash", "A leading dash", _named("-x"), "planned"),
    Case("name_trailing_dot", "A trailing dot", _named("x."), "planned"),
    Case("name_blank", "A blank within a name", _named("P 1"), "stopped", "'P 1' does not match"),
    Case("name_umlaut", "An umlaut in a name", _named("Müller"), "stopped", "letters of English"),
    Case("name_path", "A path for a name", _named("../A1"), "stopped", "'../A1' does not match"),
    Case("name_wildcard", "A wildcard for a name", _named("{sample}"), "stopped", "'{sample}' does not match"),
    Case("name_markup", "Markup in a patient's name", _named("A1", "<b>A</b>"), "stopped", "'<b>A</b>' does not match"),
    Case("name_shell", "Shell text in a name", _named("$(touch planted)"), "stopped", "does not match"),
    Case("name_empty", "No name of a patient", _named("A1", ""), "stopped", "column patient_id: missing"),
    Case(
        "name_twice",
        "One name in two lines",
        _sheet(f"{HEADER}{ROW}A1\tA\tA2.h5ad\n"),
        "stopped",
        "A1 is there already in line 2",
    ),
    Case(
        "name_capitals",
        "Two names that differ by capitals",
        _sheet(f"{HEADER}{ROW}a1\tA\tA2.h5ad\n"),
        "stopped",
        "line 3, column sample_id: a1 differs from A1 in line 2 by capitals alone",
    ),
    Case(
        "name_of_patient_capitals",
        "A patient in two spellings",
        _sheet(f"{HEADER}{ROW}A2\ta\tA2.h5ad\n"),
        "stopped",
        "column patient_id: a differs from A",
    ),
    Case(
        "file_twice",
        "One file in two lines",
        _sheet(f"{HEADER}{ROW}A2\tA\t./A1.h5ad\n"),
        "stopped",
        "the file of sample A1",
    ),
    Case(
        "file_twice_by_link", "A file and a link to it", _linked, "stopped", "link.h5ad is the file of sample A1, too"
    ),
    Case("folder_twice", "One 10x folder in two lines", _folder_twice, "stopped", "its cells would count twice"),
]

VALUES = [
    Case(
        "sheet_nan", "NaN for a limit", _with("n_mads", "nan"), "stopped", "line 2, column n_mads: 'nan' is not of type"
    ),
    Case("sheet_inf", "Infinity for a limit", _with("min_counts", "inf"), "stopped", "'inf' is not of type 'number'"),
    Case("sheet_huge", "A number that no computer holds", _with("min_counts", "1e999"), "stopped", "min_counts"),
    Case("sheet_digits", "A number of 5,000 digits", _with("min_counts", "9" * 5000), "stopped", "min_counts"),
    Case("sheet_negative", "A limit below zero", _with("min_genes", "-3"), "stopped", "-3 is less than the minimum"),
    Case("sheet_underscore", "An underscore within a number", _with("min_genes", "1_000"), "stopped", "'1_000' is not"),
    Case(
        "sheet_thousands", "A comma within a number", _with("min_counts", "1,000"), "stopped", "'1,000' is not of type"
    ),
    Case("sheet_fraction", "Half a gene", _with("min_genes", "2.5"), "stopped", "2.5 is not of type 'integer'"),
    Case("sheet_boolean", "yes for true", _with("doublets", "yes"), "stopped", "'yes' is not of type 'boolean'"),
    Case("sheet_true", "TRUE, as a spreadsheet writes it", _with("doublets", "TRUE"), "planned"),
    Case("sheet_power_of_ten", "A power of ten", _with("min_counts", "1e3"), "planned"),
    Case("sheet_species", "A species in Latin", _with("species", "Mus musculus"), "stopped", "is not one of ['human'"),
    Case("sheet_truth", "A truth that is not there", _with("truth", "celltype"), "stopped", "Did you mean cell_type?"),
    Case(
        "sheet_truth_of_10x",
        "A truth of a file without a table of cells",
        lambda folder: (
            _sheet(f"{HEADER[:-1]}\ttruth\nA1\tA\ta.h5\tcell_type\n")(folder),
            (folder / "a.h5").touch(),
        )[0],
        "stopped",
        "has no obs column 'cell_type'. There is none to choose from",
    ),
]

CASES = FORMS + NAMES + VALUES
