"""What tests/bench/exporters measures: each exporter makes C, an object or a library of the same network, and says how a program calls it.

A maker takes a `Work`, fills a folder of its own and returns Programs by how they were made, of which the fastest counts; it raises `Absent` where the
exporter is not there. What Python exporters do with Keras or ONNX runs in a process of its own, in that folder.
"""
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np

import networks

SIZES = [784, 128, 128, 128, 10]  # of `sinter bench mlp_b1`

# Kernels lie as Keras has them, [in, out], or as PyTorch writes them, [out, in].
ONNX_WAYS = {"": [], "transB": ["transB"]}
TVM_WAYS = {"": [], "fast-math": ["fast-math"], "fast-math, GEMV": ["fast-math", "GEMV"], "transB, fast-math": ["transB", "fast-math"],
            "transB, fast-math, GEMV": ["transB", "fast-math", "GEMV"]}


class Absent(Exception):
    def __init__(self, reason, how):
        super().__init__(f"{reason}; it is installed by: {how}")


@dataclasses.dataclass
class Program:
    """Files to compile and link, and the lines a caller writes; x and y are float arrays of a row."""
    before: str  # in front of the function that predicts: headers, memory
    call: str
    sources: list = dataclasses.field(default_factory=list)
    objects: list = dataclasses.field(default_factory=list)
    start: str = ""  # once, before the first row
    includes: list = dataclasses.field(default_factory=list)
    links: list = dataclasses.field(default_factory=list)
    libraries: list = dataclasses.field(default_factory=list)  # its own shared ones, which count as its size
    ending: str = "c"
    modes: list = dataclasses.field(default_factory=lambda: [[]])  # further flags; the fastest that is right counts

    @property
    def lines(self):
        return sum(1 for text in (self.before, self.start, self.call) for line in text.splitlines() if line.strip(" {}"))


@dataclasses.dataclass
class Work:
    options: object
    folder: pathlib.Path  # holds model.sinter and what is common to all; each exporter has a folder of its own in it

    def run(self, command, **more):
        """Raises RuntimeError with the last line that it wrote."""
        try:
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **more)
        except OSError as error:
            raise RuntimeError(f"cannot run '{command[0]}': {error.strerror}") from error
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise RuntimeError(f"'{pathlib.Path(command[0]).name} {command[1]} ...' failed: {said}")
        return done.stdout

    def inside(self, name):
        (self.folder / name).mkdir(exist_ok=True)
        return self.folder / name

    def python(self, name, folder, *arguments, path=()):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path)), "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
        return self.run([sys.executable, __file__, name, *arguments], cwd=folder, env=environment)


def weights_of(net):
    return [array for layer in net.layers if layer.kind == "dense" for array in layer.weights]


def network():
    return networks.perceptron(SIZES, trains=False, normalized=False)


def can_import(module):
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def pip(*names):
    return f"{sys.executable} -m pip install {' '.join(names)}"


def sinter(work, kind):
    folder = work.inside(f"sinter_{kind}")
    work.run([work.options.sinter, "export", work.folder / "model.sinter", "--output", folder / "net", "--emit", kind, "--cpu", work.options.cpu])
    before = '#include "net.h"\nstatic _Alignas(64) unsigned char workspace[net_WORKSPACE_SIZE + 1];'
    files = {"objects": [folder / "net.o"]} if kind == "object" else {"sources": [folder / "net.c"]}
    return {"": Program(before, "net_predict(x, y, workspace);", includes=[folder], **files)}


def plain(work):
    """A loop by hand: for each layer the rows of the kernel, times the inputs, added up."""
    folder = work.inside("plain")
    arrays = weights_of(network())
    text = ["#include <math.h>"]
    for index, array in enumerate(arrays):
        numbers = ", ".join(f"{number:.9g}f" if "." in f"{number:.9g}" or "e" in f"{number:.9g}" else f"{number:.9g}.f" for number in array.ravel())
        text.append(f"static const float a{index}[{array.size}] = {{{numbers}}};")
    text.append("""
static inline void dense(const float* restrict x, int inputs, const float* restrict kernel, const float* restrict bias,
                         float* restrict y, int units, int last) {
  for (int j = 0; j < units; ++j) y[j] = bias[j];
  for (int i = 0; i < inputs; ++i)
    for (int j = 0; j < units; ++j) y[j] += x[i] * kernel[i * units + j];
  if (!last)
    for (int j = 0; j < units; ++j) y[j] = y[j] > 0 ? y[j] : 0;
}
void net(const float* x, float* y) {""")
    text += [f"  float h{i}[{size}];" for i, size in enumerate(SIZES[1:-1])]
    last = len(SIZES) - 2
    for i in range(last + 1):
        text.append(f"  dense({'x' if i == 0 else f'h{i - 1}'}, {SIZES[i]}, a{2 * i}, a{2 * i + 1}, {'y' if i == last else f'h{i}'}, {SIZES[i + 1]}, {int(i == last)});")
    text.append(f"""  float most = y[0], sum = 0;
  for (int j = 1; j < {SIZES[-1]}; ++j) most = y[j] > most ? y[j] : most;
  for (int j = 0; j < {SIZES[-1]}; ++j) sum += y[j] = expf(y[j] - most);
  for (int j = 0; j < {SIZES[-1]}; ++j) y[j] /= sum;
}}
""")
    (folder / "net.c").write_text("\n".join(text))
    return {"": Program("void net(const float* x, float* y);", "net(x, y);", sources=[folder / "net.c"], modes=[["-ffast-math"]])}


