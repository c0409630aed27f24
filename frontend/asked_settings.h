// Which settings the maker of an object asks for: those in a file that it does not know are
// ignored, unless they are misspelt.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "core/error.h"
#include "frontend/config.h"

namespace sinter {

/// While it lives, notes what this thread asks of `config`.
class AskedSettings {
 public:
  explicit AskedSettings(const Config& config);
  ~AskedSettings();
  AskedSettings(const AskedSettings&) = delete;

  /// Raises Error for a key of `given` that was not asked for and is like one that was, and that
  /// `given` does not have: "unknown setting 'activaton' of Dense 'd'; did you mean 'activation'?".
  /// Other keys are those of another version of Keras, which writes all that it knows.
  void refuse_misspelt(const std::string& owner, const Config& given) const;
  /// These are known, but nobody can have meant them: a maker of the user's that keeps a copy of
  /// its settings asks that one for its own keys, and only who calls it asks for these.
  void leave_out(std::initializer_list<const char*> keys);

  static void note(const Config& config, std::string_view key);

 private:
  const Config& config_;
  AskedSettings* outer_;
  std::set<std::string, std::less<>> keys_, left_out_;
};

/// What make() gives, which reads `read`: the settings `given` in a file for `owner`, or a copy
/// with defaults. Raises Error for misspelt ones of `given`, also where make() raises for lack of
/// them.
template <typename F>
auto made_of(const std::string& owner, const Config& given, const Config& read, F&& make) {
  const AskedSettings asked(read);
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
