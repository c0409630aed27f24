"""Times other frameworks and engines on the works of `sinter bench`: one peer a process, one JSON line a work.

    python peers.py PEER --threads 2 --seconds 2 mlp_train mlp_train/batch=8/width=32 cnn_b1

tests/bench/compare runs this; `python peers.py --list` prints the peers that this Python can import: version and kind. A step is one
optimizer step (the loss is read) or one prediction, on data that are in memory already; all in float32, all with the same weights and data
(networks.py). After the clock has stopped, what was computed is held to the same in float64:

max_err     of predictions, the largest error relative to what it is an error of; of training, that of the first loss (none with Dropout, which draws)
losses      of training, the first steps: 6 before the clock, 10 timed
first_us    from the network described to its first step done; modules are imported before. first_step_us: that step alone
"""
import argparse
import dataclasses
import functools
import importlib
import importlib.metadata
import importlib.util
import json
import math
import os
import resource
import statistics
import sys
import time
import typing

SEEN = 16 << 20  # floats of gelu16m
WORKS = ("mlp_train", "bn_train", "cnn_train", "mlp_b1", "mlp_b128", "cnn_b1", "cnn_b128", "res_b1", "res_b128", "ds_conv_b1", "gelu16m")


class Work:
    """What is asked for: a name, for models a batch, and for the perceptron a width."""

    def __init__(self, text):
        self.text = text
        self.name, *options = text.split("/")
        if self.name not in WORKS:
            sys.exit(f"unknown work '{self.name}'")
        self.trains = self.name.endswith("_train")
        self.batch = 1 if self.name.endswith("_b1") else 128
        self.width = 512 if self.name == "bn_train" else 128
        for option in options:
            key, value = option.split("=")
            if not (key == "batch" and self.name != "gelu16m" or key == "width" and self.name.startswith("mlp")):
                sys.exit(f"work '{text}': unknown option '{key}'")
            setattr(self, key, int(value))

    @functools.cached_property
    def network(self):
        import networks
        family = self.name.split("_")[0]
        if family in ("mlp", "bn"):
            return networks.perceptron([784] + 3 * [self.width] + [networks.CLASSES], self.trains, normalized=family == "bn")
        return {"cnn": networks.cnn, "res": networks.res, "ds": networks.ds}[family](self.trains)

    @functools.cached_property
    def features(self):
        import numpy as np
        shape = (SEEN,) if self.name == "gelu16m" else (self.batch, *self.network.shape)
        return np.random.default_rng(0).random(shape, dtype=np.float32)

    @functools.cached_property
    def labels(self):
        import numpy as np
        return np.random.default_rng(2).integers(0, 10, self.batch)


@dataclasses.dataclass
class Peer:
    modules: list  # The first has the version.
    file: str  # of the maker, make_<name>
    engine: bool = False
    symmetric: bool = False  # pads windows equally on both sides

    def version(self):
        """Of the package that has the module: of tensorflow it may be tensorflow-cpu."""
        return importlib.metadata.version(importlib.metadata.packages_distributions()[self.modules[0]][0])

    def make(self, name, work, threads):
        return getattr(importlib.import_module(self.file), f"make_{name}")(work, threads)


PEERS = {
    "jax": Peer(["jax"], "frameworks"),
    "torch": Peer(["torch"], "frameworks", symmetric=True),
    "torch_compile": Peer(["torch"], "frameworks", symmetric=True),
    "tensorflow": Peer(["tensorflow", "keras"], "frameworks"),
    "tensorflow_xla": Peer(["tensorflow", "keras"], "frameworks"),
    "onnxruntime": Peer(["onnxruntime", "onnx"], "engines", engine=True),
    "openvino": Peer(["openvino", "onnx"], "engines", engine=True),
    "ncnn": Peer(["ncnn"], "engines", engine=True),
    "mnn": Peer(["MNN", "onnx"], "engines", engine=True),
}


def installed_peers():
    return {name: {"version": peer.version(), "engine": peer.engine} for name, peer in PEERS.items()
            if all(importlib.util.find_spec(module) for module in peer.modules)}


@dataclasses.dataclass
class Timed:
    line: dict
    values: list  # what the first steps gave
    last: typing.Any


def measure(step, seconds, started):
    called = time.perf_counter()
    values = [step()]
    first, first_step = (time.perf_counter() - since for since in (started, called))
    values += [step() for _ in range(5)]
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 10:
        begin = time.perf_counter()
        last = step()
        times.append(time.perf_counter() - begin)
        if len(values) < 16:
            values.append(last)
    line = {"median_us": round(statistics.median(times) * 1e6, 1), "min_us": round(min(times) * 1e6, 1),
            "p99_us": round(sorted(times)[len(times) * 99 // 100] * 1e6, 1), "mean_us": round(statistics.mean(times) * 1e6, 1),
            "max_us": round(max(times) * 1e6, 1), "steps": len(times), "first_us": round(first * 1e6),
            "first_step_us": round(first_step * 1e6), "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    return Timed(line, values, last)


def gelu16m_error(work, found):
    import numpy as np
    some = np.random.default_rng(3).integers(0, SEEN, 2000)
    x = work.features[some].astype(np.float64)
    u = 1.5 * x + 0.25
    right = u / 2 * (1 + np.array([math.erf(v / 2**0.5) for v in u])) / (1 + np.exp(-x))
    return float(np.abs(np.asarray(found)[some] / right - 1).max())


def check(work, peer, timed):
    """What is known of the numbers. Training's later losses are judged by whoever reads them: see contest.py."""
    import networks
    import numpy as np
    if work.name == "gelu16m":
        return {"max_err": gelu16m_error(work, timed.last)}
    result = {"losses": [float(f"{value:.6g}") for value in timed.values]} if work.trains else {}
    if work.name == "bn_train":
        return result
    right = networks.evaluate(work.network, work.features, networks.symmetric_padding if peer.symmetric else networks.same_padding)
    if work.trains:
        loss = -np.log(right[np.arange(work.batch), work.labels]).mean()
        return result | {"max_err": float(abs(timed.values[0] / loss - 1))}
    found = np.asarray(timed.last)
    if found.shape != right.shape:
        raise RuntimeError(f"{work.name} gave {found.shape}, not {right.shape}")
    return {"max_err": float(np.abs(found / right - 1).max())}


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
    peer = PEERS[options.peer]
    for module in peer.modules:
        importlib.import_module(module)
    for text in options.works:
        work = Work(text)
        line = {"peer": options.peer, "work": work.text, "threads": options.threads}
        if peer.engine and (work.trains or work.name == "gelu16m"):
            line["not_measured"] = f"{options.peer} is not measured on {work.name}"
        else:
            started = time.perf_counter()
            timed = measure(peer.make(options.peer, work, options.threads), options.seconds, started)
            line |= timed.line | check(work, peer, timed)
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
