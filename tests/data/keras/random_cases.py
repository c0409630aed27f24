#!/usr/bin/env python3
"""Writes training cases drawn at random with real Keras: architecture, optimizer, losses, metrics, weights, callbacks, arguments of fit.

    V/bin/python tests/data/keras/random_cases.py --output DIR --first 0 --count 500
    SINTER_DATA=DIR build/release/tests/keras_tests --gtest_filter='*KerasTraining*'

A case hangs on its number alone. Cases without a single answer are left out, and counted: where Keras's float32 and float64 runs take
different turns, where Keras itself gives NaN, and what Keras refuses. The case folders are those of make_cases.py (see README.md). The ones kept in
tests/data/keras are random_NNN, with their numbers.
"""

import argparse
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

if __name__ == "__main__" and os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, *sys.argv])

import keras
import numpy as np
from keras import constraints, layers, losses, metrics, optimizers, regularizers

from train_case import FLOAT64_TOLERANCE, Case, NoSingleAnswer, write_case

ACTIVATIONS = ["linear", "relu", "relu6", "leaky_relu", "elu", "selu", "softmax", "softplus", "softsign", "silu", "gelu", "mish",
               "hard_sigmoid", "sigmoid", "tanh", "exponential", "log_softmax", "log_sigmoid"]
# Numbers from here on draw from more: inner shapes, axes, weights of several outputs and of validation rows, weights of steps, more
# options of callbacks. The cases of those before stay what they were.
WIDER_FROM = 330

# Exponential and its kin blow up behind one another: they stand in the middle rarely.
MILD = ["linear", "relu", "leaky_relu", "elu", "selu", "softsign", "silu", "gelu", "sigmoid", "tanh", "hard_sigmoid", "mish"]


