"""The composer's network as an RLModule: attention over stroke tokens, a pointer, places, and a critic beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.distribution import Distribution
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI, ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import Tensor, nn

from hierbrush.composer.brief import MAX_STROKES, RANK
from hierbrush.composer.observation import EXISTS, GOAL, GOAL_GIVEN, OBSERVATION_SIZE, WRITTEN
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.policy import OUT_OF_REACH, parameter_shapes
from hierbrush.sim.network import HEAD_SIZE

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)

PRIVILEGED = "privileged"
"""Column for the critic alone (an asymmetric critic), f32 [n, MAX_STROKES, PLACE_SIZE]: by how much the places that
were imitated miss the true ones, for strokes still to be written. Most of a decision's reward hangs on that, which no
policy can know."""

FIRST_SLOPE = 20.0
"""How sharply an untrained pointer follows the library's order, per tenth of a rank column: e^2 between neighbours."""


class _Rows:
    """Which rows of observations [n, R] hold a stroke: T of them.

    Characters have a dozen strokes and observations as many rows as the longest of a batch. All but attention is
    computed for the rows that exist alone, side by side.
    """

    def __init__(self, exists: Tensor) -> None:
        self._shape = exists.shape
        self._index = exists.flatten().nonzero().squeeze(1)
        self.reach = exists[:, None, None, :]
        # An observation without any stroke (RLlib's dummy batches) may look everywhere, or attention divides by zero.
        self.reach = self.reach | ~self.reach.any(dim=-1, keepdim=True)

    def gather(self, padded: Tensor) -> Tensor:
        """Return the rows that exist, [T, d] of [n, R, d]."""
        return padded.flatten(0, 1).index_select(0, self._index)

    def spread(self, rows: Tensor) -> Tensor:
        """Return rows [T, d] where they belong, [n, R, d], with zeros in those that do not exist."""
        padded = rows.new_zeros(self._shape.numel(), rows.shape[1]).index_copy(0, self._index, rows)
        return padded.view(*self._shape, rows.shape[1])


class _Layer(nn.Module):
    """Pre-norm attention and feed-forward, each added to its input."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor, rows: _Rows) -> Tensor:
        """Return the tokens [T, width] of the rows that exist."""
        width = x.shape[1]
        spread = rows.spread(self.qkv(self.norm1(x)))
        parts = spread.view(*spread.shape[:2], 3, width // HEAD_SIZE, HEAD_SIZE)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=rows.reach)
        x = x + self.out(rows.gather(mixed.transpose(1, 2).flatten(2)))
        after: Tensor = x + self.down(torch.relu(self.up(self.norm2(x))))
        return after


class ComposerNet(nn.Module):
    """The network of `hierbrush.composer.ComposerPolicy`, whose parameters have the same names and shapes.

    Args:
        width: of a token inside the network, a multiple of `HEAD_SIZE`.
        layers: attention layers.
        hidden: width of the layers' feed-forward part.
        inputs: numbers observed of a stroke.
    """

    def __init__(self, width: int, layers: int, hidden: int, inputs: int = OBSERVATION_SIZE) -> None:
        super().__init__()
        self.embed = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(_Layer(width, hidden) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.pointer = nn.Linear(width, 1)
        self.place = nn.Linear(width, PLACE_SIZE)
        self.slope = nn.Parameter(torch.tensor([FIRST_SLOPE]))
        for head in (self.pointer, self.place):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
        shapes = {name: tuple(parameter.shape) for name, parameter in self.named_parameters()}
        assert shapes == parameter_shapes(width, layers, hidden, inputs)

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [n, R] and mean places [n, R, PLACE_SIZE] for observations [n, R, inputs]."""
        exists = observation[:, :, EXISTS] > 0
        rows = _Rows(exists)
        x = self.embed(rows.gather(observation))
        for layer in self.layers:
            x = layer(x, rows)
        x = self.norm(x)
        answers = rows.spread(torch.cat([self.pointer(x), self.place(x)], dim=1))
        pointer, place = torch.split(answers, [1, PLACE_SIZE], dim=2)
        logits = pointer.squeeze(-1) - self.slope * observation[:, :, RANK]
        logits = logits.masked_fill(~exists | (observation[:, :, WRITTEN] > 0), OUT_OF_REACH)
        followed = observation[:, :, GOAL_GIVEN, None] * observation[:, :, GOAL : GOAL + PLACE_SIZE]
        return logits, place + followed


