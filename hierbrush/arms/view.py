"""Pictures of an arm at work: capsules in perspective, drawn with Pillow, so that no screen and no GL is needed.

On the left or above stands the arm before its paper, beside it the paper as seen from above with the ink so far.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hierbrush.arms.reach import hindrance
from hierbrush.arms.scene import FIXTURES, Scene

Colour = tuple[int, int, int]
Picture = Image.Image

_BACK, _TABLE, _EDGE = (238, 240, 242), (214, 206, 194), (150, 140, 126)
_PAPER, _INK, _STONE, _MARK = (250, 247, 239), (24, 20, 18), (70, 74, 82), (190, 52, 38)
_SHADOW = (196, 187, 174)
_LINK, _LINK_EDGE, _HANDLE, _TUFT = (150, 166, 186), (84, 96, 114), (150, 106, 62), (40, 34, 30)
_SMOOTH = 2  # drawn this much larger and reduced
_MESH_RADIUS = 0.025
_UNREACHED, _SQUARES, _BAR = (226, 176, 160), 32, 0.05
_LONG = (int(mujoco.mjtGeom.mjGEOM_CAPSULE), int(mujoco.mjtGeom.mjGEOM_CYLINDER))


class Camera(NamedTuple):
    """A pinhole: where it stands [3], its axes as rows (right, down, ahead), and its focal length in pixels."""

    eye: NDArray[np.float64]
    axes: NDArray[np.float64]
    focal: float
    centre: tuple[float, float]

    def seen(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return pixels x, y and the distance ahead, [n, 3], of points [n, 3]."""
        local = (np.atleast_2d(points) - self.eye) @ self.axes.T
        ahead = np.maximum(local[:, 2], 1e-3)
        return np.column_stack([local[:, :2] * (self.focal / ahead)[:, None] + self.centre, ahead])


def camera(scene: Scene, q: NDArray[np.float64], width: int, height: int) -> Camera:
    """Return a camera that sees the arm in all poses ``q`` [n, joints], the paper and the stone."""
    cal = scene.calibration
    middle = cal.world(np.array([[cal.width / 2, cal.height / 2, 0.0]]))[0]
    points = [cal.world(np.array([[0, 0, 0], [cal.width, 0, 0], [0, cal.height, 0], [cal.width, cal.height, 0.0]]))]
    points += [cal.stone[None], np.zeros((1, 3))]
    for pose in q[:: max(len(q) // 12, 1)]:
        points += [np.stack([start, end]) + [0.0, 0.0, 1.3 * radius] for _, start, end, radius in capsules(scene, pose)]
    cloud = np.concatenate(points)
    centre = (cloud.min(axis=0) + cloud.max(axis=0)) / 2
    size = float(np.linalg.norm(np.ptp(cloud, axis=0)))
    # From beyond the paper and to its right, looking back at the arm: nothing hides what is written.
    out = np.array([middle[0], middle[1], 0.0])
    out = out / max(float(np.linalg.norm(out)), 1e-9)
    aside = np.cross([0.0, 0.0, 1.0], out)
    eye = centre + size * 1.5 * (0.6 * out + 0.6 * aside + np.array([0.0, 0.0, 0.5]))
    ahead = centre - eye
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(ahead, right), ahead])
    rough = Camera(eye, axes, 1.0, (0.0, 0.0)).seen(cloud)[:, :2]
    low, high = rough.min(axis=0), rough.max(axis=0)
    focal = 0.9 * float(min(np.array([width, height]) / np.maximum(high - low, 1e-6)))
    shift = np.array([width, height]) / 2 - focal * (low + high) / 2
    return Camera(eye, axes, focal, (float(shift[0]), float(shift[1])))


