"""The table of cases with convolution and pooling layers. JAX computes them: TensorFlow has neither channels_first nor gradients of
groups on a CPU. Activations are softsign: the tanh of JAX has the digits of float32 in float64, too."""

import keras
import numpy as np
from keras import constraints, layers, optimizers, regularizers

from architectures import Architecture
from case_list import labels, real, stack, with_targets
from train_case import Case

ROWS, BATCH = 16, 8  # every batch is a whole one: each shape is a program that JAX compiles
FIRST = {"data_format": "channels_first"}
CASES = []


def add(name, covers, shape, make_layers, rate=0.05, **options):
    CASES.append(Case(name, covers, stack(lambda: [*make_layers(), layers.Flatten(), layers.Dense(2)], shape),
                      with_targets(real(), rows=ROWS, shape=shape), optimizer=lambda: optimizers.SGD(rate),
                      fit={"batch_size": BATCH, "epochs": 2}, **options))


add("conv1d", "Conv1D: valid, same, strides", (11, 3),
    lambda: [layers.Conv1D(5, 3, activation="softsign"), layers.Conv1D(4, 4, strides=2, padding="same", activation="softsign"),
             layers.Conv1D(3, 2, strides=3, use_bias=False)])
add("conv1d_causal", "Conv1D: causal, with dilation, with strides; dilation and same", (10, 3),
    lambda: [layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="softsign"),
             layers.Conv1D(4, 4, padding="same", dilation_rate=3, activation="softsign"),
             layers.Conv1D(3, 2, padding="causal", strides=2)])
add("conv2d", "Conv2D: valid and same, strides, one element, a kernel with different sides", (7, 6, 2),
    lambda: [layers.Conv2D(3, (3, 2), activation="softsign"), layers.Conv2D(4, 1, activation="softsign"),
             layers.Conv2D(4, 3, padding="same", activation="softsign"),
             layers.Conv2D(3, (3, 4), strides=(2, 3), padding="same", activation="softsign"),
             layers.Conv2D(2, 2, strides=2)])
add("conv2d_strides", "Conv2D: strides beyond the kernel, a last row that no window reaches", (9, 8, 2),
    lambda: [layers.Conv2D(3, (2, 1), strides=(3, 2), activation="softsign"),
             layers.Conv2D(3, 1, strides=2, padding="same")])
add("conv2d_dilated", "Conv2D: dilation with valid and with same", (9, 8, 2),
    lambda: [layers.Conv2D(3, (3, 2), dilation_rate=(2, 3), activation="softsign"),
             layers.Conv2D(3, 3, dilation_rate=2, padding="same")])
add("conv2d_groups", "Conv2D: groups, with strides, as many as there are channels", (6, 5, 4),
    lambda: [layers.Conv2D(6, 3, groups=2, padding="same", activation="softsign"),
             layers.Conv2D(6, (2, 3), groups=3, strides=2, padding="same", activation="softsign"),
             layers.Conv2D(12, 2, groups=6)])
add("conv_channels_first", "channels_first: Conv2D, Conv2DTranspose, DepthwiseConv2D, SeparableConv2D and pools", (2, 7, 6),
    lambda: [layers.Conv2D(4, (3, 2), strides=(1, 2), padding="same", activation="softsign", **FIRST),
             layers.MaxPooling2D((2, 1), **FIRST),
             layers.Conv2DTranspose(3, 3, strides=2, activation="softsign", **FIRST),
             layers.DepthwiseConv2D(2, depth_multiplier=2, **FIRST), layers.AveragePooling2D(2, strides=1, **FIRST),
             layers.SeparableConv2D(3, 2, **FIRST)])
add("conv1d_channels_first", "channels_first in one dimension", (3, 9),
    lambda: [layers.Conv1D(4, 3, padding="same", activation="softsign", **FIRST), layers.MaxPooling1D(2, **FIRST),
             layers.AveragePooling1D(2, strides=1, padding="same", **FIRST),
             layers.Conv1DTranspose(2, 3, strides=2, **FIRST)])
add("conv3d", "Conv3D: valid, same, strides, dilation", (5, 4, 5, 2),
    lambda: [layers.Conv3D(3, (2, 1, 3), activation="softsign"),
             layers.Conv3D(2, 3, strides=(2, 1, 2), padding="same", activation="softsign"),
             layers.Conv3D(2, 2, padding="same", dilation_rate=(1, 2, 1))])
add("depthwise1d", "DepthwiseConv1D: a multiplier, strides, dilation", (10, 3),
    lambda: [layers.DepthwiseConv1D(3, depth_multiplier=2, activation="softsign"),
             layers.DepthwiseConv1D(2, strides=2, padding="same", activation="softsign"),
             layers.DepthwiseConv1D(2, dilation_rate=2)])