class Draw:
    """Random choices of one case. Everything that is drawn is plain data or a function that makes a fresh object."""

    def __init__(self, number):
        self.rng = np.random.default_rng([20261128, number])
        self.wider = number >= WIDER_FROM

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def integer(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def real(self, low, high, digits=4):
        return float(f"{self.rng.uniform(low, high):.{digits}g}")

    def log_real(self, low, high):
        return float(f"{np.exp(self.rng.uniform(np.log(low), np.log(high))):.3g}")


# ---- layers ---------------------------------------------------------------------------------------------------------

def draw_regularizer(d):
    kind = d.pick(["none"] * 4 + ["l1", "l2", "l1l2", "string"])
    if kind == "l1":
        a = float(np.float32(d.real(0.001, 0.03)))  # as it is written
        return lambda: regularizers.L1(a)
    if kind == "l2":
        a = d.real(0.001, 0.03)
        return lambda: regularizers.L2(a)
    if kind == "l1l2":
        a, b = d.real(0.001, 0.02), d.real(0.001, 0.02)
        return lambda: regularizers.L1L2(a, b)
    if kind == "string":
        return lambda: "l2"
    return lambda: None


def draw_constraint(d, rank=2):
    kind = d.pick(["none"] * 8 + ["max_norm", "non_neg", "unit_norm", "min_max"])
    axis = d.integer(0, rank - 1)
    if kind == "max_norm":
        limit = d.real(0.3, 1.5)
        return lambda: constraints.MaxNorm(limit, axis=axis)
    if kind == "non_neg":
        return lambda: constraints.NonNeg()
    if kind == "unit_norm":
        return lambda: constraints.UnitNorm(axis=axis)
    if kind == "min_max":
        low, high, rate = d.real(0.1, 0.5), d.real(0.6, 1.5), d.real(0.2, 1.0)
        return lambda: constraints.MinMaxNorm(low, high, rate=rate, axis=axis)
    return lambda: None


def draw_dense(d, units=None, activation=None, bias=None):
    units = units or d.integer(1, 9)
    activation = activation or d.pick(MILD if d.chance(0.8) else ACTIVATIONS)
    if units == 1 and activation in ("softmax", "log_softmax"):
        activation = "tanh"
    use_bias = d.chance(0.85) if bias is None else bias
    kernel, bias_r, activity = draw_regularizer(d), draw_regularizer(d), draw_regularizer(d) if d.chance(0.2) else lambda: None
    constraint, bias_c = draw_constraint(d), draw_constraint(d, 1) if d.chance(0.3) else lambda: None
    trainable = not d.chance(0.08)
    return lambda: layers.Dense(units, activation=activation, use_bias=use_bias, kernel_regularizer=kernel(),
                                bias_regularizer=bias_r() if use_bias else None, activity_regularizer=activity(),
                                kernel_constraint=constraint(), bias_constraint=bias_c() if use_bias else None,
                                trainable=trainable)


def draw_activation_layer(d):
    kind = d.pick(["Activation", "ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax", "Dropout"])
    if kind == "Activation":
        name = d.pick(ACTIVATIONS)
        return lambda: layers.Activation(name)
    if kind == "ReLU":
        high, slope, threshold = d.pick([None, 1.5, 6.0]), d.pick([0.0, 0.1, 0.3]), d.pick([0.0, 0.2, 0.1])
        return lambda: layers.ReLU(max_value=high, negative_slope=slope, threshold=threshold)
    if kind == "LeakyReLU":
        slope = d.pick([0.3, 0.1, 0.01])
        return lambda: layers.LeakyReLU(negative_slope=slope)
    if kind == "ELU":
        alpha = d.pick([1.0, 0.7])
        return lambda: layers.ELU(alpha=alpha)
    if kind == "PReLU":
        regularizer = draw_regularizer(d)
        return lambda: layers.PReLU(alpha_regularizer=regularizer())
    if kind == "Softmax":
        return lambda: layers.Softmax()
    return lambda: layers.Dropout(0.0)


def draw_batch_norm(d):
    momentum, epsilon = d.pick([0.99, 0.9, 0.6]), d.pick([1e-3, 1e-2, 0.1])
    center, scale = d.chance(0.85), d.chance(0.85)
    gamma, beta = draw_regularizer(d), draw_regularizer(d)
    trainable = not d.chance(0.1)
    return lambda: layers.BatchNormalization(momentum=momentum, epsilon=epsilon, center=center, scale=scale,
                                             gamma_regularizer=gamma() if scale else None,
                                             beta_regularizer=beta() if center else None, trainable=trainable)


def draw_reshape(d):
    """[.., n] -> [.., parts, units], something along one of its axes, and back to [.., m]."""
    parts, units, act = d.integer(2, 3), d.integer(1, 4), d.pick(MILD)
    inner = d.pick(["dense", "softmax", "norm", "concat", "residual", "prelu"])
    axis, merge, make = d.pick([-2, -1]), d.pick([layers.Add, layers.Multiply, layers.Subtract, layers.Maximum]), draw_dense(d)

    def reshape(h):
        lead = h.shape[1:-1]
        x = layers.Dense(parts * units, use_bias=inner != "norm")(h)
        x = layers.Reshape((*lead, parts, units))(x)
        if inner == "dense":
            x = make()(x)
        elif inner == "softmax":
            x = layers.Softmax(axis=axis)(x)
        elif inner == "norm":
            x = layers.BatchNormalization(axis=len(lead) + 3 + axis)(x)
        elif inner == "concat":
            x = layers.Concatenate(axis=axis)([x, layers.Dense(units, activation=act)(x)])
        elif inner == "residual":
            x = merge()([x, layers.Dense(units, activation=act)(x)])
        else:
            x = layers.PReLU(shared_axes=[1])(x)
        return layers.Reshape((*lead, -1))(x)

    return reshape


def draw_block(d):
    """A function from a tensor to a tensor."""
    kind = d.pick(["dense"] * 4 + ["norm", "norm", "activation", "residual", "branch", "nested", "shared", "wide"] +
                  ["reshape"] * (3 if d.wider else 0))
    if kind == "dense":
        make = draw_dense(d)
        return lambda h: make()(h)
    if kind == "norm":
        # A bias just before BatchNormalization has a gradient of rounding only.
        dense, norm, act = draw_dense(d, activation="linear", bias=False), draw_batch_norm(d), d.pick(MILD)
        return lambda h: layers.Activation(act)(norm()(dense()(h)))
    if kind == "activation":
        make = draw_activation_layer(d)
        return lambda h: h if h.shape[-1] == 1 else make()(h)
    if kind == "residual":
        act, merge = d.pick(MILD), d.pick([layers.Add, layers.Average, layers.Multiply, layers.Maximum, layers.Minimum,
                                           layers.Subtract])
        return lambda h: merge()([h, layers.Dense(h.shape[-1], activation=act)(h)])
    if kind == "branch":
        makes = [draw_dense(d) for _ in range(d.integer(2, 3))]
        return lambda h: layers.Concatenate()([make()(h) for make in makes])
    if kind == "wide":
        units = d.pick([16, 17, 32])
        make = draw_dense(d, units=units)
        return lambda h: make()(h)
    if kind == "reshape":
        return draw_reshape(d)
    if kind == "nested":
        inner = [draw_dense(d) for _ in range(d.integer(1, 2))]
        norm = draw_batch_norm(d) if d.chance(0.3) else None

        def nested(h):
            x = layers.Input(h.shape[1:])
            y = x
            for make in inner:
                y = make()(y)
            if norm:
                y = norm()(layers.Dense(4, use_bias=False)(y))
            return keras.Model(x, y)(h)

        return nested
    # The same layer twice.
    act = d.pick(MILD)

    def shared(h):
        layer = layers.Dense(h.shape[-1], activation=act)
        return layer(layer(h))

    return shared


# ---- optimizers -----------------------------------------------------------------------------------------------------

def draw_schedule(d, rate):
    kind = d.pick(["none"] * 6 + ["exponential", "inverse", "piecewise", "polynomial", "cosine", "warmup", "restarts"])
    steps, decay, stairs = d.integer(2, 12), d.real(0.3, 0.95), d.chance(0.4)
    s = optimizers.schedules
    if kind == "exponential":
        return lambda: s.ExponentialDecay(rate, steps, decay, staircase=stairs)
    if kind == "inverse":
        return lambda: s.InverseTimeDecay(rate, steps, decay, staircase=stairs)
    if kind == "piecewise":
        return lambda: s.PiecewiseConstantDecay([steps, steps + 4], [rate, rate / 2, rate / 10])
    if kind == "polynomial":
        power, cycle = d.pick([1.0, 2.0, 0.5]), d.chance(0.4)
        return lambda: s.PolynomialDecay(rate, steps, rate / 10, power=power, cycle=cycle)
    if kind == "cosine":
        return lambda: s.CosineDecay(rate, steps, alpha=0.1)
    if kind == "warmup":
        return lambda: s.CosineDecay(rate / 10, steps, alpha=0.1, warmup_target=rate, warmup_steps=3)
    if kind == "restarts":
        t, m = d.pick([1.0, 2.0]), d.pick([1.0, 0.8])
        return lambda: s.CosineDecayRestarts(rate, steps, t_mul=t, m_mul=m, alpha=0.05)
    return lambda: rate


def draw_optimizer(d):
    if d.chance(0.1):
        return d.pick(["sgd", "adam", "rmsprop", "adagrad", "adadelta", "adamax", "nadam"])
    name = d.pick(["SGD", "SGD", "RMSprop", "Adam", "Adam", "AdamW", "Adamax", "Nadam", "Adagrad", "Adadelta", "Ftrl", "Lion"])
    rate = {"SGD": d.log_real(0.005, 0.1), "Adagrad": d.log_real(0.01, 0.1), "Adadelta": d.real(0.3, 1.0),
            "Ftrl": d.log_real(0.02, 0.2), "Lion": d.log_real(2e-4, 3e-3)}.get(name, d.log_real(5e-4, 0.02))
    options = {}
    if name == "SGD" and d.chance(0.6):
        options = {"momentum": d.real(0.3, 0.95), "nesterov": d.chance(0.5)}
    elif name == "RMSprop":
        # A centered denominator is a difference of nearly equal numbers: a large epsilon keeps it a number.
        options = {"rho": d.real(0.7, 0.95), "momentum": d.pick([0.0, 0.5, 0.9]), "centered": d.chance(0.3), "epsilon": d.pick([1e-3, 1e-2])}
    elif name in ("Adam", "AdamW"):
        options = {"beta_1": d.real(0.7, 0.95), "beta_2": d.real(0.8, 0.999), "amsgrad": d.chance(0.3), "epsilon": d.pick([1e-7, 1e-4, 1e-2])}
    elif name in ("Adamax", "Nadam"):
        options = {"beta_1": d.real(0.7, 0.95), "beta_2": d.real(0.8, 0.999), "epsilon": d.pick([1e-7, 1e-4])}
    elif name == "Adagrad":
        options = {"initial_accumulator_value": d.pick([0.1, 0.01]), "epsilon": d.pick([1e-7, 1e-3])}
    elif name == "Adadelta":
        options = {"rho": d.real(0.8, 0.97), "epsilon": d.pick([1e-4, 1e-2])}
    elif name == "Ftrl":
        options = {"learning_rate_power": d.pick([-0.5, -0.6]), "initial_accumulator_value": d.pick([0.1, 0.2]),
                   "l1_regularization_strength": d.pick([0.0, 0.01]), "l2_regularization_strength": d.pick([0.0, 0.01]),
                   "l2_shrinkage_regularization_strength": d.pick([0.0, 0.01]), "beta": d.pick([0.0, 0.1])}
    elif name == "Lion":
        options = {"beta_1": d.real(0.7, 0.95), "beta_2": d.real(0.8, 0.99)}
    clip = d.pick(["none"] * 5 + ["clipnorm", "clipvalue", "global_clipnorm"])
    if clip != "none":
        options[clip] = d.log_real(0.02, 2.0)
    if d.chance(0.2):
        options["weight_decay"] = d.log_real(1e-3, 0.1)
    if d.chance(0.12):
        options.update(use_ema=True, ema_momentum=d.real(0.5, 0.95), ema_overwrite_frequency=d.pick([None, 2, 5]))
    if d.chance(0.06):
        options["loss_scale_factor"] = d.pick([2.0, 128.0])
    if d.chance(0.08):
        options["gradient_accumulation_steps"] = d.integer(2, 4)
    schedule = draw_schedule(d, rate)
    return lambda: getattr(optimizers, name)(learning_rate=schedule(), **options)


# ---- outputs: activation, targets, loss, metrics --------------------------------------------------------------------

REGRESSION = ["mse", "mae", "mape", "msle", "huber", "log_cosh", "cosine_similarity", "poisson", "MeanSquaredError", "Huber",
              "LogCosh", "CosineSimilarity"]
CLASSES = ["categorical_crossentropy", "kl_divergence", "categorical_hinge", "CategoricalCrossentropy", "logits",
           "CategoricalFocalCrossentropy"]
BINARY = ["binary_crossentropy", "hinge", "squared_hinge", "BinaryCrossentropy", "logits", "BinaryFocalCrossentropy"]


def draw_output(d, rank3):
    """(units, activation, make_y(rng, flat x), loss, metrics): loss and each metric are strings or functions."""
    kind = d.pick(["regression", "classes", "sparse", "binary"])
    last = 1 if kind == "binary" and d.chance(0.5) else d.integer(2, 5)

    def scored(rng, x, units):
        return np.tanh(x @ rng.normal(0, 0.6, (x.shape[-1], units))) + rng.normal(0, 0.2, (*x.shape[:-1], units))

    mixes = [lambda: metrics.MeanSquaredError(name="brier"), "mse", "mae", lambda: metrics.RootMeanSquaredError(),
             lambda: metrics.CosineSimilarity()]
    if kind == "regression":
        last = d.integer(1, 4)
        loss = d.pick(REGRESSION)
        positive = loss in ("mape", "msle", "poisson")
        make_y = lambda rng, x: (np.abs(scored(rng, x, last)) + 0.3 if positive else scored(rng, x, last)).astype("float32")
        if loss[0].isupper():
            name, options = loss, {"Huber": {"delta": d.real(0.2, 1.5)}}.get(loss, {})
            if d.chance(0.3):
                options["reduction"] = d.pick(["sum", "sum_over_batch_size", "mean_with_sample_weight"])
            loss = lambda: getattr(losses, name)(**options)
        activation = d.pick(["softplus", "sigmoid"]) if positive else d.pick(["linear", "linear", "tanh"])
        pool = ["mse", "mae", "mape", "msle", "poisson" if positive else "squared_hinge", lambda: metrics.LogCoshError(), lambda: metrics.R2Score(),
                lambda: metrics.MeanAbsoluteError(name="err")] + mixes
        if rank3:
            pool = [m for m in pool if isinstance(m, str)]
    elif kind in ("classes", "sparse"):
        loss = d.pick(CLASSES) if kind == "classes" else d.pick(["sparse_categorical_crossentropy", "logits"])
        # No sigmoid: on TensorFlow Keras takes a sigmoid's argument for logits of the softmax.
        activation = "linear" if loss == "logits" else d.pick(["softmax", "softmax", "softmax", "hard_sigmoid"])
        smoothing = d.pick([0.0, 0.0, 0.1, 0.3])
        if kind == "classes":
            make_y = lambda rng, x: np.eye(last, dtype="float32")[scored(rng, x, last).argmax(-1)]
            if loss == "CategoricalCrossentropy":
                loss = lambda: losses.CategoricalCrossentropy(label_smoothing=smoothing)
            elif loss == "CategoricalFocalCrossentropy":
                gamma = d.pick([2.0, 1.0])
                loss = lambda: losses.CategoricalFocalCrossentropy(gamma=gamma, label_smoothing=smoothing)
            elif loss == "logits":
                loss = lambda: losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
            top = d.integer(1, last)
            pool = ["accuracy", "acc", "categorical_accuracy", lambda: metrics.TopKCategoricalAccuracy(k=top, name="acc_top"),
                    lambda: metrics.CategoricalCrossentropy(from_logits=activation == "linear"),
                    lambda: metrics.CategoricalAccuracy(name="acc_object")] + mixes
            if activation != "linear":
                pool += [lambda: metrics.Precision(), lambda: metrics.Recall(class_id=1), lambda: metrics.F1Score(average="macro"),
                         lambda: metrics.AUC(), lambda: metrics.AUC(multi_label=True, num_labels=last, name="auc_labels")]
        else:
            column = d.chance(0.3) and not rank3

            def make_y(rng, x):
                y = scored(rng, x, last).argmax(-1).astype("int32")
                return y[:, None] if column else y

            if loss == "logits":
                loss = lambda: losses.SparseCategoricalCrossentropy(from_logits=True)
            pool = ["accuracy", "acc", "sparse_categorical_accuracy",
                    lambda: metrics.SparseTopKCategoricalAccuracy(k=2, name="acc_top"),
                    lambda: metrics.SparseCategoricalCrossentropy(from_logits=activation == "linear")]
        if rank3:
            pool = [m for m in pool if isinstance(m, str)]
    else:
        make_y = lambda rng, x: (scored(rng, x, last) > 0).astype("float32")
        loss = d.pick(BINARY)
        activation = "linear" if loss == "logits" else "tanh" if "hinge" in loss else "sigmoid"
        smoothing = d.pick([0.0, 0.2])
        if loss == "logits":
            loss = lambda: losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)
        elif loss == "BinaryCrossentropy":
            loss = lambda: losses.BinaryCrossentropy(label_smoothing=smoothing)
        elif loss == "BinaryFocalCrossentropy":
            balanced = d.chance(0.5)
            loss = lambda: losses.BinaryFocalCrossentropy(apply_class_balancing=balanced, label_smoothing=smoothing)
        threshold = d.real(0.2, 0.8)
        pool = ["accuracy", "binary_accuracy", lambda: metrics.BinaryAccuracy(name="acc_at", threshold=threshold)] + mixes
        if activation == "sigmoid":
            pool += [lambda: metrics.AUC(), lambda: metrics.AUC(curve="PR", name="pr"), lambda: metrics.Precision(thresholds=threshold),
                     lambda: metrics.Recall(), lambda: metrics.TruePositives(), lambda: metrics.FalseNegatives(),
                     lambda: metrics.F1Score(average="micro", threshold=threshold), lambda: metrics.BinaryIoU(threshold=threshold)]
        if rank3:
            pool = [m for m in pool if isinstance(m, str)]
    count = d.integer(0, 3)
    order = d.rng.permutation(len(pool))[:count]
    return {"units": last, "activation": activation, "make_y": make_y, "loss": loss, "metrics": [pool[i] for i in order],
            "kind": kind}


