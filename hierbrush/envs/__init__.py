"""Gymnasium environments of hierbrush; importing this package registers them."""

import gymnasium

STROKE_ENV = "hierbrush/Stroke-v0"
FLAT_ENV = "hierbrush/FlatCharacter-v0"

for _name, _module in ((STROKE_ENV, "stroke:Stroke"), (FLAT_ENV, "flat_character:FlatCharacter")):
    if _name not in gymnasium.registry:
        gymnasium.register(
            id=_name,
            entry_point=f"hierbrush.envs.{_module}Env",
            vector_entry_point=f"hierbrush.envs.{_module}VectorEnv",
        )