add("depthwise2d", "DepthwiseConv2D: a multiplier, strides, dilation, no bias", (8, 7, 2),
    lambda: [layers.DepthwiseConv2D((3, 2), depth_multiplier=3, padding="same", activation="softsign"),
             layers.DepthwiseConv2D(3, strides=2, padding="same", activation="softsign"),
             layers.DepthwiseConv2D(2, dilation_rate=2, use_bias=False)])
add("separable1d", "SeparableConv1D", (9, 3),
    lambda: [layers.SeparableConv1D(4, 3, depth_multiplier=2, activation="softsign"),
             layers.SeparableConv1D(3, 2, strides=2, padding="same")])
add("separable2d", "SeparableConv2D", (7, 6, 3),
    lambda: [layers.SeparableConv2D(4, 3, padding="same", depth_multiplier=2, activation="softsign"),
             layers.SeparableConv2D(3, 2, strides=2)])
add("conv1d_transpose", "Conv1DTranspose: valid and same, strides below and beyond the kernel, output_padding", (4, 3),
    lambda: [layers.Conv1DTranspose(3, 3, activation="softsign"), layers.Conv1DTranspose(3, 3, strides=2, activation="softsign"),
             layers.Conv1DTranspose(2, 2, strides=3, padding="same", activation="softsign"), layers.MaxPooling1D(4),
             layers.Conv1DTranspose(2, 4, strides=2, padding="same", output_padding=1)])
add("conv2d_transpose", "Conv2DTranspose: valid, same, strides, a kernel smaller than the strides", (3, 4, 3),
    lambda: [layers.Conv2DTranspose(3, (3, 2), strides=2, padding="same", activation="softsign"),
             layers.Conv2DTranspose(2, 3, activation="softsign"), layers.AveragePooling2D(2),
             layers.Conv2DTranspose(2, (2, 1), strides=(3, 2), use_bias=False)])
add("conv2d_transpose_padding", "Conv2DTranspose: output_padding with valid and with same, dilation", (3, 3, 2),
    lambda: [layers.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=1, activation="softsign"),
             layers.AveragePooling2D(2),
             layers.Conv2DTranspose(2, (3, 2), strides=(3, 2), output_padding=(2, 0), activation="softsign"),
             layers.AveragePooling2D(2),
             layers.Conv2DTranspose(2, 2, dilation_rate=(2, 3))])
add("conv3d_transpose", "Conv3DTranspose: same with strides, valid", (2, 3, 2, 2),
    lambda: [layers.Conv3DTranspose(2, (2, 3, 2), strides=2, padding="same", activation="softsign"),
             layers.AveragePooling3D(2), layers.Conv3DTranspose(2, 2, strides=(1, 2, 1))])
add("pool1d", "MaxPooling1D, AveragePooling1D: valid, same, strides that are not the size", (19, 3),
    lambda: [layers.Conv1D(4, 2), layers.MaxPooling1D(3, strides=1), layers.AveragePooling1D(4, strides=2, padding="same"),
             layers.MaxPooling1D(3, strides=2, padding="same"), layers.AveragePooling1D(2)])
add("pool2d", "MaxPooling2D, AveragePooling2D: valid, same, strides that are not the size", (11, 9, 2),
    lambda: [layers.Conv2D(3, 2), layers.MaxPooling2D((3, 2), strides=1),
             layers.AveragePooling2D(3, strides=(2, 1), padding="same"),
             layers.MaxPooling2D(3, strides=2, padding="same"), layers.AveragePooling2D((1, 2), strides=3, padding="same")])
add("pool2d_large", "pools of more elements than are written out one by one", (9, 8, 2),
    lambda: [layers.Conv2D(3, 2, padding="same"), layers.AveragePooling2D((7, 5), strides=1, padding="same"),
             layers.MaxPooling2D(6, strides=2)])
add("pool3d", "MaxPooling3D, AveragePooling3D", (7, 6, 5, 2),
    lambda: [layers.Conv3D(2, 2), layers.MaxPooling3D((2, 1, 2), strides=1),
             layers.AveragePooling3D(2, strides=2, padding="same")])
