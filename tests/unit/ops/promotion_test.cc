// The promotion table of ops/README.md: every op on every pair of dtypes and beside plain numbers,
// against what NumPy gives (tests/data/promotion), on every backend.
#include "ops/promotion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>

#include "core/convert.h"
#include "core/error.h"
#include "ops/ops.h"
#include "runtime/compile.h"
#include "runtime/load.h"

namespace sinter {
namespace {

struct Field {
  std::string dtype;  // "int" and "float": a plain number
  std::vector<std::string> values;
  bool is_number() const { return dtype == "int" || dtype == "float"; }
};

struct Line {
  std::string text, op, error;
  std::vector<Field> operands;
  Field result;
};

Field parse_field(const std::string& text) {
  std::istringstream in(text);
  Field field;
  in >> field.dtype;
  for (std::string value; in >> value;) field.values.push_back(value);
  return field;
}

std::vector<Line> read_lines() {
  std::vector<Line> lines;
  std::ifstream file(SINTER_TEST_DATA "/promotion/numpy.txt");
  for (std::string text; std::getline(file, text);) {
    Line line;
    line.text = text;
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, '|');) parts.push_back(part);
    line.op = parts.front();
    for (size_t i = 1; i + 1 < parts.size(); ++i) line.operands.push_back(parse_field(parts[i]));
    if (parts.back().starts_with("!"))
      line.error = parts.back();
    else
      line.result = parse_field(parts.back());
    lines.push_back(std::move(line));
  }
  return lines;
}

double floating_value(const std::string& text) { return std::strtod(text.c_str(), nullptr); }
int64_t integer_value(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

Tensor tensor_of(DType dtype, const std::vector<std::string>& values) {
  Tensor t(dtype, Shape{static_cast<int64_t>(values.size())});
  dispatch_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (size_t i = 0; i < values.size(); ++i) {
      if constexpr (is_floating_type<T>)
        t.data<T>()[i] = convert_element<T>(floating_value(values[i]));
      else
        t.data<T>()[i] = convert_element<T>(integer_value(values[i]));
    }
  });
  return t;
}

Number number_of(const Field& field) {
  return field.dtype == "int" ? Number(integer_value(field.values[0]))
                              : Number(floating_value(field.values[0]));
}

using Operands = std::vector<Operand>;

Symbol apply_op(const std::string& op, const Operands& o) {
  using Binary = Symbol (*)(Operand, Operand);
  static const std::map<std::string, Binary> binary = {{"add", add},
                                                       {"subtract", subtract},
                                                       {"multiply", multiply},
                                                       {"divide", divide},
                                                       {"divide_no_nan", divide_no_nan},
                                                       {"maximum", maximum},
                                                       {"minimum", minimum},
                                                       {"power", power},
                                                       {"equal", equal},
                                                       {"not_equal", not_equal},
                                                       {"less", less},
                                                       {"less_equal", less_equal},
                                                       {"greater", greater},
                                                       {"greater_equal", greater_equal}};
  using Unary = Symbol (*)(OpInput);
  static const std::map<std::string, Unary> unary = {
      {"negative", negative}, {"abs", abs},       {"sign", sign}, {"floor", floor},
      {"ceil", ceil},         {"square", square}, {"sqrt", sqrt}, {"exp", exp}};
  using Reduction = Symbol (*)(OpInput, Axes, bool);
  static const std::map<std::string, Reduction> reductions = {
      {"sum", sum}, {"prod", prod}, {"max", reduce_max}, {"min", reduce_min}, {"mean", mean}};
  if (const auto it = binary.find(op); it != binary.end()) return it->second(o[0], o[1]);
  if (const auto it = unary.find(op); it != unary.end()) return it->second(o[0].symbol());
  if (const auto it = reductions.find(op); it != reductions.end())
    return it->second(o[0].symbol(), {}, false);
  if (op == "clip") return clip(o[0].symbol(), o[1].number(), o[2].number());
  if (op == "select") {
    Graph& graph = (o[0].is_number() ? o[1] : o[0]).symbol().graph();
    return select(graph.constant(tensor_of(DType::kBool, {"1", "0", "1", "0", "1"})), o[0], o[1]);
  }
  if (op == "concat") return concat(std::vector{o[0].symbol(), o[1].symbol()}, 0);
  EXPECT_EQ(op, "matmul");
  return reshape(matmul(reshape(o[0].symbol(), {1, 5}), reshape(o[1].symbol(), {5, 1})), {1});
}

