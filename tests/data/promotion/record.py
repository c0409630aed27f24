"""Records what NumPy (2 or later) gives for every op, pair of dtypes and plain number: numpy.txt.

    python3 record.py > numpy.txt

A line is `op|operand|operand|result`: a dtype and values, `int` or `float` for a plain number, and
`!Name` for the exception that NumPy raises. ops/README.md says where Sinter departs from NumPy, and
the test (tests/unit/ops/promotion_test.cc) applies that.
"""

import warnings

import numpy as np

warnings.simplefilter("ignore")

VALUES = {
    "bool": [False, True, True, False, True],
    "int8": [-128, 0, 2, 7, -3],
    "uint8": [0, 1, 2, 7, 255],
    "int32": [-3, 0, 1, 5, 2147483647],
    "int64": [-4, 0, 2, 9007199254740993, -9223372036854775807],
    "float32": [-1.5, 0.0, 2.0, 0.25, 8589934592.0],
    "float64": [-0.5, 3.0, 1e300, 0.1, -2.0],
}
EXPONENTS = [0, 1, 2, 3, 5]
NUMBERS = [2, -1, 300, 3000000000, 9007199254740993, 2.0, 0.5, -3e9]
COMPARED = [1e300, float("-inf"), float("nan"), 254.5, 9007199254740992.0]
COMPARISONS = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "power"] + COMPARISONS
UNARY = ["negative", "abs", "sign", "floor", "ceil", "square", "sqrt", "exp"]
REDUCTIONS = ["sum", "prod", "max", "min", "mean"]
CONDITION = np.array([True, False, True, False, True])

FUNCTIONS = {
    "select": lambda a, b: np.where(CONDITION, a, b),
    "concat": lambda a, b: np.concatenate([a, b]),
    "matmul": lambda a, b: (a.reshape(1, 5) @ b.reshape(5, 1)).reshape(1),
}


def number(value):
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return repr(float(value))


def text(value):
    if isinstance(value, np.ndarray):
        return value.dtype.name + " " + " ".join(number(v) for v in value.ravel())
    return f"{type(value).__name__} {number(value)}"


def record(op, *operands):
    function = FUNCTIONS.get(op) or getattr(np, op)
    try:
        result = text(np.asarray(function(*operands)))
    except (OverflowError, TypeError, ValueError) as error:
        names = [c.__name__ for c in type(error).__mro__]
        result = "!" + next(n for n in names if n in ("OverflowError", "TypeError", "ValueError"))
    print("|".join([op, *(text(o) for o in operands), result]))


def main():
    arrays = {name: np.array(values, name) for name, values in VALUES.items()}
    for name, a in arrays.items():
        for op in UNARY + REDUCTIONS:
            if op == "prod" and name == "int64":
                continue
            record(op, a if op != "exp" else np.array([0, 1, 1, 0, 1], name))
        for other, b in arrays.items():
            for op in BINARY + ["select", "concat", "matmul"]:
                # 255 ** 5 wraps around in NumPy's int16, which is int32 here.
                if op == "power" and (name, other) == ("uint8", "int8"):
                    continue
                whole = name in ("bool", "int8", "uint8", "int32", "int64")
                if op == "power" and whole and other in ("int8", "uint8", "int32", "int64"):
                    record(op, a, np.array(EXPONENTS, other))
                else:
                    record(op, a, b)
        for n in NUMBERS:
            for op in BINARY + ["select"]:
                record(op, a, n)
                if op in ["subtract", "divide"] + COMPARISONS:
                    record(op, n, a)
        for n in COMPARED:
            if name == "float32" and abs(n) == 1e300:
                continue
            # NumPy rounds int64 to float64 here, Sinter compares exactly.
            if name == "int64" and n == 2.0**53:
                continue
            for op in COMPARISONS:
                record(op, a, n)
                record(op, n, a)
    for low, high in [(0, 2), (0.5, 2.5), (-1, 300), (0, 3000000000), (2, 9007199254740993)]:
        for a in arrays.values():
            record("clip", a, low, high)


main()
