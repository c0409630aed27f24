"""Elementwise tables of the activations and statistics of the initializers, both computed by Keras."""

import inspect
import json

import keras
import numpy as np
import tensorflow as tf
from keras import activations, initializers

from loss_edges import write_loss_edges
from train_case import set_precision

GRID = sorted({0.0, 1e-30, -1e-30, 1e-6, -1e-6, *np.arange(-8, 8.25, 0.25).tolist(), 20.0, -20.0, 40.0, -40.0,
               88.0, -88.0, 100.0, -100.0, 700.0, -700.0})
# These hold a constant that Keras rounds to float32 even in a float64 calculation.
ROUNDED_CONSTANT = ("leaky_relu", "leaky_relu_0.1", "gelu", "gelu_approximate")
FUNCTIONS = {
    "relu": activations.relu, "relu6": activations.relu6, "leaky_relu": activations.leaky_relu,
    "leaky_relu_0.1": lambda x: activations.leaky_relu(x, negative_slope=0.1), "elu": activations.elu,
    "selu": activations.selu, "softplus": activations.softplus, "softsign": activations.softsign,
    "silu": activations.silu, "swish": activations.get("swish"), "gelu": activations.gelu,
    "gelu_approximate": lambda x: activations.gelu(x, approximate=True), "mish": activations.mish,
    "hard_sigmoid": activations.hard_sigmoid, "exponential": activations.exponential, "linear": activations.linear,
    "sigmoid": activations.sigmoid, "tanh": activations.tanh, "log_sigmoid": activations.log_sigmoid,
    "hard_silu": activations.hard_silu, "hard_tanh": activations.hard_tanh, "tanh_shrink": activations.tanh_shrink,
    "hard_shrink": activations.hard_shrink, "hard_shrink_2": lambda x: activations.hard_shrink(x, threshold=2.0),
    "soft_shrink": activations.soft_shrink, "soft_shrink_2": lambda x: activations.soft_shrink(x, threshold=2.0),
    "threshold": lambda x: activations.threshold(x, 0.25, -1.5), "celu": activations.celu,
    "celu_0.5": lambda x: activations.celu(x, alpha=0.5), "squareplus": activations.squareplus,
    "squareplus_2": lambda x: activations.squareplus(x, b=2.0), "sparse_plus": activations.sparse_plus,
    "sparse_sigmoid": activations.sparse_sigmoid,
}
SOFTMAX_ROWS = [[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0], [-1000.0, 0.0, 1000.0, 999.0], [-5.0, 0.25, 0.5, -0.125],
                [1e-30, -1e-30, 1e30, 2.0]]

INITIALIZERS = {
    "glorot_uniform": initializers.GlorotUniform, "glorot_normal": initializers.GlorotNormal,
    "he_uniform": initializers.HeUniform, "he_normal": initializers.HeNormal,
    "lecun_uniform": initializers.LecunUniform, "lecun_normal": initializers.LecunNormal,
    "zeros": initializers.Zeros, "ones": initializers.Ones, "constant": initializers.Constant,
    "random_uniform": initializers.RandomUniform, "random_normal": initializers.RandomNormal,
    "truncated_normal": initializers.TruncatedNormal,
}
OPTIONS = {
    "constant": [{"value": 0.25}],
    "random_uniform": [{"minval": -0.3, "maxval": 0.1}],
    "random_normal": [{"mean": 0.5, "stddev": 0.2}],
    "truncated_normal": [{"mean": -0.5, "stddev": 0.1}],
}
SHAPES = [(600, 300), (40, 2500), (100000,)]


def write_activations(path):
    """f(x) on a grid in float64, and f'(x) by TensorFlow, also where the derivative has a step."""
    set_precision("float64")
    x = tf.constant(GRID, tf.float64)
    functions = {}
    for name, function in FUNCTIONS.items():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        slope = tape.gradient(y, x).numpy().tolist()
        finite = lambda v: v if np.isfinite(v) else None
        functions[name] = {
            "f": [finite(v) for v in y.numpy().tolist()],
            # TensorFlow's selu of -1e-30 is 0, and its slope that from above.
            "df": [None if name == "selu" and g == -1e-30 else finite(v) for g, v in zip(GRID, slope)],
            "tolerance": 1e-7 if name in ROUNDED_CONSTANT else 1e-12,
        }
    table = {"x": GRID, "functions": functions}
    # Not sparsemax: Keras 3.15 adds up cumulative sums, so its rows do not sum to one.
    for name in ("softmax", "glu"):
        rows = getattr(activations, name)(tf.constant(SOFTMAX_ROWS, tf.float64)).numpy().tolist()
        table[name] = {"x": SOFTMAX_ROWS, "f": rows}
    path.write_text(json.dumps(table, separators=(",", ":")) + "\n")
    return f"{path.name}: {len(functions) + 2} activations on {len(GRID)} points"


