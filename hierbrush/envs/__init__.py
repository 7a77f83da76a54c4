"""Gymnasium environments of hierbrush; importing this package registers them."""

import gymnasium

STROKE_ENV = "hierbrush/Stroke-v0"

if STROKE_ENV not in gymnasium.registry:
    gymnasium.register(
        id=STROKE_ENV,
        entry_point="hierbrush.envs.stroke:StrokeEnv",
        vector_entry_point="hierbrush.envs.stroke:StrokeVectorEnv",
    )
