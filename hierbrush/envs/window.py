"""The window in which a person watches an episode: ``render_mode="human"``."""

from __future__ import annotations

import importlib.util
from typing import Any

from hierbrush.envs.picture import Frame
from hierbrush.errors import HierbrushError


class Window:
    """A window that shows one picture after another, as fast as they are written at most.

    It opens with the first picture. A copy of it, or one in another process, opens a window of its own.

    Args:
        title: what stands above it.
        rate: pictures a second at most.

    Raises:
        HierbrushError: pygame, which draws it, is not installed.
    """

    def __init__(self, title: str, *, rate: int) -> None:
        if importlib.util.find_spec("pygame") is None:
            raise HierbrushError(
                "render_mode: 'human' needs pygame, which is not installed; pip install \"hierbrush[render]\", or take "
                "render_mode='rgb_array'"
            )
        self._title, self._rate = title, rate
        self._screen: Any = None
        self._clock: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_screen": None, "_clock": None}

    def show(self, frame: Frame) -> None:
        """Show a picture, uint8 [height, width, 3]."""
        import pygame

        if self._screen is None:
            pygame.display.init()
            pygame.display.set_caption(self._title)
            self._screen = pygame.display.set_mode((frame.shape[1], frame.shape[0]))
            self._clock = pygame.time.Clock()
        self._screen.blit(pygame.surfarray.make_surface(frame.swapaxes(0, 1)), (0, 0))
        pygame.event.pump()
        self._clock.tick(self._rate)
        pygame.display.flip()

    def close(self) -> None:
        """Close the window, if it is open."""
        if self._screen is not None:
            import pygame

            pygame.display.quit()
            self._screen = None