# No L1 of what NonNeg makes 0: there the derivative of abs is 1 on JAX, and 0 on TensorFlow.
CASES.append(Case(
    "conv_regularized", "regularizers, constraints and activity regularizers of convolutions",
    stack(lambda: [
        layers.Conv2D(3, 2, activation="softsign", kernel_regularizer=regularizers.L2(0.02), bias_regularizer=regularizers.L1(0.01),
                      kernel_constraint=constraints.MaxNorm(0.8, axis=[0, 1, 2])),
        layers.SeparableConv2D(3, 2, activation="softsign", depthwise_regularizer=regularizers.L2(0.02),
                               pointwise_regularizer=regularizers.L1(0.01), depthwise_constraint=constraints.NonNeg(),
                               pointwise_constraint=constraints.UnitNorm(axis=[0, 1, 2]),
                               activity_regularizer=regularizers.L2(0.01)),
        layers.Flatten(), layers.Dense(2)], (5, 6, 2)),
    with_targets(real(), rows=ROWS, shape=(5, 6, 2)), optimizer=lambda: optimizers.SGD(0.05),
    fit={"batch_size": BATCH, "epochs": 2}))

# What they draw is known where the ends of a factor are one; shares of the sides that float32 holds exactly.
def moved(height, width, fill_mode, interpolation="bilinear", **options):
    return layers.RandomTranslation((height, height), (width, width), fill_mode, interpolation, **options)


def zoomed(height, width, fill_mode, interpolation="bilinear", **options):
    return layers.RandomZoom((height, height), width and (width, width), fill_mode, interpolation, **options)


def turned(turns, fill_mode, interpolation="bilinear", **options):
    return layers.RandomRotation((turns, turns), fill_mode, interpolation, **options)


add("image_translation", "RandomTranslation by a known share: every fill mode, bilinear and nearest, half an element", (8, 4, 3),
    lambda: [layers.Dense(3, activation="softsign"), moved(0.3125, -0.375, "reflect"), moved(-0.40625, 0.625, "wrap"), layers.Dense(3),
             moved(0.15625, -0.1875, "nearest"), moved(-0.0625, 0.125, "constant", fill_value=0.5), layers.Dense(2, activation="softsign"),
             moved(0.3125, -0.375, "reflect", "nearest"), moved(-0.3125, 0.625, "wrap", "nearest"), layers.Dense(3),
             moved(0.0625, -0.375, "constant", "nearest", fill_value=-0.5), moved(1, 0, "reflect")])
add("image_zoom", "RandomZoom by a known share: every fill mode, bilinear and nearest", (8, 5, 3),
    lambda: [layers.Dense(3, activation="softsign"), zoomed(0.5, -0.25, "reflect"), zoomed(-0.5, 1, "wrap"), layers.Dense(3),
             zoomed(0.25, None, "nearest"), zoomed(0.75, 0.25, "constant", fill_value=0.5), layers.Dense(2, activation="softsign"),
             zoomed(0.5, -0.25, "reflect", "nearest"), zoomed(0.25, 0.75, "wrap", "nearest"), layers.Dense(3),
             zoomed(0.25, 0.5, "constant", "nearest", fill_value=-0.5), zoomed(-0.875, None, "reflect")])
add("image_rotation", "RandomRotation by a known share of a turn: every fill mode, bilinear and nearest, channels_first", (8, 5, 3),
    lambda: [layers.Dense(3, activation="softsign"), turned(0.1, "reflect"), turned(-0.3, "wrap"), layers.Dense(3),
             turned(0.25, "nearest"), turned(0.6, "constant", fill_value=0.5), layers.Dense(2, activation="softsign"),
             turned(-0.07, "reflect", "nearest"), turned(0.85, "wrap", "nearest"), layers.Dense(3), turned(0.4, "nearest", "nearest"),
             turned(0.15, "constant", "nearest", fill_value=-0.5), turned(0.2, "reflect", **FIRST)],
    tolerance_float64=1e-6)  # Keras makes radians of degrees by a float32
add("image_channels_first", "channels_first: RandomTranslation, RandomZoom, RandomBrightness by known shares", (3, 6, 4),
    lambda: [layers.Dense(4, activation="softsign"), moved(0.25, -0.375, "reflect", **FIRST), zoomed(0.5, -0.25, "wrap", **FIRST),
             layers.RandomBrightness((-0.125, -0.125), value_range=(-2, 1), **FIRST)])
add("image_bicubic", "Resizing and UpSampling2D, bicubic: larger, smaller, of one and two rows, channels_first", (7, 5, 3),
    lambda: [layers.Dense(3, activation="softsign"), layers.Resizing(10, 3, "bicubic"), layers.Dense(3),
             layers.UpSampling2D((1, 2), interpolation="bicubic"), layers.Resizing(2, 6, "bicubic"), layers.Dense(6, activation="softsign"),
             layers.UpSampling2D(2, data_format="channels_first", interpolation="bicubic"), layers.Resizing(1, 9, "bicubic"),
             layers.Resizing(3, 4, "bicubic", crop_to_aspect_ratio=True)])