# ---- whole cases ----------------------------------------------------------------------------------------------------

def draw_fit(d, rows, outputs):
    fit = {"batch_size": d.pick([4, 8, 13, 16, 32, 64]), "epochs": d.integer(1, 4)}
    validated = False
    if d.chance(0.3):
        fit["validation_split"] = d.real(0.15, 0.4, 2)
        validated = True
    if d.chance(0.1):
        fit["initial_epoch"] = 1
        fit["epochs"] += 1
    if d.chance(0.1):
        fit["steps_per_epoch"] = d.integer(1, 3)
    if outputs[0]["kind"] in ("classes", "sparse") and len(outputs) == 1 and d.chance(0.15):
        fit["class_weight"] = {str(c): d.real(0.2, 3.0) for c in range(outputs[0]["units"]) if d.chance(0.8)} or {"0": 2.0}
    return fit, validated


def draw_callbacks(d, fit, validated, outputs):
    prefix = "val_" if validated else ""
    monitor = prefix + "loss"
    if d.wider and len(outputs) > 1 and d.chance(0.5):
        monitor = f"{prefix}out{d.integer(0, len(outputs) - 1)}_loss"
    entries = []
    if d.chance(0.2):
        fit["epochs"] += 4
        entries.append({"class_name": "EarlyStopping", "config": {
            "monitor": monitor, "patience": d.integer(0, 3), "min_delta": d.pick([0, 0.01]),
            "restore_best_weights": d.chance(0.5), "start_from_epoch": d.pick([0, 1])}})
        if d.wider and d.chance(0.3):
            entries[-1]["config"].update(mode=d.pick(["min", "max"]), baseline=d.real(0.1, 3.0))
    if d.chance(0.15):
        fit["epochs"] += 2
        entries.append({"class_name": "ReduceLROnPlateau", "config": {
            "monitor": monitor, "factor": 0.5, "patience": d.integer(1, 2), "min_delta": 0.05,
            "cooldown": d.integer(0, 1)}})
        if d.wider and d.chance(0.3):
            entries[-1]["config"].update(mode=d.pick(["min", "max"]), min_lr=d.log_real(1e-4, 1e-2))
    if d.chance(0.1):
        entries.append({"class_name": "TerminateOnNaN", "config": {}})
    return entries


