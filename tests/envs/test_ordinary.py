"""Our environments are ordinary ones: what Gymnasium, its wrappers and its vectors expect of any."""

from __future__ import annotations

import copy
import pickle
import re
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import RecordVideo
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from hierbrush.envs import FLAT_ENV, STROKE_ENV
from hierbrush.envs import window as window_module
from hierbrush.errors import HierbrushError

PROMOTION = {"threshold": 0.9, "maximum_steps": 1000}
SHAKY = {"brush": 0.1, "handle_sigma": 0.0005, "handle_correlation": 0.5, "paper_offset": 0.0002}
STROKES = {
    "format": 1,
    "name": "shaky",
    "strokes": ["H", "S", "D"],
    "stages": [
        {"name": "all", "goals": {"glyphs": {}, "count": 12}, "randomisation": SHAKY, "promotion": PROMOTION},
    ],
}
CHARACTERS = {
    "format": 1,
    "name": "short",
    "strokes": "all",
    "stages": [
        {
            "name": "all",
            "characters": {"strokes": [2, 2], "count": 4},
            "randomisation": {"brush": 0.1},
            "promotion": PROMOTION,
        }
    ],
}
BOTH = pytest.mark.parametrize(
    ("name", "curriculum"), [(STROKE_ENV, STROKES), (FLAT_ENV, CHARACTERS)], ids=["stroke", "flat"]
)


def rollout(env: Any, ticks: int = 60, **reset: Any) -> list[Any]:
    """Return all that an environment shows in ``ticks`` of the same actions, beginning anew after an end."""
    actions = np.random.default_rng(0)
    seen: list[Any] = [env.reset(**reset)[0]]
    for _ in range(ticks):
        action = actions.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        observation, reward, over, _, _ = env.step(action)
        seen += [observation, reward, over]
        if isinstance(over, bool) and over:
            seen.append(env.reset()[0])
    return seen


def alike(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@BOTH
@pytest.mark.parametrize("checked", ["single", "rendering"])
def test_gymnasiums_checker_passes_without_a_warning(
    name: str, curriculum: dict[str, Any], checked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The checker opens every render mode; a window needs pygame and has a test of its own.
    entry = gymnasium.envs.registration.load_env_creator(gymnasium.spec(name).entry_point)
    monkeypatch.setattr(entry, "metadata", {**entry.metadata, "render_modes": ["rgb_array"]})
    mode = "rgb_array" if checked == "rendering" else None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(name, curriculum=curriculum, render_mode=mode).unwrapped)


@BOTH
@pytest.mark.parametrize("mode", ["vector_entry_point", "sync"])
def test_vectors_of_either_kind_are_gymnasiums(name: str, curriculum: dict[str, Any], mode: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vector = gymnasium.make_vec(
            name, num_envs=3, vectorization_mode=mode, curriculum=curriculum, render_mode="rgb_array"
        )
        counted = RecordEpisodeStatistics(vector)
        first = rollout(counted, 80, seed=3)
        again = rollout(counted, 80, seed=3)
        frames = vector.render()
        vector.close()
        vector.close()
    assert alike(first, again)
    assert vector.observation_space.contains(first[0])
    assert len(counted.return_queue) >= 3
    assert [frame.shape for frame in frames] == [(512, 512, 3)] * 3


@BOTH
def test_a_seed_gives_the_same_rollout_on_one_environment(name: str, curriculum: dict[str, Any]) -> None:
    """Whatever was done before; the handle's noise, the brush and the goals included."""
    env = gymnasium.make(name, curriculum=curriculum)
    first = rollout(env, seed=3)
    rollout(env, 17)
    assert alike(rollout(env, seed=3), first)
    assert not alike(rollout(env, seed=4), first)
    assert alike(rollout(gymnasium.make(name, curriculum=curriculum), seed=3), first)


def test_the_hands_noise_follows_from_the_seed() -> None:
    """Two seeds shake the hand differently, and shaking it draws nothing that goals are drawn from."""
    env = gymnasium.make_vec(STROKE_ENV, num_envs=1, vectorization_mode="vector_entry_point", curriculum=STROKES)
    drift = {}
    for seed in (1, 2):
        env.reset(seed=seed)
        env.step(np.zeros((1, 3), np.float32))
        drift[seed] = env.batch._arrays["drift"].copy() / env.batch._arrays["noise"][:, :1]
    assert (drift[1] != drift[2]).all()
    calm = {**STROKES["stages"][0], "randomisation": {**SHAKY, "handle_sigma": 0.0}}
    still = gymnasium.make_vec(
        STROKE_ENV, num_envs=1, vectorization_mode="vector_entry_point", curriculum={**STROKES, "stages": [calm]}
    )
    for vector in (env, still):
        vector.reset(seed=5)
    assert env.batch.goal == still.batch.goal


@BOTH
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])
def test_a_copy_goes_on_by_itself_where_the_original_was(name: str, curriculum: dict[str, Any], copied: Any) -> None:
    env = gymnasium.make(name, curriculum=curriculum, render_mode="rgb_array")
    env.reset(seed=2)
    for _ in range(5):
        env.step(np.float32([0.1, -0.2, 0.3]))
    other = copied(env)
    before = other.render()
    went = [env.step(np.float32([0.1, 0.1, 0.1]))[:3] for _ in range(4)]
    assert np.array_equal(other.render(), before)
    follows = [other.step(np.float32([0.1, 0.1, 0.1]))[:3] for _ in range(4)]
    assert all(alike(list(one), list(two)) for one, two in zip(went, follows, strict=True))
    assert alike(rollout(env, seed=3), rollout(other, seed=3))