def capsules(
    scene: Scene, pose: NDArray[np.float64]
) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64], float]]:
    """Return the arm in a pose as capsules: what each is, its ends [3] and its radius; a mesh counts as its bone."""
    solver, model = scene.solver, scene.model
    solver.pose(pose)
    data = solver.data
    found = []
    for geom in range(model.ngeom):
        name = model.geom(geom).name.removeprefix("hierbrush_")
        if name.startswith(FIXTURES):
            continue
        place, axis = data.geom_xpos[geom].copy(), data.geom_xmat[geom].reshape(3, 3)[:, 2].copy()
        kind, size = int(model.geom_type[geom]), model.geom_size[geom]
        if kind == int(mujoco.mjtGeom.mjGEOM_MESH):
            body = model.geom_bodyid[geom]
            parent = data.xpos[model.body_parentid[body]].copy()
            found.append(("mesh", parent, data.xpos[body].copy(), _MESH_RADIUS))
            continue
        half = size[1] if kind in _LONG else 0.0
        radius = float(size[:2].mean()) if kind == int(mujoco.mjtGeom.mjGEOM_BOX) else float(size[0])
        if kind == int(mujoco.mjtGeom.mjGEOM_PLANE) or not radius:
            continue
        found.append((name, place - half * axis, place + half * axis, radius))
    tip = data.site_xpos[scene.site].copy()
    root = tip - scene.solver.data.site_xmat[scene.site][2::3] * 0.03
    return [*found, ("tuft", root, tip, 0.003)]


class Studio:
    """Draws an arm in its place, picture after picture of the same size.

    Args:
        scene: the arm in its place.
        q: poses [n, joints] that the pictures will show.
        width: of the picture in pixels.
        sheet: width and height in metres of what is written on.
    """

    def __init__(self, scene: Scene, q: NDArray[np.float64], width: int, sheet: tuple[float, float]) -> None:
        self.scene, self.sheet = scene, sheet
        wide = sheet[0] >= 1.3 * sheet[1]
        if wide:
            self._view = (width, round(width * 0.62))
            margin = round(width * 0.04)
            side = width - 2 * margin
            self._flat = (margin, self._view[1] + margin, side, max(round(side * sheet[1] / sheet[0]), 8))
            self.size = (width, self._view[1] + self._flat[3] + 2 * margin)
        else:
            height = round(width * 0.55)
            margin = round(width * 0.03)
            tall = height - 2 * margin
            across = max(round(tall * sheet[0] / sheet[1]), 8)
            self._view = (width - across - 2 * margin, height)
            self._flat = (self._view[0] + margin, margin, across, tall)
            self.size = (width, height)
        self._camera = camera(scene, q, self._view[0] * _SMOOTH, self._view[1] * _SMOOTH)

    @property
    def ink_size(self) -> tuple[int, int]:
        """Width and height in pixels of the paper seen from above."""
        return self._flat[2], self._flat[3]

    def picture(self, pose: NDArray[np.float64], ink: NDArray[np.float32], tip: NDArray[np.float64]) -> Picture:
        """Return an RGB picture of the arm in a pose.

        Args:
            pose: joint angles.
            ink: the ink so far, [rows, columns], 1 = ink.
            tip: place [3] of the tip on the paper in metres.
        """
        page = _inked(ink)
        canvas = Image.new("RGB", self.size, _BACK)
        canvas.paste(self._arm(pose, page), (0, 0))
        left, top, width, height = self._flat
        canvas.paste(page.resize((width, height), Image.Resampling.LANCZOS), (left, top))
        draw = ImageDraw.Draw(canvas)
        draw.rectangle((left - 1, top - 1, left + width, top + height), outline=_EDGE)
        x, y = left + tip[0] / self.sheet[0] * width, top + tip[1] / self.sheet[1] * height
        if left <= x <= left + width and top <= y <= top + height:
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), outline=_MARK, width=2 if tip[2] > 0 else 1)
        return canvas

    def _arm(self, pose: NDArray[np.float64], page: Picture) -> Picture:
        size = (self._view[0] * _SMOOTH, self._view[1] * _SMOOTH)
        canvas = Image.new("RGB", size, _BACK)
        draw = ImageDraw.Draw(canvas)
        cal, see = self.scene.calibration, self._camera.seen
        _polygon(draw, see(self._table()), _TABLE, _EDGE)
        parts = capsules(self.scene, pose)
        for _, start, end, radius in parts:  # shadows say how high things are
            _shadow(draw, self._camera, start, end, radius, self._ground)
        width, height = self.sheet
        corners = cal.world(np.array([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0.0]]))
        _warp(canvas, page, see(corners)[:, :2])
        rim = np.linspace(0, 2 * np.pi, 25)
        for radius, colour in ((0.024, _STONE), (0.017, _INK)):
            ring = cal.stone + radius * (np.cos(rim)[:, None] * cal.axes[0] + np.sin(rim)[:, None] * cal.axes[1])
            _polygon(draw, see(ring), colour, _EDGE)
        self._draw_capsules(draw, parts)
        return canvas.resize(self._view, Image.Resampling.LANCZOS)

    @property
    def _ground(self) -> float:
        return float(self.scene.model.geom("hierbrush_table").pos[2])

    def _table(self) -> NDArray[np.float64]:
        cal = self.scene.calibration
        points = np.stack([cal.corner, cal.corner + cal.width * cal.axes[0] + cal.height * cal.axes[1], cal.stone])
        low = np.minimum(points.min(axis=0), 0)[:2] - 0.12
        high = np.maximum(points.max(axis=0), 0)[:2] + 0.12
        z = self._ground
        return np.array([[low[0], low[1], z], [high[0], low[1], z], [high[0], high[1], z], [low[0], high[1], z]])

    def _draw_capsules(
        self, draw: ImageDraw.ImageDraw, parts: list[tuple[str, NDArray[np.float64], NDArray[np.float64], float]]
    ) -> None:
        seen = [(self._camera.seen(np.stack([start, end])), radius, name) for name, start, end, radius in parts]
        for ends, radius, name in sorted(seen, key=lambda part: -float(part[0][:, 2].mean())):
            colour = _HANDLE if name == "handle" else _TUFT if name == "tuft" else _LINK
            wide = self._camera.focal * radius / ends[:, 2]
            _rod(draw, ends[:, :2], wide + 1.5, _LINK_EDGE if colour == _LINK else _INK)
            _rod(draw, ends[:, :2], wide, colour)
            if colour != _TUFT:
                _rod(draw, ends[:, :2] - 0.28 * wide[:, None], wide * 0.45, _lighter(colour))


