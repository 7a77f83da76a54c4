"""What can be seen to be wrong with a configuration before Torch and Ray are imported, which takes many seconds."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

from hierbrush.curriculum import apply_overrides, load_curriculum, read_yaml, validate
from hierbrush.learning.config import TrainingConfig
from hierbrush.learning.hierarchical_config import HierarchicalConfig
from hierbrush.resources import named_file


def check_configuration(config: str | PathLike[str], overrides: Sequence[str] = ()) -> None:
    """Refuse at once what a training would refuse after its imports: the file, its keys and values, its curricula.

    What an imitation's file says is checked by the training itself, whose models need Torch.

    Args:
        config: as for `hierbrush.learning.train.train`.
        overrides: as there.

    Raises:
        HierbrushError: one of them cannot be used.
    """
    file = named_file("configs", config, argument="CONFIG")
    document = apply_overrides(read_yaml(file), overrides)
    kind = document.data.get("kind")
    if kind == "imitation":
        return
    if kind == "hierarchical":
        names: list[str | None] = [validate(document, HierarchicalConfig).curriculum]
    else:
        training = validate(document, TrainingConfig)
        names = [training.for_phase(phase).curriculum for phase in training.phases]
    for name in dict.fromkeys(names):
        if name is not None:
            load_curriculum(name, beside=file)
