"""The table of training cases: what each one covers, its model, data and arguments. Add a case by adding an entry."""

import keras
import numpy as np
from keras import constraints, layers, losses, metrics, optimizers, regularizers

from train_case import Case

ROWS, FEATURES, BATCH = 45, 6, 16  # 45 = 2 * 16 + 13: the last batch is a partial one


# ---- data -----------------------------------------------------------------------------------------------------------

def features(rng, rows=ROWS, shape=(FEATURES,)):
    return rng.normal(0, 1, (rows, *shape)).astype("float32")


def scores(rng, x, outputs):
    flat = x.reshape(len(x), -1)
    return np.tanh(flat @ rng.normal(0, 0.6, (flat.shape[1], outputs))) + rng.normal(0, 0.2, (len(x), outputs))


def with_targets(make_y, rows=ROWS, shape=(FEATURES,), val_rows=0, sample_weight=False):
    """A data function: x, y = make_y(rng, x), and on request validation data and sample weights."""

    def data(rng):
        x = features(rng, rows + val_rows, shape)
        y = make_y(rng, x)
        out = {"x": [x[:rows]], "y": [y[:rows]]}
        if val_rows:
            out["x_val"], out["y_val"] = [x[rows:]], [y[rows:]]
        if sample_weight:
            out["sample_weight"] = rng.uniform(0.2, 2.0, rows).astype("float32")
        return out

    return data


def some_weights_zero(data):
    """The same data with weights of 0 for rows 16 to 31."""

    def zeroed(rng):
        out = data(rng)
        out["sample_weight"][16:32] = 0
        return out

    return zeroed


def as_column(data):
    """The same data with sample weights of shape (n, 1)."""

    def column_data(rng):
        out = data(rng)
        out["sample_weight"] = out["sample_weight"][:, None]
        return out

    return column_data


def scaled(data, factor):
    """The same data with large features, after the targets were made."""

    def scaled_data(rng):
        out = data(rng)
        out["x"] = [x * np.float32(factor) for x in out["x"]]
        return out

    return scaled_data


def real(outputs=2):
    return lambda rng, x: scores(rng, x, outputs).astype("float32")


def real_rank1(rng, x):
    return scores(rng, x, 1)[:, 0].astype("float32")


def labels(classes=3, column=False):
    def make_y(rng, x):
        y = scores(rng, x, classes).argmax(1).astype("int32")
        return y[:, None] if column else y

    return make_y


def one_hot(classes=3):
    return lambda rng, x: np.eye(classes, dtype="float32")[scores(rng, x, classes).argmax(1)]


def one_hot_columns(rng, x):
    """(n, 3, 4): one of the second axis in each column."""
    return np.eye(3, dtype="float32")[scores(rng, x, 12).reshape(len(x), 3, 4).argmax(1)].transpose(0, 2, 1).copy()


def binary(outputs=1):
    return lambda rng, x: (scores(rng, x, outputs) > 0).astype("float32")


# ---- models ---------------------------------------------------------------------------------------------------------

def mlp(outputs, activation="linear", hidden="tanh", **hidden_arguments):
    def build():
        x = layers.Input((FEATURES,))
        arguments = {k: v() if callable(v) else v for k, v in hidden_arguments.items()}
        h = layers.Dense(5, activation=hidden, **arguments)(x)
        return keras.Model(x, layers.Dense(outputs, activation=activation)(h))

    return build


def stack(make_layers, shape=(FEATURES,)):
    """Input, then each layer of the list in turn."""

    def build():
        h = x = layers.Input(shape)
        for layer in make_layers():
            h = layer(h)
        return keras.Model(x, h)

    return build


def two_heads_merged(activation, outputs):
    """The mean of two heads: probabilities that do not come straight from softmax or sigmoid, so the losses clip."""

    def build():
        x = layers.Input((FEATURES,))
        h = layers.Dense(5, activation="tanh")(x)
        heads = [layers.Dense(outputs, activation=activation)(h) for _ in range(2)]
        return keras.Model(x, layers.Average()(heads))

    return build


def merged(make_layer, right_units=4):
    def build():
        x = layers.Input((FEATURES,))
        left = layers.Dense(4, activation="tanh")(x)
        right = layers.Dense(right_units, activation="sigmoid")(x)
        return keras.Model(x, layers.Dense(2)(make_layer()([left, right])))

    return build


def activations_in_parallel(names):
    def build():
        x = layers.Input((FEATURES,))
        branches = [layers.Dense(3, activation=name)(x) for name in names]
        return keras.Model(x, layers.Dense(2)(layers.Concatenate()(branches)))

    return build


def batch_norm_net(outputs=2, activation="linear", shape=(FEATURES,), **arguments):
    # No bias before BatchNormalization: its gradient is nothing but rounding, and adaptive optimizers would blow that up.
    return stack(lambda: [layers.Dense(5, use_bias=False), layers.BatchNormalization(**arguments),
                          layers.Activation("relu"), layers.Dense(outputs, activation=activation)], shape)


FIT = {"batch_size": BATCH, "epochs": 3}
CASES = []


def add(name, covers, build, data, fit=None, **arguments):
    CASES.append(Case(name, covers, build, data, fit={**FIT, **(fit or {})}, **arguments))


# ---- optimizers -----------------------------------------------------------------------------------------------------

def add_optimizer(name, covers, make, epochs=4):
    add(f"opt_{name}", covers, mlp(2), with_targets(real()), optimizer=make, fit={"epochs": epochs})


add_optimizer("sgd", "SGD", lambda: optimizers.SGD(0.1))
add_optimizer("sgd_momentum", "SGD with momentum", lambda: optimizers.SGD(0.05, momentum=0.9))
add_optimizer("sgd_nesterov", "SGD with Nesterov momentum", lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True))
add_optimizer("adagrad", "Adagrad", lambda: optimizers.Adagrad(0.05))
add_optimizer("adagrad_start", "Adagrad, accumulator and epsilon set",
              lambda: optimizers.Adagrad(0.05, initial_accumulator_value=0.02, epsilon=1e-3))
add_optimizer("rmsprop", "RMSprop", lambda: optimizers.RMSprop(0.01))
add_optimizer("rmsprop_momentum", "RMSprop with momentum", lambda: optimizers.RMSprop(0.005, rho=0.8, momentum=0.7))
add_optimizer("rmsprop_centered", "RMSprop, centered", lambda: optimizers.RMSprop(0.005, centered=True, epsilon=1e-4))
add_optimizer("rmsprop_centered_momentum", "RMSprop, centered with momentum",
              lambda: optimizers.RMSprop(0.002, momentum=0.6, centered=True, epsilon=1e-4))
add_optimizer("adadelta", "Adadelta", lambda: optimizers.Adadelta(1.0, rho=0.9, epsilon=1e-4))
add_optimizer("adam", "Adam", lambda: optimizers.Adam(0.01))
add_optimizer("adam_amsgrad", "Adam with amsgrad; beta_2 low enough that the running maximum matters",
              lambda: optimizers.Adam(0.02, beta_1=0.8, beta_2=0.7, amsgrad=True))
