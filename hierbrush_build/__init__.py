"""Offline pipelines that made the data of hierbrush: characters, components, drawings fitted to fonts, primitives.

They run from a checkout. hierbrush itself never imports them, no wheel carries them; docs/data.md has the commands.
"""
