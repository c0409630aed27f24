"""Frameworks that train and predict: JAX, PyTorch, TensorFlow. Each maker returns the step of a work: a call of it is one optimizer step, which
returns the loss, or one prediction. They are imported inside, since most machines have few of them.
"""
import operator

from networks import CLASSES, EPSILON


def make_jax(work, _threads):
    import jax
    import jax.numpy as jnp
    if work.name == "gelu16m":
        x = jnp.asarray(work.features)
        f = jax.jit(lambda v: jax.nn.gelu(v * 1.5 + 0.25, approximate=False) * jax.nn.sigmoid(v))
        return lambda: f(x).block_until_ready()
    x, y = jnp.asarray(work.features), jax.nn.one_hot(work.labels, CLASSES)
    layers = work.network.layers
    params = {i: [jnp.asarray(w) for w in layer.weights[:2]] for i, layer in enumerate(layers)}
    moving = {i: [jnp.asarray(w) for w in layer.weights[2:]] for i, layer in enumerate(layers) if layer.kind == "normalization"}

    def convolution(layer, v, kernel, groups=1):
        return jax.lax.conv_general_dilated(v, kernel, 2 * (layer.strides,), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"),
                                            feature_group_count=groups)

    def logits(params, moving, v, key=None):
        """Also the new moving statistics. With a key as in training."""
        values, kept = [v], {}
        for i, layer in enumerate(layers):
            v, p = values[layer.inputs[0]], params[i]
            if layer.kind == "dense":
                v = v @ p[0] + p[1]
            elif layer.kind == "convolution":
                v = convolution(layer, v, p[0])
                v = v + p[1] if len(p) > 1 else v
            elif layer.kind == "depthwise":
                channels = v.shape[-1]
                v = convolution(layer, v, p[0].reshape(*p[0].shape[:2], 1, channels), channels)
            elif layer.kind == "normalization":
                mean, variance = moving[i]
                if key is not None:
                    axes = tuple(range(v.ndim - 1))
                    mean, variance = v.mean(axes), v.var(axes)
                    kept[i] = [0.99 * old + 0.01 * new for old, new in zip(moving[i], (mean, variance))]
                v = (v - mean) * jax.lax.rsqrt(variance + EPSILON) * p[0] + p[1]
            elif layer.kind == "relu":
                v = jax.nn.relu(v)
            elif layer.kind == "dropout":
                if key is not None:
                    v = jnp.where(jax.random.bernoulli(jax.random.fold_in(key, i), 0.5, v.shape), 2 * v, 0)
            elif layer.kind == "pool":
                v = jax.lax.reduce_window(v, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
            elif layer.kind == "flatten":
                v = v.reshape(v.shape[0], -1)
            elif layer.kind == "average":
                v = v.mean((1, 2))
            elif layer.kind == "add":
                v = v + values[layer.inputs[1]]
            values.append(v)
        return values[-1], kept

    if not work.trains:
        predict = jax.jit(lambda params, moving, v: jax.nn.softmax(logits(params, moving, v)[0]))
        return lambda: predict(params, moving, x).block_until_ready()

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


def torch_layer(torch, net, index):
    nn = torch.nn
    layer = net.layers[index]
    tensor = lambda array: nn.Parameter(torch.from_numpy(array.copy()))
    if layer.kind == "dense":
        kernel, bias = net.channels_first(index), layer.weights[1]
        module = nn.Linear(*kernel.shape)
        module.weight, module.bias = tensor(kernel.T), tensor(bias)
    elif layer.kind in ("convolution", "depthwise"):
        kernel, *bias = layer.weights
        inputs, outputs = (kernel.shape[2],) * 2 if layer.kind == "depthwise" else kernel.shape[2:]
        module = nn.Conv2d(inputs, outputs, layer.size, layer.strides, layer.size // 2, bias=bool(bias),
                           groups=inputs if layer.kind == "depthwise" else 1)
        module.weight = tensor(kernel.transpose(2, 3, 0, 1) if layer.kind == "depthwise" else kernel.transpose(3, 2, 0, 1))
        if bias:
            module.bias = tensor(bias[0])
    elif layer.kind == "normalization":
        kind = nn.BatchNorm2d if len(layer.shape) == 3 else nn.BatchNorm1d
        module = kind(layer.shape[-1], eps=EPSILON, momentum=0.01)
        module.weight, module.bias = map(tensor, layer.weights[:2])
        module.running_mean, module.running_var = (torch.from_numpy(w.copy()) for w in layer.weights[2:])
    else:
        module = {"relu": lambda: nn.ReLU(inplace=True), "dropout": lambda: nn.Dropout(0.5), "pool": lambda: nn.MaxPool2d(2), "flatten": nn.Flatten,
                  "average": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())}[layer.kind]()
    return module