add_optimizer("adam_epsilon", "Adam with a large epsilon, which shows where it is added",
              lambda: optimizers.Adam(0.02, epsilon=1e-2))
add_optimizer("adamax", "Adamax", lambda: optimizers.Adamax(0.01, beta_2=0.9))
add_optimizer("nadam", "Nadam", lambda: optimizers.Nadam(0.01))
add_optimizer("clipnorm", "clipnorm: each gradient by its own norm", lambda: optimizers.SGD(0.3, clipnorm=0.2))
add_optimizer("clipnorm_zero", "clipnorm 0 clips nothing", lambda: optimizers.SGD(0.1, clipnorm=0.0))
add_optimizer("clipvalue", "clipvalue", lambda: optimizers.SGD(0.3, clipvalue=0.05))
add_optimizer("clipvalue_negative", "a clipvalue below 0 clips nothing", lambda: optimizers.SGD(0.1, clipvalue=-1.0))
add_optimizer("global_clipnorm", "global_clipnorm: by the norm of all gradients",
              lambda: optimizers.SGD(0.3, global_clipnorm=0.3))
add_optimizer("global_clipnorm_negative", "a global_clipnorm below 0 clips nothing",
              lambda: optimizers.SGD(0.1, global_clipnorm=-0.5))
add_optimizer("loss_scale_factor", "loss_scale_factor: multiplied before, divided after, so nothing changes",
              lambda: optimizers.SGD(0.1, loss_scale_factor=64.0))
add_optimizer("schedule_staircase", "ExponentialDecay in stairs",
              lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.2, 5, 0.5, staircase=True)))
add_optimizer("schedule_cosine", "CosineDecay with warm up",
              lambda: optimizers.SGD(optimizers.schedules.CosineDecay(0.01, 6, 0.1, warmup_target=0.2, warmup_steps=4)))
for _string in ("sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamax", "nadam"):
    add_optimizer(f"{_string}_default", f"'{_string}' by its name, all defaults", _string, epochs=2)

add_optimizer("accumulation", "gradient_accumulation_steps: 12 steps in groups of 3, decay and clipping in each third",
              lambda: optimizers.Adam(0.02, gradient_accumulation_steps=3, weight_decay=0.01, global_clipnorm=0.5))
add_optimizer("accumulation_nadam", "gradient_accumulation_steps with a product of its own and an unfinished group",
              lambda: optimizers.Nadam(0.02, gradient_accumulation_steps=5))
add_optimizer("accumulation_schedule", "gradient_accumulation_steps under a schedule, which counts every step",
              lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 4, 0.5), momentum=0.9,
                                     gradient_accumulation_steps=2))

# ---- losses ---------------------------------------------------------------------------------------------------------

LOGITS = {"from_logits": True}

add("loss_mse", "mean_squared_error by its long name", mlp(3), with_targets(real(3)), loss="mean_squared_error")
add("loss_mse_rank1", "mse: outputs (n, 1) against targets (n,)", mlp(1), with_targets(real_rank1), loss="mse",
    metrics=lambda: ["mae"])
add("loss_mse_object", "MeanSquaredError() object", mlp(2), with_targets(real()), loss=losses.MeanSquaredError)
add("loss_mae", "mae", mlp(2), with_targets(real()), loss="mae")
add("loss_bce", "binary_crossentropy on a sigmoid (taken from the logits)", mlp(2, "sigmoid"),
    with_targets(binary(2)), loss="binary_crossentropy", optimizer="adam")
add("loss_bce_clipped", "binary_crossentropy on probabilities that are no sigmoid's output",
    two_heads_merged("sigmoid", 1), with_targets(binary()), loss="binary_crossentropy", optimizer="adam")
add("loss_bce_logits", "BinaryCrossentropy(from_logits)", mlp(1), with_targets(binary()),
    loss=lambda: losses.BinaryCrossentropy(**LOGITS), optimizer=lambda: optimizers.SGD(0.2))
add("loss_bce_smoothing", "BinaryCrossentropy(label_smoothing)", mlp(2, "sigmoid"), with_targets(binary(2)),
    loss=lambda: losses.BinaryCrossentropy(label_smoothing=0.2), optimizer=lambda: optimizers.SGD(0.2))
add("loss_bce_clipped_smoothing", "BinaryCrossentropy(label_smoothing) on plain probabilities",
    two_heads_merged("sigmoid", 2), with_targets(binary(2)),
    loss=lambda: losses.BinaryCrossentropy(label_smoothing=0.1), optimizer=lambda: optimizers.SGD(0.2))
add("loss_bce_saturated", "binary_crossentropy on saturated sigmoids: through the logits nothing is clipped",
    stack(lambda: [layers.Dense(1, activation="sigmoid")]), scaled(with_targets(binary()), 25.0),
    loss="binary_crossentropy", optimizer=lambda: optimizers.SGD(1e-3), fit={"epochs": 1})
add("loss_cce_saturated", "sparse_categorical_crossentropy on saturated softmaxes",
    stack(lambda: [layers.Dense(3, activation="softmax")]), scaled(with_targets(labels()), 25.0),
    loss="sparse_categorical_crossentropy", optimizer=lambda: optimizers.SGD(1e-3), fit={"epochs": 1})
add("loss_cce", "categorical_crossentropy on a softmax (taken from the logits)", mlp(3, "softmax"),
    with_targets(one_hot()), loss="categorical_crossentropy", optimizer="adam")
add("loss_cce_clipped", "categorical_crossentropy on probabilities that are no softmax's output",
    two_heads_merged("softmax", 3), with_targets(one_hot()), loss="categorical_crossentropy", optimizer="adam")
add("loss_cce_unnormalised", "categorical_crossentropy on positive outputs that do not sum to one",
    mlp(3, "softplus"), with_targets(one_hot()), loss="categorical_crossentropy", optimizer="adam")
add("loss_cce_logits", "CategoricalCrossentropy(from_logits)", mlp(3), with_targets(one_hot()),
    loss=lambda: losses.CategoricalCrossentropy(**LOGITS), optimizer=lambda: optimizers.SGD(0.2))
add("loss_cce_smoothing", "CategoricalCrossentropy(label_smoothing)", mlp(4, "softmax"), with_targets(one_hot(4)),
    loss=lambda: losses.CategoricalCrossentropy(label_smoothing=0.1), optimizer=lambda: optimizers.SGD(0.2))
add("loss_cce_logits_smoothing", "CategoricalCrossentropy(from_logits, label_smoothing)", mlp(4),
    with_targets(one_hot(4)), loss=lambda: losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.3),
    optimizer=lambda: optimizers.SGD(0.2))
add("loss_scce", "sparse_categorical_crossentropy on a softmax, labels (n,)", mlp(3, "softmax"),
    with_targets(labels()), loss="sparse_categorical_crossentropy", optimizer="adam")
