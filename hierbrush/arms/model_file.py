"""Arms from MJCF and URDF files: what such files bring besides links and joints is left out, or told in one line."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mujoco
import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError, one_line, shown
from hierbrush.files import MIB, read_whole

_MOST_BYTES = 16 * MIB
_MESHES = (".stl", ".obj", ".msh")
_LEAST_MASS, _LEAST_INERTIA = 1e-3, 1e-6  # kg and kg m² of links that say nothing of theirs


@contextmanager
def quiet() -> Iterator[list[str]]:
    """Keep what MuJoCo warns of in a list: by itself it prints and writes a log into the working directory."""
    found: list[str] = []
    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(found.append)
    try:
        yield found
    finally:
        mujoco.set_mju_user_warning(before)


def read_model(path: str) -> Any:
    """Return an arm's file as MuJoCo's `MjSpec`, without meshes that MuJoCo cannot read, which a warning names.

    Raises:
        HierbrushError: the file cannot be read or is no model.
    """
    content = read_whole(path, most=_MOST_BYTES, argument="arm")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise HierbrushError(f"arm: {shown(path)} declares a document type, expected an MJCF or URDF without one")
    spec = _tried(path, lambda: mujoco.MjSpec.from_file(os.fspath(path)))
    if is_urdf(content):
        spec.compiler.fusestatic = False  # links without a joint keep their names
        spec.compiler.boundmass, spec.compiler.boundinertia = _LEAST_MASS, _LEAST_INERTIA
    _find_meshes(spec, Path(path))
    return spec


def compiled(spec: Any, path: str) -> mujoco.MjModel:
    """Return a compiled model.

    Raises:
        HierbrushError: MuJoCo refuses it.
    """
    return _tried(path, spec.compile)


def is_urdf(content: bytes) -> bool:
    """Whether a file's content is a URDF rather than an MJCF."""
    return b"<robot" in content[:4096]


def joint_speeds(path: str, joints: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the highest speeds [n] that a URDF names for joints; infinite where it names none, as in any MJCF."""
    found = np.full(len(joints), np.inf)
    content = read_whole(path, most=_MOST_BYTES, argument="arm")
    if not is_urdf(content):
        return found
    try:
        robot = ElementTree.fromstring(content)
    except ElementTree.ParseError:  # MuJoCo is less strict, and has read it
        return found
    for joint in robot.iter("joint"):
        limit, name = joint.find("limit"), joint.get("name", "")
        try:
            speed = float(limit.get("velocity", "")) if limit is not None else 0.0
        except ValueError:
            speed = 0.0
        if name in joints and 0.0 < speed < np.inf:
            found[joints.index(name)] = speed
    return found


def keep_only(spec: Any, chain: list[str]) -> None:
    """Leave no joint but those of a chain, nor what a file drives, couples or watches joints by: drives are ours."""
    for others in (spec.actuators, spec.sensors, spec.equalities, spec.tendons, spec.keys, spec.pairs):
        _delete(spec, list(others))
    _delete(spec, [joint for joint in spec.joints if joint.name not in chain])


def _delete(spec: Any, elements: list[Any]) -> None:
    for element in elements:
        if hasattr(spec, "delete"):  # of MuJoCo 3.3.3 and later
            spec.delete(element)
        else:
            element.delete()


def _find_meshes(spec: Any, path: Path) -> None:
    """Look for mesh files as ROS does, and leave out those that are missing or of another kind."""
    missing = []
    for mesh in list(spec.meshes):
        if not mesh.file:
            continue
        there = next(
            (place for place in _places(mesh.file, path.resolve().parent, spec.meshdir) if place.is_file()), None
        )
        if there is not None and there.suffix.lower() in _MESHES:
            mesh.file = str(there)
            continue
        missing.append(Path(mesh.file).name)
        _delete(spec, [geom for geom in spec.geoms if geom.meshname == mesh.name])
        _delete(spec, [mesh])
    if missing:
        warnings.warn(
            f"arm: {shown(str(path))}: left out meshes that are not there or are no {', '.join(_MESHES)}: "
            f"{', '.join(sorted(set(missing))[:8])}; nothing keeps these parts from touching",
            stacklevel=5,
        )


def _places(file: str, folder: Path, meshdir: str) -> Iterator[Path]:
    """Yield where a mesh may lie: as the file says, in its package beside or above the model, or beside the model."""
    _, package, rest = file.partition("package:")
    named = Path(rest.lstrip("/")) if package else Path(file.removeprefix("file://"))
    yield folder / meshdir / named
    yield folder / named
    for parent in (folder, *folder.parents) if package else ():
        yield parent / named
        if named.parts and parent.name == named.parts[0]:
            yield parent.joinpath(*named.parts[1:])
    yield folder / named.name


def _tried(path: str, call: Callable[[], Any]) -> Any:
    try:
        with quiet():
            return call()
    except Exception as error:  # whatever MuJoCo says of a stranger's file
        told = one_line(" ".join(str(error).split()), 300)
        raise HierbrushError(f"arm: {shown(path)} is no arm that MuJoCo can read: {told}") from None
