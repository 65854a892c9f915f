"""Pictures as data URIs within a budget of bytes."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

TOTAL_BYTES = 4_000_000
MOST_BYTES = 300_000
_WIDEST, _NARROWEST = 1600, 300


def data_uri(path: Path, *, n_pictures: int) -> str:
    """The picture as WebP, narrowed until its share of `TOTAL_BYTES` (at most `MOST_BYTES`) holds it."""
    budget = min(MOST_BYTES, TOTAL_BYTES // max(n_pictures, 1))
    width = min(_WIDEST, 5 * int(budget**0.5))
    with Image.open(path) as file:
        picture = file.convert("RGB")
    content = _webp(picture, width)
    while len(content) > budget and width > _NARROWEST:
        width = max(_NARROWEST, int(0.9 * width * (budget / len(content)) ** 0.5))
        content = _webp(picture, width)
    return "data:image/webp;base64," + base64.b64encode(content).decode()


def _webp(picture: Image.Image, width: int) -> bytes:
    smaller, buffer = picture.copy(), io.BytesIO()
    smaller.thumbnail((width, 4 * width))
    smaller.save(buffer, "WEBP", quality=80, method=2)
    return buffer.getvalue()