add("loss_scce_column", "sparse_categorical_crossentropy, labels (n, 1)", mlp(3, "softmax"),
    with_targets(labels(column=True)), loss="sparse_categorical_crossentropy", optimizer="adam")
add("loss_scce_clipped", "sparse_categorical_crossentropy on probabilities that are no softmax's output",
    two_heads_merged("softmax", 3), with_targets(labels()), loss="sparse_categorical_crossentropy", optimizer="adam")
add("loss_scce_unnormalised", "sparse_categorical_crossentropy on positive outputs that do not sum to one",
    mlp(3, "softplus"), with_targets(labels()), loss="sparse_categorical_crossentropy", optimizer="adam")
add("loss_scce_logits", "SparseCategoricalCrossentropy(from_logits)", mlp(3), with_targets(labels()),
    loss=lambda: losses.SparseCategoricalCrossentropy(**LOGITS), optimizer=lambda: optimizers.SGD(0.2))
add("loss_softmax_layer", "categorical_crossentropy behind Softmax() and Activation('softmax') counts as logits too",
    stack(lambda: [layers.Dense(5, activation="tanh"), layers.Dense(3), layers.Softmax()]), with_targets(one_hot()),
    loss="categorical_crossentropy", optimizer=lambda: optimizers.SGD(0.2))
add("loss_sigmoid_activation", "binary_crossentropy behind Activation('sigmoid')",
    stack(lambda: [layers.Dense(5, activation="tanh"), layers.Dense(2), layers.Activation("sigmoid")]),
    with_targets(binary(2)), loss="binary_crossentropy", optimizer=lambda: optimizers.SGD(0.2))
add("loss_cce_axis", "CategoricalCrossentropy(axis=1) of a rank 3 output",
    stack(lambda: [layers.Dense(12), layers.Reshape((3, 4)), layers.Softmax(axis=1)]), with_targets(one_hot_columns),
    loss=lambda: losses.CategoricalCrossentropy(axis=1), optimizer=lambda: optimizers.SGD(0.2),
    metrics=lambda: [metrics.CategoricalCrossentropy(axis=1)])
add("loss_bce_axis", "BinaryCrossentropy(axis=1) of a rank 3 output, weighted by sample",
    stack(lambda: [layers.Dense(12, activation="sigmoid"), layers.Reshape((3, 4))]),
    with_targets(one_hot_columns), loss=lambda: losses.BinaryCrossentropy(axis=1),
    optimizer=lambda: optimizers.SGD(0.2))
add("loss_mean_with_sample_weight", "reduction 'mean_with_sample_weight'; the weights of the second batch are all 0",
    mlp(3, "softmax"), some_weights_zero(with_targets(one_hot(), sample_weight=True)),
    loss=lambda: losses.CategoricalCrossentropy(reduction="mean_with_sample_weight"),
    optimizer=lambda: optimizers.SGD(0.2), weighted_metrics=lambda: ["accuracy"])
add("loss_focal_binary", "BinaryFocalCrossentropy, balanced, with smoothing", two_heads_merged("sigmoid", 2),
    with_targets(binary(2)), optimizer=lambda: optimizers.SGD(0.2),
    loss=lambda: losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.3, gamma=1.5, label_smoothing=0.1))
add("loss_focal_binary_logits", "BinaryFocalCrossentropy(from_logits)", mlp(2), with_targets(binary(2)),
    loss=lambda: losses.BinaryFocalCrossentropy(**LOGITS), optimizer=lambda: optimizers.SGD(0.2))
add("loss_focal_categorical", "'categorical_focal_crossentropy' on positive outputs that do not sum to one",
    mlp(3, "softplus"), with_targets(one_hot()), loss="categorical_focal_crossentropy",
    optimizer=lambda: optimizers.SGD(0.2))
add("loss_focal_categorical_logits", "CategoricalFocalCrossentropy(from_logits, label_smoothing)", mlp(3),
    with_targets(one_hot()), optimizer=lambda: optimizers.SGD(0.2),
    loss=lambda: losses.CategoricalFocalCrossentropy(alpha=0.5, gamma=3.0, label_smoothing=0.1, **LOGITS))
add("loss_dice", "Dice over the whole batch", mlp(2, "sigmoid"), with_targets(binary(2)), loss=losses.Dice,
    optimizer=lambda: optimizers.SGD(0.2))
add("loss_dice_axis", "Dice over one axis", mlp(3, "sigmoid"), with_targets(binary(3)),
    loss=lambda: losses.Dice(axis=1), optimizer=lambda: optimizers.SGD(0.2))
add("loss_tversky", "Tversky", mlp(2, "sigmoid"), with_targets(binary(2)),
    loss=lambda: losses.Tversky(alpha=0.3, beta=0.7), optimizer=lambda: optimizers.SGD(0.2))
add("loss_sum", "reduction 'sum'", mlp(2), with_targets(real()),
    loss=lambda: losses.MeanSquaredError(reduction="sum"), optimizer=lambda: optimizers.SGD(0.005))

# ---- metrics --------------------------------------------------------------------------------------------------------

add("metric_accuracy_binary", "'accuracy' on one output is BinaryAccuracy", mlp(1, "sigmoid"),
    with_targets(binary(), val_rows=19), loss="binary_crossentropy", optimizer="adam", metrics=lambda: ["accuracy"])
add("metric_accuracy_categorical", "'accuracy' on one-hot targets is CategoricalAccuracy", mlp(3, "softmax"),
    with_targets(one_hot(), val_rows=19), loss="categorical_crossentropy", optimizer="adam",
    metrics=lambda: ["accuracy"])
add("metric_accuracy_sparse", "'acc' on labels is SparseCategoricalAccuracy", mlp(3, "softmax"),
    with_targets(labels(), val_rows=19), loss="sparse_categorical_crossentropy", optimizer="adam",
    metrics=lambda: ["acc"])
add("metric_accuracy_multilabel", "'accuracy' on several sigmoids is CategoricalAccuracy", mlp(3, "sigmoid"),
    with_targets(binary(3)), loss="binary_crossentropy", optimizer="adam",
    metrics=lambda: ["accuracy", "binary_accuracy"])
add("metric_binary_object", "BinaryAccuracy with its own threshold and name", mlp(2, "sigmoid"),
    with_targets(binary(2)), loss="binary_crossentropy", optimizer="adam",
    metrics=lambda: [metrics.BinaryAccuracy(name="bacc", threshold=0.4), metrics.BinaryAccuracy()])
add("metric_categorical_object", "CategoricalAccuracy, mse and mae objects", mlp(3, "softmax"),
    with_targets(one_hot()), loss="categorical_crossentropy", optimizer="adam",
    metrics=lambda: [metrics.CategoricalAccuracy(), metrics.MeanSquaredError(), metrics.MeanAbsoluteError(name="err")])
