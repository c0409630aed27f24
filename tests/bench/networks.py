"""The networks of `sinter bench`, described once: layers, weights, and what they give in float64.

Every peer's builder walks `Network.layers`. Weights lie as Keras has them (Dense [in, out], Conv2D [height, width, in, out], DepthwiseConv2D
[height, width, channels, 1], BatchNormalization gamma, beta, moving mean, moving variance), images as [batch, height, width, channels].
All come from fixed seeds, so that every peer computes with the same numbers.
"""
import dataclasses

import numpy as np

EPSILON = 1e-3  # of BatchNormalization, Keras's default
CLASSES = 10


@dataclasses.dataclass
class Layer:
    """Makes one value of others: `inputs` are indices of values, of which 0 is the network's input and i + 1 is made by layer i."""
    kind: str  # dense, convolution, depthwise, normalization, relu, dropout, pool, flatten, average, add
    inputs: list
    shape: tuple  # of the result, without the batch
    weights: list = dataclasses.field(default_factory=list)
    strides: int = 1

    @property
    def size(self):
        """The sides of the kernel's windows."""
        return self.weights[0].shape[0]


def same_padding(size, strides, length):
    """(before, after) of Keras's "same": as many windows as length / strides, rounded up."""
    total = max((-(-length // strides) - 1) * strides + size - length, 0)
    return total // 2, total - total // 2


def symmetric_padding(size, _strides, _length):
    """Half a window on each side, as PyTorch's users write it: with strides of 2 the windows lie one pixel further on than Keras's."""
    return size // 2, size // 2


class Network:
    """`trains`: weights as training begins with them; otherwise moving statistics and biases are those of some trained network."""

    def __init__(self, shape, trains):
        self.shape, self.trains = shape, trains
        self.layers = []
        self.random = np.random.default_rng(1)

    def add(self, kind, *inputs, shape=None, weights=(), strides=1):
        inputs = list(inputs) or [len(self.layers)]
        self.layers.append(Layer(kind, inputs, shape or self.shape_of(inputs[0]), list(weights), strides))
        return len(self.layers)

    def shape_of(self, value):
        return self.layers[value - 1].shape if value else self.shape

    def kernel(self, *shape, scale=2.0):
        """Of variance scale / what a sum has."""
        deviation = np.float32((scale / np.prod(shape[:-1]))**0.5)
        return self.random.standard_normal(shape, dtype=np.float32) * deviation

    def vector(self, size):
        drawn = self.random.standard_normal(size, dtype=np.float32)
        return np.zeros(size, np.float32) if self.trains else drawn * np.float32(0.1)

    def dense(self, units, scale=2.0):
        size = self.shape_of(len(self.layers))[0]
        return self.add("dense", shape=(units,), weights=[self.kernel(size, units, scale=scale), self.vector(units)])

    def convolution(self, filters, size, strides=1, bias=False, source=None):
        source = len(self.layers) if source is None else source
        height, width, channels = self.shape_of(source)
        weights = [self.kernel(size, size, channels, filters)] + ([self.vector(filters)] if bias else [])
        return self.add("convolution", source, shape=(-(-height // strides), -(-width // strides), filters), weights=weights, strides=strides)

    def depthwise(self, size, strides=1):
        height, width, channels = self.shape_of(len(self.layers))
        kernel = self.kernel(size, size, 1, channels).reshape(size, size, channels, 1)
        return self.add("depthwise", shape=(-(-height // strides), -(-width // strides), channels), weights=[kernel], strides=strides)

    def normalization(self):
        size = self.shape_of(len(self.layers))[-1]
        gamma, beta, mean, variance = (self.vector(size) for _ in range(4))
        return self.add("normalization", weights=[1 + gamma, beta, mean, 1 + np.abs(variance)])

    def relu(self):
        return self.add("relu")

    def next_is(self, index, kind):
        """Whether layer index + 1 is of this kind and the one reader of layer `index`."""
        readers = [i for i, layer in enumerate(self.layers) if index + 1 in layer.inputs]
        return readers == [index + 1] and self.layers[readers[0]].kind == kind

    def channels_first(self, index):
        """The kernel of the dense layer `index`, for peers whose images are [channels, height, width]: what flatten gives is in another order."""
        kernel = self.layers[index].weights[0]
        before = self.layers[index - 1]
        if index == 0 or before.kind != "flatten":
            return kernel
        height, width, channels = self.shape_of(before.inputs[0])
        return np.ascontiguousarray(kernel.reshape(height, width, channels, -1).transpose(2, 0, 1, 3).reshape(kernel.shape))


def perceptron(sizes, trains, normalized):
    net = Network((sizes[0],), trains)
    for units in sizes[1:-1]:
        net.dense(units)
        if normalized:
            net.normalization()
        net.relu()
        if normalized:
            net.add("dropout")
    net.dense(sizes[-1])
    return net


def cnn(trains):
    net = Network((28, 28, 1), trains)
    for filters in (32, 64):
        for _ in range(2):
            net.convolution(filters, 3, bias=True)
            last = net.relu()
        height, width, _ = net.shape_of(last)
        net.add("pool", shape=(height // 2, width // 2, filters))
    net.add("flatten", shape=(7 * 7 * 64,))
    net.dense(128)
    net.relu()
    net.dense(CLASSES)
    return net


def averaged(net, scale):
    """The end of res and ds; `scale` lets logits differ by 1 or 2, as a softmax that is saturated, or nearly uniform, would hide errors."""
    net.add("average", shape=net.shape_of(len(net.layers))[-1:])
    net.dense(CLASSES, scale)
    return net


def res(trains):
    net = Network((32, 32, 3), trains)
    net.convolution(16, 3)
    net.normalization()
    value = net.relu()
    for filters in (16, 32, 64):
        for block in range(3):
            first = filters > 16 and block == 0
            strides = 2 if first else 1
            net.convolution(filters, 3, strides, source=value)
            net.normalization()
            net.relu()
            net.convolution(filters, 3)
            residual = net.normalization()
            shortcut = net.convolution(filters, 1, strides, source=value) if first else value
            net.add("add", residual, shortcut, shape=net.shape_of(residual))
            value = net.relu()
    return averaged(net, 0.01)


def ds(trains):
    net = Network((32, 32, 3), trains)
    net.convolution(16, 3)
    net.normalization()
    net.relu()
    for filters, strides in ((32, 1), (64, 2), (64, 1), (128, 2)):
        net.depthwise(3, strides)
        net.normalization()
        net.relu()
        net.convolution(filters, 1)
        net.normalization()
        net.relu()
    return averaged(net, 5)


def windows(x, size, strides, padding):
    """[batch, rows, columns, channels, size, size]; `padding` gives (before, after) of (size, strides, length)."""
    margins = [padding(size, strides, length) for length in x.shape[1:3]]
    x = np.pad(x, [(0, 0), *margins, (0, 0)])
    return np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::strides, ::strides]


def apply(layer, values, padding):
    x = values[0]
    weights = [w.astype(np.float64) for w in layer.weights]
    if layer.kind == "dense":
        return x @ weights[0] + weights[1]
    if layer.kind == "convolution":
        seen = windows(x, layer.size, layer.strides, padding)
        y = np.tensordot(seen, weights[0], axes=((4, 5, 3), (0, 1, 2)))
        return y + weights[1] if len(weights) > 1 else y
    if layer.kind == "depthwise":
        return np.einsum("brcdhw,hwd->brcd", windows(x, layer.size, layer.strides, padding), weights[0][..., 0])
    if layer.kind == "normalization":
        gamma, beta, mean, variance = weights
        return (x - mean) / np.sqrt(variance + EPSILON) * gamma + beta
    if layer.kind == "relu":
        return np.maximum(x, 0)
    if layer.kind == "pool":
        batch, height, width, channels = x.shape
        return x.reshape(batch, height // 2, 2, width // 2, 2, channels).max((2, 4))
    if layer.kind == "flatten":
        return x.reshape(len(x), -1)
    if layer.kind == "average":
        return x.mean((1, 2))
    if layer.kind == "add":
        return values[0] + values[1]
    raise ValueError(f"{layer.kind} has no numbers to compare with")


def evaluate(net, x, padding=same_padding):
    """Probabilities in float64."""
    parts = []
    for begin in range(0, len(x), 16):  # All windows of many images take much memory.
        values = [x[begin:begin + 16].astype(np.float64)]
        for layer in net.layers:
            values.append(apply(layer, [values[i] for i in layer.inputs], padding))
        parts.append(values[-1])
    logits = np.concatenate(parts)
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
