#!/usr/bin/env python3
"""Writes Sinter's Keras reference cases with real Keras (TensorFlow backend, CPU; --windows: JAX). See README.md for the format.

Needed once, outside the tree:  python3 -m venv V && V/bin/pip install keras tensorflow-cpu tf_keras numpy
Then:                           V/bin/python tests/data/keras/make_cases.py
Running it again gives the same files. The tests read the files only; they never need Python.
"""

import argparse
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax" if "--windows" in sys.argv else "tensorflow"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"  # float64
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent,
                        help="folder to write into (default: the folder of this script)")
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="write only the training cases, architectures and tables whose name contains TEXT")
    parser.add_argument("--windows", action="store_true", help="the cases with convolutions and pools, by JAX; else the others")
    parser.add_argument("--list", action="store_true", help="print the names and what each covers, write nothing")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    import keras

    from architectures import write_architecture
    from train_case import write_case

    if arguments.windows:
        from window_cases import ARCHITECTURES, CASES

        TABLES = {}
    else:
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        from architectures import ARCHITECTURES
        from case_list import CASES
        from tables import TABLES

    if arguments.list:
        for case in CASES:
            print(f"{case.name}: {case.covers}")
        for entry in ARCHITECTURES:
            print(f"json/{entry.name}: {entry.covers}")
        for name in TABLES:
            print(name)
        return
    print(f"keras {keras.__version__}, {keras.backend.backend()}; writing to {arguments.output}")
    written = 0
    for case in CASES:
        if arguments.only in case.name:
            print(write_case(case, arguments.output), flush=True)
            written += 1
    for entry in ARCHITECTURES:
        if arguments.only in "json/" + entry.name:
            print(write_architecture(entry, arguments.output / "json"), flush=True)
            written += 1
    for name, write in TABLES.items():
        if arguments.only in name:
            print(write(arguments.output / name), flush=True)
            written += 1
    if not written:
        sys.exit(f"nothing is called *{arguments.only}*")
    total = sum(f.stat().st_size for f in arguments.output.rglob("*") if f.suffix in (".npy", ".json"))
    print(f"{written} written; all data together {total / 1024:.0f} KB")


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # TensorFlow sums gradients of a shared tensor in an order that follows Python's hashes.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    main()