def write_initializers(path):
    """Mean, deviation, extremes and quartiles of large samples."""
    set_precision("float32")
    entries = []
    for name, make in INITIALIZERS.items():
        for config in [{}] + OPTIONS.get(name, []):
            for shape in SHAPES:
                random = name not in ("zeros", "ones", "constant")
                sample = np.asarray(make(**config, **({"seed": 7} if random else {}))(shape), "float64")
                entries.append({
                    "name": name, "config": config, "shape": list(shape), "mean": float(sample.mean()),
                    "std": float(sample.std()), "min": float(sample.min()), "max": float(sample.max()),
                    "quartiles": np.quantile(sample, [0.25, 0.5, 0.75]).tolist(),
                })
    lines = ",\n".join(" " + json.dumps(e) for e in entries)
    path.write_text("[\n" + lines + "\n]\n")
    return f"{path.name}: {len(entries)} samples"


RESTARTS = [
    {"initial_learning_rate": 0.2, "first_decay_steps": 3, "t_mul": 1.5, "m_mul": 0.7, "alpha": 0.1},
    {"initial_learning_rate": 0.2, "first_decay_steps": 5, "t_mul": 1.0, "m_mul": 0.9, "alpha": 0.0},
    {"initial_learning_rate": 1.0, "first_decay_steps": 7, "t_mul": 2.0, "m_mul": 1.0, "alpha": 0.0},
]


def write_schedules(path):
    """CosineDecayRestarts at the first steps, but for those of a restart, where Keras's logarithm may fall on either side."""
    set_precision("float32")
    entries = []
    for config in RESTARTS:
        schedule, begins = keras.optimizers.schedules.CosineDecayRestarts(**config), [0.0]
        while begins[-1] < 60:
            begins.append(begins[-1] + config["first_decay_steps"] * config["t_mul"] ** (len(begins) - 1))
        steps = [s for s in range(60) if s == 0 or all(abs(s - b) > 1e-6 for b in begins)]
        entries.append({"config": config, "steps": steps, "rates": [float(schedule(s)) for s in steps]})
    path.write_text("[\n" + ",\n".join(" " + json.dumps(e) for e in entries) + "\n]\n")
    return f"{path.name}: {len(entries)} schedules"


LAYERS = ("Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average", "BatchNormalization", "CenterCrop", "Concatenate", "Cropping1D",
          "Cropping2D", "Cropping3D", "Dense", "Dropout", "ELU", "Flatten", "GaussianDropout", "GaussianNoise",
          "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D",
          "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GroupNormalization", "InputLayer", "LayerNormalization", "LeakyReLU",
          "Maximum", "Minimum", "Multiply", "Normalization", "PReLU", "Permute", "RMSNormalization", "RandomBrightness",
          "RandomContrast", "RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "ReLU", "RepeatVector", "Rescaling",
          "Reshape", "Resizing", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "Subtract",
          "UnitNormalization", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D", "ZeroPadding2D",
          "ZeroPadding3D")


TAKEN_OUT_OF_KWARGS = {"LayerNormalization": {"rms_scaling"}}


def write_arguments(path):
    """What the classes of Keras take as settings: from_config() hands all that a file has to the constructor, which refuses others."""
    def arguments(cls):
        names = set(TAKEN_OUT_OF_KWARGS.get(cls.__name__, ()))
        for base in cls.__mro__:
            if "__init__" not in base.__dict__:
                continue
            parameters = inspect.signature(base.__init__).parameters.values()
            names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
            if all(p.kind != p.VAR_KEYWORD for p in parameters):
                break
        return sorted(names - {"self"})

    modules = {"keras.optimizers": keras.optimizers, "keras.optimizers.schedules": keras.optimizers.schedules,
               "keras.losses": keras.losses, "keras.metrics": keras.metrics, "keras.layers": keras.layers,
               "keras.initializers": keras.initializers, "keras.regularizers": keras.regularizers,
               "keras.constraints": keras.constraints}
    entries = {"compile": sorted(inspect.signature(keras.Model.compile).parameters.keys() - {"self"})}
    for module, content in modules.items():
        for name, cls in inspect.getmembers(content, inspect.isclass):
            if cls.__name__ == name and (module != "keras.layers" or name in LAYERS):
                entries[f"{module}.{name}"] = arguments(cls)
    path.write_text("{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items()) + "\n}\n")
    return f"{path.name}: {len(entries)} classes"


TABLES = {"activations.json": write_activations, "arguments.json": write_arguments, "initializers.json": write_initializers,
          "loss_edges.json": write_loss_edges, "schedules.json": write_schedules}
