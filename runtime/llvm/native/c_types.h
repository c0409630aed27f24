// LLVM's types and constants as C11, and the small functions that its instructions become: one for
// each operation and type that is needed, with lanes in a loop or, where the compiler has vectors,
// as one expression.
#pragma once

#include <llvm/IR/Constants.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/Type.h>

#include <map>
#include <string>
#include <vector>

namespace sinter::codegen {

class CTypes {
 public:
  /// "float", "uint32_t", "unsigned char *"; of vectors "f32x16", "u8x4", "mask8" (of i1, lanes of
  /// 32 bits that are 0 or -1), "ptrx4". What a vector needs is declared.
  std::string name(llvm::Type* type);
  /// Lanes of a vector; 0 for a scalar.
  static unsigned lanes(llvm::Type* type);
  /// Is it one of the compiler's vectors where it has any? Vectors of pointers are not.
  static bool is_vector(llvm::Type* type);

  /// Lane `index` of `value`; the value itself where it is a scalar.
  std::string lane(llvm::Type* type, const std::string& value, const std::string& index) const;
  /// A type for lanes, "int32_t": of the element, signed.
  static std::string signed_element(llvm::Type* type);
  /// The vector of integers as wide as the elements: "i32x16".
  std::string signed_vector(llvm::Type* type);

  /// The statement that makes each lane of `r` (or `r` itself) of the same lanes of operands called
  /// a, b, c, ... in `lane_of`.
  std::string each_lane(llvm::Type* result, const std::vector<llvm::Type*>& operands,
                        const std::string& lane_of) const;

  /// A function `name` of operands called a, b, c, ... whose result is `lane_of` each of them ("a +
  /// b", where a and b stand for lanes), cast to the result's element; `whole` is the same for
  /// vectors of the compiler ("" where there is none). Declared once; gives its name.
  std::string function(const std::string& operation, llvm::Type* result,
                       const std::vector<llvm::Type*>& operands, const std::string& lane_of,
                       const std::string& whole = "");
  /// The same with a body of its own: statements after which `r` is returned.
  std::string function_of(const std::string& operation, llvm::Type* result,
                          const std::vector<llvm::Type*>& operands, const std::string& body,
                          const std::string& whole_body = "");

  std::string constant(const llvm::Constant* value);
  /// A vector of one number.
  std::string splat(llvm::Type* type, const std::string& number);
  /// The lanes of two vectors that a mask names.
  std::string shuffle(llvm::Type* result, llvm::Type* operand, llvm::ArrayRef<int> mask);

  /// Everything that was declared.
  const std::string& declarations() const { return text_; }

 private:
  std::string number(const llvm::Constant* value);
  std::string declared(const std::string& name, const std::string& text);

  std::map<std::string, bool> known_;
  std::map<std::string, std::string> numbered_;  // constants and shuffles, by what they hold
  std::string text_;
};

}  // namespace sinter::codegen
