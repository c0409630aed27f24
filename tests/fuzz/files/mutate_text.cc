// Tokens are words, numbers and single characters; most mutations keep them whole.
#include <algorithm>
#include <cctype>
#include <vector>

#include "core/graph.h"
#include "core/op_record.h"
#include "core/scalar_expr.h"
#include "tests/fuzz/files/mutate.h"

namespace sinter::fuzz_files {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '%' || c == '.' ||
         c == '#';
}

std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    if (is_word(text[at])) {
      while (end < text.size() && is_word(text[end])) ++end;
    }
    tokens.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

std::string other_word(Choices& choices) {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> result = {"batch",    "end",
                                       "nan",      "-nan",
                                       "inf",      "-inf",
                                       "1e400",    "true",
                                       "false",    "1e-45",
                                       "0.5",      "output",
                                       "update",   "graph",
                                       "tensor",   "float32",
                                       "bfloat16", "float64",
                                       "int32",    "int64",
                                       "bool",     "uint8",
                                       "a0",       "a1",
                                       "a7",       "t0",
                                       "kind",     "body",
                                       "axes",     "shape",
                                       "perm",     "value",
                                       "sum",      "max",
                                       "map",      "reduce",
                                       "contract", "\"",
                                       "{",        "}",
                                       "(",        ")",
                                       "[",        "]",
                                       "\n",       std::string(1, '\0'),
                                       "\xff"};
    for (std::string& op : Registry::global().names()) result.push_back(std::move(op));
    for (int op = 2; op <= static_cast<int>(ScalarOp::kCast); ++op)
      result.emplace_back(scalar_op_name(static_cast<ScalarOp>(op)));
    return result;
  }();
  return choices.one_in(3) ? std::to_string(choices.number(3)) : choices.of(words);
}

void change(std::vector<std::string>& tokens, Choices& choices) {
  if (tokens.empty()) return;
  size_t at = choices.below(tokens.size());
  // Most of a text is spaces and brackets, of which few changes are graphs.
  for (int i = 0; i < 6 && !is_word(tokens[at][0]); ++i) at = choices.below(tokens.size());
  const auto place = tokens.begin() + static_cast<std::ptrdiff_t>(at);
  std::string& token = tokens[at];
  const bool number = std::isdigit(static_cast<unsigned char>(token[0])) != 0;
  if (number && !choices.one_in(4)) {
    token = std::to_string(choices.number(std::strtoll(token.c_str(), nullptr, 10)));
    return;
  }
  switch (choices.below(6)) {
    case 0: token = other_word(choices); break;
    case 1: {
      const std::string other = choices.of(tokens);
      if (is_word(other[0])) token = other;
      break;
    }
    case 2: tokens.erase(place); break;
    case 3: tokens.insert(place, std::string(choices.of(tokens))); break;
    case 4: {  // a line, or a few tokens, again
      const size_t end = std::min(tokens.size(), at + 1 + choices.below(30));
      const std::vector<std::string> copy(place, tokens.begin() + static_cast<std::ptrdiff_t>(end));
      const size_t to = choices.below(tokens.size());
      tokens.insert(tokens.begin() + static_cast<std::ptrdiff_t>(to), copy.begin(), copy.end());
      break;
    }
    default: {
      const size_t end = std::min(tokens.size(), at + 1 + choices.below(8));
      tokens.erase(place, tokens.begin() + static_cast<std::ptrdiff_t>(end));
    }
  }
}

}  // namespace

std::string mutated_text(std::string_view text, Choices& choices) {
  std::vector<std::string> tokens = tokens_of(text);
  const size_t changes = choices.one_in(2) ? 1 : 1 + choices.below(4);
  for (size_t i = 0; i < changes; ++i) change(tokens, choices);
  std::string result;
  for (const std::string& token : tokens) result += token;
  return result;
}

}  // namespace sinter::fuzz_files
