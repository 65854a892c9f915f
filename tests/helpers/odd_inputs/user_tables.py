"""Odd tables that a config names: gene positions, chromosome arms and gene sets."""

from __future__ import annotations

import bz2
import gzip
import os
from collections.abc import Callable
from pathlib import Path

from .case import Case
from .plan_folder import cohort

GENES = [(f"GENE{i:04d}", i % 20 + 1, 1_000_000 + 50_000 * i, 1_020_000 + 50_000 * i) for i in range(400)]
HEADER = "symbol\tchromosome\tstart\tend\n"
ARMS_HEADER = "chromosome\tarm\tstart\tend\n"


def _lines(pattern: str) -> str:
    """A line for each gene."""
    return "".join(pattern.format(symbol=a, number=b, start=c, end=d) for a, b, c, d in GENES)


PLAIN = "{symbol}\tchr{number}\t{start}\t{end}\n"
ARMS = ARMS_HEADER + "".join(f"chr{i}\tp\t0\t10000000\nchr{i}\tq\t10000000\t90000000\n" for i in range(1, 21))


def _table(section: str, key: str, content: str | bytes, name: str = "table.tsv") -> Callable[[Path], None]:
    """A good cohort whose config names this table."""

    def make(folder: Path) -> None:
        cohort(folder, **{section: {key: name}})
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return make


def _positions(content: str | bytes, name: str = "table.tsv") -> Callable[[Path], None]:
    return _table("cnv", "positions", content, name)


def _arms(content: str) -> Callable[[Path], None]:
    """A good cohort with these arms and a good table of positions."""

    def make(folder: Path) -> None:
        cohort(folder, cnv={"arms": "table.tsv", "positions": "genes.tsv"})
        (folder / "table.tsv").write_text(content)
        (folder / "genes.tsv").write_text(HEADER + _lines(PLAIN))

    return make


def _sets(content: str | bytes) -> Callable[[Path], None]:
    return _table("explain", "gene_sets", content, "own.gmt")


def _pipe(folder: Path) -> None:
    cohort(folder, cnv={"positions": "table.tsv"})
    os.mkfifo(folder / "table.tsv")


