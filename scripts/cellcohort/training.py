"""Training of CellMemory on a token store, with early stopping and exact resume.

Every random choice is drawn from (seed, epoch) or (seed, step), never from a running generator, so that training that
was killed and started again from its checkpoint gives the same weights as training that was not.
"""

from __future__ import annotations

import hashlib
import logging
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch.nn import functional as F
from tqdm import tqdm

from .batches import to_tensors, training_batches
from .checkpoint import load_checkpoint, load_progress, save_checkpoint
from .coexpression import gene_embedding
from .direct import fit_direct, fit_mix
from .inference import predict_tokens
from .model import CellMemory, ModelConfig
from .tokens import TokenStore

log = logging.getLogger(__name__)

WARM_UP_STEPS = 100
MAX_WEIGHT = 20.0


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
    """Where training stands: what a checkpoint holds beside the tensors."""

    fingerprint: str
    epoch: int = 0
    step: int = 0
    best_loss: float = math.inf
    bad_epochs: int = 0
    history: list[dict] = field(default_factory=list)


def train(
    store: TokenStore,
    labels: list[str],
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    device: torch.device,
    checkpoint: str | Path,
) -> tuple[CellMemory, pd.DataFrame]:
    """Train a model on the cells of the store whose split is `train`, stop early by those of `validation`.

    Parameters
    ----------
    store
        Tokens of the reference with a row for each cell: label and split.
    labels
        The reference types in the order of the model's outputs.
    checkpoint
        File that is written after every epoch. If it exists and belongs to the same data and settings, training
        continues from it.

    Returns
    -------
    The model of the epoch with the lowest validation loss, and the history (tables.HISTORY).
    """
    torch.manual_seed(config.seed)
    model = CellMemory(model_config)
    targets = pd.Index(labels).get_indexer(store.cells["label"])
    rows = {split: np.flatnonzero(store.cells["split"] == split) for split in ("train", "validation")}
    progress = Progress(fingerprint(store, labels, model_config, config))
    resumed = Path(checkpoint).exists() and load_progress(checkpoint)["fingerprint"] == progress.fingerprint
    if not resumed:
        _start_from_reference(model, store, rows["train"], seed=config.seed)
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    best = {}
    if resumed:
        progress = Progress(**load_progress(checkpoint))
        best = load_checkpoint(checkpoint, model, optimizer)
        log.info("resuming after epoch %d", progress.epoch)
    weights = label_weights(targets[rows["train"]], len(labels)).to(device)
    validation = store.read(rows["validation"])
    while progress.epoch < config.epochs and progress.bad_epochs < config.patience:
        train_loss = _epoch(model, optimizer, store, rows["train"], targets, weights, config, progress)
        record = _validate(model, validation, targets[rows["validation"]])
        record |= {"epoch": progress.epoch, "train_loss": train_loss, "learning_rate": optimizer.param_groups[0]["lr"]}
        progress.history.append(record)
        log.info(
            "epoch %(epoch)d: loss %(train_loss).4f, validation loss %(validation_loss).4f, accuracy "
            "%(validation_accuracy).4f, macro-F1 %(validation_macro_f1).4f",
            record,
        )
        if record["validation_loss"] < progress.best_loss:
            progress.best_loss, progress.bad_epochs = record["validation_loss"], 0
            best = {name: value.detach().clone() for name, value in model.state_dict().items()}
        else:
            progress.bad_epochs += 1
        save_checkpoint(checkpoint, model, optimizer, best, asdict(progress))
    model.load_state_dict(best)
    if model.direct is not None:
        paths = predict_tokens(model, validation, "workspace", "direct")
        model.mix.copy_(fit_mix(*paths, targets[rows["validation"]]))
        log.info("weights of workspace and direct path: %.3f, %.3f", *model.mix.tolist())
    return model.eval(), pd.DataFrame(progress.history)


def _start_from_reference(model: CellMemory, store: TokenStore, rows: np.ndarray, *, seed: int) -> None:
    """Set what is fitted rather than trained: the first gene embeddings and the direct path."""
    config = model.config
    with torch.no_grad():
        model.embedding.gene.weight.copy_(gene_embedding(store, rows, config, seed=seed))
        if model.direct is not None:
            weight, bias = fit_direct(store, rows, n_genes=config.n_genes, n_bins=config.n_bins, seed=seed)
            model.direct.weight.copy_(weight)
            model.direct.bias.copy_(bias)


def label_weights(targets: np.ndarray, n_labels: int) -> torch.Tensor:
    """Loss weight of each label, inverse to its cells but at most `MAX_WEIGHT`; the mean over cells is 1."""
    counts = np.maximum(np.bincount(targets, minlength=n_labels), 1)
    weights = np.minimum(len(targets) / (n_labels * counts), MAX_WEIGHT)
    return torch.tensor(weights * len(targets) / (weights * counts).sum(), dtype=torch.float32)


def fingerprint(store: TokenStore, labels: list[str], model_config: ModelConfig, config: TrainConfig) -> str:
    """Hash of everything that decides the weights."""
    digest = hashlib.sha256(repr((labels, model_config, config)).encode())
    digest.update(pd.util.hash_pandas_object(store.cells, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _epoch(model, optimizer, store, rows, targets, weights, config, progress) -> float:
    """Train one epoch; returns the mean loss of a cell."""
    model.train()
    device = weights.device
    steps = math.ceil(len(rows) / config.batch_size)
    progress.epoch += 1
    total = torch.zeros((), device=device)
    batches = training_batches(store, rows, config.batch_size, (config.seed, progress.epoch))
    for batch_rows, tokens in tqdm(batches, total=steps, desc=f"epoch {progress.epoch}", mininterval=10):
        progress.step += 1
        torch.manual_seed(config.seed * 1_000_003 + progress.step)
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * schedule(progress.step, config.epochs * steps)
        output = model(*to_tensors(tokens, device))
        target = torch.from_numpy(targets[batch_rows]).to(device)
        loss = F.cross_entropy(output.workspace, target, weight=weights)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(batch_rows)
    return float(total) / len(rows)


def schedule(step: int, total: int) -> float:
    """Factor of the learning rate: linear warm-up, then a cosine to zero at the last step."""
    return min(1.0, step / WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))


def _validate(model: CellMemory, tokens, targets: np.ndarray) -> dict[str, float]:
    (logits,) = predict_tokens(model, tokens, "workspace")
    predicted = logits.argmax(1)
    loss = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(targets))
    return {
        "validation_loss": float(loss),
        "validation_accuracy": accuracy_score(targets, predicted),
        "validation_macro_f1": f1_score(targets, predicted, average="macro", zero_division=0),
    }
