"""Times other frameworks on the works of `sinter bench`: one peer a process, one JSON line a work.

    python peers.py PEER --threads 2 --seconds 2 mlp_train mlp_train/batch=8/width=32

tests/bench/compare runs this; `python peers.py --list` prints the peers that this Python can import, with their versions. A step is one
optimizer step (the loss is read) or one prediction, on data that are in memory already. All in float32, with random weights and data.
"""
import argparse
import importlib.metadata
import importlib.util
import json
import os
import resource
import statistics
import sys
import time

CLASSES, FEATURES = 10, 784
SEEN = 16 << 20  # floats of gelu16m


class Work:
    """What is asked for: a name, and for the perceptron a batch and a width."""

    def __init__(self, text):
        self.text = text
        self.name, *options = text.split("/")
        if self.name not in ("mlp_train", "bn_train", "mlp_b1", "mlp_b128", "gelu16m"):
            sys.exit(f"unknown work '{self.name}'")
        self.trains = self.name.endswith("_train")
        self.batch = 1 if self.name == "mlp_b1" else 128
        self.width = 512 if self.name == "bn_train" else 128
        for option in options:
            key, value = option.split("=")
            if key not in ("batch", "width") or not self.name.startswith("mlp"):
                sys.exit(f"work '{text}': unknown option '{key}'")
            setattr(self, key, int(value))
        self.sizes = [FEATURES] + 3 * [self.width] + [CLASSES]

    def data(self):
        import numpy as np
        rng = np.random.default_rng(0)
        x = rng.random((self.batch, FEATURES), dtype=np.float32)
        return x, rng.integers(0, CLASSES, self.batch)

    def weights(self):
        import numpy as np
        rng = np.random.default_rng(1)
        return [(rng.standard_normal((i, o), dtype=np.float32) / np.float32(i**0.5), np.zeros(o, np.float32))
                for i, o in zip(self.sizes, self.sizes[1:])]


def unsupported(peer, work):
    return NotImplementedError(f"{peer} is not measured on {work.name}")


# Each maker returns the step of a work. Peers are imported inside, since most machines have few of them.

def make_jax(work, _threads):
    import jax
    import jax.numpy as jnp
    if work.name == "gelu16m":
        x = jnp.ones(SEEN, jnp.float32) * 0.5
        f = jax.jit(lambda v: jax.nn.gelu(v * 1.5 + 0.25, approximate=False) * jax.nn.sigmoid(v))
        return lambda: f(x).block_until_ready()
    features, labels = work.data()
    x, y = jnp.asarray(features), jax.nn.one_hot(labels, CLASSES)
    params = {"dense": [(jnp.asarray(w), jnp.asarray(b)) for w, b in work.weights()]}
    if work.name == "bn_train":
        params["scale"] = [(jnp.ones(work.width), jnp.zeros(work.width)) for _ in range(3)]
    moving = [(jnp.zeros(work.width), jnp.ones(work.width)) for _ in range(3)] if work.name == "bn_train" else []

    def logits(p, moving, v, key):
        kept = []
        for layer, (w, b) in enumerate(p["dense"][:-1]):
            v = v @ w + b
            if moving:
                mean, variance = v.mean(0), v.var(0)
                gamma, beta = p["scale"][layer]
                v = (v - mean) * jax.lax.rsqrt(variance + 1e-3) * gamma + beta
                kept.append(tuple(0.99 * old + 0.01 * new for old, new in zip(moving[layer], (mean, variance))))
            v = jax.nn.relu(v)
            if moving:
                mask = jax.random.bernoulli(jax.random.fold_in(key, layer), 0.5, v.shape)
                v = jnp.where(mask, 2 * v, 0)
        w, b = p["dense"][-1]
        return v @ w + b, kept

    if not work.trains:
        predict = jax.jit(lambda p, v: jax.nn.softmax(logits(p, [], v, None)[0]))
        return lambda: predict(params, x).block_until_ready()

    def loss(p, moving, v, t, key):
        z, kept = logits(p, moving, v, key)
        return -(t * jax.nn.log_softmax(z)).sum(-1).mean(), kept

    def train(p, m, s, moving, count, v, t):
        key = jax.random.fold_in(jax.random.key(0), count.astype(jnp.int32))
        (value, moving), slope = jax.value_and_grad(loss, has_aux=True)(p, moving, v, t, key)
        count = count + 1
        rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        m = jax.tree.map(lambda a, g: a + 0.1 * (g - a), m, slope)
        s = jax.tree.map(lambda a, g: a + 0.001 * (g * g - a), s, slope)
        p = jax.tree.map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) + 1e-7), p, m, s)
        return p, m, s, moving, count, value

    run = jax.jit(train, donate_argnums=(0, 1, 2, 3, 4))
    zeros = lambda: jax.tree.map(jnp.zeros_like, params)
    state = [params, zeros(), zeros(), moving, jnp.float32(0)]

    def step():
        *state[:], value = run(*state, x, y)
        return float(value)

    return step


