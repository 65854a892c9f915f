"""Speed of tokenisation, inference and training, against the published package and torch's TransformerEncoder.

    python tests/benchmarks/model_speed.py --out benchmarks.json --published PATH --before FOLDER --data ../shared/data

PATH is a clone of the published repository, FOLDER one of this at 2474987, whose preset `small` takes part; without
them the comparisons are left out. Everything runs in one process on one core (or one GPU), the competitors in turn; a
ratio is the median over repeats of theirs to our time. Figures without a preset in their name are of `paper`.
Cells are those of zheng_sorted (2,000 variable genes) where the data lie, else synthetic ones of like lengths. The
published package pads all cells of a file to its longest and reads batches of 140; the comparison at a fixed number
of genes has no padding on any side.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import io
import json
import platform
import statistics
import sys
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from cellcohort.core.gpus import choose_device
from cellcohort.genes.alignment import align_genes
from cellcohort.genes.vocabulary import select_vocabulary
from cellcohort.inputs.counts import open_counts
from cellcohort.inputs.resources import gene_aliases, gene_positions
from cellcohort.model.inference import predict_tokens, to_tensors
from cellcohort.model.presets import PRESETS, make_network
from cellcohort.model.tokens import Tokens, tokenise
from cellcohort.model.training import training_step

N_LABELS = 10
BATCH = 140  # of the published package
GENES = (200, 600, 1200, 2400)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON file; what it holds of other programs is kept")
    parser.add_argument("--published", type=Path, help="clone of the published repository")
    parser.add_argument("--before", type=Path, help="clone of this repository at 2474987")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    device = choose_device(options.device)
    published = load_published(options.published, device) if options.published else None
    figures = {"device": describe(device), "tokenise_cells_per_s": tokenise_speed()}
    tokens, figures["cells"] = real_cells(options.data / "pbmc_zheng2017_sorted.h5ad")
    before = load_before(options.before) if options.before else None
    figures |= on_cells(tokens, published, before, device)
    figures |= by_length(published, device)
    if device.type == "cuda":
        figures |= on_gpu(published, device)
    kept = json.loads(options.out.read_text()) if options.out.exists() else {}
    options.out.write_text(json.dumps(kept | figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def describe(device: torch.device) -> str:
    """The machine in words."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"one core, {cpu[0].split(': ')[1] if cpu else platform.processor()}, torch {torch.__version__}"


def tokenise_speed(n: int = 8192, n_genes: int = 2000, n_expressed: int = 600) -> float:
    """Cells a second, of cells with 600 nonzero genes."""
    rng = np.random.default_rng(0)
    columns = np.sort(np.argpartition(rng.random((n, n_genes), np.float32), n_expressed)[:, :n_expressed])
    values = rng.negative_binomial(1, 0.3, columns.size).astype(np.float32) + 1
    counts = sparse.csr_matrix((values, columns.ravel(), np.arange(n + 1) * n_expressed), shape=(n, n_genes))
    tokenise(counts[:2])
    return round(n / statistics.median(seconds(lambda: tokenise(counts), torch.device("cpu")) for _ in range(5)))


def real_cells(path: Path, n: int = 2000) -> tuple[Tokens, str]:
    """Tokens of zheng_sorted's cells, or synthetic ones where its file is absent, and what they are."""
    if path.exists():
        counts = open_counts(path)
        rows, aliases = np.arange(counts.n_cells), gene_aliases()
        given = {"n_genes": 2000, "positions": gene_positions(), "aliases": aliases}
        vocabulary = select_vocabulary(counts, rows, None, **given)
        return tokenise(align_genes(counts.genes, vocabulary, aliases).project(counts.read())), "zheng_sorted"
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(240), 0.25, n).astype(int), 150, 600)
    genes = [np.sort(rng.choice(2000, length, replace=False)) for length in lengths]
    bins = rng.integers(1, 51, lengths.sum()).astype(np.uint8)
    levels = (bins / 50).astype(np.float16)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return Tokens(indptr, np.concatenate(genes).astype(np.uint16), bins, levels), "synthetic"


