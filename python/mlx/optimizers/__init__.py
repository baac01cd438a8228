"""Optimizers, learning-rate schedules and gradient clipping, as MLX has them. Start at base.Optimizer.

>>> optimizer = optim.Adam(learning_rate=1e-3)
>>> loss, gradients = nn.value_and_grad(model, loss_fn)(x, y)
>>> optimizer.update(model, gradients)
>>> mx.eval(model.parameters(), optimizer.state)
"""

from mlx.optimizers import schedulers as schedulers
from mlx.optimizers.adafactor import Adafactor as Adafactor
from mlx.optimizers.adam import Adam as Adam
from mlx.optimizers.adam import Adamax as Adamax
from mlx.optimizers.adam import AdamW as AdamW
from mlx.optimizers.adaptive import AdaDelta as AdaDelta
from mlx.optimizers.adaptive import Adagrad as Adagrad
from mlx.optimizers.adaptive import RMSprop as RMSprop
from mlx.optimizers.base import MultiOptimizer as MultiOptimizer
from mlx.optimizers.base import Optimizer as Optimizer
from mlx.optimizers.base import clip_grad_norm as clip_grad_norm
from mlx.optimizers.lion import Lion as Lion
from mlx.optimizers.muon import Muon as Muon
from mlx.optimizers.schedulers import cosine_decay as cosine_decay
from mlx.optimizers.schedulers import exponential_decay as exponential_decay
from mlx.optimizers.schedulers import join_schedules as join_schedules
from mlx.optimizers.schedulers import linear_schedule as linear_schedule
from mlx.optimizers.schedulers import step_decay as step_decay
from mlx.optimizers.sgd import SGD as SGD
