from typing import Any

BUILD: str

class Batch:
    def __init__(
        self,
        arrays: dict[str, Any],
        *,
        supersample: int,
        per_metre: float,
        spacing: float,
        unit: float,
        reach: float,
        max_move: float,
        max_press: float,
        lift_height: float,
        seed: int,
    ) -> None: ...
    def step(self, lo: int, hi: int, /) -> None: ...
    def track(self, lo: int, hi: int, /) -> None: ...
    def command(self, lo: int, hi: int, /) -> None: ...
    def observe(self, lo: int, hi: int, /) -> None: ...

def fill_polygon(points: Any, columns: int, rows: int, bits: Any, /) -> None: ...
def polygon_distance(points: Any, columns: int, rows: int, inside: Any, out: Any, /) -> None: ...
def outline_distance(points: Any, outlines: Any, count: int, out: Any, /) -> None: ...
def nearest_points(points: Any, lines: Any, count: int, out: Any, /) -> None: ...
def contacts(lines: Any, widths: Any, pairs: Any, reach: int, out: Any, /) -> None: ...
def distance_transform(mask: Any, columns: int, rows: int, out: Any, /) -> None: ...
def linear(x: Any, weight: Any, bias: Any, rectified: bool, out: Any, /) -> None: ...
def perceptrons(x: Any, inputs: int, groups: tuple[tuple[Any, tuple[Any, ...]], ...], out: Any, /) -> None: ...
def attention(qkv: Any, exists: Any, count: int, heads: int, out: Any, /) -> None: ...
def normalise(x: Any, weight: Any, bias: Any, epsilon: float, out: Any, /) -> None: ...
def ink_follow(path: Any, speed: Any, params: Any, spacing: float, state: Any, out: Any, /) -> int: ...
def ink_drag(
    stamps: Any,
    footprint: Any,
    per_metre: float,
    back: float,
    numbers: Any,
    hair: Any,
    paper: Any,
    bundle: Any,
    film: Any,
    columns: int,
    rows: int,
    /,
) -> None: ...
def ink_paper(
    seed: int,
    columns: int,
    rows: int,
    left: float,
    top: float,
    pitch: float,
    fine: float,
    coarse: float,
    share: float,
    out: Any,
    /,
) -> None: ...
def ink_spread(
    columns: int, rows: int, steps: int, numbers: Any, passing: Any, pinned: Any, water: Any, pigment: Any, /
) -> None: ...
