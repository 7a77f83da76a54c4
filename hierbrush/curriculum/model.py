"""What a curriculum may say: pydantic models of ``curricula/*.yaml``.

The attribute docstrings are the reference for authors: they become the descriptions in
``curricula/curriculum.schema.json``, which editors show and check while one types. Lengths on paper are in metres,
lengths in goals in sides of the character box, angles in radians; relative ranges are shares, 0.05 being 5 %.
"""

from __future__ import annotations

from dataclasses import fields
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema, model_validator

from hierbrush.brushes.brush_file import brush_of, is_brush_file
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.resources import named_file
from hierbrush.sim.model import PRESETS, BrushModel
from hierbrush.strokes.script import NAME as SCRIPT_TYPE
from hierbrush.strokes.script import check_type, in_order, read_script, use_script
from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush.yaml_source import ConfigError, read_yaml, validate

Metric = Literal["iou", "iou_p05", "character_iou", "order_exact"]
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
"""What a stage can be promoted on; the last two are measured where whole characters are written."""

_STRUCTURES = "⿰⿱⿲⿳⿴⿵⿶⿷⿸⿹⿺⿻"

SCHEMA_NAME = "curriculum.schema.json"


def _ordered(bounds: tuple[Any, Any]) -> tuple[Any, Any]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the lower bound {bounds[0]} is above the upper bound {bounds[1]}; expected [lower, upper]")
    return bounds


def _script(given: str | dict[str, Any]) -> dict[str, Any]:
    """Return a script's content and make its types known, before stroke types are looked at."""
    content = read_script(given) if isinstance(given, str) else given
    use_script(content)
    return content


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{shown(twice[0])} is listed twice")
    return names


