import numpy as np
import pytest
import torch

from cellcohort.model import network
from cellcohort.model.inference import predict_tokens, to_tensors
from cellcohort.model.network import CellMemory, Dropout, ModelConfig
from cellcohort.model.presets import PRESETS
from cellcohort.model.tokens import Tokens

N_GENES, N_LABELS = 60, 4


def make_model(broadcast: str, *, seed: int = 0, **sizes) -> CellMemory:
    torch.manual_seed(seed)
    sizes = {"d_model": 32, "d_ff": 48, "d_key": 8, "n_slots": 5, "n_layers": 3} | sizes
    model = CellMemory(ModelConfig(N_GENES, N_LABELS, broadcast=broadcast, **sizes))
    return model.eval()


def make_tokens(n: int = 20, seed: int = 0) -> Tokens:
    rng = np.random.default_rng(seed)
    genes = [np.sort(rng.choice(N_GENES, rng.integers(1, 40), replace=False)) for _ in range(n)]
    indptr = np.concatenate([[0], np.cumsum([len(g) for g in genes])])
    bins = rng.integers(1, 51, indptr[-1]).astype(np.uint8)
    return Tokens(indptr, np.concatenate(genes).astype(np.uint16), bins, rng.random(indptr[-1]).astype(np.float16))


@pytest.fixture(params=["cells", "cls"])
def model(request):
    return make_model(request.param)


def all_outputs(model, genes, bins, mask):
    with torch.inference_mode():
        out = model(genes, bins, mask, attention=True)
    return out.logits, out.embedding, out.memory, out.received


@pytest.mark.parametrize("extra", [1, 17])
def test_padding_changes_nothing(model, extra):
    genes, bins, mask = to_tensors(make_tokens(), torch.device("cpu"))
    longer = [torch.nn.functional.pad(x, (0, extra), value=v) for x, v in ((genes, 3), (bins, 50), (mask, False))]
    for short, long in zip(all_outputs(model, genes, bins, mask), all_outputs(model, *longer), strict=True):
        torch.testing.assert_close(short, long, atol=1e-5, rtol=0)


def test_the_order_of_genes_changes_nothing(model):
    genes, bins, mask = to_tensors(make_tokens(1), torch.device("cpu"))
    order = torch.randperm(genes.shape[1], generator=torch.Generator().manual_seed(1))
    for a, b in zip(
        all_outputs(model, genes, bins, mask), all_outputs(model, genes[:, order], bins[:, order], mask), strict=True
    ):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_a_cell_alone_is_read_as_among_others(model):
    tokens = make_tokens()
    together = predict_tokens(model, tokens, "logits", "embedding")
    for cell in (0, 7, 19):
        alone = predict_tokens(model, tokens.take(np.array([cell])), "logits", "embedding")
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_allclose(a[0], b[cell], atol=1e-5)


def test_a_cell_without_tokens_has_an_answer(model):
    tokens = Tokens(np.array([0, 0]), np.empty(0, np.uint16), np.empty(0, np.uint8), np.empty(0, np.float16))
    assert np.isfinite(predict_tokens(model, tokens, "logits")[0]).all()


def test_attention_maps_are_distributions_over_tokens_and_slots(model):
    genes, bins, mask = to_tensors(make_tokens(), torch.device("cpu"))
    out = model(genes, bins, mask, attention=True)
    torch.testing.assert_close(out.read.sum(-1), torch.ones(20, 5))
    torch.testing.assert_close(out.received.sum(-1), torch.ones(20))
    assert out.read[:, :, 1:].transpose(1, 2)[~mask].abs().max() == 0
    assert model(genes, bins, mask).read is None