def torch_model(torch, net):
    """As a user would write `forward`, line by line: torch.fx writes such code."""
    graph, modules = torch.fx.Graph(), {}
    values = [graph.placeholder("x")]
    for i, layer in enumerate(net.layers):
        inputs = tuple(values[v] for v in layer.inputs)
        if layer.kind == "add":
            values.append(graph.call_function(operator.add, inputs))
            continue
        modules[f"layer{i}"] = torch_layer(torch, net, i)
        values.append(graph.call_module(f"layer{i}", inputs))
    graph.output(values[-1])
    return torch.fx.GraphModule(modules, graph)


def make_torch(work, threads, compiled=False):
    import torch
    import torch.fx
    from torch import nn
    torch.set_num_threads(threads)
    wrap = torch.compile if compiled else lambda f: f
    if work.name == "gelu16m":
        x = torch.from_numpy(work.features)
        f = wrap(lambda v: nn.functional.gelu(v * 1.5 + 0.25) * torch.sigmoid(v))
        return torch.no_grad()(lambda: f(x))
    x, y = torch.from_numpy(work.features), torch.from_numpy(work.labels)
    model = torch_model(torch, work.network)
    if x.ndim == 4:
        x = x.permute(0, 3, 1, 2)  # which lies in memory as channels_last does
        model = model.to(memory_format=torch.channels_last)
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


def make_torch_compile(work, threads):
    return make_torch(work, threads, compiled=True)


def tensorflow_model(keras, net):
    layers = keras.layers
    made = {
        "dense": lambda layer: layers.Dense(layer.shape[-1]),
        "convolution": lambda layer: layers.Conv2D(layer.shape[-1], layer.size, layer.strides, padding="same", use_bias=len(layer.weights) > 1),
        "depthwise": lambda layer: layers.DepthwiseConv2D(layer.size, layer.strides, padding="same", use_bias=False),
        "normalization": lambda layer: layers.BatchNormalization(epsilon=EPSILON),
        "relu": lambda layer: layers.ReLU(),
        "dropout": lambda layer: layers.Dropout(0.5),
        "pool": lambda layer: layers.MaxPooling2D(),
        "flatten": lambda layer: layers.Flatten(),
        "average": lambda layer: layers.GlobalAveragePooling2D(),
        "add": lambda layer: layers.Add(),
    }
    values = [layers.Input(net.shape)]
    for layer in net.layers:
        inputs = [values[i] for i in layer.inputs]
        keras_layer = made[layer.kind](layer)
        values.append(keras_layer(inputs if len(inputs) > 1 else inputs[0]))
        if layer.weights:
            keras_layer.set_weights(layer.weights)
    return keras.Model(values[0], values[-1])


def make_tensorflow(work, threads, compiled=False):
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    wrap = tf.function(jit_compile=True) if compiled else tf.function
    if work.name == "gelu16m":
        x = tf.constant(work.features)
        f = wrap(lambda v: tf.nn.gelu(v * 1.5 + 0.25, approximate=False) * tf.sigmoid(v))
        return lambda: f(x)
    x, y = tf.constant(work.features), tf.one_hot(work.labels, CLASSES)
    model = tensorflow_model(tf.keras, work.network)
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


def make_tensorflow_xla(work, threads):
    return make_tensorflow(work, threads, compiled=True)
