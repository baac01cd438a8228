"""Programs that run under mica and under released MLX alike: `CASES` maps names to functions of (mx, nn, optim) that give a
tree of arrays. tests/oracle/record_nn.py keeps what MLX gives in nn_values.json; tests/python/test_nn_oracle.py compares.
Inputs and parameters are multiples of 1/16, the same bits everywhere."""

from __future__ import annotations

import math

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


class Filler:
    """Arrays of numbers in [-20/16, 20/16], no two alike."""

    def __init__(self, mx):
        self.mx = mx
        self.calls = 0

    def __call__(self, *shape, positive=False, dtype=None):
        self.calls += 1
        values = [((37 * i + 11 * self.calls) % 41 - 20) / 16 for i in range(math.prod(shape))]
        if positive:
            values = [abs(v) + 0.125 for v in values]
        a = self.mx.reshape(self.mx.array(values), shape)
        return a if dtype is None else a.astype(dtype)

    def module(self, module):
        module.apply(lambda p: 0.5 * self(*p.shape, dtype=p.dtype))
        return module


def untrained(module):
    """The parameters of a batch normalisation that are not trained."""
    return {k: v for k, v in module.parameters().items() if k.startswith("running")}


def layer(mx, nn, module, *inputs, **more):
    """Outputs, and the gradients of a weighted sum of them by parameters and inputs."""
    fill = Filler(mx)
    fill.module(module)
    inputs = [fill(*i) if isinstance(i, tuple) else i for i in inputs]
    keep = {}

    def loss(parameters, *xs):
        module.update(parameters)
        y = module(*xs, **more)
        keep["y"] = y = y if isinstance(y, tuple) else (y,)
        weigh = Filler(mx)
        return sum(mx.sum(part.astype(mx.float32) * weigh(*part.shape)) for part in y)

    floating = [i for i, x in enumerate(inputs) if x is not None and x.dtype in (mx.float32, mx.float16, mx.bfloat16)]
    argnums = tuple([0] + [i + 1 for i in floating]) if floating else 0
    value, grads = mx.value_and_grad(loss, argnums=argnums)(module.trainable_parameters(), *inputs)
    grads = grads if floating else [grads]
    again = module(*inputs, **more)
    return {"value": value, "grads": list(grads), "y": again, "repr": repr(module), "state": untrained(module)}


def _layer_case(name, make, *inputs, **more):
    CASES[name] = lambda mx, nn, optim: layer(
        mx, nn, make(nn), *[i(mx) if callable(i) else i for i in inputs], **{k: v(mx) for k, v in more.items()}
    )


def integers(*values):
    return lambda mx: mx.array(values)


def half(*shape):
    return lambda mx: Filler(mx)(*shape, dtype=mx.float16)


_layer_case("linear", lambda nn: nn.Linear(3, 4), (2, 3))
_layer_case("linear_vector_no_bias", lambda nn: nn.Linear(3, 4, bias=False), (3,))
_layer_case("bilinear", lambda nn: nn.Bilinear(3, 4, 5), (2, 2, 3), (2, 2, 4))
_layer_case("bilinear_no_bias", lambda nn: nn.Bilinear(3, 2, 1, False), (3,), (2,))
_layer_case("identity", lambda nn: nn.Identity(), (2, 3))
_layer_case("embedding", lambda nn: nn.Embedding(5, 3), integers([0, 4], [1, 4]))
_layer_case("sequential", lambda nn: nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), (4, 2))
_layer_case("layer_norm", lambda nn: nn.LayerNorm(5), (3, 5))
_layer_case("layer_norm_plain", lambda nn: nn.LayerNorm(5, eps=1e-2, affine=False), (3, 5))
_layer_case("layer_norm_no_bias", lambda nn: nn.LayerNorm(5, bias=False), (2, 3, 5))
_layer_case("layer_norm_half", lambda nn: nn.LayerNorm(5), half(3, 5))
_layer_case("rms_norm", lambda nn: nn.RMSNorm(5), (3, 5))
_layer_case("rms_norm_half", lambda nn: nn.RMSNorm(5), half(3, 5))
_layer_case("instance_norm", lambda nn: nn.InstanceNorm(3, affine=True), (2, 4, 3))
_layer_case("instance_norm_plain", lambda nn: nn.InstanceNorm(3), (2, 4, 2, 3))
_layer_case("group_norm", lambda nn: nn.GroupNorm(2, 6), (2, 3, 6))
_layer_case("group_norm_pytorch", lambda nn: nn.GroupNorm(2, 6, pytorch_compatible=True), (2, 3, 6))
_layer_case("group_norm_flat", lambda nn: nn.GroupNorm(3, 6, affine=False), (2, 6))
_layer_case("batch_norm", lambda nn: nn.BatchNorm(3), (5, 3))
_layer_case("batch_norm_images", lambda nn: nn.BatchNorm(3, momentum=0.3), (2, 2, 3, 3))
_layer_case("batch_norm_plain", lambda nn: nn.BatchNorm(3, affine=False, track_running_stats=False), (2, 4, 3))
_layer_case("dropout_eval", lambda nn: nn.Dropout(0.5).eval(), (3, 4))
_layer_case("prelu", lambda nn: nn.PReLU(4), (3, 4))
for _name in ("ReLU", "ReLU2", "ReLU6", "Sigmoid", "Tanh", "Softplus", "Softsign", "HardTanh", "Hardswish", "SiLU", "Mish",
              "SELU", "LogSigmoid", "Softmax", "Softmin", "LogSoftmax", "LeakyReLU", "ELU", "CELU", "Softshrink",
              "HardShrink", "GELU", "GLU"):  # fmt: skip
    _layer_case(f"activation_{_name}", lambda nn, name=_name: getattr(nn, name)(), (3, 16))