add("metric_sparse_object", "SparseCategoricalAccuracy object and by name", mlp(3, "softmax"), with_targets(labels()),
    loss="sparse_categorical_crossentropy", optimizer="adam",
    metrics=lambda: [metrics.SparseCategoricalAccuracy(name="sca"), "sparse_categorical_accuracy"])
add("metric_errors", "mse, mae and their long names", mlp(2), with_targets(real(), val_rows=11), loss="mae",
    metrics=lambda: ["mse", "mae", "mean_squared_error", "mean_absolute_error"])
add("metric_weighted", "metrics ignore sample weights, weighted_metrics use them", mlp(2),
    with_targets(real(), sample_weight=True), metrics=lambda: ["mae"],
    weighted_metrics=lambda: [metrics.MeanAbsoluteError(name="weighted_mae")])

add("metric_repeated_names", "the same metric twice, and again with sample weights", mlp(3, "softmax"),
    with_targets(one_hot(), sample_weight=True), loss="categorical_crossentropy", optimizer="adam",
    metrics=lambda: ["accuracy", "accuracy", "mae"], weighted_metrics=lambda: ["accuracy", "accuracy", "mae"])


def state_metrics(weighted=False):
    """One of each that takes a sigmoid or several; names tell weighted ones apart."""
    name = (lambda n: "w_" + n) if weighted else (lambda n: n)
    return lambda: [
        metrics.TruePositives(name=name("tp")), metrics.TrueNegatives(name=name("tn"), thresholds=0.4),
        metrics.FalsePositives(name=name("fp")), metrics.FalseNegatives(name=name("fn"), thresholds=[0.6]),
        metrics.Precision(name=name("precision")), metrics.Recall(name=name("recall"), thresholds=0.45),
        metrics.AUC(name=name("auc")), metrics.AUC(name=name("auc_pr"), curve="PR"),
        metrics.AUC(name=name("auc_minor"), curve="PR", summation_method="minoring", num_thresholds=33),
        metrics.AUC(name=name("auc_major"), summation_method="majoring", thresholds=[0.3, 0.5, 0.52, 0.9]),
        metrics.AUC(name=name("auc_gain"), curve="PRGAIN", num_thresholds=50),
        metrics.SensitivityAtSpecificity(0.613, name=name("sens")),
        metrics.SpecificityAtSensitivity(0.613, name=name("spec"), num_thresholds=21),
        metrics.PrecisionAtRecall(0.713, name=name("par")), metrics.RecallAtPrecision(0.613, name=name("rap")),
        metrics.F1Score(name=name("f1"), average="micro", threshold=0.5),
        metrics.FBetaScore(name=name("fbeta"), average="macro", beta=2.0, threshold=0.4)]


add("metric_state_binary", "metrics with a state on one sigmoid, with validation", mlp(1, "sigmoid"),
    with_targets(binary(), val_rows=19), loss="binary_crossentropy", optimizer=lambda: optimizers.Adam(0.02),
    metrics=lambda: state_metrics()() + [metrics.BinaryIoU(name="biou", threshold=0.45)],
    tolerance_float64=2e-7)  # Keras divides in float32 for an IoU
add("metric_state_weighted", "the same with sample weights, and beside ones without", mlp(2, "sigmoid"),
    with_targets(binary(2), sample_weight=True), loss="binary_crossentropy", optimizer=lambda: optimizers.Adam(0.02),
    metrics=state_metrics(), weighted_metrics=state_metrics(weighted=True))
add("metric_state_classes", "metrics with a state on a softmax", mlp(4, "softmax"), with_targets(one_hot(4), val_rows=19),
    loss="categorical_crossentropy", optimizer=lambda: optimizers.Adam(0.02),
    metrics=lambda: [metrics.Precision(name="precision", top_k=2), metrics.Recall(name="recall", class_id=1, thresholds=0.3),
                     metrics.Precision(name="p_class", class_id=2, thresholds=0.25), metrics.F1Score(average="weighted"),
                     metrics.FBetaScore(average="macro", beta=0.5), metrics.AUC(name="auc", multi_label=True, num_labels=4),
                     metrics.AUC(name="auc_weights", multi_label=True, num_labels=4, label_weights=[1.0, 2.0, 0.5, 1.5],
                                 curve="PR"),
                     metrics.OneHotIoU(num_classes=4, target_class_ids=[0, 3], name="one_hot"),
                     metrics.OneHotMeanIoU(num_classes=4, name="one_hot_mean"),
                     metrics.SensitivityAtSpecificity(0.513, class_id=0, name="sens")])
add("metric_state_logits", "AUC from logits; metrics by their names", mlp(1), with_targets(binary()),
    loss=lambda: losses.BinaryCrossentropy(from_logits=True), optimizer=lambda: optimizers.Adam(0.02),
    metrics=lambda: [metrics.AUC(name="auc", from_logits=True), "Precision", "recall", "true_positives"])
add("metric_state_regression", "R2Score", mlp(2), with_targets(real(), val_rows=11), optimizer=lambda: optimizers.Adam(0.02),
    metrics=lambda: [metrics.R2Score(), metrics.R2Score(name="r2_variance", class_aggregation="variance_weighted_average")])

# ---- constraints ----------------------------------------------------------------------------------------------------

add("constraint_axes", "UnitNorm over two axes, MaxNorm over the second, MinMaxNorm over the first",
    stack(lambda: [layers.Dense(5, activation="tanh", kernel_constraint=constraints.UnitNorm(axis=[0, 1])),
                   layers.Dense(4, activation="tanh", kernel_constraint=constraints.MaxNorm(0.7, axis=1)),
                   layers.Dense(2, kernel_constraint=constraints.MinMaxNorm(0.2, 0.6, rate=0.5, axis=[0]))]),
    with_targets(real()), optimizer=lambda: optimizers.SGD(0.1))

# ---- regularizers ---------------------------------------------------------------------------------------------------

for _name, _make in (("l1", lambda: regularizers.L1(0.02)), ("l2", lambda: regularizers.L2(0.03)),
                     ("l1l2", lambda: regularizers.L1L2(0.01, 0.02))):
    add(f"reg_{_name}", f"{_name.upper()} on kernels, in loss, gradient, evaluation and val_loss",
        mlp(2, kernel_regularizer=_make), with_targets(real(), val_rows=11), optimizer=lambda: optimizers.SGD(0.05))
add("reg_bias", "regularizers on bias and kernel together",
    mlp(2, kernel_regularizer=lambda: regularizers.L2(0.01), bias_regularizer=lambda: regularizers.L1(0.05)),
    with_targets(real()), optimizer=lambda: optimizers.SGD(0.05))
add("reg_strings", "regularizers by name: 'l1' and 'l2' are 0.01",
    mlp(2, kernel_regularizer="l2", bias_regularizer="l1"), with_targets(real()),
    optimizer=lambda: optimizers.SGD(0.05))
add("reg_batch_norm", "regularizers on gamma and beta",
    batch_norm_net(gamma_regularizer=regularizers.L2(0.02), beta_regularizer=regularizers.L1(0.02)),
    with_targets(real()), optimizer=lambda: optimizers.SGD(0.05))

