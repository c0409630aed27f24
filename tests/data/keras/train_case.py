"""Runs one training case with real Keras, in float32 and again in float64, and writes its files.

The float64 run is there for two reasons: its distance from the float32 run sets an honest tolerance, and its numbers prove
formulas to more digits than float32 can.
"""

import contextlib
import copy
import json
import zlib
from dataclasses import dataclass, field
from typing import Any, Callable

import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    from keras.src.backend.tensorflow import core as tf_core

# Smallest tolerances, and how many times the float32 rounding seen in Keras itself another float32 program may differ.
FLOOR = {"history": 1e-4, "weights": 2e-4, "predictions": 2e-4}
ROUNDING_FACTOR = 15
# In the float64 run nothing but the order of sums may differ (see exact_constants).
FLOAT64_TOLERANCE = 1e-7
# Beyond this Keras's own rounding says that the case is chaotic (or NaN), and its numbers say nothing about a formula.
LARGEST_DISTANCE = 1e-3


@dataclass
class Case:
    """What to build and how to train it. Functions, because float64 needs every object made afresh."""

    name: str
    covers: str
    build: Callable[[], Any]
    data: Callable[[np.random.Generator], dict]
    optimizer: Any = "sgd"  # a string, or a function that makes the object
    loss: Any = "mse"  # a string, or a function that makes the object (a list of those for several outputs)
    metrics: Any = None  # a function that makes the list
    weighted_metrics: Any = None
    loss_weights: Any = None
    fit: dict = field(default_factory=dict)
    stops_after: int | None = None  # epochs that must have run; makes sure that early stopping really happened
    tolerance_float64: float = FLOAT64_TOLERANCE  # larger where Keras computes something in float32 all the same
    seed: str = ""  # of data and weights, where cases share them (default: the name)
    eager: bool = False  # without tf.function: faster for few steps


class NoSingleAnswer(SystemExit):
    """Keras's own float32 and float64 runs take different turns, or end in NaN: nothing to compare with."""


def set_precision(name):
    keras.backend.clear_session()
    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)


def rng_for(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def make(value):
    return value() if callable(value) else value


def serialize(value):
    if value is None or isinstance(value, (str, float, int)):
        return value
    if isinstance(value, (list, tuple)):
        return [serialize(v) for v in value]
    if isinstance(value, dict):
        return {k: serialize(v) for k, v in value.items()}
    written = keras.saving.serialize_keras_object(value)
    if isinstance(value, keras.losses.Huber):  # Keras leaves its delta out.
        written["config"]["delta"] = value._fn_kwargs["delta"]
    return written


def deterministic_weights(model, rng):
    """Fills the weights by numpy, so that the files do not hang on TensorFlow's random numbers."""
    values = []
    for variable in model.weights:
        shape, path = variable.shape, variable.path
        if path.endswith("/count"):
            value = np.zeros(shape)
        elif "variance" in path or "gamma" in path:
            value = rng.uniform(0.6, 1.4, shape)
        elif "kernel" in path:
            value = rng.normal(0, 1.0 / np.sqrt(shape[0]), shape)
        elif "alpha" in path:
            value = rng.uniform(0.1, 0.4, shape)
        else:
            value = rng.uniform(-0.3, 0.3, shape)
        values.append(value.astype("float32"))
    set_weights(model, values)
    return values


def set_weights(model, values):
    """Normalization computes with a copy of its weights, which it makes anew when they come from adapt() or a file."""
    model.set_weights(values)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def callbacks_from(entries):
    return [getattr(keras.callbacks, e["class_name"])(**e["config"]) for e in entries]


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def unlist(values):
    return values[0] if len(values) == 1 else values


def run(case, data, precision, weights=None, compile_arguments=None):
    """One complete compile, fit, evaluate and predict; returns everything that is written."""
    set_precision(precision)
    model = case.build()
    if weights is None:
        weights = deterministic_weights(model, rng_for((case.seed or case.name) + "/weights"))
    else:
        set_weights(model, weights)
    loss = [make(l) for l in case.loss] if isinstance(case.loss, list) else make(case.loss)
    optimizer = make(case.optimizer)
    # Made once: some metrics count in their names how many of them there are.
    metrics, weighted_metrics = make(case.metrics), make(case.weighted_metrics)
    if compile_arguments is None:
        compile_arguments = {
            "optimizer": serialize(optimizer),
            "loss": serialize(loss),
            "metrics": serialize(metrics),
            "weighted_metrics": serialize(weighted_metrics),
            "loss_weights": serialize(case.loss_weights),
        }
    elif not isinstance(compile_arguments["optimizer"], str):
        # The same float32 learning rate in both runs: the written one.
        optimizer = keras.optimizers.deserialize(copy.deepcopy(compile_arguments["optimizer"]))  # it changes it
    # Keras weights <output>_loss by the rows of a batch where it knows them: eagerly, and with its JAX backend.
    model.compile(optimizer=optimizer, loss=loss, metrics=metrics, weighted_metrics=weighted_metrics,
                  loss_weights=case.loss_weights, jit_compile=False, run_eagerly=case.eager or len(data["y"]) > 1)
    cast = lambda a: a.astype(precision) if a.dtype.kind == "f" else a
    x, y = unlist([cast(a) for a in data["x"]]), unlist([cast(a) for a in data["y"]])
    arguments = {k: v for k, v in case.fit.items() if k not in ("callbacks", "class_weight")}
    if "class_weight" in case.fit:
        arguments["class_weight"] = {int(k): v for k, v in case.fit["class_weight"].items()}
    if "sample_weight" in data:
        arguments["sample_weight"] = unlist([cast(a) for a in as_list(data["sample_weight"])])
    if "x_val" in data:
        arguments["validation_data"] = (unlist([cast(a) for a in data["x_val"]]),
                                        unlist([cast(a) for a in data["y_val"]]))
    if "sample_weight_val" in data:
        arguments["validation_data"] += (unlist([cast(a) for a in data["sample_weight_val"]]),)
    batch_size = case.fit.get("batch_size", 32)
    before = [np.array(p) for p in as_list(model.predict(x, batch_size=batch_size, verbose=0))]
    history = model.fit(x, y, shuffle=False, verbose=0, callbacks=callbacks_from(case.fit.get("callbacks", [])),
                        **arguments)
    return {
        "model": model,
        "compile": compile_arguments,
        "initial": weights,
        "before": before,
        "history": {"epoch": history.epoch, "history": history.history},
        "final": [np.array(w) for w in model.get_weights()],
        "slots": [np.array(v) for v in model.optimizer.variables[2:]],
        "slot_names": [v.name for v in model.optimizer.variables[2:]],
        "iterations": int(np.array(model.optimizer.iterations)),
        "evaluate": model.evaluate(x, y, batch_size=batch_size, verbose=0, return_dict=True),
        "predictions": [np.array(p) for p in as_list(model.predict(x, batch_size=batch_size, verbose=0))],
    }


def distance(a, b):
    """The largest |a-b| / (1e-2 + |b|): the measure of the tolerance rule."""
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    return float(np.max(np.abs(a - b) / (1e-2 + np.abs(b)), initial=0.0))


def largest(values):
    """Their maximum; NaN, which Python's max() may pass over, if one of them is."""
    return float(np.max(list(values), initial=0.0))


def exact_gelu(x, approximate):
    if approximate:
        return 0.5 * x * (1.0 + tf.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))
    return 0.5 * x * (1.0 + tf.math.erf(x / np.sqrt(2.0)))