bool is_comparison(const std::string& op) {
  return op.ends_with("equal") || op.starts_with("less") || op.starts_with("greater");
}

// The dtype of NumPy's result by the rules of ops/README.md: the default dtypes are int32 and
// float32, and a floating dtype has the width that an operand asks for.
DType expected_dtype(const Line& line, const std::vector<DType>& dtypes) {
  const auto has = [&](DType d) { return std::ranges::find(dtypes, d) != dtypes.end(); };
  const std::string& name = line.result.dtype;
  const bool moves = line.op == "select" || line.op == "concat";
  if (moves && dtypes == std::vector(2, DType::kBFloat16)) return DType::kBFloat16;
  if (name.starts_with("float")) return has(DType::kFloat64) ? DType::kFloat64 : DType::kFloat32;
  if (name == "bool" || name == "uint8" || (name == "int8" && has(DType::kInt8)))
    return parse_dtype(name);
  return has(DType::kInt64) ? DType::kInt64 : DType::kInt32;
}

// NumPy's `where` wraps an integer around that the dtype does not have; beside bool its integers
// are int64. Here both are errors.
bool is_refused_here(const Line& line, DType dtype) {
  if (is_comparison(line.op) || line.op == "clip" || is_floating(dtype)) return false;
  return std::ranges::any_of(line.operands, [&](const Field& f) {
    return f.is_number() && !element_of(dtype, number_of(f));
  });
}

std::string difference(const Tensor& got, DType dtype, const Field& result) {
  const std::vector<std::string>& want = result.values;
  if (got.dtype() != dtype) return fmt::format("is {}", dtype_name(got.dtype()));
  const Tensor expected = tensor_of(dtype, want);
  if (got.elements() != expected.elements()) return fmt::format("is {}", got.type().to_string());
  // NumPy computes some functions of bool and uint8 in float16.
  const double tolerance = result.dtype == "float16"  ? 1e-3
                           : dtype == DType::kFloat64 ? 1e-13
                                                      : 2e-6;
  for (int64_t i = 0; i < got.elements(); ++i) {
    const Number a = got.number(i), b = expected.number(i);
    const double x = a.as_double(), y = b.as_double();
    const bool same = is_floating(dtype) ? x == y || (std::isnan(x) && std::isnan(y)) ||
                                               std::fabs(x - y) <= tolerance * std::fabs(y)
                                         : a == b;
    if (!same) return fmt::format("element {} is {}", i, a.to_string());
  }
  return "";
}

// All lines with operands of the same dtypes, in one graph.
struct Group {
  explicit Group(bool narrow) : narrow(narrow) {}

  DType dtype_of(const Field& f) const {
    const DType dtype = parse_dtype(f.dtype);
    return narrow && dtype == DType::kFloat32 ? DType::kBFloat16 : dtype;
  }

  Operand operand(const Field& f) {
    if (f.is_number()) return number_of(f);
    const std::string key = fmt::format("{} {}", f.dtype, fmt::join(f.values, " "));
    const auto [it, added] = inputs.try_emplace(key);
    if (added) {
      feeds.push_back(tensor_of(dtype_of(f), f.values));
      it->second = graph.input(fmt::format("x{}", feeds.size()), feeds.back().type());
    }
    return it->second;
  }