def split_inputs(inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits [n, MAX_STROKES], mean places [n, MAX_STROKES, PLACE_SIZE] and log σ [n, PLACE_SIZE]."""
    logits, places, log_std = torch.split(inputs, [MAX_STROKES, MAX_STROKES * PLACE_SIZE, PLACE_SIZE], dim=-1)
    return logits, places.reshape(-1, MAX_STROKES, PLACE_SIZE), log_std


class ComposerDistribution(Distribution):  # type: ignore[misc]
    """Which stroke (masked categorical) and where (Gaussian around that stroke's own mean place).

    Inputs f32 [n, MAX_STROKES + MAX_STROKES x PLACE_SIZE + PLACE_SIZE]: logits, mean places, logarithms of
    the standard deviations. An action is f32 [n, 1 + PLACE_SIZE]: the stroke's row and its place.
    """

    def __init__(self, logits: Tensor, places: Tensor, log_std: Tensor) -> None:
        super().__init__()
        self._log_choice = logits.log_softmax(dim=1)
        self._places, self._log_std = places, log_std

    @classmethod
    def from_logits(cls, logits: Tensor, **kwargs: Any) -> ComposerDistribution:
        """Return the distribution of a batch of inputs."""
        return cls(*split_inputs(logits))

    @staticmethod
    def required_input_dim(space: Any, **kwargs: Any) -> int:
        """Return the length of the inputs."""
        return MAX_STROKES + MAX_STROKES * PLACE_SIZE + PLACE_SIZE

    def sample(self, *, sample_shape: Any = None) -> Tensor:
        """Return one action for each input."""
        index = torch.multinomial(self._log_choice.exp(), 1)
        mean = self._places[torch.arange(len(index), device=index.device), index[:, 0]]
        return torch.cat([index.float(), mean + self._log_std.exp() * torch.randn_like(mean)], dim=1)

    def rsample(self, *, sample_shape: Any = None) -> Tensor:
        """Choices cannot be reparametrised."""
        raise NotImplementedError("a choice between strokes has no gradient; use sample and logp")

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        """Return the logarithm of the probability (density) of actions, [n]."""
        index = value[:, 0].long()
        every = torch.arange(len(index), device=index.device)
        noise = (value[:, 1:] - self._places[every, index]) * torch.exp(-self._log_std)
        density = -(0.5 * noise.square() + self._log_std + _LOG_SQRT_2PI).sum(dim=1)
        return self._log_choice[every, index] + density

    def entropy(self, **kwargs: Any) -> Tensor:
        """Return the entropy [n]; the places' part is the same for every stroke."""
        choice = -(self._log_choice.exp() * self._log_choice).sum(dim=1)
        return choice + (self._log_std + _LOG_SQRT_2PI + 0.5).sum(dim=1)

    def kl(self, other: ComposerDistribution, **kwargs: Any) -> Tensor:
        """Return the Kullback-Leibler divergence [n] from ``other``."""
        return sum(self.divergences(other), torch.zeros(()))

    def divergences(self, other: ComposerDistribution) -> tuple[Tensor, Tensor]:
        """Return the divergence from ``other`` in two parts [n]: of the choice, and of the places chosen here."""
        probability = self._log_choice.exp()
        choice = (probability * (self._log_choice - other._log_choice)).sum(dim=1)
        apart = (self._places - other._places).square() * torch.exp(-2 * other._log_std)[:, None]
        wider = (self._log_std - other._log_std)[:, None]
        places = (0.5 * (torch.exp(2 * wider) + apart - 1) - wider).sum(dim=2)
        return choice, (probability * places).sum(dim=1)

    def to_deterministic(self) -> _Likeliest:
        """Return what is most likely: the best stroke at its mean place."""
        return _Likeliest(self._log_choice, self._places)


class _Likeliest(Distribution):  # type: ignore[misc]
    def __init__(self, logits: Tensor, places: Tensor) -> None:
        super().__init__()
        self._logits, self._places = logits, places

    def sample(self, *, sample_shape: Any = None) -> Tensor:
        index = self._logits.argmax(dim=1)
        return torch.cat([index[:, None].float(), self._places[torch.arange(len(index)), index]], dim=1)

    rsample = sample

    def logp(self, value: Tensor, **kwargs: Any) -> Tensor:
        return (self.sample() == value).all(dim=1).float().log()

    def entropy(self, **kwargs: Any) -> Tensor:
        return torch.zeros(len(self._logits))

    def kl(self, other: Any, **kwargs: Any) -> Tensor:
        raise NotImplementedError("a deterministic choice has no divergence")

    @classmethod
    def from_logits(cls, logits: Tensor, **kwargs: Any) -> _Likeliest:
        return cls(*split_inputs(logits)[:2])

    @staticmethod
    def required_input_dim(space: Any, **kwargs: Any) -> int:
        return ComposerDistribution.required_input_dim(space)


class ComposerModule(TorchRLModule, ValueFunctionAPI, InferenceOnlyAPI):  # type: ignore[misc]
    """The composer for RLlib.

    RLlib hooks: ``RLModule.setup``, ``_forward``, ``compute_values`` (`ValueFunctionAPI`) and
    ``get_non_inference_attributes`` (`InferenceOnlyAPI`: runners carry no critic).
    ``model_config``: ``width``, ``layers``, ``hidden`` and, unless they are the plain composer's, ``inputs`` of
    `ComposerNet`, ``value_width`` of the critic, ``sigma``: the standard deviations of exploration, one number, or two
    for boxes and shape coefficients. Observation space: Box [MAX_STROKES, inputs]; action space: Box [1 + PLACE_SIZE].
    """

    log_std: Tensor

    def setup(self) -> None:
        """Build the networks and the noise."""
        config = self.model_config
        inputs = config.get("inputs", OBSERVATION_SIZE)
        self.net = ComposerNet(config["width"], config["layers"], config["hidden"], inputs)
        width = config["value_width"]
        # The critic looks at every stroke alone and at their sum: cheap, and it never disturbs the policy.
        self.value_token = nn.Sequential(
            nn.Linear(inputs + PLACE_SIZE, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.value_sum = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
        for parameter in self.value_sum[-1].parameters():
            nn.init.zeros_(parameter)
        self.register_buffer("log_std", torch.zeros(PLACE_SIZE))
        sigma = config["sigma"]
        self.set_sigma(*(sigma if isinstance(sigma, Sequence) else (sigma,)))
        self.action_dist_cls = ComposerDistribution

    def set_sigma(self, box: float, shape: float | None = None) -> None:
        """Set the standard deviations of boxes and of shape coefficients, which are the boxes' unless given."""
        self.log_std[:4] = math.log(box)
        self.log_std[4:PLACE_SIZE] = math.log(box if shape is None else shape)

    def get_non_inference_attributes(self) -> list[str]:
        """Return what runners can do without."""
        return ["value_token", "value_sum"]

    def heads(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [n, MAX_STROKES], mean places [n, MAX_STROKES, PLACE_SIZE], where strokes are."""
        used = max(1, int((observation[:, :, EXISTS] > 0).any(dim=0).sum()))
        logits, places = self.net(observation[:, :used])
        empty = MAX_STROKES - used
        logits = nn.functional.pad(logits, (0, empty), value=OUT_OF_REACH)
        return logits, nn.functional.pad(places, (0, 0, 0, empty))

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        logits, places = self.heads(batch[Columns.OBS])
        log_std = self.log_std.expand(len(logits), -1)
        return {Columns.ACTION_DIST_INPUTS: torch.cat([logits, places.flatten(1), log_std], dim=1)}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Tensor:
        """Return V(s) f32 [n] of observations f32 [n, MAX_STROKES, OBSERVATION_SIZE], with `PRIVILEGED` or without."""
        observation = batch[Columns.OBS]
        exists = (observation[:, :, EXISTS] > 0).unsqueeze(-1)
        used = max(1, int(exists.any(dim=0).sum()))
        privileged = batch.get(PRIVILEGED, observation.new_zeros(1, 1, PLACE_SIZE).expand(*observation.shape[:2], -1))
        seen = torch.cat([observation[:, :used], privileged[:, :used]], dim=2)
        tokens = self.value_token(seen) * exists[:, :used]
        value: Tensor = self.value_sum(tokens.sum(dim=1) / 10).squeeze(-1)
        return value