@contextlib.contextmanager
def exact_constants():
    """In here Keras keeps momentum, beta_1, weight decay and their kin as they are, and computes schedules in the model's precision; else it
    rounds them to float32 even in a float64 model, and TensorFlow the constants of gelu and leaky_relu. Top-k metrics, which TensorFlow has
    for float32 only, take float64 too. JAX rounds no number of Python's, but there Keras has float32 for the type of float64 and float32
    together, and so BatchNormalization computes in it."""
    if keras.backend.backend() == "jax":
        changed = {(keras.src.backend, "result_type"): lambda *dtypes: "float64" if "float64" in dtypes else original["result_type"](*dtypes)}
    else:
        changed = {(tf, "cast"): lambda x, dtype: tf.constant(x, dtype) if type(x) in (int, float) else original["cast"](x, dtype),
                   (tf_core, "convert_to_tensor"): lambda x, dtype=None, **options: original["convert_to_tensor"](
                       x, keras.config.floatx() if type(x) is float and dtype is None else dtype, **options),
                   (tf.math, "in_top_k"): lambda targets, predictions, k: original["in_top_k"](targets, tf.cast(predictions, "float32"), k),
                   (tf.nn, "leaky_relu"): lambda x, alpha=0.2: tf.where(x > 0, x, alpha * x),
                   (tf.nn, "gelu"): exact_gelu}
    original = {name: getattr(module, name) for module, name in changed}
    for (module, name), function in changed.items():
        setattr(module, name, function)
    try:
        yield
    finally:
        for module, name in changed:
            setattr(module, name, original[name])


def distances(single, double, counting):
    keys = [k for k in double["history"]["history"] if not counting(k)]
    return {
        "history": largest(distance(single["history"]["history"][k], double["history"]["history"][k]) for k in keys),
        "weights": largest(distance(a, b) for a, b in zip(single["final"], double["final"])),
        "predictions": largest(distance(a, b) for a, b in zip(single["predictions"], double["predictions"])),
    }


def slot_distance(single, double):
    """The same for optimizer variables, in the measure of their rule: each by its own largest magnitude."""
    return largest(np.max(np.abs(a - b), initial=0.0) / max(np.max(np.abs(b), initial=0.0), 1e-12)
                   for a, b in zip(single["slots"], double["slots"]))