def load_published(path: Path, device: torch.device) -> types.ModuleType:
    """The published package as a module with `model` and `config`, its `.cuda()` calls without effect on a CPU."""
    sys.path.insert(0, str(path))
    package = types.ModuleType("cellmemory")
    package.__path__ = [str(path / "cellmemory")]
    sys.modules["cellmemory"] = package
    if device.type == "cpu":
        torch.Tensor.cuda = lambda tensor, *_, **__: tensor
    with contextlib.suppress(ImportError):
        import einops  # noqa: F401
    if "einops" not in sys.modules:  # the package repeats its CLS token with it, and nothing else
        sys.modules["einops"] = types.ModuleType("einops")
        sys.modules["einops"].repeat = lambda x, _, b: x.expand(b, -1, -1)
    from cellmemory import config, model

    return types.SimpleNamespace(Model=model.CellMemoryModel, Config=config.ModelConfig)


def load_before(path: Path) -> types.SimpleNamespace:
    """The modules of this repository at 2474987, beside those of today."""
    name, folder = "cellcohort_before", path / "scripts" / "cellcohort"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules[name] = importlib.util.module_from_spec(spec)
    names = ("model", "training", "inference", "batches")
    return types.SimpleNamespace(**{part: importlib.import_module(f"{name}.{part}") for part in names})


class Ours:
    """A model of ours (preset `paper` unless `preset` says otherwise) and its training step."""

    def __init__(self, n_genes: int, device: torch.device, *, preset: str = "paper", amp: bool = False):
        self.device, self.amp = device, amp
        self.model = make_network(PRESETS[preset](n_genes=n_genes, n_labels=N_LABELS)).to(device)
        self.levels = self.model.config.reads_levels
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=3e-4)
        self.weights = torch.ones(N_LABELS, device=device)

    def infer(self, tokens: Tokens) -> None:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.amp):
            predict_tokens(self.model, tokens, "logits", "embedding")

    def train(self, batches: list[Tokens]) -> None:
        self.model.train()
        for batch in batches:
            targets = torch.zeros(len(batch), dtype=torch.long, device=self.device)
            tensors = to_tensors(batch, self.device, levels=self.levels)
            training_step(self.model, self.optimizer, tensors, targets, self.weights)


class Before:
    """The preset `small` of 2474987 and its training step."""

    def __init__(self, before: types.SimpleNamespace, n_genes: int, device: torch.device):
        self.before, self.device = before, device
        sizes = before.model.PRESETS["small"]
        self.model = before.model.CellMemory(before.model.ModelConfig(n_genes, N_LABELS, **sizes)).to(device)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=3e-4)
        self.weights = torch.ones(N_LABELS, device=device)

    def infer(self, tokens: Tokens) -> None:
        self.before.inference.predict_tokens(self.model, tokens, "logits", "embedding")

    def train(self, batches: list[Tokens]) -> None:
        self.model.train()
        for batch in batches:
            targets = torch.zeros(len(batch), dtype=torch.long, device=self.device)
            tensors = self.before.batches.to_tensors(batch, self.device)
            self.before.training.training_step(self.model, self.optimizer, tensors, targets, self.weights)


