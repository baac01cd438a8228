"""Modules: what is a parameter, what is a child, and how a tree of them is changed, frozen and saved."""

from __future__ import annotations

import copy
import pickle

import pytest

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class Mixed(nn.Module):
    """One of everything an attribute can be."""

    def __init__(self):
        super().__init__()
        self.weight = mx.ones((2,))
        self.rate = 0.5
        self._hidden = mx.zeros((1,))
        self.layers = [nn.Linear(2, 3), mx.full((1,), 4.0), "text"]
        self.named = {"first": nn.ReLU(), "scale": mx.ones((1,)), "count": 3}


def paths(tree):
    return [path for path, _ in tree_flatten(tree, is_leaf=nn.Module.is_module)]


ALL = ["weight", "layers.0.weight", "layers.0.bias", "layers.1", "named.scale"]


def test_arrays_in_attributes_lists_and_dicts_are_parameters():
    m = Mixed()
    assert paths(m.parameters()) == ALL
    assert paths(m.children()) == ["layers.0", "named.first"]
    assert paths(m.leaf_modules()) == ["layers.0", "named.first"]
    assert [name for name, _ in m.named_modules()] == ["", "named.first", "layers.0"]
    assert [type(x).__name__ for x in m.modules()] == ["Mixed", "ReLU", "Linear"]
    assert m.state is m and m.rate == 0.5 and "rate" not in m


def test_an_attribute_changes_kind():
    m = Mixed()
    m.weight = None
    assert m.weight is None and "weight" not in m.parameters()
    m.weight = mx.ones((3,))
    assert m.weight.shape == (3,)
    del m.weight
    with pytest.raises(AttributeError, match="'Mixed' object has no attribute 'weight'"):
        _ = m.weight


def test_freeze_and_unfreeze():
    m = Mixed()
    m.freeze()
    assert paths(m.trainable_parameters()) == []
    m.unfreeze(keys="bias")
    assert paths(m.trainable_parameters()) == ["layers.0.bias"]
    m.unfreeze()
    assert paths(m.trainable_parameters()) == ALL
    m.freeze(keys=["weight"])
    assert paths(m.trainable_parameters()) == ["layers.0.bias", "layers.1", "named.scale"]
    m.unfreeze().freeze(recurse=False)
    assert paths(m.trainable_parameters()) == ["layers.0.weight", "layers.0.bias"]
    with pytest.raises(KeyError, match="no member nothing"):
        m.freeze(keys="nothing", strict=True)


def test_running_statistics_stay_frozen():
    m = nn.Sequential(nn.BatchNorm(2))
    m.freeze()
    m.unfreeze()
    assert paths(m.trainable_parameters()) == ["layers.0.weight", "layers.0.bias"]


def test_modes_reach_every_module():
    m = Mixed()
    assert m.training
    m.eval()
    assert not any(x.training for x in m.modules())
    m.train()
    assert all(x.training for x in m.modules())


def test_apply_and_set_dtype():
    m = Mixed()
    m.apply(lambda p: p * 0 + 7, lambda module, key, value: m.valid_parameter_filter(module, key, value) and key != "bias")
    values = dict(tree_flatten(m.parameters()))
    assert values["layers.0.weight"].tolist() == [[7, 7]] * 3 and values["layers.0.bias"].tolist() != [7, 7, 7]
    m.count = mx.array([1])
    m.set_dtype(mx.float16)
    assert m.weight.dtype == mx.float16 and m.count.dtype == mx.int32
    m.set_dtype(mx.float32, None)
    assert m.count.dtype == mx.float32


def test_update_replaces_what_is_named():
    m = Mixed()
    m.update({"layers": [{"bias": mx.zeros((3,))}, mx.array([9.0])], "named": {"scale": mx.array([8.0])}})
    assert m.layers[0].bias.tolist() == [0, 0, 0] and m.layers[1].item() == 9 and m.named["scale"].item() == 8
    assert m.layers[2] == "text"
    for wrong in ({"nothing": mx.ones(1)}, {"weight": 1}, {"layers": [{}] * 4}, {"layers": [{}, {}, mx.ones(1)]}, 3):
        with pytest.raises(ValueError):
            m.update(wrong)
    m.update({"nothing": mx.ones(1)}, strict=False)
    assert "nothing" not in m


def test_update_modules_replaces_what_is_named():
    m = Mixed()
    m.update_modules({"layers": [nn.Identity()], "named": {"first": nn.Tanh()}})
    assert isinstance(m.layers[0], nn.Identity) and isinstance(m.named["first"], nn.Tanh)
    m.update_modules(m.leaf_modules())
    for wrong in ({"nothing": nn.ReLU()}, {"layers": [3]}):
        with pytest.raises(ValueError):
            m.update_modules(wrong)


def test_load_weights_wants_every_name_and_shape():
    m = nn.Linear(2, 2)
    weights = [("weight", mx.ones((2, 2))), ("bias", mx.zeros((2,)))]
    assert m.load_weights(weights) is m and m.bias.tolist() == [0, 0]
    with pytest.raises(ValueError, match="lack bias"):
        m.load_weights(weights[:1])
    with pytest.raises(ValueError, match="no parameter other"):
        m.load_weights([*weights, ("other", mx.ones(1))])
    with pytest.raises(ValueError, match="weight has the shape"):
        m.load_weights([("weight", mx.ones((2, 3))), weights[1]])
    with pytest.raises(ValueError, match="must be an array, not int"):
        m.load_weights([("weight", 1), weights[1]])
    m.load_weights([("bias", mx.ones((2,))), ("other", mx.ones(1))], strict=False)
    assert m.bias.tolist() == [1, 1]