def _inked(ink: NDArray[np.float32]) -> Picture:
    paper, black = np.array(_PAPER, np.float32), np.array(_INK, np.float32)
    return Image.fromarray((paper + (black - paper) * ink[..., None]).round().astype(np.uint8))


def _lighter(colour: Colour) -> Colour:
    return tuple(min(255, value + 34) for value in colour)  # type: ignore[return-value]  # three in, three out


def _polygon(draw: ImageDraw.ImageDraw, seen: NDArray[np.float64], fill: Colour, outline: Colour) -> None:
    draw.polygon([(float(x), float(y)) for x, y in seen[:, :2]], fill=fill, outline=outline)


def _rod(draw: ImageDraw.ImageDraw, ends: NDArray[np.float64], radii: NDArray[np.float64], fill: Colour) -> None:
    """Draw a capsule: two discs and what lies between them."""
    along = ends[1] - ends[0]
    across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
    near, far = across * radii[0], across * radii[1]
    corners = [ends[0] + near, ends[1] + far, ends[1] - far, ends[0] - near]
    draw.polygon([(float(x), float(y)) for x, y in corners], fill=fill)
    for (x, y), radius in zip(ends.tolist(), radii.tolist(), strict=True):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _shadow(
    draw: ImageDraw.ImageDraw,
    eye: Camera,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    radius: float,
    z: float,
) -> None:
    flat = np.stack([start, end])
    flat[:, 2] = z
    seen = eye.seen(flat)
    _rod(draw, seen[:, :2], 0.8 * eye.focal * radius / seen[:, 2], _SHADOW)


def _warp(canvas: Picture, page: Picture, corners: NDArray[np.float64]) -> None:
    """Lay a picture onto four corners (top left, top right, bottom right, bottom left) of another."""
    low = np.floor(corners.min(axis=0)).astype(int)
    high = np.ceil(corners.max(axis=0)).astype(int) + 1
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    source = np.array([[0, 0], [page.width, 0], [page.width, page.height], [0, page.height]], np.float64)
    rows = []
    for (x, y), (u, v) in zip(corners - low, source, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    found = np.linalg.lstsq(np.array(rows), source.reshape(-1), rcond=None)[0]
    laid = page.transform(size, Image.Transform.PERSPECTIVE, tuple(found.tolist()), Image.Resampling.BICUBIC)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in corners - low], fill=255)
    canvas.paste(laid, (int(low[0]), int(low[1])), mask)


