"""Architecture files of Keras 3 and Keras 2 (tf_keras) for the same networks, with weights and predictions."""

import json
from dataclasses import dataclass
from typing import Callable

import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tf_keras  # Keras 2

from train_case import deterministic_weights, flat, rng_for, set_precision, unlist, write_arrays, write_json


@dataclass
class Architecture:
    name: str
    covers: str
    build: Callable  # of the Keras module
    shapes: list  # of the inputs
    keras2: bool = True  # does Keras 2 have it?


def sequential(k):
    L = k.layers
    return k.Sequential([L.Input((6,)), L.Dense(7, activation="relu", name="first"), L.BatchNormalization(name="bn"),
                         L.Dropout(0.25, name="drop"), L.Dense(5, activation="tanh", name="second"),
                         L.Dense(3, activation="softmax", name="last")], name="chain")


def activation_layers(k):
    L = k.layers
    x = L.Input((6,), name="in")
    slope = {"negative_slope": 0.1} if k is keras else {"alpha": 0.1}
    parts = [L.LeakyReLU(name="leaky_default")(L.Dense(3, name="d0")(x)),
             L.LeakyReLU(name="leaky", **slope)(L.Dense(3, name="d1")(x)),
             L.ELU(alpha=0.7, name="elu")(L.Dense(3, name="d2")(x)),
             L.PReLU(name="prelu")(L.Dense(3, name="d3")(x)),
             L.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.3, name="relu")(L.Dense(3, name="d4")(x)),
             L.Softmax(name="soft")(L.Dense(3, name="d5")(x)),
             L.Activation("swish", name="swish")(L.Dense(3, name="d6")(x)),
             L.Activation("gelu", name="gelu")(L.Dense(3, name="d7", use_bias=False)(x))]
    return k.Model(x, L.Concatenate(name="join")(parts), name="activation_layers")


def activation_strings(k):
    L = k.layers
    x = L.Input((6,), name="in")
    names = ["relu", "elu", "selu", "softplus", "softsign", "exponential", "linear", "sigmoid", "tanh", "mish"]
    parts = [L.Dense(2, activation=n, name=f"a_{n}")(x) for n in names]
    return k.Model(x, L.Concatenate(name="join")(parts), name="activation_strings")


