"""Neural networks: modules, layers, losses and initialisers, as MLX has them.

>>> model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
>>> loss_and_grad = nn.value_and_grad(model, lambda x, y: nn.losses.mse_loss(model(x), y))
"""

from mlx.nn import init as init
from mlx.nn import layers as layers
from mlx.nn import losses as losses
from mlx.nn import utils as utils
from mlx.nn.layers import *  # noqa: F403
from mlx.nn.utils import value_and_grad as value_and_grad