  void add(const Line& line) {
    Operands operands;
    std::vector<DType> dtypes;
    for (const Field& f : line.operands) {
      operands.push_back(operand(f));
      if (!f.is_number()) dtypes.push_back(dtype_of(f));
    }
    const DType dtype = expected_dtype(line, dtypes);
    if (!line.error.empty() || is_refused_here(line, dtype)) {
      EXPECT_THROW(apply_op(line.op, operands), Error) << line.text;
      return;
    }
    try {
      const Symbol y = apply_op(line.op, operands);
      EXPECT_EQ(y.dtype(), dtype) << line.text;
      graph.add_output(fmt::format("y{}", lines.size()), y.id());
      lines.push_back({&line, dtype});
    } catch (const std::exception& error) {
      ADD_FAILURE() << line.text << ": " << error.what();
    }
  }

  bool narrow;
  Graph graph{"promotion"};
  std::map<std::string, Symbol> inputs;
  std::vector<Tensor> feeds;
  std::vector<std::pair<const Line*, DType>> lines;
};

TEST(Promotion, IsThatOfNumPyOnEveryBackend) {
  register_ops();
  const std::vector<Line> lines = read_lines();
  ASSERT_GT(lines.size(), 2000u);
  std::map<std::string, Group> groups;
  for (const Line& line : lines) {
    std::string key;
    bool has_float32 = false;
    for (const Field& f : line.operands) {
      key += (f.is_number() ? "number" : f.dtype) + " ";
      has_float32 = has_float32 || f.dtype == "float32";
    }
    groups.try_emplace(key, false).first->second.add(line);
    // bfloat16 counts as float32; the values of the table are values of both.
    if (has_float32) groups.try_emplace("narrow " + key, true).first->second.add(line);
  }
  for (auto& [key, group] : groups) {
    for (const std::string& backend : backend_names()) {
      for (const bool passes : {true, false}) {
        CompileOptions options;
        options.backend = backend;
        if (!passes) options.disabled_passes = {"all"};
        const std::vector<Tensor> got = compile(group.graph, options)->run(group.feeds);
        for (size_t i = 0; i < group.lines.size(); ++i) {
          const auto& [line, dtype] = group.lines[i];
          const std::string found = difference(got[i], dtype, line->result);
          EXPECT_EQ(found, "") << line->text << (group.narrow ? " in bfloat16 on " : " on ")
                               << backend << (passes ? "" : " without passes");
        }
      }
    }
  }
}

TEST(Promotion, PairsOfDTypesMeetInTheTable) {
  const DType order[] = {DType::kBool,  DType::kUint8,   DType::kInt32,
                         DType::kInt64, DType::kFloat32, DType::kFloat64};
  for (size_t i = 0; i < std::size(order); ++i) {
    for (size_t j = 0; j < std::size(order); ++j)
      EXPECT_EQ(ops::promote(order[i], order[j]), order[std::max(i, j)]);
    for (const DType narrow : {DType::kBFloat16, DType::kFloat16}) {
      const DType with_float32 = ops::promote(order[i], DType::kFloat32);
      EXPECT_EQ(ops::promote(order[i], narrow), with_float32);
      EXPECT_EQ(ops::promote(narrow, order[i]), with_float32);
    }
    const DType with_int8 = i == 0   ? DType::kInt8
                            : i == 1 ? DType::kInt32  // NumPy: int16
                                     : order[i];
    EXPECT_EQ(ops::promote(order[i], DType::kInt8), with_int8);
    EXPECT_EQ(ops::promote(DType::kInt8, order[i]), with_int8);
  }
  EXPECT_EQ(ops::promote(DType::kInt8, DType::kInt8), DType::kInt8);
  EXPECT_EQ(ops::promote(DType::kBFloat16, DType::kBFloat16), DType::kFloat32);
  EXPECT_EQ(ops::promote(DType::kFloat16, DType::kFloat16), DType::kFloat32);
  EXPECT_EQ(ops::promote(DType::kFloat16, DType::kBFloat16), DType::kFloat32);
}