def make_torch(work, threads, compiled=False):
    import torch
    from torch import nn
    torch.set_num_threads(threads)
    wrap = torch.compile if compiled else lambda f: f
    if work.name == "gelu16m":
        x = torch.full((SEEN,), 0.5)
        f = wrap(lambda v: nn.functional.gelu(v * 1.5 + 0.25) * torch.sigmoid(v))
        return torch.no_grad()(lambda: f(x))
    features, labels = work.data()
    x, y = torch.from_numpy(features), torch.from_numpy(labels)
    layers = []
    for i, o in zip(work.sizes[:-1], work.sizes[1:-1]):
        layers.append(nn.Linear(i, o))
        layers += [nn.BatchNorm1d(o), nn.ReLU(), nn.Dropout(0.5)] if work.name == "bn_train" else [nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(work.width, CLASSES))
    if not work.trains:
        call = wrap(model.eval())
        return torch.inference_mode()(lambda: torch.softmax(call(x), -1))
    call, loss = wrap(model), nn.CrossEntropyLoss()
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def step():
        adam.zero_grad(set_to_none=True)
        value = loss(call(x), y)
        value.backward()
        adam.step()
        return value.item()

    return step


def make_tensorflow(work, threads, compiled=False):
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    wrap = tf.function(jit_compile=True) if compiled else tf.function
    if work.name == "gelu16m":
        x = tf.fill([SEEN], 0.5)
        f = wrap(lambda v: tf.nn.gelu(v * 1.5 + 0.25, approximate=False) * tf.sigmoid(v))
        return lambda: f(x)
    features, labels = work.data()
    x, y = tf.constant(features), tf.one_hot(labels, CLASSES)
    layers = tf.keras.layers
    stack = [layers.Input((FEATURES,))]
    for _ in range(3):
        if work.name == "bn_train":
            stack += [layers.Dense(work.width), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.5)]
        else:
            stack.append(layers.Dense(work.width, activation="relu"))
    model = tf.keras.Sequential(stack + [layers.Dense(CLASSES)])
    if not work.trains:
        f = wrap(lambda v: tf.nn.softmax(model(v, training=False)))
        return lambda: f(x)
    adam = tf.keras.optimizers.Adam(1e-3)
    adam.build(model.trainable_variables)

    @wrap
    def train(v, t):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(t, model(v, training=True)))
        adam.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
        return value

    return lambda: float(train(x, y))


def onnx_model(work):
    """The perceptron as an ONNX file: what ONNX Runtime and OpenVINO read."""
    from onnx import TensorProto, helper, numpy_helper
    nodes, constants, value = [], [], "x"
    for layer, (w, b) in enumerate(work.weights()):
        constants += [numpy_helper.from_array(w, f"w{layer}"), numpy_helper.from_array(b, f"b{layer}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{layer}", f"b{layer}"], [f"d{layer}"]))
        last = layer == len(work.sizes) - 2
        value = "y" if last else f"h{layer}"
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"d{layer}"], [value]))
    tensor = lambda name, size: helper.make_tensor_value_info(name, TensorProto.FLOAT, [work.batch, size])
    graph = helper.make_graph(nodes, "mlp", [tensor("x", FEATURES)], [tensor("y", CLASSES)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def make_onnxruntime(work, threads):
    if not work.name.startswith("mlp_b"):
        raise unsupported("onnxruntime", work)
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(onnx_model(work), options, providers=["CPUExecutionProvider"])
    feed = {"x": work.data()[0]}
    return lambda: session.run(None, feed)


def make_openvino(work, threads):
    if not work.name.startswith("mlp_b"):
        raise unsupported("openvino", work)
    import openvino
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    core = openvino.Core()
    request = core.compile_model(core.read_model(onnx_model(work)), "CPU", settings).create_infer_request()
    x = work.data()[0]
    return lambda: request.infer({0: x}, share_inputs=True, share_outputs=True)


# {name: (modules, the first of which gives the version; maker)}
PEERS = {
    "jax": (["jax"], make_jax),
    "torch": (["torch"], make_torch),
    "torch_compile": (["torch"], lambda work, threads: make_torch(work, threads, compiled=True)),
    "tensorflow": (["tensorflow"], make_tensorflow),
    "tensorflow_xla": (["tensorflow"], lambda work, threads: make_tensorflow(work, threads, compiled=True)),
    "onnxruntime": (["onnxruntime", "onnx"], make_onnxruntime),
    "openvino": (["openvino", "onnx"], make_openvino),
}


def installed_peers():
    """{name: version}. A module may come from packages of several names (tensorflow, tensorflow-cpu)."""
    packages = importlib.metadata.packages_distributions()

    def version(module):
        return importlib.metadata.version(packages[module][0]) if module in packages else "of unknown version"

    return {name: version(modules[0]) for name, (modules, _) in PEERS.items() if all(importlib.util.find_spec(m) for m in modules)}


def measure(step, seconds, started):
    step()
    first = time.perf_counter() - started
    for _ in range(5):
        step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 10:
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return {"median_us": round(statistics.median(times) * 1e6, 1), "min_us": round(min(times) * 1e6, 1),
            "p99_us": round(sorted(times)[len(times) * 99 // 100] * 1e6, 1), "mean_us": round(statistics.mean(times) * 1e6, 1),
            "max_us": round(max(times) * 1e6, 1), "steps": len(times), "first_us": round(first * 1e6),
            "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", nargs="?", choices=PEERS)
    parser.add_argument("works", nargs="*")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_intermixed_args()
    if options.list:
        print(json.dumps(installed_peers()))
        return
    # Peers size their thread pools by these and by the cores they may use, so all is set before the import.
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:options.threads])
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu")
    for text in options.works:
        work = Work(text)
        line = {"peer": options.peer, "work": work.text, "threads": options.threads}
        started = time.perf_counter()
        try:
            line |= measure(PEERS[options.peer][1](work, options.threads), options.seconds, started)
        except NotImplementedError as reason:
            line["not_measured"] = str(reason)
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
