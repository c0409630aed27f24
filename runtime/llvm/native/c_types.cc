#include "runtime/llvm/native/c_types.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"

namespace sinter::codegen {
namespace {

unsigned bits_of(llvm::Type* type) { return type->getScalarSizeInBits(); }

bool is_mask(llvm::Type* type) {
  return type->isVectorTy() && type->getScalarType()->isIntegerTy(1);
}

// "f32", "u8", "mask", "ptr"
std::string element_name(llvm::Type* type) {
  llvm::Type* element = type->getScalarType();
  if (element->isPointerTy()) return "ptr";
  if (is_mask(type)) return "mask";
  return fmt::format("{}{}", element->isFloatingPointTy() ? "f" : "u", bits_of(element));
}

std::string element_type(llvm::Type* type) {
  llvm::Type* element = type->getScalarType();
  if (element->isPointerTy()) return "unsigned char *";
  if (element->isFloatTy()) return "float";
  if (element->isDoubleTy()) return "double";
  if (is_mask(type)) return "int32_t";
  if (!element->isIntegerTy()) raise_internal("a type of C", "");
  return fmt::format("uint{}_t", std::max(8u, bits_of(element)));
}

// A name by which functions of this type are told apart.
std::string suffix_of(llvm::Type* type) {
  if (type->isVoidTy()) return "void";
  const unsigned lanes = CTypes::lanes(type);
  return lanes == 0 ? element_name(type) : fmt::format("{}x{}", element_name(type), lanes);
}

// `text` with each of the words a, b, c, ... replaced.
std::string replaced(const std::string& text, const std::vector<std::string>& operands) {
  std::string result;
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const bool alone =
        (i == 0 || !is_word(text[i - 1])) && (i + 1 == text.size() || !is_word(text[i + 1]));
    const size_t which = static_cast<size_t>(text[i] - 'a');
    if (alone && text[i] >= 'a' && which < operands.size())
      result += operands[which];
    else
      result += text[i];
  }
  return result;
}

}  // namespace

unsigned CTypes::lanes(llvm::Type* type) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  return vector == nullptr ? 0 : vector->getNumElements();
}

bool CTypes::is_vector(llvm::Type* type) {
  return lanes(type) > 1 && !type->getScalarType()->isPointerTy();
}

std::string CTypes::declared(const std::string& name, const std::string& text) {
  if (known_.emplace(name, true).second) text_ += text;
  return name;
}

std::string CTypes::name(llvm::Type* type) {
  const unsigned count = lanes(type);
  if (type->isVoidTy()) return "void";
  if (count == 0) return element_type(type);
  const std::string name = suffix_of(type), element = element_type(type);
  if (!is_vector(type))
    return declared(name,
                    fmt::format("typedef struct {{ {} at[{}]; }} {};\n", element, count, name));
  return declared(name, fmt::format("VECTOR_TYPE({}, {}, {});\n", element, count, name));
}

std::string CTypes::signed_element(llvm::Type* type) {
  return fmt::format("int{}_t", std::max(8u, is_mask(type) ? 32u : bits_of(type)));
}

std::string CTypes::signed_vector(llvm::Type* type) {
  const unsigned bits = is_mask(type) ? 32 : bits_of(type);
  const std::string name = fmt::format("i{}x{}", bits, lanes(type));
  return declared(name, fmt::format("VECTOR_TYPE(int{}_t, {}, {});\n", bits, lanes(type), name));
}

std::string CTypes::lane(llvm::Type* type, const std::string& value,
                         const std::string& index) const {
  if (lanes(type) == 0) return value;
  return is_vector(type) ? fmt::format("AT({}, {})", value, index)
                         : fmt::format("{}.at[{}]", value, index);
}

std::string CTypes::each_lane(llvm::Type* result, const std::vector<llvm::Type*>& operands,
                              const std::string& lane_of) const {
  std::vector<std::string> of_lane;
  for (size_t i = 0; i < operands.size(); ++i)
    of_lane.push_back(lane(operands[i], std::string(1, static_cast<char>('a' + i)), "i"));
  const std::string assignment = fmt::format("{} = ({})({});\n", lane(result, "r", "i"),
                                             element_type(result), replaced(lane_of, of_lane));
  if (lanes(result) == 0) return "  " + assignment;
  return fmt::format("  for (int i = 0; i < {}; ++i) {}", lanes(result), assignment);
}

std::string CTypes::function(const std::string& operation, llvm::Type* result,
                             const std::vector<llvm::Type*>& operands, const std::string& lane_of,
                             const std::string& whole) {
  return function_of(operation, result, operands, each_lane(result, operands, lane_of),
                     whole.empty() ? "" : fmt::format("  r = {};\n", whole));
}