def onnx2c(work):
    program = work.options.onnx2c or shutil.which("onnx2c")
    if not program:
        raise Absent("no onnx2c in PATH and no --onnx2c", "git clone --recursive https://github.com/kraiskil/onnx2c, protoc and libprotobuf-dev, then "
                     "cmake -B build -DCMAKE_BUILD_TYPE=Debug && make -C build onnx2c (gcc 12 warns of its Release build, which is an error there)")
    if not can_import("onnx"):
        raise Absent("onnx2c reads ONNX, which this Python cannot write", pip("onnx"))
    made = {}
    for way, arguments in ONNX_WAYS.items():
        folder = work.inside(f"onnx2c_{way or 'as_keras'}")
        work.python("onnx", folder, *arguments)
        (folder / "net.c").write_text(work.run([program, "--func-name=net", folder / "net.onnx"]))
        made[way] = Program("void net(const float x[1][784], float y[1][10]);", "net((const float(*)[784])x, (float(*)[10])y);",
                            sources=[folder / "net.c"], modes=[[], ["-ffast-math"]])
    return made


def keras2c(work):
    tree = work.options.keras2c and pathlib.Path(work.options.keras2c).resolve()
    if not tree or not (tree / "include/k2c_include.h").exists() or not (tree / "src/keras2c").is_dir():
        raise Absent("no --keras2c TREE with include/ and src/keras2c/ (PyPI's package lacks the C library)",
                     "git clone https://github.com/PlasmaControl/keras2c; then --keras2c keras2c")
    if not can_import("tensorflow, keras"):
        raise Absent("keras2c reads models of Keras on TensorFlow", pip("tensorflow-cpu", "'pydantic<2'"))
    return {way: keras2c_program(work, tree, way) for way in ("", "malloc")}


def keras2c_program(work, tree, way):
    """Weights are copied to the stack by every call, or, by keras2c's option malloc, to the heap once."""
    folder = work.inside(f"keras2c_{way or 'stack'}")
    work.python("keras2c", folder, *([way] if way else []), path=[tree / "src"])
    library = folder / "library"
    shutil.copytree(tree / "include", library, dirs_exist_ok=True)
    arrays = re.findall(r"float\*\* (\w+)", (folder / "net.h").read_text())
    before = f"""#include "net.h"
static k2c_tensor input = {{0, 1, 784, {{784, 1, 1, 1, 1}}}};
static k2c_tensor output = {{0, 1, 10, {{10, 1, 1, 1, 1}}}};
{f"static float {', '.join(f'*{name}' for name in arrays)};" if arrays else ""}"""
    call = f"""input.array = (float*)x;
output.array = y;
net({', '.join(['&input', '&output', *arrays])});"""
    start = f"net_initialize({', '.join(f'&{name}' for name in arrays)});" if arrays else ""
    return Program(before, call, start=start, sources=[folder / "net.c", *sorted(library.glob("*.c"))], includes=[folder, tree],
                   modes=[[], ["-ffast-math"]])


def emlearn(work):
    if not can_import("emlearn"):
        raise Absent("this Python has no emlearn", pip("emlearn"))
    if not can_import("keras"):
        raise Absent("emlearn reads models of Keras or scikit-learn", pip("tensorflow-cpu"))
    folder = work.inside("emlearn")
    headers = work.python("emlearn", folder).split()[-1]
    return {"": Program('#include "net.h"', "eml_net_predict_proba(&net, x, 784, y, 10);", includes=[folder, headers], modes=[[], ["-ffast-math"]])}


def tvm(work):
    if not can_import("tvm.relax, onnx"):
        raise Absent("this Python has no TVM, or no ONNX", pip("apache-tvm", "onnx"))
    return {way: tvm_program(work, way, arguments) for way, arguments in TVM_WAYS.items()}