class Published:
    """The published model and the training step of its `train_epoch`; cells are padded to `longest`."""

    def __init__(self, package, n_genes: int, longest: int, device: torch.device, *, amp: bool = False):
        self.longest, self.device, self.padding = longest, device, n_genes + 1
        with contextlib.redirect_stdout(io.StringIO()):
            self.model = package.Model(package.Config(use_amp=amp), n_genes, N_LABELS).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=3e-4)

    def read(self, tokens: Tokens):
        genes, bins, mask = (torch.from_numpy(array) for array in tokens.pad(np.arange(len(tokens))))
        short = self.longest - genes.shape[1]
        genes = F.pad((genes + 1).masked_fill(~mask, self.padding), (0, short), value=self.padding)
        return F.pad(bins, (0, short)).to(self.device), genes.to(self.device), genes.eq(self.padding).to(self.device)

    def infer(self, tokens: Tokens) -> None:
        self.model.eval()
        with torch.no_grad():
            for start in range(0, len(tokens), BATCH):
                logits, embedding, _, _ = self.model(
                    *self.read(tokens.take(np.arange(start, min(start + BATCH, len(tokens)))))
                )
                logits.cpu(), embedding.cpu()

    def train(self, batches: list[Tokens]) -> None:
        self.model.train()
        for batch in batches:
            targets = torch.zeros(len(batch), dtype=torch.long, device=self.device)
            loss = F.cross_entropy(self.model(*self.read(batch))[0], targets)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


class Transformer:
    """nn.TransformerEncoder of the same width, depth and heads on ready embeddings, its first token classified."""

    def __init__(self, device: torch.device):
        layer = nn.TransformerEncoderLayer(256, 4, 512, 0.1, batch_first=True)
        self.model, self.head = nn.TransformerEncoder(layer, 4).to(device), nn.Linear(256, N_LABELS).to(device)
        self.optimizer = torch.optim.Adam([*self.model.parameters(), *self.head.parameters()], lr=3e-4)
        self.device = device

    def forward(self, tokens: Tokens) -> torch.Tensor:
        x = torch.zeros(len(tokens), tokens.lengths[0] + 1, 256, device=self.device)
        return self.head(self.model(x)[:, 0])

    def infer(self, tokens: Tokens) -> None:
        self.model.eval()
        with torch.inference_mode():
            self.forward(tokens).cpu()

    def train(self, batches: list[Tokens]) -> None:
        self.model.train()
        for batch in batches:
            targets = torch.zeros(len(batch), dtype=torch.long, device=self.device)
            loss = F.cross_entropy(self.forward(batch), targets)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


