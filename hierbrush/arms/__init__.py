"""Robot arms that hold the brush: kinematics, movement, drives and pictures, all in simulation.

``writing.on(arm)`` gives a writing's joints over time. Needs MuJoCo, which ``pip install "hierbrush[arm]"`` brings; the
names here come without it until an arm is to move.
"""

from hierbrush.arms.arm import Arm
from hierbrush.arms.calibration import Calibration
from hierbrush.arms.presets import PRESETS, Servo

__all__ = ["PRESETS", "Arm", "Calibration", "Servo"]
