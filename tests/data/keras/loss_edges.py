"""Losses at the edges, value and gradient, computed by Keras in float32: zeros, ones, tiny, huge and infinite predictions."""

import json
import math

import numpy as np
import tensorflow as tf
from keras import losses

from train_case import set_precision

INF = math.inf
VALUES = [[0, 0, 0], [1, 0, 0], [1, 1, 1], [100, 0, 0], [-100, 0, 100], [1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e30, 0, -1e30],
          [1e-30, 0, 0], [88, 89, 90], [-88, -89, -90], [-200, -300, -100], [0.25, -0.5, 2], [INF, 0, 0], [-INF, 0, 0],
          [-INF, -INF, 0], [3e38, -3e38, 3e38]]
PROBABILITIES = [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0.5, 0.5, 0], [1e-8, 1, 1e-8], [1e-30, 1e-30, 1e-30], [1e-45, 0, 1e-45],
                 [1, 1, 1], [0.2, 0.3, 0.5], [0.999999, 5e-7, 5e-7], [1e-7, 1e-7, 1 - 2e-7]]
TARGETS = [[1, 0, 0], [0, 0, 1], [0.2, 0.3, 0.5], [0, 0, 0]]
CLASSES = [[0], [2]]

# class, its arguments, predictions
LOSSES = [
    ("MeanSquaredError", {}, VALUES), ("MeanAbsoluteError", {}, VALUES), ("MeanAbsolutePercentageError", {}, VALUES),
    ("MeanSquaredLogarithmicError", {}, PROBABILITIES), ("Huber", {}, VALUES), ("Huber", {"delta": 0.5}, VALUES),
    ("LogCosh", {}, VALUES), ("Hinge", {}, VALUES), ("SquaredHinge", {}, VALUES), ("CategoricalHinge", {}, VALUES),
    ("KLDivergence", {}, PROBABILITIES), ("Poisson", {}, PROBABILITIES), ("CosineSimilarity", {}, VALUES),
    ("CosineSimilarity", {}, PROBABILITIES), ("BinaryCrossentropy", {}, PROBABILITIES),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, PROBABILITIES), ("BinaryCrossentropy", {"from_logits": True}, VALUES),
    ("CategoricalCrossentropy", {}, PROBABILITIES), ("CategoricalCrossentropy", {"label_smoothing": 0.1}, PROBABILITIES),
    ("CategoricalCrossentropy", {"from_logits": True}, VALUES),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, VALUES),
    ("SparseCategoricalCrossentropy", {}, PROBABILITIES), ("SparseCategoricalCrossentropy", {"from_logits": True}, VALUES),
]


def number(v):
    """A number with the digits of float32; "nan", "inf" and "-inf" as text, which JSON has no numbers for."""
    return float(f"{v:.9g}") if math.isfinite(v) else str(float(v))


def write_loss_edges(path):
    set_precision("float32")
    entries = []
    for name, arguments, predictions in LOSSES:
        loss = getattr(losses, name)(**arguments)
        targets = CLASSES if name.startswith("Sparse") else TARGETS
        rows = []
        for p in predictions:
            for t in targets:
                x = tf.Variable(np.array([p], "float32"))
                with tf.GradientTape() as tape:
                    y = loss(np.array(t if name.startswith("Sparse") else [t], "float32"), x)
                rows.append([number(v) for v in [float(y), *np.asarray(tape.gradient(y, x)).ravel()]])
        entries.append({"class": name, "config": arguments, "targets": targets,
                        "predictions": [[number(v) for v in p] for p in predictions], "found": rows})
    path.write_text("[\n" + ",\n".join(" " + json.dumps(e, separators=(",", ":")) for e in entries) + "\n]\n")
    return f"{path.name}: {len(entries)} losses, {sum(len(e['found']) for e in entries)} points"
