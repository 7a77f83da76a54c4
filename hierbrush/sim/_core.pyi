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
    def observe(self, lo: int, hi: int, /) -> None: ...

def fill_polygon(points: Any, columns: int, rows: int, bits: Any, /) -> None: ...
def polygon_distance(points: Any, columns: int, rows: int, inside: Any, out: Any, /) -> None: ...
def outline_distance(points: Any, outlines: Any, count: int, out: Any, /) -> None: ...
def distance_transform(mask: Any, columns: int, rows: int, out: Any, /) -> None: ...