std::string CTypes::function_of(const std::string& operation, llvm::Type* result,
                                const std::vector<llvm::Type*>& operands, const std::string& body,
                                const std::string& whole_body) {
  std::string name = operation + "_" + suffix_of(result), parameters;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i] != result) name += "_" + suffix_of(operands[i]);
    parameters += fmt::format("{}{} {}", i == 0 ? "" : ", ", this->name(operands[i]),
                              static_cast<char>('a' + i));
  }
  const std::string type = this->name(result);
  std::string text = fmt::format("INLINE {} {}({}) {{\n", type, name, parameters);
  if (!result->isVoidTy()) text += fmt::format("  {} r;\n", type);
  text += whole_body.empty() || !is_vector(result)
              ? body
              : fmt::format("#if VECTORS\n{}#else\n{}#endif\n", whole_body, body);
  if (!result->isVoidTy()) text += "  return r;\n";
  return declared(name, text + "}\n");
}

std::string CTypes::number(const llvm::Constant* value) {
  llvm::Type* type = value->getType();
  if (llvm::isa<llvm::UndefValue>(value) || value->isNullValue()) {
    if (type->isPointerTy()) return "(unsigned char *)0";
    const auto* real = llvm::dyn_cast<llvm::ConstantFP>(value);
    if (real == nullptr || !real->isNegative()) return fmt::format("({})0", element_type(type));
  }
  if (const auto* real = llvm::dyn_cast<llvm::ConstantFP>(value)) {
    const bool single = type->isFloatTy();
    const double number = single ? static_cast<double>(real->getValueAPF().convertToFloat())
                                 : real->getValueAPF().convertToDouble();
    std::string text;
    if (std::isnan(number))
      text = "NAN";
    else if (std::isinf(number))
      text = number < 0 ? "-INFINITY" : "INFINITY";
    else
      return fmt::format("{:a}{}", number, single ? "f" : "");
    return fmt::format("({}){}", element_type(type), text);
  }
  const auto* whole = llvm::dyn_cast<llvm::ConstantInt>(value);
  if (whole == nullptr) raise_internal("a constant of C", "");
  if (bits_of(type) >= 32) return fmt::format("UINT{}_C({})", bits_of(type), whole->getZExtValue());
  return fmt::format("({}){}", element_type(type), whole->getZExtValue());
}

std::string CTypes::splat(llvm::Type* type, const std::string& value) {
  const std::string name =
      function_of("splat", type, {type->getScalarType()},
                  fmt::format("  for (int i = 0; i < {}; ++i) {} = {};\n", lanes(type),
                              lane(type, "r", "i"), is_mask(type) ? "-(int32_t)a" : "a"));
  return fmt::format("{}({})", name, value);
}

std::string CTypes::constant(const llvm::Constant* value) {
  llvm::Type* type = value->getType();
  if (lanes(type) == 0) return number(value);
  if (llvm::isa<llvm::UndefValue>(value))
    return splat(type, number(llvm::Constant::getNullValue(type->getScalarType())));
  if (const llvm::Constant* same = value->getSplatValue(true)) return splat(type, number(same));
  std::string elements;
  for (unsigned i = 0; i < lanes(type); ++i) {
    const llvm::Constant* element = value->getAggregateElement(i);
    if (i > 0) elements += ", ";
    if (is_mask(type))
      elements += llvm::isa<llvm::UndefValue>(element) || element->isNullValue() ? "0" : "-1";
    else
      elements += number(element);
  }
  const std::string of = name(type);
  std::string& known = numbered_[of + " " + elements];
  if (known.empty()) {
    known = fmt::format("constant_{}", numbered_.size());
    text_ += fmt::format("static const {} {} = VECTOR({});\n", of, known, elements);
  }
  return known;
}

std::string CTypes::shuffle(llvm::Type* result, llvm::Type* operand, llvm::ArrayRef<int> mask) {
  const int count = static_cast<int>(lanes(operand));
  std::string list, by_lane;
  for (size_t i = 0; i < mask.size(); ++i) {
    const int from = std::max(mask[i], 0);
    list += fmt::format(", {}", from);
    by_lane += fmt::format("  {} = {};\n", lane(result, "r", std::to_string(i)),
                           lane(operand, from < count ? "a" : "b", std::to_string(from % count)));
  }
  const bool is_plain = !is_vector(operand) || !is_vector(result);
  std::string& known = numbered_[suffix_of(operand) + list];
  if (known.empty()) {
    known = fmt::format("shuffle_{}", numbered_.size());
    const std::string of = name(operand), to = name(result);
    text_ += fmt::format("INLINE {0} {1}({2} a, {2} b) {{\n  {0} r;\n", to, known, of);
    text_ +=
        is_plain
            ? by_lane
            : fmt::format("#if SHUFFLES\n  r = __builtin_shufflevector(a, b{});\n#else\n{}#endif\n",
                          list, by_lane);
    if (by_lane.find("b") == std::string::npos || is_plain) text_ += "  (void)b;\n";
    text_ += "  return r;\n}\n";
  }
  return known;
}

}  // namespace sinter::codegen
