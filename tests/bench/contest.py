"""What the scripts of this folder share: finding peers, running them and Sinter, and printing."""
import json
import math
import os
import pathlib
import subprocess
import sys
import typing

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = pathlib.Path(sys.argv[0]).name
LARGEST_ERROR = 1e-3  # of a peer, relative, beside float64
HOW_TO = """no peer can be imported by {pythons}.
Peers are installed outside the tree, any of them, for example
    python3 -m venv VENV
    VENV/bin/pip install numpy jax onnx onnxruntime torch tensorflow openvino ncnn MNN
and their Python is named by --python VENV/bin/python (several times if they live apart), or by SINTER_PEER_PYTHONS=A:B."""


def fail(text):
    sys.exit(f"{PROGRAM}: {text}")


def add_arguments(parser):
    parser.add_argument("--python", action="append", help="a Python that can import peers; may be repeated")
    parser.add_argument("--peers", help="only these, joined by commas")
    parser.add_argument("--sinter", default="build/release/sinter", help="the tool (default: %(default)s)")
    parser.add_argument("--backend", default="auto", help="Sinter's backend (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each process measures a work")
    parser.add_argument("--json", help="write every measurement to this file")


def check_arguments(options):
    if not os.access(options.sinter, os.X_OK):
        fail(f"'{options.sinter}' is not there: build it (ninja -C build/release sinter), or name it with --sinter")
    named = os.environ.get("SINTER_PEER_PYTHONS", "").split(":")
    options.python = options.python or [python for python in named if python] or [sys.executable]


class Peer(typing.NamedTuple):
    python: str
    version: str
    engine: bool  # predicts and does not train


def find_peers(options, preferred=None):
    """{name: Peer} of the peers that can be imported, the first Python that has one first."""
    found = {}
    for python in options.python:
        try:
            listed = subprocess.run([python, HERE / "peers.py", "--list"], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            fail(f"cannot run '{python}': {error}")
        for name, about in json.loads(listed.stdout).items():
            found.setdefault(name, Peer(python, **about))
    if not found:
        fail(HOW_TO.format(pythons=", ".join(options.python)))
    for name in options.peers.split(",") if options.peers else []:
        if name not in found:
            fail(f"peer '{name}' is not installed; there are {', '.join(found)}")
    wanted = options.peers.split(",") if options.peers else preferred or list(found)
    return {name: found[name] for name in wanted if name in found}


def lines_of(command, name):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"{PROGRAM}: {name} failed and is left out of this round: {last}", file=sys.stderr)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def run_sinter(options, work, threads):
    name, *rest = work.split("/")
    flags = [f"--{option}" for option in rest]
    command = [options.sinter, "bench", name, *flags, "--threads", str(threads), "--seconds", str(options.seconds),
               "--backend", options.backend]
    return [line | {"work": work, "peer": "sinter"} for line in lines_of(command, f"sinter {work}")]


def fault(line):
    """Why the time of a peer does not count, or None: a prediction that is not the network's, or training that does not learn."""
    if "losses" in line:
        losses = line["losses"]
        if not all(map(math.isfinite, losses)):
            return "a loss is not finite"
        if not sum(losses[-3:]) < sum(losses[:3]):
            return f"its loss does not fall: {losses[0]:.3f} at first, {losses[-1]:.3f} after {len(losses)} steps"
    if not line.get("max_err", 0) <= LARGEST_ERROR:  # NaN, too
        return f"its {'first loss' if 'losses' in line else 'result'} has a relative error of {line['max_err']:.2g}"
    return None


def run_peer(options, peer, python, works, threads):
    """Its lines, those that are wrong with the reason as "fault"."""
    command = [python, HERE / "peers.py", peer, "--threads", str(threads), "--seconds", str(options.seconds), *works]
    measured = [line for line in lines_of(command, f"{peer} ({threads} threads)") if "median_us" in line]
    for line in measured:
        if reason := fault(line):
            line["fault"] = reason
            print(f"{PROGRAM}: {peer} on {line['work']} ({threads} threads) is left out: {reason}", file=sys.stderr)
    return measured


def time_text(us):
    if us < 1000:
        return f"{us:.1f} us" if us < 100 else f"{us:.0f} us"
    return f"{us / 1000:.2f} ms" if us < 1e6 else f"{us / 1e6:.2f} s"


def machine():
    with open("/proc/cpuinfo") as file:
        names = [line.split(": ")[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else "unknown CPU"
