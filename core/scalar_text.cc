// Text form of scalar expressions: values used once are written in place, others, and those that
// would stand too deep in brackets, get a name t0, t1, ...
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "core/error.h"
#include "core/scalar_expr.h"

namespace sinter {
namespace {

constexpr int kDeepest = 100;     // what is printed
constexpr int kMaxScalarNesting = 200;  // what is parsed

// The shortest text that reads back to the same element.
std::string literal(const ScalarInstruction& i) {
  const double value = i.constant.as_double();
  const bool single = is_floating(i.dtype) && arithmetic_dtype(i.dtype) == DType::kFloat32;
  return single && std::isfinite(value) ? fmt::format("{}", static_cast<float>(value))
                                        : i.constant.to_string();
}

class Printer {
 public:
  explicit Printer(const ScalarExpr& expr)
      : expr_(expr), uses_(expr.instructions.size()), names_(expr.instructions.size()) {
    for (const ScalarInstruction& i : expr.instructions) {
      if (i.op == ScalarOp::kArgument) continue;
      for (int32_t operand : i.operands) {
        if (operand >= 0) ++uses_[static_cast<size_t>(operand)];
      }
    }
    for (int32_t r : expr.results) ++uses_[static_cast<size_t>(r)];
  }

  std::string print() {
    std::string text = "(";
    for (size_t i = 0; i < expr_.arguments.size(); ++i) {
      text += fmt::format("{}{}", i > 0 ? ", " : "", dtype_name(expr_.arguments[i]));
    }
    text += ") -> ";
    int next = 0;
    std::vector<int> depth(expr_.instructions.size(), 0);
    for (size_t k = 0; k < expr_.instructions.size(); ++k) {
      const ScalarOp op = expr_.instructions[k].op;
      if (op == ScalarOp::kArgument || op == ScalarOp::kConstant) continue;
      for (int32_t operand : expr_.instructions[k].operands) {
        if (operand >= 0) depth[k] = std::max(depth[k], depth[static_cast<size_t>(operand)] + 1);
      }
      if (uses_[k] < 2 && (uses_[k] == 0 || depth[k] < kDeepest)) continue;
      depth[k] = 0;
      const std::string value = expression(static_cast<int32_t>(k));
      names_[k] = fmt::format("t{}", next++);
      text += fmt::format("{} = {}; ", names_[k], value);
    }
    for (size_t r = 0; r < expr_.results.size(); ++r)
      text += (r > 0 ? ", " : "") + expression(expr_.results[r]);
    return text;
  }

 private:
  std::string expression(int32_t id) {
    const size_t k = static_cast<size_t>(id);
    if (!names_[k].empty()) return names_[k];
    const ScalarInstruction& i = expr_.instructions[k];
    if (i.op == ScalarOp::kArgument) return fmt::format("a{}", i.operands[0]);
    if (i.op == ScalarOp::kConstant) return fmt::format("{}:{}", literal(i), dtype_name(i.dtype));
    std::string text(scalar_op_name(i.op));
    if (i.op == ScalarOp::kCast) text += fmt::format("<{}>", dtype_name(i.dtype));
    text += "(";
    for (int n = 0; n < scalar_op_arity(i.op); ++n)
      text += (n > 0 ? ", " : "") + expression(i.operands[static_cast<size_t>(n)]);
    return text + ")";
  }

  const ScalarExpr& expr_;
  std::vector<int> uses_;
  std::vector<std::string> names_;
};

class ScalarParser {
 public:
  explicit ScalarParser(std::string_view text) : text_(text) {}