GTF = '{number}\thavana\tgene\t{start}\t{end}\t.\t+\t.\tgene_id "{symbol}"; gene_name "{symbol}";\n'
WANTED = "A header line with symbol, chromosome, start, end is expected"
POSITIONS = [
    Case("positions", "A table of gene positions", _positions(HEADER + _lines(PLAIN)), "planned"),
    Case(
        "positions_without_chr",
        "Chromosomes without chr",
        _positions(HEADER + _lines(PLAIN).replace("\tchr", "\t") + "A\t23\t1\t2\nB\tX\t1\t2\n"),
        "planned",
    ),
    Case("positions_capitals", "A header in capitals", _positions(HEADER.upper() + _lines(PLAIN)), "planned"),
    Case("positions_chr", "A column chr", _positions(HEADER.replace("chromosome", "chr") + _lines(PLAIN)), "planned"),
    Case(
        "positions_commas",
        "Commas between the columns of a .tsv",
        _positions((HEADER + _lines(PLAIN)).replace("\t", ",")),
        "planned",
    ),
    Case(
        "positions_gzip", "A compressed table", _positions(gzip.compress((HEADER + _lines(PLAIN)).encode())), "planned"
    ),
    Case(
        "positions_bzip2", "Another compression", _positions(bz2.compress((HEADER + _lines(PLAIN)).encode())), "planned"
    ),
    Case(
        "positions_of_r",
        "Names of rows and quotes, as R writes them",
        _positions(
            '"symbol"\t"chromosome"\t"start"\t"end"\n' + _lines('"1"\t"{symbol}"\t"{number}"\t{start}\t{end}\n')
        ),
        "planned",
    ),
    Case(
        "positions_power_of_ten",
        "A position as a power of ten",
        _positions(HEADER + _lines(PLAIN) + "A\tchr1\t1e+05\t2e5\n"),
        "planned",
    ),
    Case(
        "positions_missing", "A gene without a place", _positions(HEADER + _lines(PLAIN) + "A\tNA\tNA\tNA\n"), "planned"
    ),
    Case("positions_duplicate", "A gene twice", _positions(HEADER + _lines(PLAIN) * 2), "planned"),
    Case(
        "positions_contigs",
        "Genes on contigs beside others",
        _positions(HEADER + _lines(PLAIN) + "A\tGL000194.1\t1\t2\n"),
        "planned",
    ),
    Case(
        "positions_no_header",
        "inferCNV's gene order: no header",
        _positions(_lines(PLAIN)),
        "stopped",
        "found is 'GENE0000 chr1 1000000 1020000'",
    ),
    Case("positions_gtf", "A GTF", _positions("#!genome-build GRCh38\n" + _lines(GTF), "genes.gtf"), "stopped", WANTED),
    Case(
        "positions_bed", "A BED file", _positions(_lines("chr{number}\t{start}\t{end}\t{symbol}\n")), "stopped", WANTED
    ),
    Case(
        "positions_biomart",
        "BioMart's header",
        _positions("Gene name\tChromosome/scaffold name\tGene start (bp)\tGene end (bp)\n" + _lines(PLAIN)),
        "stopped",
        "found is 'Gene name Chromosome/scaffold name",
    ),
    Case(
        "positions_refseq",
        "RefSeq's names of chromosomes",
        _positions(HEADER + _lines("{symbol}\tNC_{number:06d}.11\t{start}\t{end}\n")),
        "stopped",
        "most genes are on chromosomes (NC_000001.11,",
    ),
    Case(
        "positions_thousands",
        "Separators of thousands",
        _positions(HEADER + _lines("{symbol}\tchr{number}\t{start:,}\t{end:,}\n")),
        "stopped",
        "line 2, column start: '1,000,000' is not a number of base pairs",
    ),
    Case(
        "positions_megabases",
        "Positions in megabases",
        _positions(HEADER + _lines("{symbol}\tchr{number}\t{start}.5\t{end}\n")),
        "stopped",
        "is not a number of base pairs",
    ),
    Case(
        "positions_reversed",
        "An end before its start",
        _positions(HEADER + _lines(PLAIN) + "A\tchr1\t20\t10\n"),
        "stopped",
        "line 402: end 10 lies before start 20",
    ),
    Case(
        "positions_negative",
        "A position below zero",
        _positions(HEADER + "A\tchr1\t-5\t10\n"),
        "stopped",
        "column start: '-5'",
    ),
    Case(
        "positions_nan", "No number at all", _positions(HEADER + "A\tchr1\tinf\t10\n"), "stopped", "column start: 'inf'"
    ),
    Case(
        "positions_beyond",
        "Positions beyond the chromosomes",
        _positions(HEADER + _lines("{symbol}\tchr{number}\t{start}000\t{end}000\n")),
        "stopped",
        "most genes lie outside the arms",
    ),
    Case("positions_empty", "A table of nothing", _positions(""), "stopped", "found is 'nothing'"),
    Case("positions_only_header", "A header and no gene", _positions(HEADER), "stopped", "no gene has a symbol"),
    Case(
        "positions_workbook", "An Excel workbook", _positions(b"PK\x03\x04\0\0"), "stopped", "it is an Excel workbook"
    ),
    Case(
        "positions_utf_16",
        "A table in UTF-16",
        _positions((HEADER + _lines(PLAIN)).encode("utf-16")),
        "stopped",
        "not UTF-8",
    ),
    Case(
        "positions_cut_off",
        "Half a compressed table",
        _positions(gzip.compress(_lines(PLAIN).encode())[:-20]),
        "stopped",
        "cannot be read",
    ),
    Case(
        "positions_ragged",
        "A line with a cell too many",
        _positions(HEADER + _lines(PLAIN) + "A\tchr1\t1\t2\t3\n"),
        "stopped",
        "line 402: 5 cells, but the header has 4",
    ),
    Case(
        "positions_column_twice",
        "A column twice",
        _positions(HEADER.replace("\n", "\tchr\n") + "A\t1\t1\t2\t1\n"),
        "stopped",
        "chromosome there twice",
    ),
    Case("positions_pipe", "A pipe", _pipe, "stopped", "cnv.positions: table.tsv is a pipe"),
    Case(
        "positions_folder",
        "A folder",
        lambda folder: cohort(folder, cnv={"positions": "."}),
        "stopped",
        "cnv.positions: . is a folder",
    ),
    Case(
        "positions_no_path",
        "No path at all",
        lambda folder: cohort(folder, cnv={"positions": ""}),
        "stopped",
        "should be non-empty",
    ),
]

