"""How a person watches an episode: render modes, and the window of ``render_mode="human"``."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from hierbrush.envs.picture import Frame
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.sim import TICK_SECONDS

TICKS_A_SECOND = round(1 / TICK_SECONDS)
MODES: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": TICKS_A_SECOND}
"""What environments that can be watched tell of themselves."""


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


class Watched:
    """What environments of one episode share that can be watched: ``render_mode``, ``render`` and ``close``.

    Stands before Gymnasium's or another's environment among the bases, and has a picture of its own.
    """

    metadata: dict[str, Any]

    def _show_in(self, render_mode: str | None) -> None:
        """Take a render mode.

        Raises:
            HierbrushError: there is no such mode, or what it needs is not installed.
        """
        self.render_mode = check_render_mode(render_mode, self.metadata)
        self._window = Window("hierbrush", rate=TICKS_A_SECOND) if render_mode == "human" else None

    def _picture(self) -> Frame:
        """Return the episode as a picture, uint8 [512, 512, 3]."""
        raise NotImplementedError

    def _watch(self) -> None:
        if self._window is not None:
            self._window.show(self._picture())

    def render(self) -> Frame | None:
        """Return a picture, uint8 [512, 512, 3]; in a window or without a render mode return None."""
        if self.render_mode == "rgb_array":
            return self._picture()
        self._watch()
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()


def check_render_mode(render_mode: str | None, metadata: Mapping[str, Any]) -> str | None:
    """Return a render mode, or raise `HierbrushError` unless ``metadata`` names it."""
    known = metadata["render_modes"]
    if render_mode is not None and render_mode not in known:
        near = closest(str(render_mode), known)
        raise HierbrushError(f"render_mode: {shown(render_mode)}, expected None, {' or '.join(map(repr, known))}{near}")
    return render_mode
