"""What policies and composers achieve, beside controls: scores, tables and sheets of pictures."""

from hierbrush.evaluation.composers import ComposerEvaluation, evaluate_composers
from hierbrush.evaluation.primitives import Evaluation, MachineErrors, characters_of, evaluate

__all__ = ["ComposerEvaluation", "Evaluation", "MachineErrors", "characters_of", "evaluate", "evaluate_composers"]
