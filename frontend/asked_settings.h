// Which settings the maker of an object asks for: those in a file that it does not know are
// ignored, unless they are misspelt.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "frontend/config.h"

namespace sinter {

/// While it lives, notes what this thread asks of `config`.
class AskedSettings {
 public:
  /// `known` keys are those of whoever calls the maker: nobody can have meant them, where the maker
  /// keeps a copy of its settings and asks that one for its own.
  explicit AskedSettings(const Config& config, std::set<std::string, std::less<>> known = {});
  ~AskedSettings();
  AskedSettings(const AskedSettings&) = delete;

  /// Raises Error for a key of `given` that was not asked for and is like one that was, and that
  /// `given` does not have: "unknown setting 'activaton' of Dense 'd'; did you mean 'activation'?".
  /// Other keys are those of another version of Keras, which writes all that it knows.
  void refuse_misspelt(const std::string& owner, const Config& given) const;

  static void note(const Config& config, std::string_view key);

 private:
  const Config& config_;
  AskedSettings* outer_;
  std::set<std::string, std::less<>> keys_, known_;
};

/// What make() gives, which reads `read`: the settings `given` in a file for `owner`, or a copy
/// with defaults. Raises Error for misspelt ones of `given`, also where make() raises for lack of
/// them. `known`: as AskedSettings has it.
template <typename F>
auto made_of(const std::string& owner, const Config& given, const Config& read, F&& make,
             std::set<std::string, std::less<>> known = {}) {
  const AskedSettings asked(read, std::move(known));
  auto made = [&] {
    try {
      return make();
    } catch (const Error&) {
      asked.refuse_misspelt(owner, given);
      throw;
    }
  }();
  asked.refuse_misspelt(owner, given);
  return made;
}

template <typename F>
auto made_of(const std::string& owner, const Config& given, F&& make) {
  return made_of(owner, given, given, make);
}

}  // namespace sinter