def plain_forward(model: CellMemory, genes, bins):
    """One cell through the published layer, written naively: a key, query and value for every token."""
    c, w = model.config, model.workspace
    heads = lambda x: x.unflatten(-1, (c.n_heads, -1)).transpose(0, 1)  # noqa: E731
    x = torch.cat(
        [model.embedding.cls[None], model.embedding.norm(model.embedding.gene(genes) + model.embedding.bin(bins))]
    )
    memory = torch.eye(c.n_slots, c.d_model)
    for _ in range(c.n_layers):
        u = w.project(w.norm_in(x))
        q, k, v = (heads(f(y)) for f, y in ((w.attention.query, memory), (w.attention.key, u), (w.attention.value, u)))
        new = w.norm_read(memory + ((q @ k.transpose(1, 2)).softmax(-1) @ v).transpose(0, 1).flatten(1))
        new = w.norm_memory(new + w.memory_mlp(new).relu())
        gate = torch.stack([memory[s].tanh() @ w.gates.weight[s] for s in range(c.n_slots)]) + w.gates.bias
        gate = gate + w.gates.tokens((u * w.gates.scale).relu().mean(0))
        take, keep = gate.chunk(2, -1)
        memory = (take + w.gates.input_bias).sigmoid() * new.tanh() + (keep + w.gates.forget_bias).sigmoid() * memory
        q, k, v = (
            heads(f(y)) for f, y in ((w.attention.query, u), (w.attention.key, memory), (w.attention.value, memory))
        )
        attended = ((q @ k.transpose(1, 2)).softmax(-1) @ v).transpose(0, 1).flatten(1)
        update = x + attended
        update = update + w.ff(w.norm_ff(update))
        x = update if c.broadcast == "cells" else torch.cat([update[:1], x[1:]])
    return model.head(x[0]), x[0]


def test_folding_is_exact(model):
    tokens = make_tokens(1)
    genes, bins, mask = to_tensors(tokens, torch.device("cpu"))
    out = model(genes, bins, mask)
    logits, cls = plain_forward(model, genes[0], bins[0])
    torch.testing.assert_close(out.logits[0], logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(out.embedding[0], cls, atol=1e-5, rtol=1e-5)


def test_the_paper_preset_has_the_published_sizes():
    paper = PRESETS["paper"](n_genes=N_GENES, n_labels=N_LABELS)
    assert (paper.d_model, paper.d_ff, paper.n_heads, paper.d_key, paper.n_slots, paper.n_layers) == (
        256,
        512,
        4,
        32,
        8,
        4,
    )


@pytest.mark.parametrize("broadcast", ["cells", "cls"])
def test_every_parameter_learns(broadcast):
    model = make_model(broadcast).train()
    genes, bins, mask = to_tensors(make_tokens(), torch.device("cpu"))
    model(genes, bins, mask).logits.square().sum().backward()
    # a key's bias shifts all tokens alike before the softmax of writing, but not the slots before that of broadcasting
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().any()] == []


@pytest.mark.parametrize("rows", [1, 7])
def test_the_feed_forward_is_the_same_in_parts(model, monkeypatch, rows):
    tensors = to_tensors(make_tokens(), torch.device("cpu"))
    with torch.enable_grad():
        whole = model(*tensors).logits.detach()
    monkeypatch.setattr(network, "CACHED_ROWS", rows)
    with torch.inference_mode():
        torch.testing.assert_close(model(*tensors).logits, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(3,), (200, 301)])
def test_dropout_keeps_the_mean_and_is_seeded(shape):
    dropout = Dropout(0.1)
    torch.manual_seed(1)
    once = dropout(torch.ones(shape))
    torch.manual_seed(1)
    assert torch.equal(dropout(torch.ones(shape)), once)
    if once.numel() > 100:
        assert (once == 0).float().mean() == pytest.approx(0.1, abs=0.005)
        assert once.mean() == pytest.approx(1, abs=0.005)
    assert torch.equal(dropout.eval()(once), once)


def test_a_forward_and_backward_pass_in_bfloat16(model):
    genes, bins, mask = to_tensors(make_tokens(), torch.device("cpu"))
    exact = model(genes, bins, mask, attention=True)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(genes, bins, mask, attention=True)
    assert rough.logits.dtype == rough.embedding.dtype == torch.float32
    torch.testing.assert_close(rough.logits, exact.logits, atol=0.1, rtol=0.1)
    torch.testing.assert_close(rough.read.float(), exact.read, atol=0.02, rtol=0.05)
    rough.logits.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_silent_genes_are_tokens_where_the_model_wants_all_genes():
    model, tokens = make_model("cells", all_genes=True), make_tokens()
    (logits,) = predict_tokens(model, tokens, "logits")
    genes, bins, mask = to_tensors(tokens, torch.device("cpu"))
    dense = torch.zeros(20, N_GENES, dtype=torch.long).scatter_add_(1, genes, bins * mask)
    every = torch.arange(N_GENES).expand(20, -1)
    with torch.inference_mode():
        expected = model(every, dense, torch.ones_like(dense, dtype=torch.bool)).logits
    np.testing.assert_allclose(logits, expected, atol=1e-5)
