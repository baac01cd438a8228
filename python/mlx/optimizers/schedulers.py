"""Schedules: functions of the step, a number or a scalar array, which optimizers take in the place of a learning rate."""

from __future__ import annotations

import math

import mlx.core as mx

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["cosine_decay", "exponential_decay", "join_schedules", "linear_schedule", "step_decay"]


def exponential_decay(init: float, decay_rate: float) -> Callable:
    """init * decay_rate^step

    >>> optim.exponential_decay(0.5, 0.5)(2)
    0.125
    """

    def schedule(step):
        return init * decay_rate**step

    return schedule


def step_decay(init: float, decay_rate: float, step_size: int) -> Callable:
    """init * decay_rate^floor(step / step_size)

    >>> optim.step_decay(0.5, 0.5, 10)(25)
    0.125
    """

    def schedule(step):
        return init * decay_rate ** (step // step_size)

    return schedule


def cosine_decay(init: float, decay_steps: int, end: float = 0.0) -> Callable:
    """From `init` to `end` along half a cosine in `decay_steps` steps, and `end` from then on.

    Loshchilov and Hutter, SGDR, ICLR 2017.

    >>> optim.cosine_decay(0.5, 100)(mx.array([0, 50, 200]))
    array([0.5, 0.25, 0], dtype=float32)
    """

    def schedule(step):
        phase = mx.minimum(step, decay_steps) * (math.pi / decay_steps)
        return end + 0.5 * (init - end) * (1.0 + mx.cos(phase))

    return schedule


def linear_schedule(init: float, end: float, steps: int) -> Callable:
    """From `init` to `end` along a line in `steps` steps, and `end` from then on: a warm-up, for one.

    >>> optim.linear_schedule(0, 0.5, steps=100)(mx.array([0, 50, 200]))
    array([0, 0.25, 0.5], dtype=float32)
    """
    if steps < 1:
        raise ValueError(f"[linear_schedule] steps must be at least 1, not {steps}")

    def schedule(step):
        return mx.minimum(step, steps) * ((end - init) / steps) + init

    return schedule


def join_schedules(schedules: list[Callable], boundaries: list[int]) -> Callable:
    """The first schedule up to the first boundary, then the second, whose steps count from there, and so on.

    >>> warm_up = optim.linear_schedule(0, 0.5, steps=10)
    >>> optim.join_schedules([warm_up, optim.cosine_decay(0.5, 100)], [10])(mx.array([5, 10, 60]))
    array([0.25, 0.5, 0.25], dtype=float32)
    """
    if not schedules:
        raise ValueError("[join_schedules] there must be at least 1 schedule")
    if len(boundaries) != len(schedules) - 1:
        raise ValueError(
            f"[join_schedules] {len(schedules)} schedules need {len(schedules) - 1} boundaries, not {len(boundaries)}"
        )

    def schedule(step):
        value = schedules[0](step)
        for boundary, later in zip(boundaries, schedules[1:]):
            value = mx.where(step < boundary, value, later(step - boundary))
        return value

    return schedule