def is_saturated(result):
    """Whether a softmax or sigmoid in front of the losses comes to its ends, where a clipped logarithm says less than logits do."""
    activations = [getattr(getattr(t._keras_history.operation, "activation", None), "__name__", "") for t in result["model"].outputs]
    return any(name in ("softmax", "sigmoid") and (np.min(p) < 1e-6 or np.max(p) > 1 - 1e-6)
               for results in (result["before"], result["predictions"]) for name, p in zip(activations, results))


def is_counting(key):
    return "acc" in key


def flat(arrays, dtype="float32"):
    return np.concatenate([np.ravel(a) for a in arrays]).astype(dtype) if arrays else np.zeros(0, dtype)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def write_arrays(folder, stem, arrays):
    names = [f"{stem}.npy"] if len(arrays) == 1 else [f"{stem}{i}.npy" for i in range(len(arrays))]
    for name, array in zip(names, arrays):
        np.save(folder / name, np.ascontiguousarray(array))
    return names


def write_case(case, root):
    """Runs the case in both precisions and writes its folder; returns the text of one report line."""
    data = case.data(rng_for((case.seed or case.name) + "/data"))
    single = run(case, data, "float32")
    with exact_constants():
        double = run(case, data, "float64", single["initial"], single["compile"])
    epochs = len(single["history"]["epoch"])
    if epochs != len(double["history"]["epoch"]):
        raise NoSingleAnswer(f"{case.name}: float32 and float64 stop at different epochs; change the data")
    if case.stops_after is not None and epochs != case.stops_after:
        raise SystemExit(f"{case.name}: ran {epochs} epochs, {case.stops_after} were meant: "
                         f"{single['history']['history']}")
    for key, values in single["history"]["history"].items():
        if is_counting(key) and distance(values, double["history"]["history"][key]) > 1e-5:
            raise NoSingleAnswer(f"{case.name}: {key} differs between float32 and float64; change the data")

    if all(np.array_equal(a, b) for a, b in zip(single["initial"], single["final"])):
        raise NoSingleAnswer(f"{case.name}: no weight has changed")

    seen = distances(single, double, is_counting)
    worst = largest(seen.values())
    if not worst <= LARGEST_DISTANCE:
        raise NoSingleAnswer(f"{case.name}: float32 and float64 differ by {worst:.2g}; change the data")
    tolerance = {k: max(FLOOR[k], float(f"{ROUNDING_FACTOR * v:.2g}")) for k, v in seen.items()}
    evaluated = largest(distance(value, double["evaluate"][key]) for key, value in single["evaluate"].items() if not is_counting(key))
    if not evaluated <= tolerance["history"]:
        raise NoSingleAnswer(f"{case.name}: evaluations in float32 and float64 differ by {evaluated:.2g}; change the data")
    slots = slot_distance(single, double)
    if not slots <= 10 * tolerance["weights"]:
        raise NoSingleAnswer(f"{case.name}: optimizer variables of float32 and float64 differ by {slots:.2g} of their size, "
                             "as where a gradient is only rounding; change the model")

    model = single["model"]
    architecture = model.to_json()
    folder = root / case.name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    files = {stem: write_arrays(folder, stem, [np.asarray(a) for a in as_list(data[stem])])
             for stem in ("x", "y", "x_val", "y_val", "sample_weight", "sample_weight_val") if stem in data}
    files["y_pred"] = write_arrays(folder, "y_pred", [p.astype("float32") for p in single["predictions"]])
    np.save(folder / "initial_weights.npy", flat(single["initial"]))
    np.save(folder / "final_weights.npy", flat(single["final"]))
    np.save(folder / "final_weights_float64.npy", flat(double["final"], "float64"))
    np.save(folder / "final_optimizer.npy", flat(single["slots"]))
    (folder / "model.json").write_text(architecture + "\n")
    write_json(folder / "compile.json", single["compile"])
    fit = {"shuffle": False, **case.fit}
    fit.setdefault("callbacks", [])
    write_json(folder / "fit.json", fit)
    write_json(folder / "history.json", single["history"])
    write_json(folder / "history_float64.json", double["history"])
    write_json(folder / "evaluate.json", single["evaluate"])
    write_json(folder / "case.json", {
        "kind": "training",
        "covers": case.covers,
        "files": files,
        "weights": [{"path": v.path, "shape": list(v.shape)} for v in model.weights],
        "optimizer_variables": [{"name": n, "shape": list(s.shape)}
                                for n, s in zip(single["slot_names"], single["slots"])],
        "iterations": single["iterations"],
        "tolerance": tolerance,
        "tolerance_float64": case.tolerance_float64,
        **({"saturated": True} if is_saturated(single) else {}),
        "float32_vs_float64": {k: float(f"{v:.2g}") for k, v in seen.items()},
    })
    size = sum(f.stat().st_size for f in folder.iterdir())
    return f"{case.name}: {epochs} epochs, {size / 1024:.0f} KB, float32 vs float64 " + \
        " ".join(f"{k} {v:.1e}" for k, v in seen.items())
