#include "core/counted.h"

namespace sinter {

std::string counted_text(std::string number, std::string_view noun) {
  const bool is_one = number == "1";
  number += ' ';
  if (is_one) return number.append(noun);
  if (noun.ends_with('y')) return number.append(noun.substr(0, noun.size() - 1)).append("ies");
  return number.append(noun).append(noun.ends_with('s') || noun.ends_with("ch") ? "es" : "s");
}

}  // namespace sinter