  ScalarExpr parse() {
    expect("(");
    std::vector<DType> arguments;
    while (!accept(")")) {
      if (!arguments.empty()) expect(",");
      arguments.push_back(dtype());
    }
    expect("->");
    result_.arguments = std::move(arguments);
    do {
      const size_t start = position_;
      const std::string name = word();
      if (!name.empty() && name[0] == 't' && name.size() > 1 &&
          std::isdigit(static_cast<unsigned char>(name[1])) && accept("=")) {
        named_[name] = expression(0);
        expect(";");
        continue;
      }
      position_ = start;
      result_.results.push_back(expression(0));
      if (!accept(",")) break;
    } while (true);
    skip();
    if (position_ != text_.size()) fail("end of expression");
    if (const std::string fault = scalar_expr_fault(result_); !fault.empty())
      fail("a legal expression: " + fault);
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(std::string_view wanted) const {
    throw ParseError(fmt::format("scalar expression '{}': expected {} at column {}",
                                 text_.substr(0, 200), wanted, position_ + 1));
  }
  void skip() {
    while (position_ < text_.size() && text_[position_] == ' ') ++position_;
  }
  bool accept(std::string_view token) {
    skip();
    if (text_.substr(position_, token.size()) != token) return false;
    position_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) fail(fmt::format("'{}'", token));
  }
  std::string word() {
    skip();
    const size_t start = position_;
    while (position_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[position_])) || text_[position_] == '_'))
      ++position_;
    return std::string(text_.substr(start, position_ - start));
  }
  DType dtype() {
    const std::string name = word();
    for (DType d : kAllDTypes) {
      if (dtype_name(d) == name) return d;
    }
    fail("a dtype");
  }
  int32_t add(ScalarInstruction i) {
    const auto [known, added] =
        known_.try_emplace({i.op, i.dtype, i.operands, i.constant.to_string()},
                           static_cast<int32_t>(result_.instructions.size()));
    if (added) result_.instructions.push_back(i);
    return known->second;
  }
  int32_t expression(int depth) {
    if (depth > kMaxScalarNesting) fail("less nesting");
    skip();
    if (position_ >= text_.size()) fail("a value");
    const char c = text_[position_];
    if (c == '-' || std::isdigit(static_cast<unsigned char>(c)) ||
        text_.substr(position_, 4) == "inf:" || text_.substr(position_, 4) == "nan:") {
      return constant();
    }
    const std::string name = word();
    if (const auto it = named_.find(name); it != named_.end()) return it->second;
    if (name.size() > 1 && name[0] == 'a' && std::isdigit(static_cast<unsigned char>(name[1]))) {
      int32_t index = -1;
      const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), index);
      if (error != std::errc() || end != name.data() + name.size() || index < 0 ||
          index >= static_cast<int32_t>(result_.arguments.size())) {
        fail("a declared argument");
      }
      return add({ScalarOp::kArgument,
                  result_.arguments[static_cast<size_t>(index)],
                  {index, -1, -1},
                  {}});
    }
    return call(name, depth);
  }
  int32_t constant() {
    const size_t end = text_.find(':', position_);
    if (end == std::string_view::npos) fail("a typed constant");
    const std::string digits(text_.substr(position_, end - position_));
    const auto read = [&](auto value) -> std::optional<Number> {
      const auto [last, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error != std::errc() || last != digits.data() + digits.size()) return std::nullopt;
      return Number(value);
    };
    std::optional<Number> value;
    if (digits == "nan")
      value = std::numeric_limits<double>::quiet_NaN();
    else if (digits == "inf")
      value = std::numeric_limits<double>::infinity();
    else if (digits == "-inf")
      value = -std::numeric_limits<double>::infinity();
    else if (!(value = digits == "-0" ? read(double{}) : read(int64_t{})))
      value = read(double{});
    if (!value) fail("a number");
    position_ = end + 1;
    const DType type = dtype();
    const std::optional<Number> element = element_of(type, *value);
    if (!element) fail(fmt::format("an element of {}", dtype_name(type)));
    return add({ScalarOp::kConstant, type, {-1, -1, -1}, *element});
  }
  int32_t call(const std::string& name, int depth) {
    int op = -1;
    for (int k = static_cast<int>(ScalarOp::kAdd); k <= static_cast<int>(ScalarOp::kCast); ++k) {
      if (scalar_op_name(static_cast<ScalarOp>(k)) == name) op = k;
    }
    if (op < 0) fail("a scalar op");
    ScalarInstruction i;
    i.op = static_cast<ScalarOp>(op);
    if (i.op == ScalarOp::kCast) {
      expect("<");
      i.dtype = dtype();
      expect(">");
    }
    expect("(");
    for (int n = 0; n < scalar_op_arity(i.op); ++n) {
      if (n > 0) expect(",");
      i.operands[static_cast<size_t>(n)] = expression(depth + 1);
    }
    expect(")");
    std::array<DType, 3> types = {};
    for (int n = 0; n < scalar_op_arity(i.op); ++n) {
      const auto k = static_cast<size_t>(n);
      types[k] = result_.instructions[static_cast<size_t>(i.operands[k])].dtype;
    }
    const bool comparison =
        i.op == ScalarOp::kLess || i.op == ScalarOp::kLessEqual || i.op == ScalarOp::kEqual;
    if (i.op != ScalarOp::kCast)
      i.dtype = comparison ? DType::kBool : types[i.op == ScalarOp::kSelect ? 1 : 0];
    if (const char* what = scalar_operand_fault(i, types))
      fail(fmt::format("operands that fit '{}': {}", name, what));
    return add(i);
  }

  std::string_view text_;
  size_t position_ = 0;
  ScalarExpr result_;
  std::map<std::string, int32_t> named_;
  using Key = std::tuple<ScalarOp, DType, std::array<int32_t, 3>, std::string>;
  std::map<Key, int32_t> known_;
};

}  // namespace

std::string ScalarExpr::to_string() const { return Printer(*this).print(); }
ScalarExpr ScalarExpr::parse(std::string_view text) { return ScalarParser(text).parse(); }

}  // namespace sinter
