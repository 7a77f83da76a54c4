"""Offline pipelines that made the data of hierbrush: characters, components, drawings fitted to fonts.

Run from a checkout with the extra ``build``. hierbrush itself never imports it, no wheel carries it; docs/data.md has
the commands.
"""