def preview(
    scene: Scene, tip: NDArray[np.float64], stroke: NDArray[np.int32], sheet: tuple[float, float], side: int = 900
) -> Picture:
    """Return a picture of the tip's path over the work area from above.

    Strokes are dark where the brush is deep, travel is blue; what the arm does not reach is red, and a bar of 50 mm
    says how large all of it is.

    Args:
        scene: the arm in its place.
        tip: places [n, 3] on the paper in metres.
        stroke: index of each row's stroke, [n], -1 in between.
        sheet: width and height of what is written on, metres.
        side: pixels of the picture's longer side.
    """
    cal = scene.calibration
    base = cal.paper(np.zeros((1, 3)))[0]
    stone = cal.stone_on_paper
    points = np.concatenate([tip, stone[None], [[0, 0, 0], [cal.width, cal.height, 0.0]]])[:, :2]
    low, high = points.min(axis=0) - 0.03, points.max(axis=0) + 0.03
    scale = side * _SMOOTH / float((high - low).max())
    size = np.ceil((high - low) * scale).astype(int)
    canvas = Image.new("RGB", (int(size[0]), int(size[1])), _TABLE)
    draw = ImageDraw.Draw(canvas)

    def at(place: NDArray[np.float64]) -> tuple[float, float]:
        x, y = (place[:2] - low) * scale
        return float(x), float(y)

    draw.rectangle((*at(np.zeros(3)), *at(np.array([cal.width, cal.height]))), fill=_PAPER, outline=_EDGE)
    _draw_unreached(draw, scene, low, size / scale, scale)
    draw.rectangle((*at(np.zeros(3)), *at(np.array(sheet))), outline=_EDGE)
    x, y = at(stone)
    r = 0.022 * scale
    draw.ellipse((x - r, y - r, x + r, y + r), fill=_STONE)
    deepest = max(float(tip[:, 2].max()), 1e-6)
    for row in range(0, len(tip) - 5, 5):
        ends = (*at(tip[row]), *at(tip[row + 5]))
        if stroke[row] < 0 or tip[row, 2] <= 0:
            draw.line(ends, fill=(120, 160, 200), width=_SMOOTH)
        else:
            shade = 0.35 + 0.65 * float(tip[row, 2]) / deepest
            colour = tuple(round(p + (i - p) * shade) for p, i in zip(_PAPER, _INK, strict=True))
            draw.line(ends, fill=colour, width=max(round((0.4 + shade) * 3 * _SMOOTH), 1))
    _draw_scale(draw, scale, size)
    if (base[:2] > low).all() and (base[:2] < high).all():
        x, y = at(base)
        draw.ellipse((x - 8, y - 8, x + 8, y + 8), outline=_MARK, width=3)
    return canvas.resize((max(int(size[0]) // _SMOOTH, 1), max(int(size[1]) // _SMOOTH, 1)), Image.Resampling.LANCZOS)


def _draw_unreached(
    draw: ImageDraw.ImageDraw, scene: Scene, low: NDArray[np.float64], extent: NDArray[np.float64], scale: float
) -> None:
    """Redden the squares of the plane of first touch, from ``low`` [2] on, whose middles an arm does not reach."""
    side = float(extent.max()) / _SQUARES
    for column, row in np.ndindex(*np.ceil(extent / side).astype(int).tolist()):
        corner = np.array([column, row]) * side
        middle = np.append(low + corner + side / 2, 0.0)
        if hindrance(scene, scene.calibration.world(middle[None])[0]) is not None:
            ends = (*(corner * scale), *((corner + side) * scale - 1))
            draw.rectangle(tuple(map(float, ends)), fill=_UNREACHED)


def _draw_scale(draw: ImageDraw.ImageDraw, scale: float, size: NDArray[np.int64]) -> None:
    left, foot, long = 10 * _SMOOTH, int(size[1]) - 12 * _SMOOTH, _BAR * scale
    draw.line((left, foot, left + long, foot), fill=_INK, width=2 * _SMOOTH)
    font = ImageFont.load_default(11 * _SMOOTH)
    draw.text((left, foot - 15 * _SMOOTH), f"{_BAR * 1e3:.0f} mm", fill=_INK, font=font)