# ---- batch normalization and dropout --------------------------------------------------------------------------------

add("bn_basic", "BatchNormalization, partial last batch", batch_norm_net(), with_targets(real()),
    optimizer=lambda: optimizers.SGD(0.05))
add("bn_adam", "BatchNormalization with Adam and softmax", batch_norm_net(3, "softmax"), with_targets(one_hot()),
    loss="categorical_crossentropy", optimizer="adam", metrics=lambda: ["accuracy"])
add("bn_options", "BatchNormalization: momentum, epsilon", batch_norm_net(momentum=0.7, epsilon=0.05),
    with_targets(real()), optimizer=lambda: optimizers.SGD(0.05))
add("bn_no_scale", "BatchNormalization without gamma", batch_norm_net(scale=False), with_targets(real()),
    optimizer=lambda: optimizers.SGD(0.05))
add("bn_no_center", "BatchNormalization without beta", batch_norm_net(center=False), with_targets(real()),
    optimizer=lambda: optimizers.SGD(0.05))
add("bn_validation", "BatchNormalization: validation uses the moving averages", batch_norm_net(momentum=0.8),
    with_targets(real(), val_rows=19), optimizer=lambda: optimizers.SGD(0.05), metrics=lambda: ["mae"])
add("bn_sample_weight", "BatchNormalization with sample weights: statistics are not weighted",
    batch_norm_net(momentum=0.9), with_targets(real(), sample_weight=True), optimizer=lambda: optimizers.SGD(0.05))
add("bn_rank3", "BatchNormalization over the last axis of a rank 3 input",
    stack(lambda: [layers.Dense(4, use_bias=False), layers.BatchNormalization(momentum=0.9),
                   layers.Activation("tanh"), layers.Flatten(), layers.Dense(2)], (3, 5)),
    with_targets(real(), shape=(3, 5)), optimizer=lambda: optimizers.SGD(0.05))
add("bn_axis1", "BatchNormalization(axis=1) of a rank 3 input",
    stack(lambda: [layers.BatchNormalization(axis=1, momentum=0.9), layers.Flatten(), layers.Dense(2)], (3, 5)),
    with_targets(real(), shape=(3, 5)), optimizer=lambda: optimizers.SGD(0.05))
add("bn_one_row_batch", "BatchNormalization when the last batch has one row", batch_norm_net(momentum=0.9),
    with_targets(real(), rows=33), optimizer=lambda: optimizers.SGD(0.05))
add("frozen", "trainable=False: a fixed Dense, and BatchNormalization in inference mode",
    stack(lambda: [layers.Dense(5, activation="tanh", trainable=False),
                   layers.BatchNormalization(trainable=False), layers.Dense(4, activation="relu"), layers.Dense(2)]),
    with_targets(real()), optimizer="adam")
add("dropout_off", "Dropout(0) changes nothing",
    stack(lambda: [layers.Dense(5, activation="relu"), layers.Dropout(0.0), layers.Dense(2), layers.Dropout(0.0)]),
    with_targets(real()), optimizer="adam")

# ---- other normalization, noise and layers of shape -----------------------------------------------------------------

add("norm_layer", "LayerNormalization with its defaults, and epsilon, without center, without scale",
    stack(lambda: [layers.Dense(5), layers.LayerNormalization(), layers.Dense(4, activation="tanh"),
                   layers.LayerNormalization(epsilon=0.05, center=False), layers.Dense(4),
                   layers.LayerNormalization(scale=False), layers.Dense(2)]),
    with_targets(real()), optimizer=lambda: optimizers.SGD(0.05))
add("norm_layer_axes", "LayerNormalization over several axes and over one that is not the last, with regularizer and constraint",
    stack(lambda: [layers.Dense(4), layers.LayerNormalization(axis=[1, 2], gamma_regularizer=regularizers.L2(0.05)),
                   layers.Dense(4, activation="tanh"),
                   layers.LayerNormalization(axis=1, beta_constraint=constraints.NonNeg(), epsilon=1e-2),
                   layers.Dense(3), layers.LayerNormalization(axis=-2, scale=False), layers.Flatten(), layers.Dense(2)],
          (3, 5)), with_targets(real(), shape=(3, 5)), optimizer=lambda: optimizers.SGD(0.05))
add("norm_rms", "RMSNormalization, and LayerNormalization(rms_scaling=True)",
    stack(lambda: [layers.Dense(5), layers.RMSNormalization(), layers.Dense(4),
                   layers.RMSNormalization(axis=[1, 2], epsilon=1e-3), layers.Dense(4, activation="tanh"),
                   layers.LayerNormalization(rms_scaling=True), layers.Flatten(), layers.Dense(2)], (3, 5)),
    with_targets(real(), shape=(3, 5)), optimizer=lambda: optimizers.SGD(0.05))
add("norm_group", "GroupNormalization: groups of the last axis, one a channel (groups=-1), of axis 1, of rank 2",
    stack(lambda: [layers.Dense(6), layers.GroupNormalization(groups=3), layers.Dense(4, activation="tanh"),
                   layers.GroupNormalization(groups=-1, epsilon=1e-2, center=False), layers.Dense(4),
                   layers.GroupNormalization(groups=2, axis=1, scale=False), layers.Flatten(), layers.Dense(6),
                   layers.GroupNormalization(groups=1, gamma_regularizer="l2"), layers.Dense(2)], (4, 3, 5)),
    with_targets(real(), shape=(4, 3, 5)), optimizer=lambda: optimizers.SGD(0.05))
add("norm_unit", "UnitNormalization over the last axis and over several",
    stack(lambda: [layers.Dense(4), layers.UnitNormalization(), layers.Dense(4, activation="tanh"),
                   layers.UnitNormalization(axis=[1, 2]), layers.Flatten(), layers.Dense(2)], (3, 5)),
    with_targets(real(), shape=(3, 5)), optimizer=lambda: optimizers.SGD(0.1))
add("activity_regularization", "ActivityRegularization(l1, l2)",
    stack(lambda: [layers.Dense(5, activation="tanh"), layers.ActivityRegularization(l1=0.01, l2=0.02),
                   layers.Dense(2), layers.ActivityRegularization(l2=0.1)]),
    with_targets(real(), val_rows=11), optimizer=lambda: optimizers.SGD(0.1))
add("noise_off", "noise layers that change nothing: deviation and rate 0",
    stack(lambda: [layers.Dense(4, activation="tanh"), layers.GaussianNoise(0.0), layers.GaussianDropout(0.0),
                   layers.AlphaDropout(0.0), layers.SpatialDropout1D(0.0), layers.Flatten(), layers.Dense(2)], (3, 5)),
    with_targets(real(), shape=(3, 5)), optimizer="adam")