ARM_TABLES = [
    Case("arms", "A table of arms", _arms(ARMS), "planned"),
    Case("arms_alone", "A table of arms, and the genome's positions", _table("cnv", "arms", ARMS), "planned"),
    Case("arms_capitals", "Arms in capitals", _arms(ARMS.replace("\tp", "\tP").replace("\tq", "\tQ")), "planned"),
    Case(
        "arms_own_names",
        "Arms by names of their own",
        _arms(ARMS_HEADER + "chr1\t1p\t0\t9000\nchr1\t1q\t9000\t250000000\n"),
        "planned",
    ),
    Case(
        "arms_no_column",
        "Arms without a column",
        _arms("chromosome\tstart\tend\n1\t0\t5\n"),
        "stopped",
        "columns: arm missing",
    ),
    Case(
        "arms_cytobands",
        "Cytobands of UCSC",
        _arms("chr1\t0\t2300000\tp36.33\tgneg\n"),
        "stopped",
        "columns: chromosome, arm, start, end missing",
    ),
    Case(
        "arms_overlap",
        "Arms that overlap",
        _arms(ARMS.replace("\tq\t10000000", "\tq\t9000000")),
        "stopped",
        "line 3: the arm overlaps that of line 2",
    ),
    Case(
        "arms_twice",
        "An arm twice",
        _arms(ARMS + "chr1\tp\t90000000\t95000000\n"),
        "stopped",
        "line 42, column arm: chr1 p is there already in line 2",
    ),
    Case(
        "arms_unknown_names",
        "Arms called short and long",
        _arms(ARMS.replace("\tp", "\tshort").replace("\tq", "\tlong")),
        "stopped",
        "line 4, column arm: short is there already in line 2. Write p and q",
    ),
    Case(
        "arms_no_name",
        "An arm without a name",
        _arms(ARMS + "chr21\t\t0\t5\n"),
        "stopped",
        "line 42, column arm: empty",
    ),
    Case(
        "arms_thousands",
        "Separators of thousands",
        _arms(ARMS_HEADER + "chr1\tp\t0\t121,700,000\n"),
        "stopped",
        "column end: '121,700,000'",
    ),
    Case(
        "arms_kilobases",
        "Arms in kilobases",
        _arms(ARMS.replace("0000\t", "0\t").replace("0000000\n", "0000\n")),
        "stopped",
        "outside the arms",
    ),
    Case(
        "arms_of_another_genome",
        "Arms by RefSeq's names",
        _arms(ARMS.replace("\nchr", "\nNC_0000")),
        "stopped",
        "have no arm in table.tsv",
    ),
    Case(
        "arms_only_centromeres",
        "Centromeres alone",
        _arms(ARMS_HEADER + "chr1\tcentromere\t0\t5\n"),
        "stopped",
        "no arm",
    ),
    Case("arms_empty", "A table of nothing", _arms(""), "stopped", "columns: chromosome, arm, start, end missing"),
]

SETS = [
    Case("sets", "Gene sets", _sets("A\tsource\tCD3E\tCD3D\n\nB\tsource\tMS4A1\n"), "planned"),
    Case("sets_crlf", "Line ends of Windows, a byte order mark", _sets(b"\xef\xbb\xbfA\tsource\tCD3E\r\n"), "planned"),
    Case("sets_none", "A GMT without a set", _sets("\n"), "stopped", "own.gmt: no gene set"),
    Case("sets_no_gene", "A set without a gene", _sets("A\tsource\n"), "stopped", "line 1: no gene"),
    Case("sets_no_name", "A set without a name", _sets("\tsource\tCD3E\n"), "stopped", "line 1: the set has no name"),
    Case("sets_twice", "A set twice", _sets("A\tx\tCD3E\nA\tx\tCD3D\n"), "stopped", "line 2: the set A occurs twice"),
    Case(
        "sets_commas",
        "Commas between symbols",
        _sets("A\tsource\tCD3E,CD3D\n"),
        "stopped",
        "'CD3E,CD3D' is no gene's symbol",
    ),
    Case(
        "sets_weights",
        "Weights beside symbols",
        _sets("A\tsource\tCD3E,1.0\tCD3D,0.5\n"),
        "stopped",
        "Separate symbols by tabs",
    ),
    Case("sets_json", "Gene sets as JSON", _sets('{"A": ["CD3E"]}\n'), "stopped", "line 1: no gene"),
    Case("sets_entrez", "Entrez ids", _sets("A\tsource\t916\t915\n"), "stopped", "its genes are ids (916, ...)"),
    Case("sets_ensembl", "Ensembl ids", _sets("A\tx\tENSG00000198851\n"), "stopped", "Give gene sets with symbols"),
    Case("sets_compressed", "A compressed GMT", _sets(gzip.compress(b"A\tx\tCD3E\n")), "stopped", "not a text file"),
    Case(
        "sets_folder", "A folder", lambda folder: cohort(folder, explain={"gene_sets": "."}), "stopped", "is a folder"
    ),
]

CASES = POSITIONS + ARM_TABLES + SETS