@pytest.mark.skipif(not hasattr(mx, "savez"), reason="mlx.core has no savez yet")
def test_weights_come_back_from_a_file(tmp_path):
    m, other = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)), nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    m.save_weights(tmp_path / "m.npz")
    other.load_weights(str(tmp_path / "m.npz"))
    for (_, a), (_, b) in zip(tree_flatten(m.parameters()), tree_flatten(other.parameters())):
        assert a.tolist() == b.tolist()


def test_save_weights_refuses_other_formats():
    with pytest.raises(ValueError, match=".npz"):
        nn.Linear(2, 2).save_weights("weights.pt")


def test_value_and_grad_is_of_trainable_parameters():
    m = nn.Linear(2, 1)
    m.update({"weight": mx.array([[2.0, 3.0]]), "bias": mx.array([1.0])})
    m.freeze(keys="bias")

    def loss(x, *, scale):
        """The output."""
        return scale * mx.sum(m(x)), x

    step = nn.value_and_grad(m, loss)
    assert step.__doc__ == "The output." and step.__name__ == "loss"
    (value, x), grads = step(mx.array([[5.0, 7.0]]), scale=2)
    assert value.item() == 2 * (10 + 21 + 1) and x.tolist() == [[5, 7]]
    assert {k: g.tolist() for k, g in grads.items()} == {"weight": [[10, 14]]}
    assert (m.weight + 0).tolist() == [[2, 3]]


def test_gradients_go_through_the_parameters_twice():
    m = nn.Linear(1, 1, bias=False)
    m.update({"weight": mx.array([[3.0]])})

    def cube():
        return mx.sum(m.weight**3)

    def slope(parameters):
        m.update(parameters)
        return mx.sum(nn.value_and_grad(m, cube)()[1]["weight"])

    assert mx.grad(slope)({"weight": mx.array([[3.0]])})["weight"].item() == 18


def test_batch_statistics_move_under_value_and_grad():
    m = nn.BatchNorm(1)
    nn.value_and_grad(m, lambda x: mx.sum(m(x)))(mx.array([[1.0], [3.0]]))
    mx.eval(m.state)
    assert m.running_mean.item() == pytest.approx(0.2) and m.running_var.item() == pytest.approx(1.1)


def test_modules_are_copied():
    m = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    twin = copy.deepcopy(m)
    twin.layers[0].weight = mx.zeros((1, 1))
    assert m.layers[0].weight.item() != 0 and repr(twin) == repr(m)


@pytest.mark.skipif(not hasattr(mx.array, "__setstate__"), reason="mlx.core's arrays cannot be pickled yet")
def test_modules_are_pickled():
    m = nn.Linear(2, 2)
    assert pickle.loads(pickle.dumps(m)).weight.tolist() == m.weight.tolist()


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Dropout(1.0),
        lambda: nn.Dropout2d(0.5)(mx.ones((2, 2))),
        lambda: nn.Dropout3d(0.5)(mx.ones((2, 2))),
        lambda: nn.GELU("x"),
        lambda: nn.GroupNorm(3, 4),
        lambda: nn.GroupNorm(2, 4)(mx.ones((4,))),
        lambda: nn.InstanceNorm(3)(mx.ones((2, 3))),
        lambda: nn.BatchNorm(3)(mx.ones((3,))),
        lambda: nn.MultiHeadAttention(5, 2),
        lambda: nn.RNN(2, 3, nonlinearity=3),
        lambda: nn.RoPE(4)(mx.ones((2, 4))),
        lambda: nn.RoPE(6)(mx.ones((1, 2, 4))),
        lambda: nn.RoPE(3)(mx.ones((1, 2, 4))),
        lambda: nn.MaxPool2d((2,)),
        lambda: nn.MaxPool2d(0),
        lambda: nn.AvgPool1d("a"),
        lambda: nn.MaxPool2d(2)(mx.ones((3, 3))),
        lambda: nn.MaxPool1d(4)(mx.ones((1, 3, 1))),
        lambda: nn.Upsample(2, mode="x"),
        lambda: nn.Upsample(2, antialias=True),
        lambda: nn.Upsample(2)(mx.ones((2, 2))),
        lambda: nn.Upsample((2, 3))(mx.ones((1, 2, 2))),
        lambda: nn.Upsample(0.1)(mx.ones((1, 2, 2))),
        lambda: nn.losses.mse_loss(mx.ones(2), mx.ones(3)),
        lambda: nn.losses.mse_loss(mx.ones(2), mx.ones(2), reduction="x"),
        lambda: nn.losses.cross_entropy(mx.ones((2, 3)), mx.array([0, 1]), weights=mx.ones(3)),
        lambda: nn.losses.cross_entropy(mx.ones((2, 3)), mx.array([0, 1]), label_smoothing=1.0),
        lambda: nn.losses.cross_entropy(mx.ones((2, 3)), mx.array([0, 1, 2])),
        lambda: nn.losses.margin_ranking_loss(mx.ones(2), mx.ones(3), mx.ones(2)),
        lambda: nn.init.orthogonal()(mx.ones(3)),
        lambda: nn.init.sparse(0.5)(mx.ones(3)),
        lambda: nn.init.identity()(mx.ones((2, 3))),
        lambda: nn.init.glorot_normal()(mx.ones(3)),
        lambda: nn.init.he_normal()(mx.ones((3, 3)), mode="x"),
    ],
)
def test_wrong_settings_and_shapes_are_value_errors(make):
    with pytest.raises(ValueError, match=r"^\[\w+\] "):
        make()
