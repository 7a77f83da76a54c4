"""Which of several fonts ink is written in: a small convolutional network that knows them by training characters alone.

It sees 64 x 64 pixels. While it learns, glyphs are moved, and their edges rounded and made harder again, for a brush's
corners are round where a font's are sharp, and the hand is to be judged by other things.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from hierbrush.characters import load_library, split
from hierbrush.styles.chosen import is_common
from hierbrush.styles.fonts import Font

SIDE = 64

Inks = NDArray[np.float32]


class Judge:
    """A network that tells hands apart.

    Args:
        names: of the fonts.
        network: what answers with a number for each.
    """

    def __init__(self, names: Sequence[str], network: nn.Module) -> None:
        self.names, self.network = list(names), network

    def named(self, inks: Sequence[NDArray[np.floating]]) -> list[str]:
        """Return for each ink [256, 256] the font that it is taken for."""
        with torch.no_grad():
            answers = self.network(_tensor(np.stack([small(ink) for ink in inks])))
        return [self.names[at] for at in answers.argmax(1).tolist()]


def small(ink: NDArray[np.floating]) -> Inks:
    """Return ink [n * 64, n * 64] as float32 [64, 64]."""
    step = len(ink) // SIDE
    return ink.reshape(SIDE, step, SIDE, step).mean(axis=(1, 3)).astype(np.float32)


def learned(fonts: dict[str, Font], file: Path, *, characters: int = 300, passes: int = 30, seed: int = 0) -> Judge:
    """Return a judge of fonts; it is kept in a file, and learned again where that is of other fonts."""
    names = list(fonts)
    network = _network(len(names))
    if file.exists():
        kept = torch.load(file, weights_only=True)
        if kept["names"] == names:
            network.load_state_dict(kept["weights"])
            return Judge(names, network.eval())
    torch.manual_seed(seed)
    network = _network(len(names))
    rng = np.random.default_rng(seed)
    inks, labels = _renderings(fonts, characters, rng)
    _fit(network, inks, labels, passes, rng)
    torch.save({"names": names, "weights": network.state_dict()}, file)
    return Judge(names, network.eval())


def characters_of(font: Font, part: str, count: int, rng: np.random.Generator) -> list[str]:
    """Return common characters of a font that are of one part of the split, in a random order."""
    library = load_library()
    known = [char for char in font.characters if char in library and split(char) == part and is_common(char)]
    return [known[at] for at in rng.permutation(len(known))[:count]]


def of_renderings(judge: Judge, fonts: dict[str, Font], count: int = 20) -> float:
    """Return the share of the fonts' own validation characters that a judge tells rightly."""
    rng = np.random.default_rng(1)
    right = []
    for name, font in fonts.items():
        chars = characters_of(font, "validation", count, rng)
        right += [answer == name for answer in judge.named([font.ink(char) for char in chars])]
    return float(np.mean(right))


def _renderings(fonts: dict[str, Font], count: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    inks, labels = [], []
    for label, font in enumerate(fonts.values()):
        for char in characters_of(font, "train", count, rng):
            inks.append(small(font.ink(char, 4 * SIDE)))
            labels.append(label)
    return _tensor(np.stack(inks)), torch.tensor(labels)


def _network(answers: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, 2, 2), nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(),
        nn.Conv2d(64, 64, 3, 1, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(256, answers),
    )  # fmt: skip


def _fit(network: nn.Module, inks: torch.Tensor, labels: torch.Tensor, passes: int, rng: np.random.Generator) -> None:
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    batches = passes * (len(inks) // 64)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=batches)
    for _ in range(batches):
        at = torch.from_numpy(rng.integers(0, len(inks), 64))
        loss = functional.cross_entropy(network(_disturbed(inks[at], rng)), labels[at], label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        rate.step()


def _disturbed(inks: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return inks moved by up to two pixels, their edges rounded by a blur and made hard again."""
    y, x = rng.integers(-2, 3, 2)
    moved = torch.roll(inks, (int(y), int(x)), (2, 3))
    width = float(rng.uniform(0.0, 0.9))
    if width < 0.3:
        return moved
    reach = torch.arange(-2, 3, dtype=torch.float32)
    line = torch.exp(-(reach**2) / (2 * width**2))
    line = line / line.sum()
    kernel = (line[:, None] * line[None])[None, None]
    blurred = functional.conv2d(moved, kernel, padding=2)
    return torch.clamp((blurred - 0.5) * float(rng.uniform(1.2, 2.5)) + 0.5, 0.0, 1.0)


def _tensor(inks: Inks) -> torch.Tensor:
    return cast(torch.Tensor, torch.from_numpy(inks)[:, None])