def has_schedule(optimizer):
    return not isinstance(optimizer, str) and not isinstance(optimizer()._learning_rate, keras.Variable)


def draw_case(number):
    d = Draw(number)
    rank3 = d.chance(0.15)
    steps = d.integer(2, 4) if rank3 else 0
    widths = [d.integer(1, 8) for _ in range(d.pick([1, 1, 1, 2, 3]))]
    shapes = [(steps, w) if rank3 else (w,) for w in widths]
    outputs = [draw_output(d, rank3) for _ in range(d.pick([1, 1, 1, 2, 3]))]
    blocks = [draw_block(d) for _ in range(d.integer(0, 4))]
    heads = [[draw_block(d) for _ in range(d.integer(0, 1))] for _ in outputs]
    merge = d.pick(["concat", "dense"])
    flatten = rank3 and d.chance(0.4)
    if flatten:  # then targets are per row
        outputs = [draw_output(d, False) for _ in outputs]
    rows = d.integer(6, 60)
    val_rows = d.integer(1, 20) if d.chance(0.35) else 0
    with_weights = (d.wider or len(outputs) == 1) and d.chance(0.2)
    per_step = rank3 and not flatten  # targets, and weights of the wider cases
    column_weights = with_weights and not per_step and d.chance(0.3)
    val_weights = d.wider and with_weights and val_rows and d.chance(0.5)
    scale = d.pick([1.0, 1.0, 1.0, 5.0])
    optimizer = draw_optimizer(d)
    fit, validated = draw_fit(d, rows, outputs)
    if val_rows:
        fit.pop("validation_split", None)
        validated = True
        if d.chance(0.2):
            fit["validation_batch_size"] = d.integer(2, 9)
        if d.chance(0.1):
            fit["validation_freq"] = 2
    fit["callbacks"] = draw_callbacks(d, fit, validated and "validation_freq" not in fit, outputs)
    if has_schedule(optimizer):
        fit["callbacks"] = [c for c in fit["callbacks"] if c["class_name"] != "ReduceLROnPlateau"]
    if with_weights:
        fit.pop("class_weight", None)
    names = [f"out{i}" for i in range(len(outputs))]
    weighted = [o["metrics"][1:] if with_weights else [] for o in outputs]
    plain = [o["metrics"][:1] if with_weights else o["metrics"] for o in outputs]
    loss_weights = [d.real(0.2, 2.0, 2) for _ in outputs] if len(outputs) > 1 and d.chance(0.6) else None
    by_name = len(outputs) > 1 and d.chance(0.3)

    def build():
        xs = [layers.Input(s) for s in shapes]
        if len(xs) == 1:
            h = xs[0]
        elif merge == "concat":
            h = layers.Concatenate()(xs)
        else:
            h = layers.Add()([layers.Dense(5, activation="tanh")(x) for x in xs])
        for block in blocks:
            h = block(h)
        if flatten:
            h = layers.Flatten()(h)
        ys = []
        for name, output, head in zip(names, outputs, heads):
            y = h
            for block in head:
                y = block(y)
            ys.append(layers.Dense(output["units"], activation=output["activation"], name=name)(y))
        return keras.Model(xs if len(xs) > 1 else xs[0], ys if len(ys) > 1 else ys[0])

    def data(rng):
        xs = [(rng.normal(0, scale, (rows + val_rows, *s))).astype("float32") for s in shapes]
        joined = np.concatenate(xs, -1) / scale
        if flatten:
            joined = joined.reshape(len(joined), -1)
        ys = [o["make_y"](rng, joined) for o in outputs]
        out = {"x": [x[:rows] for x in xs], "y": [y[:rows] for y in ys]}
        if val_rows:
            out["x_val"], out["y_val"] = [x[rows:] for x in xs], [y[rows:] for y in ys]
        def draw_weights(count):
            weights = rng.uniform(0.0, 2.0, (count, steps) if per_step and d.wider else count).astype("float32")
            weights[rng.random(count) < 0.1] = 0
            return weights[:, None] if column_weights else weights

        if with_weights:
            out["sample_weight"] = [draw_weights(rows) for _ in outputs]
        if val_weights:
            out["sample_weight_val"] = [draw_weights(val_rows) for _ in outputs]
        return out

    fresh = lambda value: value() if callable(value) else value
    made = lambda lists: [[fresh(m) for m in ms] for ms in lists] if len(outputs) > 1 else [fresh(m) for m in lists[0]]
    loss = [o["loss"] for o in outputs]
    if by_name:
        make_loss = lambda: {n: fresh(l) for n, l in zip(names, loss)}
        make_metrics = lambda: {n: [fresh(m) for m in ms] for n, ms in zip(names, plain) if ms} or None
    else:
        make_loss = loss[0] if len(loss) == 1 else loss
        make_metrics = lambda: made(plain)
    # Keras divides in float32 for an IoU.
    divides = any(isinstance(fresh(m), metrics.BinaryIoU) for o in outputs for m in o["metrics"])
    return Case(f"random_{number:03}", f"drawn at random, number {number}", build, data, optimizer=optimizer, loss=make_loss,
                metrics=make_metrics, weighted_metrics=(lambda: made(weighted)) if any(weighted) else None,
                loss_weights=loss_weights, fit=fit, eager=True, tolerance_float64=2e-7 if divides else FLOAT64_TOLERANCE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder to write into")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (default 0)")
    parser.add_argument("--count", type=int, default=10, help="how many numbers to try (default 10)")
    arguments = parser.parse_args()
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    written = left_out = 0
    for number in range(arguments.first, arguments.first + arguments.count):
        try:
            print(write_case(draw_case(number), arguments.output), flush=True)
            written += 1
        except NoSingleAnswer as reason:
            print(f"random_{number:03} left out: {reason}", flush=True)
            left_out += 1
        except (ValueError, TypeError, AttributeError, KeyError, tf.errors.OpError) as error:
            first_line = str(error).strip().splitlines()[0] if str(error).strip() else ""
            print(f"random_{number:03} refused by Keras: {type(error).__name__}: {first_line[:150]}", flush=True)
            left_out += 1
    print(f"{written} written, {left_out} left out")


if __name__ == "__main__":
    main()
