"""Training of a network on a token store: AdamW, warm-up and cosine schedule, early stopping, exact resume.

Every random choice is drawn from (seed, epoch) or (seed, step), never from a running generator, so that training that
was killed and started again from its checkpoint gives the same weights as training that was not.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch.nn import functional as F

from ..core.logs import PROGRESS, progress_bar
from .additive_start import give_held_out_cells
from .batches import prefetch, training_batches
from .checkpoint import load_checkpoint, load_progress, save_checkpoint
from .distributed import data_parallel, launch, on_rank_zero, rank, shard, world_size
from .inference import predict_tokens, to_tensors
from .linear import LinearModel, LinearModels
from .presets import AdditiveWorkspace, Config, Network, make_network, parameter_groups, set_start
from .temperature import fit_size
from .token_store import TokenStore

log = logging.getLogger(__name__)
WARM_UP_STEPS = 100
MAX_WEIGHT = 20.0
MIN_STEPS, MIN_BATCH = 32, 16
CHECKPOINT_FORMAT = 2  # of another, training begins anew
CHECKPOINT_STEPS = 1000  # of a long epoch
MAX_VALIDATION = 50_000  # cells on which the model is evaluated after each epoch


@dataclass(frozen=True)
class TrainConfig:
    """How to train; config/README.md describes the keys that users set."""

    epochs: int = 100
    patience: int = 5
    batch_size: int = 128
    seed: int = 1
    learning_rate: float = 3e-4
    weight_decay: float = 0.01


@dataclass
class Progress:
    """Where training stands: what a checkpoint holds beside the tensors.

    Attributes
    ----------
    epoch, step
        Epochs that are finished, steps in all.
    batch, loss
        Steps of the running epoch and the sum of their losses over cells.
    """

    fingerprint: str
    epoch: int = 0
    step: int = 0
    batch: int = 0
    loss: float = 0.0
    best_loss: float = math.inf
    bad_epochs: int = 0
    history: list[dict] = field(default_factory=list)


@dataclass
class _Run:
    """A training run: its data, the model with its optimizer, and where it stands.

    Attributes
    ----------
    rows
        Rows of the store by split, ascending.
    weights
        Loss weight of each label, shape (n_labels,), on the device of the model.
    parallel
        The model as the steps call it (`data_parallel`).
    best
        Weights of the epoch with the lowest validation loss so far.
    start
        The linear model that the network was at first, if it was one.
    """

    store: TokenStore
    rows: dict[str, np.ndarray]
    weights: torch.Tensor
    config: TrainConfig
    model: Network
    parallel: torch.nn.Module
    optimizer: torch.optim.Optimizer
    best: dict[str, torch.Tensor]
    start: LinearModel | None
    progress: Progress
    checkpoint: Path

    def save(self) -> None:
        """Write the checkpoint, in one process."""
        if rank() == 0:
            progress = asdict(self.progress)
            save_checkpoint(self.checkpoint, self.model, self.optimizer, self.best, self.start, progress)


@dataclass(frozen=True)
class Trained:
    """Result of training.

    Attributes
    ----------
    model
        The model of the epoch with the lowest validation loss, in evaluation mode.
    history
        In schemas.HISTORY.
    linear_models
        By which the additive workspace was given the held-out cells; None for the transformer.
    """

    model: Network
    history: pd.DataFrame
    linear_models: LinearModels | None


def train(
    store: TokenStore,
    model_config: Config,
    config: TrainConfig,
    *,
    device: torch.device,
    checkpoint: str | Path,
) -> Trained:
    """Train a model on the cells of the store whose split is `train`, stop early by those of `validation`.

    The additive workspace starts as a linear model; its start is epoch 0 and is kept unless an epoch's loss is lower by
    more than a standard error (the rule of Breiman et al. 1984, of which the start is the simplest model). In the end
    its evidence is given the validation cells, too (`give_held_out_cells`).

    Called in several processes (`train_on_gpus`), each takes its shard of the batches and all get the same model.

    Parameters
    ----------
    store
        Tokens of the reference with a row for each cell: label and split.
    checkpoint
        File that is written after every epoch, and every `CHECKPOINT_STEPS` steps within one. If it exists and belongs
        to the same data and settings, training continues from it.
    """
    run = _set_up(store, model_config, config, device=device, checkpoint=Path(checkpoint))
    rows = run.rows["validation"]
    tokens, targets = store.read(rows), store.codes[rows]
    if run.start and not run.progress.history:
        found, losses = on_rank_zero(lambda: _validate(run.model, tokens, targets))
        _record_epoch(run, _start_loss(run), found)
        run.progress.best_loss -= float(losses.std(correction=0)) / math.sqrt(max(len(losses), 1))
    while run.progress.epoch < config.epochs and run.progress.bad_epochs < config.patience:
        train_loss = _train_epoch(run)
        _record_epoch(run, train_loss, on_rank_zero(lambda: _validate(run.model, tokens, targets))[0])
        run.save()
    run.model.load_state_dict(run.best)
    linear_models = None
    if isinstance(run.model, AdditiveWorkspace) and run.start:
        linear_models = give_held_out_cells(run.model, store, run.start, seed=config.seed)
    return Trained(run.model.eval(), pd.DataFrame(run.progress.history), linear_models)


def _set_up(
    store: TokenStore, model_config: Config, config: TrainConfig, *, device: torch.device, checkpoint: Path
) -> _Run:
    """A run at its start, or where its checkpoint was written."""
    torch.manual_seed(config.seed)
    model = make_network(model_config)
    rows = _rows_by_split(store, config.seed)
    config = replace(config, batch_size=batch_size(config.batch_size, len(rows["train"])))
    progress = Progress(fingerprint(store, model_config, config))
    resumed = checkpoint.exists() and load_progress(checkpoint)["fingerprint"] == progress.fingerprint
    start = None if resumed else set_start(model, store, rows["train"], seed=config.seed)
    model.to(device)
    groups = parameter_groups(model, weight_decay=config.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate)
    best: dict[str, torch.Tensor] = {}
    if resumed:
        progress = Progress(**load_progress(checkpoint))
        best, start = load_checkpoint(checkpoint, model, optimizer)
        log.info("resuming after epoch %d, step %d of the next", progress.epoch, progress.batch)
    weights = label_weights(store.codes[rows["train"]], len(store.labels)).to(device)
    parallel = data_parallel(model)
    return _Run(store, rows, weights, config, model, parallel, optimizer, best, start, progress, checkpoint)


def _rows_by_split(store: TokenStore, seed: int) -> dict[str, np.ndarray]:
    """Rows of the training cells and of at most `MAX_VALIDATION` validation cells."""
    rows = {split: np.flatnonzero(store.cells["split"] == split) for split in ("train", "validation")}
    if len(rows["validation"]) > MAX_VALIDATION:
        chosen = np.random.default_rng(seed).choice(rows["validation"], MAX_VALIDATION, replace=False)
        rows["validation"] = np.sort(chosen)
    return rows


def train_on_gpus(
    path: str | Path, model_config: Config, config: TrainConfig, *, n_processes: int, checkpoint: str | Path
) -> Trained:
    """`train` on the token file `path` with one process a GPU (on the CPU where there is none).

    A step then takes `n_processes` batches. The calling script must guard its main part, as processes are spawned.
    """
    arguments = (str(path), model_config, config, str(checkpoint))
    return launch(_train_in_process, *arguments, n_processes=n_processes)


def _train_in_process(path, model_config, config, checkpoint) -> Trained:
    device = torch.device("cuda", rank()) if torch.cuda.is_available() else torch.device("cpu")
    trained = train(TokenStore(path), model_config, config, device=device, checkpoint=checkpoint)
    return replace(trained, model=trained.model.cpu())


def batch_size(limit: int, n_cells: int) -> int:
    """Cells of a step: at most `limit`; fewer where an epoch would have less than `MIN_STEPS` steps."""
    return min(limit, max(n_cells // MIN_STEPS, MIN_BATCH))


def label_weights(targets: np.ndarray, n_labels: int) -> torch.Tensor:
    """Loss weight of each label, inverse to its cells but at most `MAX_WEIGHT`; the mean over cells is 1."""
    counts = np.maximum(np.bincount(targets, minlength=n_labels), 1)
    weights = np.minimum(len(targets) / (n_labels * counts), MAX_WEIGHT)
    return torch.tensor(weights * len(targets) / (weights * counts).sum(), dtype=torch.float32)


def fingerprint(store: TokenStore, model_config: Config, config: TrainConfig) -> str:
    """Hash of everything that decides the weights."""
    digest = hashlib.sha256(repr((CHECKPOINT_FORMAT, model_config, config, world_size())).encode())
    digest.update(pd.util.hash_pandas_object(store.cells, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _train_epoch(run: _Run) -> float:
    """Train the rest of an epoch, writing a checkpoint every `CHECKPOINT_STEPS` steps; returns the mean loss."""
    progress = run.progress
    loss: float | torch.Tensor = progress.loss
    for loss in _steps(run):
        if progress.batch % CHECKPOINT_STEPS == 0 and rank() == 0:
            progress.loss = float(loss)
            run.save()
    progress.epoch, progress.batch, progress.loss = progress.epoch + 1, 0, 0.0
    return float(loss) * world_size() / len(run.rows["train"])


def _steps(run: _Run) -> Iterator[torch.Tensor]:
    """Train the rest of an epoch; yields the epoch's sum of losses over cells after each step."""
    run.model.train()
    config, progress, device, rows = run.config, run.progress, run.weights.device, run.rows["train"]
    total = torch.tensor(progress.loss, dtype=torch.float64, device=device)
    steps = math.ceil(len(rows) / config.batch_size / world_size())
    batches = training_batches(run.store, rows, config.batch_size, (config.seed, progress.epoch + 1))
    levels, todo = run.model.config.reads_levels, islice(shard(batches), progress.batch, None)
    rest = ((cells, to_tensors(tokens, device, levels=levels)) for cells, tokens in todo)
    bar = progress_bar(prefetch(rest), total=steps, done=progress.batch, title=f"epoch {progress.epoch + 1}")
    for cells, tensors in bar:
        progress.step, progress.batch = progress.step + 1, progress.batch + 1
        torch.manual_seed((config.seed * 1_000_003 + progress.step) * world_size() + rank())
        for group in run.optimizer.param_groups:
            group["lr"] = group["rate"] * config.learning_rate * schedule(progress.step, config.epochs * steps)
        targets = torch.from_numpy(run.store.codes[cells]).to(device)
        total += training_step(run.parallel, run.optimizer, tensors, targets, run.weights) * len(cells)
        yield total