// x is compared with numbers that lie between its values or beyond them all, from either side.
TEST(Promotion, IntegersAreComparedExactly) {
  Graph g;
  const int64_t big = (int64_t{1} << 53) + 1;
  const Symbol x = g.input("x", {DType::kInt64, Shape{3}});
  const Symbol n = g.input("n", {DType::kInt32, Shape{3}});
  const Symbol f = g.input("f", {DType::kFloat32, Shape{3}});
  const Symbol results[] = {
      equal(x, big),       less(x, big),          greater(9007199254740992.0, x),
      less_equal(n, -0.5), greater(0x1p63, x),    equal(n, f),
      not_equal(n, 0.5),   greater_equal(n, 3e9), less(NAN, n)};
  for (size_t k = 0; k < std::size(results); ++k)
    g.add_output(fmt::format("y{}", k), results[k].id());
  const std::vector<Tensor> inputs = {
      Tensor::from<int64_t>({3}, std::vector<int64_t>{big - 1, big, INT64_MAX}),
      Tensor::from<int32_t>({3}, std::vector<int32_t>{-1, 0, 16777217}),
      Tensor::from<float>({3}, std::vector<float>{-1, 0, 16777216})};
  const std::vector<std::vector<uint8_t>> want = {{0, 1, 0}, {1, 0, 0}, {0, 0, 0},
                                                  {1, 0, 0}, {1, 1, 1}, {1, 1, 0},
                                                  {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
  for (const std::string& backend : backend_names()) {
    for (const bool passes : {true, false}) {
      CompileOptions options;
      options.backend = backend;
      if (!passes) options.disabled_passes = {"all"};
      const std::vector<Tensor> got = compile(g, options)->run(inputs);
      for (size_t k = 0; k < want.size(); ++k) {
        for (int64_t i = 0; i < 3; ++i)
          EXPECT_EQ(got[k].at(i), want[k][static_cast<size_t>(i)])
              << "result " << k << ", element " << i << " on " << backend;
      }
    }
  }
}

TEST(Promotion, NumbersThatADTypeDoesNotHaveAreRefused) {
  Graph g;
  const auto input = [&](const char* name, DType dtype) {
    return g.input(name, {dtype, Shape{2}});
  };
  const Symbol b = input("b", DType::kBool), u = input("u", DType::kUint8);
  const Symbol i = input("i", DType::kInt32), f = input("f", DType::kFloat32);
  EXPECT_THROW(maximum(u, -1), ShapeError);
  EXPECT_THROW(add(i, int64_t{3000000000}), ShapeError);
  EXPECT_THROW(select(b, u, 300), ShapeError);
  EXPECT_THROW(add(f, 1e39), ShapeError);
  EXPECT_THROW(pad(u, {0}, {1}, 256), ShapeError);
  EXPECT_THROW(pad(i, {0}, {1}, 0.5), ShapeError);
  EXPECT_THROW(full_like(u, 1.5), ShapeError);
  EXPECT_THROW(Tensor::full(DType::kUint8, {}, -1), ShapeError);
  EXPECT_THROW(clip(u, 256, 300), ShapeError);
  EXPECT_NO_THROW(add(f, INFINITY));
  EXPECT_NO_THROW(clip(f, -1e300, 1e300));
  for (const char* op : {"subtract", "divide", "divide_no_nan", "power"})
    EXPECT_THROW(g.add1(op, {b, b}), ShapeError);
  for (const char* op : {"negative", "sign"}) EXPECT_THROW(g.add1(op, {b}), ShapeError);
  EXPECT_THROW(g.add1("add", {i, f}), ShapeError);
  EXPECT_THROW(g.add1("leaky_relu", {i}), ShapeError);
  EXPECT_THROW(g.add1("clip", {i}, {{"low", 0.5}, {"high", 2.5}}), ShapeError);
  try {
    maximum(u, 300);
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(),
                 "maximum: 300 is no uint8 (0 to 255); cast the tensor beside it to a dtype that "
                 "has this number");
  }
}

}  // namespace
}  // namespace sinter