def on_cells(tokens: Tokens, published, before, device: torch.device, repeats: int = 3) -> dict:
    """Natural lengths: inference of 3 batches and training on the same cells, each side in its own way of batching.

    Ours trains on batches of similar length out of all cells (`batches.training_batches`), of which 3 are drawn.
    """
    by_length = np.argsort(tokens.lengths, kind="stable")
    ours = {preset: Ours(2000, device, preset=preset) for preset in ("paper", "additive")}
    rivals = {"small_before": Before(before, 2000, device)} if before else {}
    rivals |= {"published": Published(published, 2000, tokens.lengths.max(), device)} if published else {}
    figures = {}
    for name in ("inference", "training"):
        times = {model: [] for model in (*ours, *rivals)}
        for repeat in range(repeats + 1):
            drawn = np.random.default_rng(repeat).choice(len(tokens) // BATCH, 3, replace=False)
            cells = np.concatenate([by_length[BATCH * i : BATCH * (i + 1)] for i in drawn])
            bucketed = tokens.take(cells)
            sample = tokens.take(np.random.default_rng(repeat).permutation(cells))
            for which, model in (ours | rivals).items():
                batches = batches_of(sample if which == "published" else bucketed)
                work = model.infer if name == "inference" else model.train
                argument = sample if name == "inference" else batches
                took = seconds_each(lambda w=work, a=argument: w(a), device)
                times[which] += [took] * (repeat > 0)  # the first warms up
        for preset in ours:
            prefix = "" if preset == "paper" else f"{preset}_"
            figures[f"{prefix}{name}_cells_per_s"] = round(3 * BATCH / statistics.median(times[preset]), 1)
            for rival in rivals:
                figures[f"{prefix}{name}_ratio_{rival}"] = ratio(times[rival], times[preset])
    return figures


def by_length(published, device: torch.device, repeats: int = 3) -> dict:
    """Cells of a fixed number of tokens, hence without padding: ratios by number of genes."""
    figures: dict = {}
    for n_genes in GENES:
        n = 4800 // n_genes * (32 if device.type == "cuda" else 1)
        tokens = uniform_cells(n, n_genes, n_genes)
        models = {"ours": Ours(n_genes, device), "transformer": Transformer(device)}
        if published:
            models["published"] = Published(published, n_genes, n_genes, device)
        for name in ("inference", "training"):
            times = {rival: [] for rival in models}
            for repeat in range(repeats + 1):
                for rival, model in models.items():
                    argument = tokens if name == "inference" else [tokens]
                    work = model.infer if name == "inference" else model.train
                    times[rival] += [seconds(lambda w=work, a=argument: w(a), device)] * (repeat > 0)
            speed = figures.setdefault(f"{name}_cells_per_s_by_genes", {})
            speed[str(n_genes)] = round(n / statistics.median(times["ours"]), 1)
            for rival in list(models)[1:]:
                key = f"{name}_ratio_{rival}" + ("_by_genes" if rival == "published" else "")
                figures.setdefault(key, {})[str(n_genes)] = ratio(times[rival], times["ours"])
    return figures


def on_gpu(published, device: torch.device) -> dict:
    """4,000 genes, 700 of them expressed, in bfloat16: cells a second, ratios, and the share of the matmul peak."""
    tokens = uniform_cells(8 * BATCH, 4000, 700)
    models = {"ours": Ours(4000, device, amp=True)}
    if published:
        models["published"] = Published(published, 4000, 700, device, amp=True)
    figures: dict = {}
    for name in ("inference", "training"):
        times = {rival: [] for rival in models}
        for repeat in range(6):
            for rival, model in models.items():
                argument = tokens if name == "inference" else batches_of(tokens)
                work = model.infer if name == "inference" else model.train
                times[rival] += [seconds(lambda w=work, a=argument: w(a), device)] * (repeat > 0)
        speed = len(tokens) / statistics.median(times["ours"])
        figures[f"gpu_{name}_cells_per_s_700"] = round(speed)
        passes = 1 if name == "inference" else 3  # a backward pass costs two forward ones
        figures[f"gpu_{name}_share_of_bf16_peak"] = round(speed * 701 * 2 * 1.16e6 * passes / bf16_peak(device), 3)
        if published:
            figures[f"gpu_{name}_ratio_published_700"] = ratio(times["published"], times["ours"])
    return figures


def bf16_peak(device: torch.device, n: int = 8192) -> float:
    """Operations a second of a large matrix product."""
    a = torch.randn(n, n, device=device, dtype=torch.bfloat16)
    return 10 * 2 * n**3 / min(seconds(lambda: [a @ a for _ in range(10)], device) for _ in range(3))


def uniform_cells(n: int, n_genes: int, n_expressed: int) -> Tokens:
    """Cells of random tokens, all of one length."""
    rng = np.random.default_rng(0)
    genes = np.sort(np.argsort(rng.random((n, n_genes)), 1)[:, :n_expressed]).ravel().astype(np.uint16)
    bins = rng.integers(1, 51, genes.size).astype(np.uint8)
    return Tokens(np.arange(n + 1) * n_expressed, genes, bins, (bins / 50).astype(np.float16))


def batches_of(tokens: Tokens) -> list[Tokens]:
    """Batches of the published size, in the order given."""
    return [tokens.take(np.arange(start, min(start + BATCH, len(tokens)))) for start in range(0, len(tokens), BATCH)]


def ratio(theirs: list[float], ours: list[float]) -> float:
    """Median over repeats of their time to ours."""
    return round(statistics.median(a / b for a, b in zip(theirs, ours, strict=True)), 2)


def seconds_each(work: Callable[[], object], device: torch.device, at_least: float = 1.0) -> float:
    """Seconds of the work, repeated until `at_least` seconds have gone."""
    times = [seconds(work, device)]
    while sum(times) < at_least:
        times.append(seconds(work, device))
    return statistics.mean(times)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Seconds of CPU time, on a GPU of wall time until it is done."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    start = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - start


if __name__ == "__main__":
    main()