def rearranging():
    x = layers.Input((3, 4))
    h = layers.Dense(5, activation="tanh")(layers.Rescaling(0.5, offset=-0.25)(x))
    turned = layers.Permute((2, 1))(h)
    rows = layers.RepeatVector(5)(layers.Dense(3)(layers.Flatten()(h)))
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.Multiply()([turned, rows]))))


add("permute_repeat", "Permute, RepeatVector, Rescaling", rearranging, with_targets(real(), shape=(3, 4)),
    optimizer=lambda: optimizers.SGD(0.05))

def edges_1d():
    x = layers.Input((5, 3))
    h = layers.ZeroPadding1D((1, 2))(layers.Dense(4, activation="tanh")(x))
    h = layers.Cropping1D((2, 1))(layers.Dense(4)(h))
    h = layers.UpSampling1D(2)(layers.ZeroPadding1D()(h))
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(layers.Dense(2, activation="tanh")(h))))


def edges_2d():
    x = layers.Input((4, 5, 2))
    h = layers.ZeroPadding2D(((0, 1), (2, 0)))(layers.Dense(3, activation="tanh")(x))
    h = layers.ZeroPadding2D(1, data_format="channels_first")(layers.Dense(3)(h))
    h = layers.Cropping2D(((1, 0), (0, 2)))(h)
    h = layers.Cropping2D(1, data_format="channels_first")(h)
    h = layers.UpSampling2D((2, 3))(h)
    h = layers.UpSampling2D(data_format="channels_first")(h)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(h)))


def edges_3d():
    x = layers.Input((3, 2, 3, 2))
    h = layers.ZeroPadding3D((1, 0, 2))(layers.Dense(2, activation="tanh")(x))
    h = layers.Cropping3D(((1, 0), (0, 1), (2, 1)))(layers.Dense(2)(h))
    h = layers.UpSampling3D((1, 2, 2))(h)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(h)))


def pooled(kind):
    """Each of GlobalAveragePooling or GlobalMaxPooling, with and without keepdims, channels last and first."""

    def build():
        x = layers.Input((4, 3, 2))
        h = layers.Dense(6, activation="tanh")(x)
        pool = lambda n, y, **arguments: layers.Flatten()(getattr(layers, f"Global{kind}Pooling{n}D")(**arguments)(y))
        rows, volume = layers.Reshape((12, 6))(h), layers.Reshape((4, 3, 2, 3))(h)
        parts = [pool(1, rows), pool(1, rows, data_format="channels_first", keepdims=True), pool(2, h),
                 pool(2, h, data_format="channels_first"), pool(2, h, keepdims=True), pool(3, volume),
                 pool(3, volume, data_format="channels_first")]
        return keras.Model(x, layers.Dense(2)(layers.Concatenate()(parts)))

    return build


add("edges_1d", "ZeroPadding1D, Cropping1D, UpSampling1D", edges_1d, with_targets(real(), shape=(5, 3)),
    optimizer=lambda: optimizers.SGD(0.05))
add("edges_2d", "ZeroPadding2D, Cropping2D, UpSampling2D, channels last and first", edges_2d,
    with_targets(real(), shape=(4, 5, 2)), optimizer=lambda: optimizers.SGD(0.01))
add("edges_3d", "ZeroPadding3D, Cropping3D, UpSampling3D", edges_3d, with_targets(real(), shape=(3, 2, 3, 2)),
    optimizer=lambda: optimizers.SGD(0.02))
add("pool_global_average", "GlobalAveragePooling1D, 2D, 3D", pooled("Average"), with_targets(real(), shape=(4, 3, 2)),
    optimizer=lambda: optimizers.SGD(0.05))
add("pool_global_max", "GlobalMaxPooling1D, 2D, 3D", pooled("Max"), with_targets(real(), shape=(4, 3, 2)),
    optimizer=lambda: optimizers.SGD(0.05))

def normalized():
    x = layers.Input((3, 4))
    h = layers.Dense(4, activation="tanh")(layers.Normalization(mean=[0.1, -0.2, 0.3, 0.0], variance=[1.5, 0.5, 2.0, 0.0])(x))
    h = layers.Dense(4)(layers.Normalization(axis=(1, 2))(h))
    h = layers.Normalization(axis=1)(layers.Dense(4, activation="tanh")(h))
    h = layers.Normalization(axis=None, invert=True)(layers.Dense(3)(h))
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(h)))


def resized():
    x = layers.Input((5, 4, 2))
    h = layers.Resizing(7, 6)(layers.Dense(3, activation="tanh")(x))
    h = layers.Resizing(4, 5)(layers.Dense(3)(h))
    h = layers.Resizing(6, 7, interpolation="nearest", data_format="channels_first")(layers.Reshape((3, 4, 5))(h))
    h = layers.UpSampling2D((2, 1), data_format="channels_first", interpolation="bilinear")(h)
    h = layers.CenterCrop(9, 4, data_format="channels_first")(h)
    h = layers.CenterCrop(6, 3, data_format="channels_first")(h)
    h = layers.CenterCrop(2, 8)(layers.Reshape((6, 3, 3))(h))
    h = layers.Resizing(4, 3, crop_to_aspect_ratio=True)(layers.Dense(2)(h))
    h = layers.Resizing(3, 5, pad_to_aspect_ratio=True, fill_value=0.5)(h)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(h)))


add("normalization", "Normalization by given and by adapted statistics, over several axes and all, and back", normalized,
    with_targets(real(), shape=(3, 4)), optimizer=lambda: optimizers.SGD(0.02), tolerance_float64=2e-7)
add("resizing", "Resizing bilinear and nearest, with crop and pad to the aspect ratio, CenterCrop, UpSampling2D bilinear",
    resized, with_targets(real(), shape=(5, 4, 2)), optimizer=lambda: optimizers.SGD(0.02))

# ---- activations ----------------------------------------------------------------------------------------------------

for _name, _activations in (
        ("a", ["relu", "relu6", "leaky_relu", "elu", "selu", "softmax"]),
        ("b", ["softplus", "softsign", "silu", "swish", "gelu", "mish"]),
        ("c", ["hard_sigmoid", "exponential", "linear", "sigmoid", "tanh"]),
        ("d", ["hard_silu", "celu", "hard_tanh", "tanh_shrink", "squareplus", "log_sigmoid"]),
        ("e", ["hard_shrink", "soft_shrink", "sparse_plus", "sparse_sigmoid", "log_softmax"])):
    add(f"act_strings_{_name}", "activations by name: " + ", ".join(_activations),
        activations_in_parallel(_activations), with_targets(real()), optimizer=lambda: optimizers.SGD(0.05))
add("act_relu_options", "ReLU(max_value, negative_slope, threshold)",
    stack(lambda: [layers.Dense(5), layers.ReLU(max_value=1.5), layers.Dense(5),
                   layers.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.6), layers.Dense(5),
                   layers.ReLU(threshold=0.2), layers.Dense(2)]), with_targets(real()),
    optimizer=lambda: optimizers.SGD(0.05))
