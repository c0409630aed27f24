"""Engines in C++ that predict: ONNX Runtime, OpenVINO, MNN, ncnn, driven from Python as their users do. Each maker returns the step of a work.
All read images as [batch, channels, height, width].
"""
import concurrent.futures
import os
import pathlib
import struct
import tempfile

import numpy as np

from networks import CLASSES, EPSILON, same_padding


def images_first(work):
    """The input with its channels before height and width."""
    x = work.features
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


def filters_first(layer):
    """The kernel of a convolution as [filters, channels of a group, height, width]."""
    order = (2, 3, 0, 1) if layer.kind == "depthwise" else (3, 2, 0, 1)
    return np.ascontiguousarray(layer.weights[0].transpose(order))


def pads(work, layer):
    """[top, left, bottom, right] of "same"."""
    height, width, _ = work.network.shape_of(layer.inputs[0])
    (top, bottom), (left, right) = (same_padding(layer.size, layer.strides, length) for length in (height, width))
    return [top, left, bottom, right]


def onnx_model(work):
    """What ONNX Runtime, OpenVINO and MNN read."""
    from onnx import TensorProto, helper, numpy_helper
    net = work.network
    nodes, constants, names = [], [], ["x"]
    for i, layer in enumerate(net.layers):
        inputs, weights, attributes = [names[v] for v in layer.inputs], layer.weights, {}
        op = {"dense": "Gemm", "convolution": "Conv", "depthwise": "Conv", "normalization": "BatchNormalization", "relu": "Relu", "pool": "MaxPool",
              "flatten": "Flatten", "average": "GlobalAveragePool", "add": "Add"}[layer.kind]
        if op == "Gemm":
            weights = [net.channels_first(i), weights[1]]
        elif op == "Conv":
            weights = [filters_first(layer), *weights[1:]]
            groups = len(weights[0]) if layer.kind == "depthwise" else 1
            attributes = {"kernel_shape": 2 * [layer.size], "strides": 2 * [layer.strides], "pads": pads(work, layer), "group": groups}
        elif op == "BatchNormalization":
            attributes = {"epsilon": EPSILON}
        elif op == "MaxPool":
            attributes = {"kernel_shape": [2, 2], "strides": [2, 2]}
        for k, array in enumerate(weights):
            constants.append(numpy_helper.from_array(array, f"w{i}_{k}"))
            inputs.append(constants[-1].name)
        names.append(f"v{i}")
        nodes.append(helper.make_node(op, inputs, names[-1:], **attributes))
        if layer.kind == "average":
            names[-1] = f"f{i}"
            nodes.append(helper.make_node("Flatten", [f"v{i}"], names[-1:]))
    nodes.append(helper.make_node("Softmax", names[-1:], ["y"], axis=-1))
    tensor = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    inputs, outputs = [tensor("x", images_first(work).shape)], [tensor("y", [work.batch, CLASSES])]
    model = helper.make_model(helper.make_graph(nodes, work.name, inputs, outputs, constants), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def make_onnxruntime(work, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(onnx_model(work), options, providers=["CPUExecutionProvider"])
    feed = {"x": images_first(work)}
    return lambda: session.run(None, feed)[0]


def make_openvino(work, threads):
    import openvino
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    core = openvino.Core()
    request = core.compile_model(core.read_model(onnx_model(work)), "CPU", settings).create_infer_request()
    x = images_first(work)
    return lambda: request.infer({0: x}, share_inputs=True, share_outputs=True)[0]


def convert_to_mnn(source, target):
    """By the module that holds the converter; the command `mnnconvert` would install a telemetry client first. What it prints to stdout is no JSON."""
    import _tools
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", source, "--MNNModel", target, "--bizCode", "bench"])
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


def make_mnn(work, threads):
    import MNN
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/model.onnx", f"{folder}/model.mnn"
        pathlib.Path(source).write_bytes(onnx_model(work))
        convert_to_mnn(source, target)
        interpreter = MNN.Interpreter(target)
    session = interpreter.createSession({"numThread": threads, "backend": "CPU", "precision": "high"})  # high: float32 throughout
    tensor = lambda array: MNN.Tensor(array.shape, MNN.Halide_Type_Float, array, MNN.Tensor_DimensionType_Caffe)
    source, target = interpreter.getSessionInput(session, "x"), interpreter.getSessionOutput(session, "y")
    features = images_first(work)
    x, y = tensor(features), tensor(np.zeros((work.batch, CLASSES), np.float32))

    def step():
        source.copyFrom(x)
        interpreter.runSession(session)
        target.copyToHostTensor(y)
        return y.getNumpyData().copy()

    return step


class NcnnFiles:
    """The text and the weights of a net, BatchNormalization folded into convolutions and relu into what it follows, as ncnn's own tools do."""

    def __init__(self, work):
        self.work, self.net = work, work.network
        self.lines, self.blobs, self.weights = ["Input in 0 1 x"], {"x"}, bytearray()
        readers = [0] * (len(self.net.layers) + 1)
        for layer in self.net.layers:
            for value in layer.inputs:
                readers[value] += 1
        names, index = {0: ["x"]}, 0  # A value with several readers has a name for each: ncnn splits it.
        while index < len(self.net.layers):
            layer = self.net.layers[index]
            index, name = self.add(index, [names[v].pop() for v in layer.inputs])
            names[index] = [name]
            if readers[index] > 1:
                names[index] = [f"{name}_{k}" for k in range(readers[index])]
                self.line("Split", [name], names[index])
        self.line("Softmax", names[index], ["y"], f"0={len(self.input().shape) - 1 if work.features.ndim == 2 else 0} 1=1")
        self.text = f"7767517\n{len(self.lines)} {len(self.blobs)}\n" + "\n".join(self.lines) + "\n"

    def input(self):
        """What one extraction reads: a row, all rows of a batch, or an image, of which there are no batches."""
        x = images_first(self.work)
        return x[0] if len(x) == 1 or x.ndim == 4 else x

    def line(self, kind, inputs, outputs, parameters=""):
        self.blobs.update(outputs)
        self.lines.append(f"{kind} l{len(self.lines)} {len(inputs)} {len(outputs)} {' '.join([*inputs, *outputs])} {parameters}")

    def store(self, kernel, bias):
        self.weights += struct.pack("<I", 0) + np.ascontiguousarray(kernel).tobytes() + bias.astype(np.float32).tobytes()  # 0: float32

    def add(self, index, inputs):
        """Layer `index` and those that become part of it: the index behind them, and the name of what they make."""
        layer, net = self.net.layers[index], self.net
        kind, parameters = layer.kind, ""
        if kind in ("convolution", "depthwise"):
            kernel = filters_first(layer)
            bias = layer.weights[1] if len(layer.weights) > 1 else np.zeros(len(kernel), np.float32)
            if net.next_is(index, "normalization"):
                gamma, beta, mean, variance = net.layers[index + 1].weights
                factor = gamma / np.sqrt(variance + np.float32(EPSILON))
                kernel, bias = kernel * factor[:, None, None, None], beta + (bias - mean) * factor
                index += 1
            top, left, bottom, right = pads(self.work, layer)
            parameters = (f"0={len(kernel)} 1={layer.size} 3={layer.strides} 4={left} 14={top} 15={right} 16={bottom} 5=1 6={kernel.size}"
                          + (f" 7={len(kernel)}" if kind == "depthwise" else ""))
            self.store(kernel, bias)
        elif kind == "dense":
            kernel = net.channels_first(index)
            parameters = f"0={kernel.shape[1]} 1=1 2={kernel.size}"
            self.store(kernel.T, layer.weights[1])
        if kind in ("convolution", "depthwise", "dense") and net.next_is(index, "relu"):
            parameters += " 9=1"
            index += 1
        parameters = {"pool": "0=0 1=2 2=2", "average": "0=1 4=1", "add": "0=0"}.get(kind, parameters)
        op = {"convolution": "Convolution", "depthwise": "ConvolutionDepthWise", "dense": "InnerProduct", "relu": "ReLU", "pool": "Pooling",
              "flatten": "Flatten", "average": "Pooling", "add": "BinaryOp"}[kind]
        self.line(op, inputs, [f"v{index}"], parameters)
        return index + 1, f"v{index}"


def make_ncnn(work, threads):
    """ncnn has no batches: many images are as many extractions, of one ncnn thread each, shared among Python threads (extract releases the GIL)."""
    import ncnn
    files = NcnnFiles(work)
    images = work.batch if work.features.ndim == 4 else 1
    net = ncnn.Net()
    for option in dir(net.opt):
        if option.startswith(("use_fp16", "use_bf16", "use_int8")):
            setattr(net.opt, option, False)
    net.opt.num_threads = threads if images == 1 else 1
    with tempfile.TemporaryDirectory() as folder:
        param, weights = pathlib.Path(folder, "net.param"), pathlib.Path(folder, "net.bin")
        param.write_text(files.text)
        weights.write_bytes(files.weights)
        if net.load_param(str(param)) != 0 or net.load_model(str(weights)) != 0:
            raise RuntimeError(f"ncnn does not load {work.name}")

    def predict(x):
        extractor = net.create_extractor()
        extractor.input("x", x)
        return np.array(extractor.extract("y")[1])

    def mats(arrays):
        return [ncnn.Mat(array).clone() for array in arrays]  # A Mat itself would not keep the memory of its array.

    if images == 1:
        x = mats([files.input()])[0]
        return lambda: predict(x).reshape(work.batch, CLASSES)
    inputs = mats(images_first(work))
    results = np.zeros((images, CLASSES), np.float32)

    def share(first):
        for k in range(first, images, threads):
            results[k] = predict(inputs[k])

    pool = concurrent.futures.ThreadPoolExecutor(threads)

    def step():
        if threads == 1:
            share(0)
        else:
            list(pool.map(share, range(threads)))
        return results

    return step