for _name in ("tanh", "fast", "precise"):
    _layer_case(f"gelu_{_name}", lambda nn, name=_name: nn.GELU(name), (3, 16))
_layer_case("elu_alpha", lambda nn: nn.ELU(0.5), (3, 16))
_layer_case("celu_alpha", lambda nn: nn.CELU(0.5), (3, 16))
_layer_case("rnn", lambda nn: nn.RNN(3, 4), (2, 5, 3))
_layer_case("rnn_hidden_relu", lambda nn: nn.RNN(3, 4, False, nn.relu), (5, 3), hidden=lambda mx: mx.ones((4,)))
_layer_case("gru", lambda nn: nn.GRU(3, 4), (2, 5, 3))
_layer_case("gru_hidden", lambda nn: nn.GRU(3, 4), (2, 5, 3), hidden=lambda mx: mx.ones((2, 4)))
_layer_case("gru_no_bias", lambda nn: nn.GRU(3, 4, bias=False), (5, 3))
_layer_case("lstm", lambda nn: nn.LSTM(3, 4), (2, 5, 3))
_layer_case("lstm_states", lambda nn: nn.LSTM(3, 4, False), (5, 3), hidden=lambda mx: mx.ones((4,)),
            cell=lambda mx: mx.ones((4,)))  # fmt: skip
_layer_case("rope", lambda nn: nn.RoPE(6), (1, 5, 6))
_layer_case("rope_traditional", lambda nn: nn.RoPE(4, traditional=True, base=100, scale=0.5), (2, 3, 5, 6))
_layer_case("rope_offset", lambda nn: nn.RoPE(4), (2, 3, 5, 6), offset=lambda mx: 7)
_layer_case("sinusoidal", lambda nn: nn.SinusoidalPositionalEncoding(8), (5,))
_layer_case("sinusoidal_turns", lambda nn: nn.SinusoidalPositionalEncoding(8, 0.1, 2, 1, True, True), (2, 5))
_layer_case("alibi", lambda nn: nn.ALiBi(), (1, 4, 3, 5))
_layer_case("alibi_offset_mask", lambda nn: nn.ALiBi(), (2, 3, 3, 5), offset=lambda mx: 2,
            mask=lambda mx: mx.ones((3, 5)))  # fmt: skip
_layer_case("attention", lambda nn: nn.MultiHeadAttention(8, 2), (2, 3, 8), (2, 5, 8), (2, 5, 8))
_layer_case("attention_dims", lambda nn: nn.MultiHeadAttention(8, 2, 3, 4, 5, 6, 7, True), (2, 3, 3), (2, 5, 4),
            (2, 5, 5))  # fmt: skip
_layer_case("attention_causal", lambda nn: nn.MultiHeadAttention(8, 2), (2, 4, 8), (2, 4, 8), (2, 4, 8),
            mask=lambda mx: mx.triu(mx.full((4, 4), -1e9), 1))  # fmt: skip
