"""Draws from_nothing.png: what guided policy search makes of the scripted follower, and how long it takes, beside PPO.

    for type in H S D P HZ; do
        hierbrush train configs/guided.yaml --stroke $type --set start=scripted --output runs/nothing/$type
    done
    python -m hierbrush_build.results from-nothing        # which runs this file with runs/nothing --json FILE

Without a folder it draws what is recorded in docs/results/from-nothing.json. The left picture is what was recorded. The
right one supposes that each of the 38 types takes as long as the mean of those, and weighs the types by how often test
characters have them. Of PPO's training only the end is known: .966 for all types after 113 minutes of two cores.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hierbrush.characters import load_library, split

HERE = Path(__file__).resolve().parent
RECORDED = HERE.parent / "results" / "from-nothing.json"
TYPES, CORES = 38, 2
PPO_MINUTES, PPO_IOU = 113, 0.966


def collected(folder: Path) -> dict[str, Any]:
    """Return the progress of the trainings in a folder, and its mean as if all types were like these."""
    counts = Counter(
        kind
        for char in load_library().characters
        if split(char) == "test"
        for kind in load_library().stroke_types(char)
    )
    types: dict[str, Any] = {}
    for file in sorted(folder.glob("*/*/metrics.jsonl"), key=lambda file: -counts[file.parent.name]):
        records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        types[file.parent.name] = {
            "share": counts[file.parent.name] / counts.total(),
            "iou": [record["iou"] for record in records],
            "brush_off": records[-1]["iou_brush_off"],
            "seconds": [record["processor_seconds"] for record in records],
        }
    shares = [each["share"] for each in types.values()]
    rounds = list(zip(*(each["iou"] for each in types.values()), strict=True))
    seconds = list(zip(*(each["seconds"] for each in types.values()), strict=True))
    means = [sum(share * iou for share, iou in zip(shares, ious, strict=True)) / sum(shares) for ious in rounds]
    minutes = [sum(taken) / len(taken) * TYPES / CORES / 60 for taken in seconds]
    return {"share": sum(shares), "types": types, "iou": means, "minutes": minutes, "total": minutes[-1] * CORES}


def drawn(figures: dict[str, Any]) -> Figure:
    """Return both pictures."""
    figure = Figure((11, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for name, each in figures["types"].items():
        left.plot(each["seconds"], each["iou"], "o-", markersize=3, label=name)
    left.set(title="recorded: one type each", xlabel="processor seconds, start of Python and Ray included")
    left.set(ylabel="stroke IoU on validation strokes", xlim=(0, None))
    left.legend(loc="lower right")
    name = f"taught by search: {len(figures['types'])} types ({figures['share']:.0%} of strokes), times {TYPES}"
    right.plot(figures["minutes"], figures["iou"], "o-", markersize=3, label=name)
    right.plot(PPO_MINUTES, PPO_IOU, "s", color="black", label=f"PPO, all {TYPES} types, its end")
    right.axhline(PPO_IOU, color="grey", linewidth=0.5)
    right.set(title=f"extrapolated to all {TYPES} types", xlabel="minutes of two cores", xlim=(0, 120))
    right.legend(loc="lower right")
    return figure


def main() -> None:
    """Collect what was recorded if a folder is named, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="of the trainings")
    parser.add_argument("--json", type=Path, help="where to write what was recorded")
    arguments = parser.parse_args()
    if arguments.folder:
        figures = collected(arguments.folder)
    else:
        figures = json.loads(RECORDED.read_text(encoding="utf-8"))["figures"]
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    drawn(figures).savefig(HERE / "from_nothing.png", dpi=90)


if __name__ == "__main__":
    main()