add("act_leaky_relu", "LeakyReLU with default and given slope, ReLU(), ELU",
    stack(lambda: [layers.Dense(5), layers.LeakyReLU(), layers.Dense(5), layers.LeakyReLU(negative_slope=0.1),
                   layers.Dense(5), layers.ELU(alpha=0.7), layers.Dense(5), layers.ReLU(), layers.Dense(2)]),
    with_targets(real()), optimizer=lambda: optimizers.SGD(0.05))
add("act_prelu", "PReLU: one slope per feature, and shared over an axis",
    stack(lambda: [layers.Dense(4), layers.PReLU(), layers.Dense(4), layers.PReLU(shared_axes=[1]),
                   layers.Flatten(), layers.Dense(2)], (3, 5)), with_targets(real(), shape=(3, 5)),
    optimizer=lambda: optimizers.SGD(0.05))
add("act_softmax_axis", "Softmax(axis=1) on rank 3, softmax of rank 3 over the last axis",
    stack(lambda: [layers.Dense(4), layers.Softmax(axis=1), layers.Dense(4), layers.Activation("softmax"),
                   layers.Flatten(), layers.Dense(2)], (3, 5)), with_targets(real(), shape=(3, 5)),
    optimizer=lambda: optimizers.SGD(0.1))

# ---- merges, shapes, several inputs and outputs ---------------------------------------------------------------------

for _class in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"):
    add(f"merge_{_class.lower()}", f"{_class} of two branches", merged(getattr(layers, _class)), with_targets(real()),
        optimizer=lambda: optimizers.SGD(0.1))
add("merge_broadcast", "Multiply that broadcasts (n, 4) with (n, 1)", merged(layers.Multiply, 1), with_targets(real()),
    optimizer=lambda: optimizers.SGD(0.1))


def three_way():
    x = layers.Input((FEATURES,))
    parts = [layers.Dense(4, activation=a)(x) for a in ("tanh", "sigmoid", "relu")]
    merges = [layers.Add()(parts), layers.Average()(parts), layers.Maximum()(parts), layers.Multiply()(parts)]
    return keras.Model(x, layers.Dense(2)(layers.Concatenate()(merges)))


def reshaping():
    x = layers.Input((3, 4))
    h = layers.Dense(4, activation="tanh")(x)
    left, right = layers.Reshape((2, 6))(h), layers.Reshape((-1, 6))(x)
    both = layers.Concatenate(axis=1)([left, right])
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(both)))


def two_inputs():
    a, b = layers.Input((FEATURES,), name="a"), layers.Input((4,), name="b")
    merged_ab = layers.Concatenate(name="join")([layers.Dense(4, activation="tanh", name="left")(a),
                                                 layers.Dense(3, activation="relu", name="right")(b)])
    return keras.Model([a, b], layers.Dense(2, name="out")(merged_ab), name="two_in")


def two_outputs():
    x = layers.Input((FEATURES,), name="x")
    h = layers.Dense(5, activation="tanh", name="hidden", kernel_regularizer=regularizers.L2(0.01))(x)
    return keras.Model(x, [layers.Dense(1, name="value")(h), layers.Dense(3, activation="softmax", name="kind")(h)])


def one_loss_of_two():
    x = layers.Input((FEATURES,), name="x")
    h = layers.Dense(5, activation="tanh", name="hidden")(x)
    aside = layers.Dense(3, name="aside", kernel_constraint=keras.constraints.UnitNorm())(h)
    return keras.Model(x, [layers.Dense(1, name="value")(h), aside])


def two_inputs_two_outputs():
    a, b = layers.Input((FEATURES,), name="a"), layers.Input((4,), name="b")
    h = layers.Add()([layers.Dense(5, activation="tanh")(a), layers.Dense(5, activation="sigmoid")(b)])
    return keras.Model([a, b], [layers.Dense(2, name="first")(h), layers.Dense(1, activation="sigmoid", name="second")(h)])


def shared():
    a, b = layers.Input((FEATURES,)), layers.Input((FEATURES,))
    dense = layers.Dense(4, activation="tanh", name="shared")
    both = layers.Concatenate()([dense(a), dense(b), layers.Subtract()([dense(a), dense(b)])])
    return keras.Model([a, b], layers.Dense(2)(both))


def several(widths, targets, val_rows=0):
    def data(rng):
        xs = [features(rng, ROWS + val_rows, (w,)) for w in widths]
        joined = np.concatenate(xs, 1)
        ys = [make_y(rng, joined) for make_y in targets]
        out = {"x": [x[:ROWS] for x in xs], "y": [y[:ROWS] for y in ys]}
        if val_rows:
            out["x_val"], out["y_val"] = [x[ROWS:] for x in xs], [y[ROWS:] for y in ys]
        return out

    return data


add("merge_three", "merges of three tensors", three_way, with_targets(real()), optimizer=lambda: optimizers.SGD(0.05))
add("reshape", "Flatten, Reshape with and without -1, Concatenate(axis=1), Dense on rank 3", reshaping,
    with_targets(real(), shape=(3, 4)), optimizer=lambda: optimizers.SGD(0.05))
add("two_inputs", "two inputs", two_inputs, several([FEATURES, 4], [real()]), optimizer="adam", metrics=lambda: ["mae"])
add("two_outputs", "two outputs, loss_weights, a regularizer; logged names", two_outputs,
    several([FEATURES], [real(1), labels()], val_rows=11), optimizer="adam",
    loss=["mse", "sparse_categorical_crossentropy"], loss_weights=[1.0, 0.3],
    metrics=lambda: [["mae"], ["accuracy"]])
add("two_inputs_two_outputs", "two inputs and outputs, metrics on one output only", two_inputs_two_outputs,
    several([FEATURES, 4], [real(), binary()]), optimizer=lambda: optimizers.SGD(0.1),
    loss=["mae", losses.BinaryCrossentropy], loss_weights=[0.5, 2.0],
    metrics=lambda: [[], ["acc", metrics.MeanSquaredError(name="brier")]])
add("two_outputs_split", "two outputs, no loss_weights, validation_split, no metrics", two_outputs,
    several([FEATURES], [real(1), labels()]), optimizer="adam", loss=["mae", "sparse_categorical_crossentropy"],
    fit={"validation_split": 0.25})
add("unused_weights", "an output without a loss: its weights have no gradient and stay as they are", one_loss_of_two,
    several([FEATURES], [real(1), real(3)]),
    optimizer=lambda: optimizers.SGD(0.1, momentum=0.5, weight_decay=0.1, global_clipnorm=0.5), loss=["mse", None])
add("unused_weights_accumulation", "the same where gradients accumulate and weights are averaged", one_loss_of_two,
    several([FEATURES], [real(1), real(3)]),
    optimizer=lambda: optimizers.Adam(0.02, weight_decay=0.1, gradient_accumulation_steps=3, use_ema=True, ema_momentum=0.8),
    loss=["mse", None])