_layer_case("attention_bool", lambda nn: nn.MultiHeadAttention(8, 2), (2, 4, 8), (2, 4, 8), (2, 4, 8),
            mask=lambda mx: mx.tri(4) > 0)  # fmt: skip
_layer_case("encoder_layer", lambda nn: nn.TransformerEncoderLayer(4, 2), (1, 3, 4), mask=lambda mx: None)
_layer_case("encoder_layer_norm_last", lambda nn: nn.TransformerEncoderLayer(4, 2, 6, norm_first=False, activation=nn.gelu),
            (1, 3, 4), mask=lambda mx: None)  # fmt: skip
_layer_case("decoder_layer", lambda nn: nn.TransformerDecoderLayer(4, 2, 6), (1, 3, 4), (1, 2, 4), x_mask=lambda mx: None,
            memory_mask=lambda mx: None)  # fmt: skip
_layer_case("decoder_layer_norm_last", lambda nn: nn.TransformerDecoderLayer(4, 2, 6, norm_first=False), (1, 3, 4),
            (1, 2, 4), x_mask=lambda mx: None, memory_mask=lambda mx: None)  # fmt: skip
_layer_case("transformer", lambda nn: nn.Transformer(4, 2, 2, 1, 6), (1, 3, 4), (1, 2, 4), src_mask=lambda mx: None,
            tgt_mask=lambda mx: None, memory_mask=lambda mx: None)  # fmt: skip
_layer_case("max_pool1d", lambda nn: nn.MaxPool1d(2), (2, 6, 3))
_layer_case("max_pool1d_padded", lambda nn: nn.MaxPool1d(3, 2, 1), (2, 7, 3))
_layer_case("max_pool2d", lambda nn: nn.MaxPool2d((2, 3), stride=(1, 2), padding=(0, 1)), (2, 4, 5, 3))
_layer_case("max_pool3d", lambda nn: nn.MaxPool3d(2), (1, 4, 3, 2, 2))
_layer_case("avg_pool1d", lambda nn: nn.AvgPool1d(3, 1, 1), (2, 6, 3))
_layer_case("avg_pool2d", lambda nn: nn.AvgPool2d(2, 1), (2, 4, 5, 3))
_layer_case("avg_pool3d", lambda nn: nn.AvgPool3d((1, 2, 2), padding=(0, 1, 0)), (1, 2, 3, 4, 2))

for _mode, _align, _smooth in (("nearest", False, False), ("linear", False, False), ("linear", True, False),
                               ("linear", False, True), ("cubic", False, False), ("cubic", True, False),
                               ("cubic", False, True)):  # fmt: skip
    for _scale in (2, (1.5, 0.5), (0.4, 2.5)):
        _layer_case(f"upsample_{_mode}_{_align}_{_smooth}_{_scale}",
                    lambda nn, a=(_scale, _mode, _align, _smooth): nn.Upsample(*a), (2, 5, 6, 2))  # fmt: skip


@case
def step_and_thresholds(mx, nn, optim):
    x = Filler(mx)(3, 16)
    return [nn.step(x), nn.Step(0.5)(x), nn.HardShrink(0.25)(x), nn.Softshrink(0.25)(x), nn.hard_tanh(x, -0.5, 0.25),
            nn.leaky_relu(x, 0.2), nn.softmax(x, axis=0), nn.softmin(x, axis=0), nn.log_softmax(x, axis=0), nn.glu(x, 1)]  # fmt: skip


@case
def activations_of_extremes(mx, nn, optim):
    x = mx.array([-1000.0, -90.0, -20.0, -0.0, 0.0, 20.0, 90.0, 1000.0])
    names = ["relu", "sigmoid", "tanh", "softplus", "log_sigmoid", "elu", "celu", "selu", "silu", "mish", "gelu",
             "gelu_approx", "gelu_fast_approx", "softsign", "hardswish", "relu6", "log_softmax"]  # fmt: skip
    return {name: getattr(nn, name)(x) for name in names}


@case
def batch_norm_in_evaluation(mx, nn, optim):
    norm = nn.BatchNorm(3)
    x = Filler(mx)(5, 3)
    norm(x)
    norm(2 * x)
    return [norm.eval()(x), norm.state]


@case
def embedding_as_linear(mx, nn, optim):
    fill = Filler(mx)
    return fill.module(nn.Embedding(5, 3)).as_linear(fill(2, 3))