def merges(k):
    L = k.layers
    a, b = L.Input((6,), name="a"), L.Input((4,), name="b")
    left, right = L.Dense(4, activation="tanh", name="left")(a), L.Dense(4, activation="sigmoid", name="right")(b)
    parts = [getattr(L, n)(name=n.lower())([left, right])
             for n in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")]
    return k.Model([a, b], L.Dense(3, name="out")(L.Concatenate(name="join")(parts)), name="merges")


def shared_two_outputs(k):
    L = k.layers
    a, b = L.Input((6,), name="a"), L.Input((6,), name="b")
    dense = L.Dense(4, activation="relu", name="shared")
    first, second = dense(a), dense(b)
    difference = L.Subtract(name="difference")([first, second])
    return k.Model([a, b], [L.Dense(1, activation="sigmoid", name="same")(difference),
                            L.Dense(2, name="value")(L.Concatenate(name="join")([first, second, difference]))],
                   name="siamese")


def shapes(k):
    L = k.layers
    x = L.Input((4, 6), name="in")
    h = L.Dense(3, activation="tanh", name="each")(x)
    h = L.BatchNormalization(momentum=0.9, epsilon=0.01, scale=False, name="bn")(h)
    h = L.Reshape((2, -1), name="two_rows")(h)
    h = L.PReLU(shared_axes=[1], name="prelu")(h)
    return k.Model(x, L.Dense(2, name="out")(L.Flatten(name="flat")(h)), name="shapes")


def arguments(k):
    L, I, R = k.layers, k.initializers, k.regularizers
    both = R.L1L2(l1=0.01, l2=0.02)
    x = L.Input((6,), name="in")
    h = L.Dense(5, activation="relu", kernel_initializer=I.HeNormal(seed=1), bias_initializer=I.Constant(0.1),
                kernel_regularizer=R.L2(0.01), bias_regularizer=R.L1(0.02), name="d0")(x)
    h = L.Dense(5, activation="relu", kernel_initializer=I.RandomUniform(-0.1, 0.2, seed=2), kernel_regularizer=both,
                use_bias=False, name="d1")(h)
    h = L.BatchNormalization(beta_initializer=I.RandomNormal(0.1, 0.2), gamma_initializer="ones",
                             gamma_regularizer=R.L2(0.1), trainable=False, name="bn")(h)
    h = L.Dense(5, kernel_initializer=I.TruncatedNormal(0.0, 0.3), bias_initializer="lecun_uniform", name="d2")(h)
    return k.Model(x, L.Dense(2, kernel_initializer="glorot_normal", name="d3")(h), name="arguments")


def operations(k):
    L, ops = k.layers, k.ops
    x, z = L.Input((6,), name="x"), L.Input((4, 6), name="z")
    a, b = L.Dense(6, name="a")(x), L.Dense(6, activation="tanh", name="b")(x)
    parts = [a + b, 2 * a, 1 - b, a / (1.5 + ops.square(b)), -a, ops.relu(a), b**2, ops.maximum(a, 0.25),
             ops.minimum(a, b), ops.where(a > b, a, 0.5), ops.gelu(a), ops.leaky_relu(a), ops.celu(a), ops.silu(a),
             ops.softmax(a), ops.clip(a, -0.5, 0.5), ops.cast(ops.greater_equal(a, 0), "float32"),
             ops.expand_dims(ops.mean(a, axis=-1), -1), ops.sum(a * b, axis=1, keepdims=True), a[:, 1:5:2],
             ops.expand_dims(a[:, 0], 1), z[:, -1], z[..., 0], z[:, 1, ::3],
             ops.max(z, axis=(1,)), ops.var(z, axis=1), ops.reshape(ops.transpose(z, (0, 2, 1)), (-1, 24)),
             ops.reshape(ops.matmul(z, ops.transpose(z, (0, 2, 1))), (-1, 16)), ops.glu(a), ops.hard_silu(a),
             ops.log1p(ops.abs(a)), ops.sqrt(ops.exp(b)), ops.squeeze(z[:, 2:3], 1), ops.erf(a), ops.rsqrt(2.0 + b)]
    return k.Model([x, z], L.Dense(3, name="out")(ops.concatenate(parts, axis=-1)), name="operations")


def normalizations(k):
    L = k.layers
    x = L.Input((4, 6), name="in")
    h = L.LayerNormalization(name="last")(L.Dense(6, name="d0")(x))
    h = L.LayerNormalization(axis=[1, 2], epsilon=0.01, center=False, gamma_regularizer="l2", name="all")(h)
    h = L.LayerNormalization(axis=1, scale=False, beta_initializer="ones", name="first")(L.Dense(6, name="d1")(h))
    h = L.GroupNormalization(groups=3, beta_constraint="non_neg", name="groups")(L.Dense(6, name="d2")(h))
    h = L.GroupNormalization(groups=-1, axis=1, scale=False, name="instances")(h)
    h = L.UnitNormalization(axis=[1, 2], name="unit")(L.UnitNormalization(name="unit_last")(h))
    return k.Model(x, L.Dense(2, name="out")(L.Flatten(name="flat")(h)), name="normalizations")


def root_mean_squares(k):
    L = k.layers
    x = L.Input((4, 6), name="in")
    h = L.RMSNormalization(name="last")(L.Dense(6, name="d0")(x))
    h = L.RMSNormalization(axis=[1, 2], epsilon=0.01, name="all")(L.Dense(6, name="d1")(h))
    h = L.LayerNormalization(rms_scaling=True, name="scaled")(h)
    return k.Model(x, L.Dense(2, name="out")(L.Flatten(name="flat")(h)), name="root_mean_squares")


def noise_and_order(k):
    L = k.layers
    x = L.Input((4, 6), name="in")
    h = L.Dense(5, activation="selu", name="d0")(L.Rescaling(0.5, offset=-0.25, name="rescale")(x))
    h = L.GaussianNoise(0.1, name="noise")(L.GaussianDropout(0.2, name="gaussian_dropout")(h))
    h = L.AlphaDropout(0.1, noise_shape=(None, 1, 5), seed=7, name="alpha")(h)
    h = L.SpatialDropout1D(0.3, name="spatial")(L.Permute((2, 1), name="turned")(h))
    h = L.SpatialDropout2D(0.3, name="spatial2")(L.Reshape((2, 2, 5), name="image")(h))
    h = L.SpatialDropout3D(0.3, data_format="channels_first", name="spatial3")(L.Reshape((2, 1, 2, 5), name="volume")(h))
    h = L.RepeatVector(3, name="thrice")(L.Dense(4, name="d1")(L.Flatten(name="flat")(h)))
    h = L.ActivityRegularization(l1=0.01, l2=0.02, name="penalty")(h)
    return k.Model(x, L.Dense(2, name="out")(h), name="noise_and_order")


def edges(k):
    L = k.layers
    x = L.Input((4, 6, 3), name="in")
    h = L.ZeroPadding2D(name="pad")(L.Dense(2, name="d0")(x))
    h = L.ZeroPadding2D(((0, 1), (2, 0)), name="pad_ends")(h)
    h = L.Cropping2D((1, 2), name="crop")(h)
    h = L.UpSampling2D((2, 1), name="up")(L.Dense(3, name="d1")(h))
    average = L.GlobalAveragePooling2D(name="average")(h)
    largest = L.GlobalMaxPooling2D(keepdims=True, name="largest")(h)
    steps = L.ZeroPadding1D((1, 0), name="pad_steps")(L.Reshape((-1, 3), name="steps")(h))
    steps = L.UpSampling1D(3, name="up_steps")(L.Cropping1D((2, 1), name="crop_steps")(steps))
    steps = L.GlobalMaxPooling1D(name="largest_step")(L.Dense(2, name="d2")(steps))
    volume = L.ZeroPadding3D((1, 0, 1), name="pad_volume")(L.Reshape((4, 3, 2, 3), name="volume")(x))
    volume = L.Cropping3D(((0, 1), (1, 0), (1, 1)), name="crop_volume")(volume)
    volume = L.GlobalAveragePooling3D(name="average_volume")(L.UpSampling3D(name="up_volume")(volume))
    parts = [average, L.Flatten(name="flat")(largest), steps, volume]
    return k.Model(x, L.Dense(2, name="out")(L.Concatenate(name="join")(parts)), name="edges")


def images(k):
    L = k.layers
    x = L.Input((5, 6, 3), name="in")
    h = L.Normalization(mean=[0.1, -0.2, 0.3], variance=[1.5, 0.5, 2.0], name="given")(x)
    h = L.Normalization(axis=(2, 3), name="adapted")(h)
    h = L.Normalization(axis=None, invert=True, name="inverted")(h)
    h = L.RandomFlip("horizontal", seed=1, name="flip")(h)
    h = L.RandomTranslation(0.1, (-0.2, 0.3), fill_mode="constant", fill_value=0.5, seed=2, name="move")(h)
    h = L.RandomZoom(0.1, seed=3, name="zoom")(L.RandomZoom((0.1, 0.2), (-0.1, 0.0), interpolation="nearest", name="zoom2")(h))
    h = L.RandomContrast(0.2, value_range=(-9.0, 9.0), name="contrast")(h)
    h = L.RandomBrightness((-0.1, 0.2), value_range=[-9.0, 9.0], seed=4, name="brightness")(h)
    h = L.RandomCrop(5, 6, seed=5, name="crop")(h)
    large = L.Resizing(7, 9, name="larger")(h)
    small = L.Resizing(3, 4, interpolation="nearest", name="smaller")(h)
    middle = L.CenterCrop(3, 2, name="middle")(h)
    cut = L.Resizing(4, 8, crop_to_aspect_ratio=True, name="cut")(h)
    filled = L.Resizing(8, 4, pad_to_aspect_ratio=True, fill_value=0.5, name="filled")(h)
    parts = [L.Flatten(name="flat_" + y.name.split("_")[0] + str(i))(y) for i, y in enumerate([large, small, middle, cut, filled])]
    return k.Model(x, L.Dense(2, name="out")(L.Concatenate(name="join")(parts)), name="images")


ARCHITECTURES = [
    Architecture("sequential", "Sequential with BatchNormalization and Dropout", sequential, [(6,)]),
    Architecture("activation_layers", "activation layers with arguments", activation_layers, [(6,)]),
    Architecture("activation_strings", "activations by name", activation_strings, [(6,)]),
    Architecture("merges", "two inputs, all merges", merges, [(6,), (4,)]),
    Architecture("shared_two_outputs", "a layer called twice, two outputs", shared_two_outputs, [(6,), (6,)]),
    Architecture("shapes", "rank 3, Reshape, Flatten, PReLU with shared axes", shapes, [(4, 6)]),
    Architecture("operations", "arithmetic, keras.ops and slices of tensors", operations, [(6,), (4, 6)], keras2=False),
    Architecture("normalizations", "LayerNormalization, GroupNormalization, UnitNormalization", normalizations, [(4, 6)]),
    Architecture("root_mean_squares", "RMSNormalization, LayerNormalization(rms_scaling=True)", root_mean_squares, [(4, 6)],
                 keras2=False),
    Architecture("noise_and_order", "noise layers, Permute, RepeatVector, Rescaling, ActivityRegularization",
                 noise_and_order, [(4, 6)]),
    Architecture("edges", "padding, cropping, upsampling and global pooling of 1 to 3 dimensions", edges, [(4, 6, 3)]),
    Architecture("images", "Normalization, Resizing, CenterCrop, and images changed at random", images, [(5, 6, 3)], keras2=False),
    Architecture("arguments", "initializers, regularizers, trainable=False", arguments, [(6,)]),
]


def predict_all(model, xs):
    predictions = model.predict(unlist(xs), verbose=0)
    return [np.asarray(p) for p in (predictions if isinstance(predictions, list) else [predictions])]


def write_architecture(entry, root):
    """Writes one folder; both releases of Keras must agree on the numbers."""
    set_precision("float32")
    rng = rng_for(entry.name)
    xs = [rng.normal(0, 1, (9, *shape)).astype("float32") for shape in entry.shapes]
    model3, model2 = entry.build(keras), None
    if entry.keras2:
        tf_keras.backend.clear_session()
        model2 = entry.build(tf_keras)
    weights = deterministic_weights(model3, rng)
    predictions = predict_all(model3, xs)
    if model2:
        if [w.shape for w in weights] != [w.shape for w in model2.get_weights()]:
            raise SystemExit(f"{entry.name}: Keras 2 and 3 order the weights differently")
        model2.set_weights(weights)
        for a, b in zip(predictions, predict_all(model2, xs)):
            if not np.allclose(a, b, rtol=1e-5, atol=1e-6):
                raise SystemExit(f"{entry.name}: Keras 2 and 3 predict differently")
    scale = max(float(np.abs(p).max()) for p in predictions)
    folder = root / entry.name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / "keras3.json").write_text(model3.to_json() + "\n")
    if model2:
        (folder / "keras2.json").write_text(model2.to_json() + "\n")
    np.save(folder / "weights.npy", flat(weights))
    files = {"x": write_arrays(folder, "x", xs), "y_pred": write_arrays(folder, "y_pred", predictions)}
    write_json(folder / "case.json", {
        "kind": "architecture", "covers": entry.covers, "files": files,
        "weights": [{"path": v.path, "shape": list(v.shape)} for v in model3.weights],
        "rtol": 1e-4, "atol": float(f"{2e-5 * scale:.3g}"),
    })
    return f"json/{entry.name}: {len(weights)} weights, {len(json.loads(model3.to_json())['config']['layers'])} layers"
