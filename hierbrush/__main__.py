"""``python -m hierbrush``: the same as the ``hierbrush`` command."""

from __future__ import annotations

from hierbrush.cli import main

if __name__ == "__main__":
    main()
