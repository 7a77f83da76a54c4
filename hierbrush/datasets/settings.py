"""What a data set is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hierbrush.arguments import check_choice, check_kind, check_number, check_whole
from hierbrush.brushes.brush_file import brush_of
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.planner import DEFAULT_BUDGET
from hierbrush.sim.observation import OBSERVATIONS
from hierbrush.sim.raster import check_supersample
from hierbrush.strokes.script import check_types

KINDS = ("planned", "policy", "noisy", "random")
"""Who moved the brush: a search, stage by stage; a policy; a policy with noise on its actions; chance."""

PARTS = ("train", "validation")
PICTURES = (0, 32, 64, 128, 256)
_MOST_TICKS = 10**10


@dataclass(frozen=True)
class DatasetSettings:
    """What a data set is made of. The same settings and the same commit give the same numbers.

    Attributes:
        ticks: control ticks in all, rounded up to whole strokes.
        kinds: share of the ticks of each of `KINDS`; those of share 0 may be left out.
        seed: of everything that is drawn.
        strokes: stroke types; all that the characters have where there is none.
        part: whose strokes: ``"train"`` or ``"validation"``. Test characters are in no data set.
        policy: who acts, and where searches begin: ``"learned"``, ``"scripted"`` or the path of trained weights.
        budget: rollouts of a search.
        stages: keep every movement that a search found on its way, the start first; else only the last.
        noise: standard deviation of the noise, at most; every noisy stroke has its own, drawn from 0 to this.
        brush: share by which a stroke's brush may be off.
        model: the brush, by a preset's name or as a brush file's path.
        observation: ``"full"`` (219 numbers) or ``"track"`` (64).
        supersample: samples a pixel side of the ink that is rewarded.
        shard: ticks of a file, roughly.
        pictures: side in pixels of pictures of the paper, 32, 64, 128 or 256; none where it is 0. Only LeRobot data
            sets have them.
    """

    ticks: int = 100_000
    kinds: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 0.25))
    seed: int = 0
    strokes: tuple[str, ...] = ()
    part: str = "train"
    policy: str = "learned"
    budget: int = DEFAULT_BUDGET // 4
    stages: bool = True
    noise: float = 0.3
    brush: float = 0.0
    model: str = "measured"
    observation: str = "full"
    supersample: int = 2
    shard: int = 20_000
    pictures: int = 0

    def __post_init__(self) -> None:
        check_whole("ticks", self.ticks, 1, _MOST_TICKS)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        check_whole("budget", self.budget, 1, 1_000_000, unit="rollouts")
        check_whole("shard", self.shard, 1, 1_000_000, unit="ticks")
        check_choice("part", self.part, PARTS)
        check_kind("policy", self.policy, str, "the name or path of a policy")
        check_kind("stages", self.stages, bool, "True or False")
        check_number("noise", self.noise, 0.0, 2.0, "times the largest residual")
        check_number("brush", self.brush, 0.0, 0.9, "a share")
        brush_of(self.model, "model")
        check_choice("observation", self.observation, [name for name in OBSERVATIONS if name != "none"])
        check_supersample(self.supersample)
        if check_whole("pictures", self.pictures, 0, 256, unit="pixels") not in PICTURES:
            raise HierbrushError(f"pictures: {self.pictures}, expected one of {', '.join(map(str, PICTURES))} pixels")
        object.__setattr__(self, "kinds", _shares(self.kinds))
        object.__setattr__(self, "strokes", _types(self.strokes))

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON holds them."""
        settings = {**asdict(self), "kinds": dict(self.kinds), "strokes": list(self.strokes)}
        # Sets that were begun before there were any go on.
        if not self.pictures:
            del settings["pictures"]
        if self.model == "measured":
            del settings["model"]
        return settings

    @property
    def shards(self) -> int:
        """How many files there are."""
        return -(-self.ticks // self.shard)

    def ticks_of(self, shard: int) -> dict[str, int]:
        """Return how many ticks of each kind a file shall have, at least."""
        ticks = min(self.shard, self.ticks - shard * self.shard)
        return {kind: round(ticks * share) for kind, share in self.kinds.items()}


def _shares(kinds: object) -> dict[str, float]:
    check_kind("kinds", kinds, Mapping, "shares by kind such as {'planned': 1}")
    assert isinstance(kinds, Mapping)
    for kind in kinds:
        if kind not in KINDS:
            near = closest(kind, list(KINDS)) if isinstance(kind, str) else ""
            raise HierbrushError(f"kinds: {shown(kind)} is none of {', '.join(KINDS)}{near}")
    shares = {kind: check_number(f"kinds[{kind}]", kinds.get(kind, 0.0), 0.0, 1e6, "a share") for kind in KINDS}
    total = sum(shares.values())
    if not total:
        raise HierbrushError(f"kinds: {shown(dict(kinds))}, expected one share above 0")
    return {kind: share / total for kind, share in shares.items() if share}


def _types(strokes: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check_types("strokes", strokes)))