add("metric_state_outputs", "metrics with a state on two outputs", two_outputs, several([FEATURES], [real(1), labels()],
    val_rows=11), optimizer=lambda: optimizers.Adam(0.02), loss=["mse", "sparse_categorical_crossentropy"],
    metrics=lambda: [[metrics.R2Score()], [metrics.MeanIoU(num_classes=3, sparse_y_pred=False, name="miou"), "accuracy"]],
    tolerance_float64=2e-7)
add("shared_layer", "one layer called on two inputs, twice", shared, several([FEATURES, FEATURES], [real()]),
    optimizer="adam")
add("sequential", "Sequential",
    lambda: keras.Sequential([layers.Input((FEATURES,)), layers.Dense(5, activation="relu"),
                              layers.BatchNormalization(), layers.Dense(3, activation="softmax")], name="seq"),
    with_targets(labels()), optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=lambda: ["accuracy"])

# ---- fit: weights, validation, epochs -------------------------------------------------------------------------------

add("fit_class_weight_sparse", "class_weight with labels; a missing class weighs 1", mlp(3, "softmax"),
    with_targets(labels(), val_rows=11), loss="sparse_categorical_crossentropy", optimizer="adam",
    metrics=lambda: ["accuracy"], fit={"class_weight": {"0": 0.4, "2": 2.5}})
add("fit_class_weight_one_hot", "class_weight with one-hot targets", mlp(3, "softmax"), with_targets(one_hot()),
    loss="categorical_crossentropy", optimizer="adam", metrics=lambda: ["accuracy"],
    weighted_metrics=lambda: [metrics.CategoricalAccuracy(name="weighted_acc")],
    fit={"class_weight": {"0": 0.4, "1": 1.3, "2": 2.5}})
add("fit_class_weight_binary", "class_weight with 0/1 targets", mlp(1, "sigmoid"), with_targets(binary()),
    loss="binary_crossentropy", optimizer="adam", fit={"class_weight": {"0": 0.4, "1": 2.0}, "validation_split": 0.2})
add("fit_sample_weight", "sample_weight divides by the count, not by the sum of weights", mlp(3, "softmax"),
    with_targets(labels(), sample_weight=True), loss="sparse_categorical_crossentropy", optimizer="adam",
    metrics=lambda: ["accuracy"])
add("fit_sample_weight_column", "sample_weight of shape (n, 1) is the same as (n,)", mlp(3, "softmax"),
    as_column(with_targets(labels(), sample_weight=True)), loss="sparse_categorical_crossentropy", optimizer="adam",
    metrics=lambda: ["accuracy"], weighted_metrics=lambda: [metrics.SparseCategoricalCrossentropy(name="wce")])
add("fit_steps", "steps_per_epoch: each epoch goes on where the one before stopped; validation_steps: it does not",
    mlp(2), with_targets(real(), val_rows=21), optimizer="adam", metrics=lambda: ["mae"],
    fit={"epochs": 5, "steps_per_epoch": 2, "validation_steps": 1})
add("fit_steps_many", "more steps_per_epoch than there are batches", mlp(2), with_targets(real()), optimizer="adam",
    fit={"epochs": 2, "steps_per_epoch": 7})
add("fit_sample_weight_split", "sample_weight and validation_split: validation is weighted too", mlp(2),
    with_targets(real(), sample_weight=True), optimizer="adam", metrics=lambda: ["mae"],
    fit={"validation_split": 0.3})
add("fit_validation_split", "validation_split: the last rows, floor(n(1-v)) stay for training", mlp(2),
    with_targets(real()), optimizer="adam", metrics=lambda: ["mae"], fit={"validation_split": 0.27})
add("fit_validation_data", "validation_data, with a partial last batch of its own", mlp(2),
    with_targets(real(), val_rows=21), optimizer="adam", metrics=lambda: ["mae"])
add("fit_initial_epoch", "initial_epoch counts within epochs", mlp(2), with_targets(real()), optimizer="adam",
    fit={"initial_epoch": 2, "epochs": 5}, stops_after=3)
add("fit_large_batch", "batch_size larger than the data", mlp(2), with_targets(real()), optimizer="adam",
    fit={"batch_size": 100})
CASES.append(Case("fit_defaults", "default batch size 32 and one epoch", mlp(2), with_targets(real()),
                  optimizer="adam"))
add("fit_integer_features", "x as int32 is cast to float", mlp(2),
    lambda rng: {"x": [rng.integers(-3, 4, (ROWS, FEATURES)).astype("int32")],
                 "y": [rng.normal(0, 1, (ROWS, 2)).astype("float32")]}, optimizer="adam")

# ---- early stopping -------------------------------------------------------------------------------------------------


# One training run for all; the seed was chosen for its curve. val_loss is about 0.210 0.261 0.271 0.2100 0.157 0.129 0.231 0.212 0.176 0.163 0.195 0.180.

def add_stopping(name, covers, stops_after, monitor="val_loss", **callback):
    add(f"stop_{name}", covers, mlp(2), with_targets(real(), rows=21, val_rows=13), seed="stop_try1",
        optimizer=lambda: optimizers.SGD(0.25, momentum=0.9), metrics=lambda: ["mae"], stops_after=stops_after,
        fit={"epochs": 12, "batch_size": 8,
             "callbacks": [{"class_name": "EarlyStopping", "config": {"monitor": monitor, **callback}}]})


add_stopping("patience_0", "EarlyStopping with its defaults", 2)
add_stopping("restore", "restore_best_weights brings back the weights of the best epoch", 10, patience=4,
             restore_best_weights=True)
add_stopping("no_restore", "without restore_best_weights the last weights stay", 10, patience=4)
add_stopping("restore_at_end", "restore_best_weights also when training ran to its end", 12, patience=20,
             restore_best_weights=True)
add_stopping("min_delta", "min_delta: smaller improvements do not count", 5, patience=4, min_delta=0.06,
             restore_best_weights=True)
add_stopping("baseline", "baseline: patience is not reset before it is reached", 4, patience=4, baseline=0.15,
             restore_best_weights=True)
add_stopping("start_from_epoch", "start_from_epoch", 7, patience=1, start_from_epoch=2, restore_best_weights=True)
add_stopping("mode_max", "mode 'max'", 5, patience=2, mode="max", restore_best_weights=True)
add_stopping("metric", "monitor a validation metric, direction by itself", None, monitor="val_mae", patience=2)
add_stopping("train_loss", "monitor the training loss", None, monitor="loss", patience=1)
add("stop_accuracy", "monitor val_accuracy: direction by itself is up", mlp(3, "softmax"),
    with_targets(labels(), rows=27, val_rows=14), optimizer=lambda: optimizers.SGD(0.3, momentum=0.9),
    loss="sparse_categorical_crossentropy", metrics=lambda: ["accuracy"],
    fit={"epochs": 12, "batch_size": 8, "callbacks": [
        {"class_name": "EarlyStopping",
         "config": {"monitor": "val_accuracy", "patience": 3, "restore_best_weights": True}}]})