add("image_colors", "RandomBrightness by a known share, RandomContrast by none: both cut to their range", (4, 5, 3),
    lambda: [layers.Dense(3, activation="softsign"), layers.RandomBrightness((0.25, 0.25), value_range=(-1, 1)), layers.Dense(3),
             layers.RandomContrast(0.0, value_range=(-0.75, 0.5)), layers.Dense(2)])


def cnn():
    L = layers
    x = L.Input((12, 10, 1))
    h = L.Conv2D(8, 3, padding="same", use_bias=False)(x)
    h = L.Activation("relu")(L.BatchNormalization(momentum=0.9)(h))
    h = L.MaxPooling2D()(h)
    skip = h
    h = L.DepthwiseConv2D(3, padding="same", use_bias=False)(h)
    h = L.Activation("relu")(L.BatchNormalization(momentum=0.9)(h))
    h = L.Add()([skip, L.Conv2D(8, 1)(h)])
    h = L.AveragePooling2D(2, padding="same")(L.Conv2D(6, 3, strides=(1, 2), activation="relu")(h))
    return keras.Model(x, L.Dense(3, activation="softmax")(L.Flatten()(h)))


CASES.append(Case(
    "cnn", "convolutions, batch normalization, pools, a residual and a softmax, trained by Adam", cnn,
    with_targets(labels(), rows=48, shape=(12, 10, 1), val_rows=16), optimizer=lambda: optimizers.Adam(0.005),
    loss="sparse_categorical_crossentropy", metrics=lambda: ["accuracy"], fit={"batch_size": 16, "epochs": 3}))


def convolutions(k):
    """Settings that differ from their defaults, in all layers."""
    L, I, R = k.layers, k.initializers, k.regularizers
    x = L.Input((8, 8, 4), name="in")
    h = L.Conv2D(6, (3, 2), strides=(2, 1), padding="same", groups=2, activation="relu", name="conv",
                 kernel_initializer=I.HeNormal(seed=1), kernel_regularizer=R.L2(0.01))(x)
    h = L.Conv2D(4, 3, dilation_rate=(1, 2), padding="same", use_bias=False, name="dilated")(h)
    h = L.DepthwiseConv2D(2, depth_multiplier=2, activation="softsign", name="depthwise",
                          depthwise_initializer=I.GlorotNormal(seed=2))(h)
    h = L.SeparableConv2D(5, 2, padding="same", depth_multiplier=2, activation="relu", name="separable")(h)
    h = L.MaxPooling2D((2, 1), name="max")(h)
    h = L.Conv2DTranspose(3, 3, strides=2, output_padding=1, padding="same", name="transposed")(h)
    h = L.AveragePooling2D(2, strides=1, padding="same", name="average")(h)
    rows = L.Reshape((2, -1), name="rows")(h)
    h = L.Conv1D(5, 2, padding="causal", name="causal")(rows)
    h = L.DepthwiseConv1D(2, name="depthwise1")(L.SeparableConv1D(4, 2, padding="same", name="separable1")(h))
    h = L.Conv1DTranspose(3, 4, strides=2, name="transposed1")(h)
    h = L.AveragePooling1D(2, name="average1")(L.MaxPooling1D(2, strides=1, padding="same", name="max1")(h))
    volume = L.Reshape((4, 4, 2, 8), name="volume")(x)
    v = L.Conv3D(4, 2, padding="same", strides=(1, 2, 1), name="conv3")(volume)
    v = L.MaxPooling3D((2, 1, 1), name="max3")(L.Conv3DTranspose(3, 2, strides=2, name="transposed3")(v))
    v = L.AveragePooling3D(2, name="average3")(v)
    return k.Model(x, [L.Dense(2, name="out")(L.Flatten(name="flat")(h)), L.Flatten(name="flat3")(v)], name="convolutions")


def rotations(k):
    L = k.layers
    x = L.Input((5, 6, 3), name="in")
    h = L.RandomRotation(0.1, seed=3, name="turn")(x)
    h = L.RandomRotation((-0.2, 0.3), fill_mode="constant", fill_value=0.5, interpolation="nearest", name="turn2")(h)
    h = L.RandomRotation([0.1, 0.1], fill_mode="wrap", data_format="channels_first", name="turn3")(h)
    return k.Model(x, L.Dense(2, name="out")(L.Flatten(name="flat")(h)), name="rotations")


ARCHITECTURES = [
    Architecture("convolutions", "every convolution and pooling layer, with arguments", convolutions, [(8, 8, 4)], keras2=False),
    Architecture("rotations", "RandomRotation with arguments", rotations, [(5, 6, 3)], keras2=False)]