_Share = Annotated[float, Field(ge=0, le=1)]
_Range = Annotated[tuple[_Share, _Share], AfterValidator(_ordered)]
_Ticks = Annotated[int, Field(ge=4, le=400)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
_StrokeType = Annotated[
    str,
    AfterValidator(check_type),
    Field(json_schema_extra={"anyOf": [{"enum": list(ABBREVIATIONS)}, {"pattern": f"^{SCRIPT_TYPE}$"}]}),
]


_BRUSH_PARAMETERS = {field.name: field.metadata for field in fields(BrushModel) if "unit" in field.metadata}


def _brush_parameter(name: str) -> str:
    if name not in _BRUSH_PARAMETERS:
        raise ValueError(f"no brush parameter{closest(name, list(_BRUSH_PARAMETERS))}")
    return name


_BrushParameters = Annotated[
    dict[Annotated[str, AfterValidator(_brush_parameter)], float],
    Field(
        json_schema_extra={
            "additionalProperties": False,
            "properties": {
                name: {
                    "type": "number",
                    "minimum": limits["low"],
                    "maximum": limits["high"],
                    "description": f"{limits['text']} ({limits['unit']}, {limits['low']:g} to {limits['high']:g})",
                }
                for name, limits in _BRUSH_PARAMETERS.items()
            },
        }
    ),
]
_TypeList = Annotated[tuple[_StrokeType, ...], Field(min_length=1), AfterValidator(_distinct)]
# The discriminator keeps errors to the member that was meant; a plain union would report both.
_Strokes = Annotated[
    Annotated[Literal["all"], Tag("all")] | Annotated[_TypeList, Tag("list")],
    Discriminator(lambda value: "all" if isinstance(value, str) else "list"),
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class GlyphGoals(_Section):
    """Real strokes of the training characters, where and as large as they occur."""

    weight: float = Field(default=1.0, gt=0, le=1000)
    """Share of the goals that come from here, relative to the other source's weight."""

    size: _Range = (0.0, 1.0)
    """Which strokes by skeleton length: [lower, upper] quantile (0 to 1) among all training strokes of the type. [0.25,
    0.75] keeps the middle half."""

    aspect: _Range = (0.0, 1.0)
    """Which strokes by how upright they are, height against width of their box: [lower, upper] quantile (0 to 1) among
    all training strokes of the type."""


class BasisGoals(_Section):
    """Shapes that nobody drew: real training strokes whose coefficients in the shape basis are changed at random."""

    weight: float = Field(default=1.0, gt=0, le=1000)
    """Share of the goals that come from here, relative to the other source's weight."""

    spread: float = Field(default=0.5, ge=0, le=2)
    """Standard deviation of the change to each shape coefficient, in those of the real strokes (0 to 2). 0 gives real
    strokes as smooth as the basis can tell; 1 moves a shape as far as strokes of the type differ."""


class Deformation(_Section):
    """Random changes to every goal, whatever its source; each uniform within plus or minus the range."""

    size: float = Field(default=0.0, ge=0, le=0.5)
    """Relative change of size (share, 0 to 0.5): 0.1 draws a factor between 1/1.1 and 1.1."""

    stretch: float = Field(default=0.0, ge=0, le=0.5)
    """Relative change of the ratio of width to height (share, 0 to 0.5), the size kept."""

    thickness: float = Field(default=0.0, ge=0, le=0.5)
    """Relative change of the stroke's thickness (share, 0 to 0.5), the skeleton kept."""

    rotation: float = Field(default=0.0, ge=0, le=0.5)
    """Rotation about the middle of the stroke (rad, 0 to 0.5)."""


class Goals(_Section):
    """Which strokes the policy is asked for.

    At least one of ``glyphs`` and ``basis`` is given; with both, their weights mix them. A stroke type that no training
    character has is drawn from its canonical shape, whatever the weights.
    """

    glyphs: GlyphGoals | None = None
    """Real strokes of the training characters. Write ``glyphs: {}`` for all of them."""

    basis: BasisGoals | None = None
    """Random shapes from each type's shape basis. Write ``basis: {}`` for the defaults."""

    deformation: Deformation = Deformation()
    """Random changes to every goal; none unless given."""

    type_balance: float = Field(default=0.5, ge=0, le=1)
    """How often each stroke type is asked for when several are taught: 1 = as often as in the training characters, 0 =
    all alike, between: in proportion to that power of their number."""

    count: int = Field(default=4096, ge=1, le=100_000)
    """How many distinct goals are drawn when the stage starts; episodes choose among them."""

    @model_validator(mode="after")
    def _has_a_source(self) -> Goals:
        if self.glyphs is None and self.basis is None:
            raise ValueError("no source; add 'glyphs: {}' or 'basis: {}'")
        return self


class CharacterReward(_Section):
    """Weights of the composer's reward for one character."""

    ink: float = Field(default=1.0, ge=0, le=100)
    """Reward for new ink on the glyph, less `outside` times new ink beside it (per glyph area, 0 to 100)."""

    outside: float = Field(default=1.0, ge=0, le=100)
    """How much ink beside the glyph counts against ink on it (0 to 100). A pixel that is on the glyph with probability
    p raises the IoU if p > IoU (1 - p), so with the IoU that is reached the ink that pays is the ink that raises it."""

    order: float = Field(default=0.5, ge=0, le=100)
    """Cost of strokes that are written out of turn (per share of the character's strokes, 0 to 100)."""

    legibility: float = Field(default=1.0, ge=0, le=100)
    """Reward, when the character is complete, times how surely its ink is taken for its own glyph among all of the
    stage: 0 to 1, the logistic of by how much the IoU with it passes that with the nearest other one (0 to 100)."""

    motion: float = Field(default=0.02, ge=0, le=10)
    """Cost of carrying the brush from one stroke's end to the next one's beginning (per side of the box, 0 to 10)."""


def _hand_file(*suffixes: str) -> Any:
    def check(name: str) -> str:
        if not name.lower().endswith(suffixes):
            raise ValueError(f"{shown(name)}, expected a file that ends in {', '.join(suffixes)}")
        return name

    return AfterValidator(check)


_Fonts = Annotated[
    tuple[Annotated[str, _hand_file(".ttf", ".otf", ".ttc", ".otc", ".woff", ".woff2")], ...], AfterValidator(_distinct)
]
_Styles = Annotated[tuple[Annotated[str, _hand_file(".style")], ...], AfterValidator(_distinct)]


class PictureGoals(_Section):
    """Hands whose pictures of the characters are the goals: the composer sees them, and is rewarded for ink on them."""

    glyphs: bool = False
    """Whether the library's own glyphs are a hand."""

    relabelled: bool = False
    """Whether random writing is a hand: the glyphs moved, stretched and bent as no hand of ours writes them."""

    fonts: _Fonts = ()
    """Fonts (.ttf, .otf, .ttc, .woff), from the working folder."""

    styles: _Styles = ()
    """Styles that ``hierbrush style learn`` made (.style), from the working folder."""

    @property
    def hands(self) -> tuple[str, ...]:
        """Names of the hands: ``glyphs``, ``relabelled``, and files."""
        own = tuple(name for name in ("glyphs", "relabelled") if getattr(self, name))
        return own + self.fonts + self.styles

    @model_validator(mode="after")
    def _has_a_hand(self) -> PictureGoals:
        if not self.hands:
            raise ValueError("no hand; name fonts or styles, or add 'glyphs: true' or 'relabelled: true'")
        return self


_GoalsOfCharacters = Annotated[
    Annotated[_Share, Tag("share")] | Annotated[PictureGoals, Tag("pictures")],
    Discriminator(lambda value: "pictures" if isinstance(value, dict | PictureGoals) else "share"),
]


class Characters(_Section):
    """Whole characters for the composer, drawn from the training characters."""

    structures: Annotated[tuple[str, ...], AfterValidator(_distinct)] = ()
    """Outermost operators such as ``[⿰, ⿱]``; all, and characters that are not taken apart, unless given."""

    strokes: Annotated[
        tuple[Annotated[int, Field(ge=1, le=40)], Annotated[int, Field(ge=1, le=40)]], AfterValidator(_ordered)
    ] = (1, 40)
    """[fewest, most] strokes of a character (1 to 40)."""

    count: int = Field(default=1500, ge=1, le=10_000)
    """How many distinct characters are drawn when the stage starts; episodes choose among them."""

    goals: _GoalsOfCharacters = 0.2
    """Share of the episodes in which the glyph's own places are given as goals to follow. Or the hands whose pictures
    are the goals, such as ``{fonts: [kai.ttf], styles: [mine.style]}``; each hand shows its share of the ``count``."""

    reward: CharacterReward = CharacterReward()
    """Weights of the composer's reward; the stage's ``reward`` is that of the primitives."""

    @model_validator(mode="after")
    def _known_structures(self) -> Characters:
        unknown = [name for name in self.structures if name not in _STRUCTURES]
        if unknown:
            raise ValueError(f"structures: {shown(unknown[0])} is none of {' '.join(_STRUCTURES)}")
        return self

    @property
    def pictures(self) -> PictureGoals | None:
        """The hands whose pictures are the goals; None where the composer sees none."""
        return self.goals if isinstance(self.goals, PictureGoals) else None

    @property
    def followed(self) -> float:
        """Share of the episodes in which the glyph's own places are given as goals."""
        return 0.0 if isinstance(self.goals, PictureGoals) else self.goals


def _known_brush(brush: str) -> str:
    if brush not in PRESETS and not is_brush_file(brush):
        known = list(PRESETS)
        raise ValueError(f"should be 'measured' or 'round', got {shown(brush)}{closest(brush, known)}")
    brush_of(brush, "brush")
    return brush


_BRUSH_SCHEMA = {"anyOf": [{"enum": list(PRESETS)}, {"type": "string", "pattern": r"\.ya?ml$"}]}

BrushName = Annotated[str, AfterValidator(_known_brush), WithJsonSchema(_BRUSH_SCHEMA)]
"""A preset's name, or the path of a brush file from the working folder."""


class BrushInk(_Section):
    """How much ink the brush has: a dry brush leaves less."""

    load: _Range = (0.3, 1.0)
    """Ink left in the tuft (share, 0 to 1), drawn between these for each episode."""

    thinning: float = Field(default=0.25, ge=0, le=0.9)
    """Share of a mark's width that a tuft without any ink loses (0 to 0.9); in between in proportion to the load. The
    policy sees the width, and may press deeper."""


class Brush(_Section):
    """The brush written with, before randomisation."""

    preset: BrushName = "measured"
    """``measured``: the published fits of a real brush. ``round``: a point without lag, for comparisons. Or the path of
    a brush file that ``hierbrush brush fit`` made, from the working folder."""

    parameters: _BrushParameters = {}
    """Brush parameters that differ from the preset, in SI units: names and ranges are those of ``BrushModel``."""

    ink: BrushInk | None = None
    """How much ink it has; without it, ink never runs out."""

    def build(self) -> BrushModel:
        """Return the brush itself."""
        return brush_of(self.preset, "preset").replace(**self.parameters)

    @model_validator(mode="after")
    def _in_range(self) -> Brush:
        self.build()
        return self


class Randomisation(_Section):
    """What differs from episode to episode besides the goal, so that the policy does not trust one brush."""

    brush: float = Field(default=0.0, ge=0, le=0.5)
    """How far brushes differ (share, 0 to 0.5): 0.03 scales the mark's width, length and offset, the root's place and
    the rounding of the base each by a factor of its own between 0.97 and 1.03, for a whole episode."""

    bent: float = Field(default=0.0, ge=0, le=1)
    """Share of strokes that begin with a tuft that points anywhere, as another stroke left it where the brush is not
    straightened in between (share, 0 to 1)."""

    handle_sigma: float = Field(default=0.0, ge=0, le=0.005)
    """The handle's position error: each stroke draws a standard deviation from 0 to this, for every axis (m, 0 to
    0.005)."""

    handle_correlation: float = Field(default=10.0, ge=0, le=1000)
    """Seconds over which that error drifts (its autocorrelation falls to 1/e); 0 is a new error every control tick (s,
    0 to 1000)."""

    paper_offset: float = Field(default=0.0, ge=0, le=0.005)
    """The sheet lies higher or lower by up to this much (m, 0 to 0.005), the same for a whole episode."""


class Episode(_Section):
    """One episode writes one stroke."""

    ticks: Annotated[tuple[_Ticks, _Ticks], AfterValidator(_ordered)] = (12, 64)
    """[fewest, most] control ticks of 0.05 s for a stroke (4 to 400). The follower's own count, which grows with the
    path, is clipped to this range; the episode ends after so many."""

    start_height: float = Field(default=0.002, ge=0, le=0.02)
    """How far above the paper the brush starts, over the skeleton's first point (m, 0 to 0.02)."""


class Reward(_Section):
    """Weights of the reward of one control tick; ink is counted in shares of the goal's area."""

    inside: float = Field(default=1.0, ge=0, le=100)
    """Reward for new ink inside the goal (per goal area, 0 to 100)."""

    outside: float = Field(default=1.0, ge=0, le=100)
    """Cost of new ink outside the goal (per goal area, 0 to 100)."""

    motion: float = Field(default=0.0, ge=0, le=10)
    """Cost of an unsteady hand: times the squared change of the action since the last tick, in action units (0 to
    10)."""


class Promotion(_Section):
    """When a stage ends. ``steps`` are environment steps (control ticks) taken in this stage."""

    metric: Metric = "iou"
    """``iou``: mean stroke IoU of the episodes of an iteration; ``iou_p05``: their 5th percentile. For characters
    ``iou`` and ``iou_p05`` are those of their strokes, ``character_iou`` the mean IoU of the written characters with
    their glyphs, and ``order_exact`` the share written with every stroke in order."""

    threshold: float = Field(ge=0, le=1)
    """The stage is passed when the metric's mean over the window is at least this (IoU, 0 to 1)."""

    window: int = Field(default=5, ge=1, le=1000)
    """Over how many training iterations the metric is averaged (1 to 1000); one without a finite value does not
    count."""

    minimum_steps: int = Field(default=0, ge=0, le=10**12)
    """Steps before which the stage is not passed, however good the metric."""

    maximum_steps: int = Field(ge=1, le=10**12)
    """Steps after which ``at_maximum`` decides."""

    at_maximum: Literal["promote", "stay", "stop"] = "promote"
    """A stage that has not passed by ``maximum_steps``: ``promote`` goes on to the next stage all the same (after the
    last one, training is finished), ``stay`` trains on until it passes, ``stop`` ends the training as failed."""

    @model_validator(mode="after")
    def _minimum_below_maximum(self) -> Promotion:
        if self.minimum_steps > self.maximum_steps:
            raise ValueError(f"minimum_steps {self.minimum_steps} is above maximum_steps {self.maximum_steps}")
        return self


class Stage(_Section):
    """One step of the curriculum."""

    name: _Name
    """Short name, in lower case, for logs and checkpoints."""

    description: str = Field(default="", max_length=500)
    """What is learned here, for readers."""

    goals: Goals | None = None
    """Which strokes are asked for, when the stage teaches primitives."""

    characters: Characters | None = None
    """Which characters are asked for, when the stage teaches the composer."""

    brush: Brush = Brush()
    """The brush written with."""

    randomisation: Randomisation = Randomisation()
    """What differs from episode to episode besides the goal; nothing unless given."""

    episode: Episode = Episode()
    """How long an episode is and how it starts."""

    reward: Reward = Reward()
    """Weights of the reward."""

    promotion: Promotion
    """When the stage ends."""

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> Stage:
        if (self.goals is None) == (self.characters is None):
            raise ValueError("expected either 'goals' (strokes for the primitives) or 'characters' (for the composer)")
        if self.goals is not None and self.promotion.metric in ("character_iou", "order_exact"):
            raise ValueError(f"promotion.metric: {self.promotion.metric} is measured only where characters are written")
        return self

    @property
    def pictured(self) -> bool:
        """Whether the composer sees pictures of the characters that it is to write."""
        return self.characters is not None and self.characters.pictures is not None


def _distinct_stages(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    _distinct(tuple(stage.name for stage in stages))
    of_characters = [stage for stage in stages if stage.characters is not None]
    blind = [stage.name for stage in of_characters if not stage.pictured]
    if blind and len(blind) < len(of_characters):
        raise ValueError(
            f"stage {blind[0]} shows the composer no pictures, others do; give all stages with 'characters' fonts or "
            "styles as goals, or none"
        )
    return stages


class Curriculum(_Section):
    """Stages of practice that teach stroke types to primitives, or whole characters to the composer."""

    format: Literal[1]
    """Version of this format; 1."""

    name: _Name
    """Short name, in lower case, for logs and weights."""

    description: str = Field(default="", max_length=1000)
    """What it teaches and how, for readers."""

    script: Annotated[str | dict[str, Any], AfterValidator(_script)] | None = None
    """File of another script's stroke types, beside this one or in the current folder, or what stands in it."""

    strokes: _Strokes
    """Stroke types it teaches: ``all`` (those of the ``script``, where there is one), or a list of Unicode's
    abbreviations such as ``[H, S, HZG]`` and names of the script's types."""

    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=50), AfterValidator(_distinct_stages)]
    """Stages in the order in which they are passed."""

    @property
    def pictured(self) -> bool:
        """Whether its characters are pictures to be copied."""
        return any(stage.pictured for stage in self.stages)

    @property
    def stroke_types(self) -> tuple[str, ...]:
        """Abbreviations of the stroke types taught, in the order of their code points, then the script's."""
        if self.strokes != "all":
            return in_order(self.strokes)
        return ABBREVIATIONS if self.script is None else tuple(self.script["types"])  # type: ignore[index]

    def use_script(self) -> None:
        """Make the script's types known in this process, which did not read the curriculum perhaps."""
        if self.script is not None:
            use_script(self.script)  # type: ignore[arg-type]

    def written_with(self, brush: str | None) -> Curriculum:
        """Return the same with another brush in every stage, by its name; itself without one."""
        if brush is None:
            return self
        stages = tuple(
            stage.model_copy(update={"brush": Brush(preset=brush, ink=stage.brush.ink)}) for stage in self.stages
        )
        return self.model_copy(update={"stages": stages})

    def bent(self, share: float | None) -> Curriculum:
        """Return the same with another share of strokes that begin with a bent tuft; itself without one."""
        if share is None:
            return self

        def changed(stage: Stage) -> Stage:
            return stage.model_copy(update={"randomisation": stage.randomisation.model_copy(update={"bent": share})})

        return self.model_copy(update={"stages": tuple(changed(stage) for stage in self.stages)})

    def stage_at(self, number: int) -> Stage:
        """Return a stage by its place, 0 the first.

        Raises:
            HierbrushError: there is no such stage.
        """
        if not isinstance(number, Integral) or not 0 <= number < len(self.stages):
            last = len(self.stages) - 1
            raise HierbrushError(f"stage: {shown(number)}, expected 0 to {last} in curriculum {self.name}")
        return self.stages[int(number)]


def load_curriculum(path: str | PathLike[str], *, beside: str | PathLike[str] | None = None) -> Curriculum:
    """Read a curriculum file.

    Args:
        path: the file, or the name of one of hierbrush's own; see `curriculum_file`.
        beside: the file that names it.

    Raises:
        ConfigError: the file cannot be used; every problem is named with line and column.
        HierbrushError: there is no such file.
    """
    file = curriculum_file(path, beside=beside)
    document = read_yaml(file)
    script = document.data.get("script")
    if isinstance(script, str) and (file.parent / script).is_file():
        document.data["script"] = str(file.parent / script)
    return validate(document, Curriculum)


def curriculum_file(name: str | PathLike[str], *, beside: str | PathLike[str] | None = None) -> Path:
    """Return the curriculum that a name stands for: a file, or one of hierbrush's own; see `named_file`.

    A training configuration is not taken for one: ``configs/`` and ``curricula/`` both have a ``composer.yaml``.

    Raises:
        HierbrushError: there is none.
    """
    return named_file("curricula", name, argument="curriculum", beside=beside, other=_trains)


def _trains(path: Path) -> bool:
    try:
        return not {"training", "phases"}.isdisjoint(read_yaml(path).data)
    except ConfigError:
        return False  # whoever loads it says what is wrong


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of curriculum files."""
    schema: dict[str, Any] = _for_editors(Curriculum.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "hierbrush curriculum", **schema}


def _for_editors(node: Any) -> Any:
    """Leave out pydantic's titles, which repeat the keys, and unwrap descriptions: editors show them as they are."""
    if isinstance(node, list):
        return [_for_editors(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _for_editors(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    if isinstance(plain.get("description"), str):
        plain["description"] = " ".join(plain["description"].replace("``", "`").split())
    return plain