def training_step(model, optimizer, tensors, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """One step on the tensors of a batch (`to_tensors`), in bfloat16 on a GPU; returns the loss."""
    with torch.autocast(weights.device.type, torch.bfloat16, enabled=weights.device.type == "cuda"):
        output = model(*tensors)
    loss = F.cross_entropy(output.logits, targets, weight=weights)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.detach()


def schedule(step: int, total: int) -> float:
    """Factor of the learning rate: linear warm-up, then a cosine to zero at the last step."""
    return min(1.0, step / WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))


def _start_loss(run: _Run) -> float:
    """Loss of the model as it is on training cells, no more than validation has at most."""
    rows = run.rows["train"][:: math.ceil(len(run.rows["train"]) / MAX_VALIDATION)]
    (logits,) = predict_tokens(run.model, run.store.read(rows), "logits")
    targets = torch.from_numpy(run.store.codes[rows])
    return float(F.cross_entropy(torch.from_numpy(logits), targets, weight=run.weights.cpu()))


def _record_epoch(run: _Run, train_loss: float, validation: dict[str, float]) -> None:
    """Add an epoch to the history, and keep the model's weights if it is the best so far."""
    progress = run.progress
    learning_rate = run.optimizer.param_groups[0]["lr"] if progress.step else 0.0
    record = validation | {"epoch": progress.epoch, "train_loss": train_loss, "learning_rate": learning_rate}
    progress.history.append(record)
    log.info(
        "epoch %(epoch)d of at most %(epochs)d: loss %(train_loss).4f, validation loss %(validation_loss).4f, accuracy "
        "%(validation_accuracy).4f, macro-F1 %(validation_macro_f1).4f",
        record | {"epochs": run.config.epochs},
        extra=PROGRESS,
    )
    if record["validation_loss"] < progress.best_loss:
        progress.best_loss, progress.bad_epochs = record["validation_loss"], 0
        run.best = {name: value.detach().clone() for name, value in run.model.state_dict().items()}
    else:
        progress.bad_epochs += 1


def _validate(model: Network, tokens, targets: np.ndarray) -> tuple[dict[str, float], torch.Tensor]:
    """Mean loss, accuracy and macro-F1 of the held-out cells, and the loss of each: cross-entropy at the size of the
    logits that suits all best, which calibration finds anyway."""
    (logits,) = predict_tokens(model, tokens, "logits")
    sized, predicted = torch.from_numpy(logits) * fit_size(logits, targets), logits.argmax(1)
    losses = F.cross_entropy(sized, torch.from_numpy(targets), reduction="none")
    return {
        "validation_loss": float(losses.mean()),
        "validation_accuracy": accuracy_score(targets, predicted),
        "validation_macro_f1": f1_score(targets, predicted, average="macro", zero_division=0),
    }, losses