@case
def masks(mx, nn, optim):
    make = nn.MultiHeadAttention.create_additive_causal_mask
    return [make(3), make(3, mx.float16), nn.ALiBi.create_alibi_slope(3), nn.ALiBi.create_alibi_matrix(4, 5, 3, 1)]


def _loss_case(name, function, **settings):
    def run(mx, nn, optim):
        fill = Filler(mx)
        inputs = function(mx, fill)
        out = {}
        for reduction in ("none", "mean", "sum"):
            compute = lambda *xs, r=reduction: getattr(nn.losses, name)(*xs, **settings, reduction=r)  # noqa: E731
            out[reduction] = compute(*inputs)
        out["grad"] = mx.grad(lambda *xs: getattr(nn.losses, name)(*xs, **settings, reduction="mean"))(*inputs)
        return out

    CASES[f"loss_{name}_{len(CASES)}"] = run


def pair(*shape):
    return lambda mx, fill: (fill(*shape), fill(*shape))


def signs(mx, fill, *shape):
    return mx.where(fill(*shape) > 0, 1.0, -1.0)


_loss_case("cross_entropy", lambda mx, fill: (fill(3, 4), mx.array([0, 3, 1])))
_loss_case("cross_entropy", lambda mx, fill: (fill(3, 4), mx.array([0, 3, 1])), label_smoothing=0.25)
_loss_case("cross_entropy", lambda mx, fill: (fill(3, 4), mx.array([0, 3, 1]), fill(3)), label_smoothing=0.25)
_loss_case("cross_entropy", lambda mx, fill: (fill(3, 4), fill(3, 4, positive=True)), label_smoothing=0.25)
_loss_case("cross_entropy", lambda mx, fill: (fill(3, 4, 2), mx.array([[0, 3], [1, 1], [2, 0]])), axis=1)
_loss_case("binary_cross_entropy", lambda mx, fill: (fill(3, 4), mx.abs(signs(mx, fill, 3, 4)), fill(3, 4)))
_loss_case("binary_cross_entropy", lambda mx, fill: (fill(3, 4, positive=True) / 2, fill(3, 4) > 0), with_logits=False)
_loss_case("binary_cross_entropy", lambda mx, fill: (fill(3, 4), fill(3, 4, positive=True) / 2))
_loss_case("l1_loss", pair(3, 4))
_loss_case("mse_loss", pair(3, 4))
_loss_case("nll_loss", lambda mx, fill: (fill(3, 4), mx.array([0, 3, 1])))
_loss_case("gaussian_nll_loss", lambda mx, fill: (fill(3, 4), fill(3, 4), fill(3, 4, positive=True)))
_loss_case("gaussian_nll_loss", lambda mx, fill: (fill(3, 4), fill(3, 4), fill(3, 4, positive=True)), full=True, eps=0.5)
_loss_case("kl_div_loss", pair(3, 4))
_loss_case("kl_div_loss", pair(3, 4), axis=0)
_loss_case("smooth_l1_loss", pair(3, 4))
_loss_case("smooth_l1_loss", pair(3, 4), beta=0.5)
_loss_case("triplet_loss", lambda mx, fill: (fill(3, 4), fill(3, 4), fill(3, 4)))
_loss_case("triplet_loss", lambda mx, fill: (fill(3, 4), fill(3, 4), fill(3, 4)), axis=0, margin=2.0, p=4)
_loss_case("hinge_loss", lambda mx, fill: (fill(3, 4), signs(mx, fill, 3, 4)))
_loss_case("huber_loss", pair(3, 4))
_loss_case("huber_loss", pair(3, 4), delta=0.5)
_loss_case("log_cosh_loss", pair(3, 4))
_loss_case("cosine_similarity_loss", pair(3, 4))
_loss_case("cosine_similarity_loss", pair(3, 4), axis=0, eps=10.0)
_loss_case("margin_ranking_loss", lambda mx, fill: (fill(3, 4), fill(3, 4), signs(mx, fill, 3, 4)), margin=0.25)


def _optimizer_case(name, make):
    def run(mx, nn, optim):
        optimizer = make(optim)
        fill = Filler(mx)
        parameters = {"w": fill(3, 4), "layers": [{"weight": fill(4, 2)}, {"bias": fill(5)}]}
        history = []
        for _ in range(4):
            gradients = {"w": fill(3, 4), "layers": [{"weight": fill(4, 2)}, {"bias": fill(5)}]}
            parameters = optimizer.apply_gradients(gradients, parameters)
            history.append(parameters)
        return {"history": history, "state": optimizer.state}

    CASES[f"optimizer_{name}"] = run