@BOTH
def test_a_picture_shows_goal_ink_and_brush(name: str, curriculum: dict[str, Any]) -> None:
    env = gymnasium.make(name, curriculum=curriculum, render_mode="rgb_array")
    env.reset(seed=0)
    blank = env.render()
    assert blank.shape == (512, 512, 3)
    assert blank.dtype == np.uint8
    assert (blank.min(axis=2) > 150).all()  # paper and the goal on it
    assert len(np.unique(blank.reshape(-1, 3), axis=0)) == 2
    for _ in range(12):
        env.step(np.float32([0, 0, 0.3]))
    written = env.render()
    dark = written.max(axis=2) < 40
    batch = env.unwrapped._vector.batch
    strokes = getattr(batch, "brushes", batch)
    assert 0.8 < dark.sum() / (4 * strokes.coverage(0).sum()) <= 1.0  # the brush's outline covers some
    assert ((written[..., 0] > 150) & (written[..., 2] < 60)).any()
    assert np.array_equal(written, env.render())


def test_without_a_render_mode_there_is_no_picture() -> None:
    env = gymnasium.make(STROKE_ENV, curriculum=STROKES).unwrapped
    env.reset(seed=0)
    assert env.render() is None
    vector = gymnasium.make_vec(STROKE_ENV, num_envs=2, vectorization_mode="vector_entry_point", curriculum=STROKES)
    assert vector.render() is None


class FakeMoviepy(types.ModuleType):
    """Keeps the frames that would become a video."""

    def __init__(self) -> None:
        super().__init__("moviepy")
        self.videos: list[list[np.ndarray]] = []
        clip = types.ModuleType("moviepy.video.io.ImageSequenceClip")
        videos = self.videos

        class ImageSequenceClip:
            def __init__(self, frames: list[np.ndarray], fps: int) -> None:
                assert fps == 20
                videos.append(list(frames))

            def write_videofile(self, path: str, **options: object) -> None:
                Path(path).write_bytes(b"video")

        clip.ImageSequenceClip = ImageSequenceClip  # type: ignore[attr-defined]
        self.clip = clip


def test_videos_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moviepy = FakeMoviepy()
    monkeypatch.setitem(sys.modules, "moviepy", moviepy)
    for part in ("moviepy.video", "moviepy.video.io"):
        monkeypatch.setitem(sys.modules, part, types.ModuleType(part))
    monkeypatch.setitem(sys.modules, "moviepy.video.io.ImageSequenceClip", moviepy.clip)
    env = RecordVideo(
        gymnasium.make(STROKE_ENV, curriculum=STROKES, render_mode="rgb_array"),
        str(tmp_path / "videos"),
        lambda _: True,
    )
    env.reset(seed=0)
    ticks, over = 0, False
    while not over:
        over = env.step(np.zeros(3, np.float32))[2]
        ticks += 1
    env.close()
    (frames,) = moviepy.videos
    assert len(frames) == ticks + 1
    assert [path.suffix for path in (tmp_path / "videos").iterdir()] == [".mp4"]
    # The last picture is of the finished stroke, not of the next one's beginning.
    assert (frames[-1].max(axis=2) < 40).sum() > (frames[ticks // 2].max(axis=2) < 40).sum()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_real_video(tmp_path: Path) -> None:
    pytest.importorskip("moviepy.video.io.ImageSequenceClip")
    env = RecordVideo(
        gymnasium.make(STROKE_ENV, curriculum=STROKES, render_mode="rgb_array"),
        str(tmp_path / "videos"),
        lambda _: True,
    )
    env.reset(seed=0)
    while not env.step(np.zeros(3, np.float32))[2]:
        pass
    env.close()
    (video,) = (tmp_path / "videos").iterdir()
    assert video.stat().st_size > 1000


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # pygame's own
def test_a_window_shows_every_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pytest.importorskip("pygame")
    env = gymnasium.make(STROKE_ENV, curriculum=STROKES, render_mode="human")
    env.reset(seed=1)
    blank = pygame.surfarray.array3d(pygame.display.get_surface())
    for _ in range(8):
        env.step(np.zeros(3, np.float32))
    shown = pygame.surfarray.array3d(pygame.display.get_surface())
    assert shown.shape == (512, 512, 3)
    assert (shown != blank).any()
    assert env.render() is None
    other = pickle.loads(pickle.dumps(env))
    env.close()
    env.close()
    assert pygame.display.get_surface() is None
    other.step(np.zeros(3, np.float32))
    other.close()


def test_a_window_without_pygame_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        HierbrushError, match=r"^render_mode: 'human' needs pygame.*pip install \"hierbrush\[render\]\""
    ):
        gymnasium.make(STROKE_ENV, curriculum=STROKES, render_mode="human")


def test_what_cannot_be_is_named() -> None:
    from hierbrush.envs.stroke import StrokeEnv, StrokeVectorEnv

    with pytest.raises(
        HierbrushError, match=r"^render_mode: 'rgb_aray', expected None, 'human' or 'rgb_array'; did you"
    ):
        StrokeEnv(curriculum=STROKES, render_mode="rgb_aray")
    with pytest.raises(HierbrushError, match=r"^render_mode: 'human', expected None, 'rgb_array'"):
        StrokeVectorEnv(2, curriculum=STROKES, render_mode="human")
    with pytest.raises(HierbrushError, match=r"^num_envs: 0, expected a whole number"):
        StrokeVectorEnv(0, curriculum=STROKES)
    with pytest.raises(HierbrushError, match=r"^seed: -1, expected a whole number"):
        StrokeVectorEnv(1, curriculum=STROKES).reset(seed=-1)


def test_the_documented_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "gymnasium.make" in block)
    names: dict[str, Any] = {}
    exec(code, names)
    assert 0 < float(capsys.readouterr().out) < 1
    assert names["picture"].shape == (512, 512, 3)