def tvm_program(work, way, arguments):
    """The library that relax.build makes, run by TVM's virtual machine."""
    folder = work.inside(f"tvm_{way.replace(', ', '_') or 'default'}")
    # The last line names the folders of headers and of libraries.
    said = work.python("tvm", folder, *arguments)
    includes, libraries = (part.split(":") for part in said.strip().splitlines()[-1].split())
    before = f"""#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>
#include <cstring>
namespace ffi = tvm::ffi;
alignas(64) static float in[784];
static int64_t shape[] = {{1, 784}};
static DLManagedTensor managed = {{{{in, {{kDLCPU, 0}}, 2, {{kDLFloat, 32, 1}}, shape, nullptr, 0}}, nullptr, [](DLManagedTensor*) {{}}}};
static ffi::Function predict;
static ffi::Tensor input;"""
    start = f"""static const ffi::Module vm = ffi::Module::LoadFromFile("{folder}/net.so")->GetFunction("vm_load_executable").value()().cast<ffi::Module>();
vm->GetFunction("vm_initialization").value()(static_cast<int>(kDLCPU), 0, 2);
predict = vm->GetFunction("main").value();
input = ffi::Tensor::FromDLPack(&managed);"""
    call = """std::memcpy(in, x, sizeof in);
const ffi::Tensor output = predict(input).cast<ffi::Tensor>();
std::memcpy(y, output.data_ptr(), 10 * sizeof *y);"""
    own = [pathlib.Path(where) / f"{name}.so" for where, name in zip(libraries, ("libtvm_runtime", "libtvm_ffi"))]
    links = [*own, *(f"-Wl,-rpath,{where}" for where in libraries)]
    return Program(before, call, start=start, includes=includes, links=links, libraries=[folder / "net.so", *own], ending="cc")


MAKERS = {
    "sinter --emit object": lambda work: sinter(work, "object"),
    "sinter --emit c": lambda work: sinter(work, "c"),
    "plain C": plain,
    "onnx2c": onnx2c,
    "keras2c": keras2c,
    "emlearn": emlearn,
    "tvm": tvm,
}


# --- what runs in processes of their own

def write_onnx(*ways):
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    transposed = "transB" in ways
    arrays = [np.ascontiguousarray(array.T) if transposed else array for array in weights_of(network())]
    nodes, value = [], "x"
    for i in range(0, len(arrays), 2):
        last = i + 2 == len(arrays)
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"w{i + 1}"], [f"sum{i}"], transB=int(transposed)))
        value = "y" if last else f"h{i}"
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"sum{i}"], [value]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name, size in (("x", SIZES[0]), ("y", SIZES[-1]))]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], [numpy_helper.from_array(array, f"w{i}") for i, array in enumerate(arrays)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, "net.onnx")
    return model


def keras_model():
    import keras
    layers = [keras.layers.Dense(units, activation="softmax" if units == SIZES[-1] else "relu") for units in SIZES[1:]]
    model = keras.Sequential([keras.Input((SIZES[0],)), *layers])
    model.set_weights(weights_of(network()))
    return model


def write_keras2c(*ways):
    from keras2c import k2c
    k2c(keras_model(), "net", malloc="malloc" in ways, num_tests=0, verbose=False)


def write_emlearn():
    import emlearn
    emlearn.convert(keras_model()).save(name="net", file="net.h")
    print(pathlib.Path(emlearn.__file__).parent)


def write_tvm(*ways):
    import tvm
    import tvm_ffi
    from tvm import relax
    from tvm.relax.frontend.onnx import from_onnx
    from tvm.s_tir import dlight
    from tvm.target.codegen import llvm_get_system_cpu
    target = tvm.target.Target({"kind": "llvm", "mcpu": llvm_get_system_cpu(), "num-cores": 1} | ({"fast-math": 1} if "fast-math" in ways else {}))
    module = from_onnx(write_onnx(*ways), keep_params_in_input=False)
    if "GEMV" in ways:
        with target:
            module = dlight.ApplyDefaultSchedule(dlight.cpu.GEMV())(relax.get_pipeline("zero")(module))
    relax.build(module, target).export_library("net.so")
    homes = [pathlib.Path(tvm.__file__).parent, pathlib.Path(tvm_ffi.__file__).parent]
    print(":".join(str(home / "include") for home in homes), ":".join(str(home / "lib") for home in homes))


if __name__ == "__main__":
    {"onnx": write_onnx, "keras2c": write_keras2c, "emlearn": write_emlearn, "tvm": write_tvm}[sys.argv[1]](*sys.argv[2:])