_optimizer_case("sgd", lambda o: o.SGD(0.1))
_optimizer_case("sgd_momentum", lambda o: o.SGD(0.1, momentum=0.9, weight_decay=0.1))
_optimizer_case("sgd_dampening", lambda o: o.SGD(0.1, momentum=0.9, dampening=0.5))
_optimizer_case("sgd_nesterov", lambda o: o.SGD(0.1, momentum=0.9, nesterov=True))
_optimizer_case("rmsprop", lambda o: o.RMSprop(0.1, alpha=0.9))
_optimizer_case("adagrad", lambda o: o.Adagrad(0.1))
_optimizer_case("adadelta", lambda o: o.AdaDelta(0.5))
_optimizer_case("adam", lambda o: o.Adam(0.1))
_optimizer_case("adam_corrected", lambda o: o.Adam(0.1, betas=[0.8, 0.9], bias_correction=True))
_optimizer_case("adamw", lambda o: o.AdamW(0.1, weight_decay=0.1))
_optimizer_case("adamw_corrected", lambda o: o.AdamW(0.1, bias_correction=True))
_optimizer_case("adamax", lambda o: o.Adamax(0.1))
_optimizer_case("lion", lambda o: o.Lion(0.1))
_optimizer_case("lion_decay", lambda o: o.Lion(0.1, weight_decay=0.1))
_optimizer_case("adafactor", lambda o: o.Adafactor())
_optimizer_case("adafactor_rate", lambda o: o.Adafactor(0.1, relative_step=False, beta_1=0.9, weight_decay=0.1))
_optimizer_case("adafactor_warmup", lambda o: o.Adafactor(warmup_init=True, scale_parameter=False))
_optimizer_case("muon", lambda o: o.Muon(0.1))
_optimizer_case("muon_plain", lambda o: o.Muon(0.1, nesterov=False, weight_decay=0.0, ns_steps=2))
_optimizer_case("schedule", lambda o: o.SGD(o.join_schedules([o.linear_schedule(0.0, 0.5, 2), o.cosine_decay(0.5, 4)], [2])))
_optimizer_case("multi", lambda o: o.MultiOptimizer([o.SGD(0.1), o.Adam(0.1)], [lambda path, g: g.ndim == 1]))


@case
def schedules(mx, nn, optim):
    made = [optim.exponential_decay(0.5, 0.9), optim.step_decay(0.5, 0.5, 3), optim.cosine_decay(0.5, 6, 0.1),
            optim.linear_schedule(0.1, 0.7, 5)]  # fmt: skip
    made.append(optim.join_schedules(made[1:], [3, 6]))
    return [[mx.array(f(mx.array(t, mx.uint64))) for t in range(9)] for f in made]


@case
def clipping(mx, nn, optim):
    fill = Filler(mx)
    tree = {"a": fill(3, 4), "b": [fill(2)]}
    return [list(optim.clip_grad_norm(tree, 1.0)), list(optim.clip_grad_norm(tree, 100.0))]


@case
def initial_weights(mx, nn, optim):
    """Uniform numbers, the same bits for the same seed."""
    out = []
    for make in (lambda: nn.Linear(3, 4), lambda: nn.Bilinear(2, 3, 4), lambda: nn.RNN(2, 3), lambda: nn.GRU(2, 3),
                 lambda: nn.LSTM(2, 3), lambda: nn.MultiHeadAttention(4, 2)):  # fmt: skip
        mx.random.seed(3)
        out.append(make().parameters())
    mx.random.seed(4)
    a = mx.zeros((3, 4))
    out += [nn.init.uniform(-1, 2)(a), nn.init.glorot_uniform()(a, 2.0), nn.init.he_uniform()(a),
            nn.init.he_uniform()(a, "fan_out", 0.5), nn.init.constant(3.0)(a), nn.init.identity()(mx.zeros((3, 3)))]  # fmt: skip
    return out


@case
def initial_normal_weights(mx, nn, optim):
    mx.random.seed(3)
    a = mx.zeros((3, 4))
    return [nn.Embedding(4, 3).parameters(), nn.init.normal(1.0, 2.0)(a), nn.init.glorot_normal()(a), nn.init.he_normal()(a),
            nn.init.he_normal()(mx.zeros((3, 2, 2, 4)), "fan_out"), nn.init.sparse(0.3)(a)]  # fmt: skip
