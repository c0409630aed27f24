// Exported code, loaded into this process.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "frontend/sinter.h"
#include "tests/support/temporary_folder.h"

namespace sinter::testing {

/// A model as a shared library.
class Exported {
 public:
  explicit Exported(const Model& model, ExportOptions options = {}) {
    options.emit = "shared";
    files = export_native(model, folder_.file("net"), options);
    library_ = ::dlopen(files.code.c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(library_, nullptr) << ::dlerror();
  }
  ~Exported() {
    if (library_ != nullptr) ::dlclose(library_);
  }
  Exported(const Exported&) = delete;
  Exported& operator=(const Exported&) = delete;

  /// A function by its name; null where there is none.
  template <typename F>
  F* function(const std::string& name) const {
    return reinterpret_cast<F*>(::dlsym(library_, name.c_str()));
  }
  size_t workspace_size() const { return function<size_t()>("net_workspace_size")(); }

  /// Calls `name` on these pointers and a workspace.
  int call(const std::string& name, std::vector<void*> arguments) const {
    if (workspace_.empty()) workspace_.assign(workspace_size() + 64, std::byte{0xff});
    const auto begin = reinterpret_cast<uintptr_t>(workspace_.data());
    arguments.push_back(reinterpret_cast<void*>((begin + 63) / 64 * 64));
    void* const f = ::dlsym(library_, name.c_str());
    EXPECT_NE(f, nullptr) << name;
    switch (arguments.size()) {
      case 3: return call(f, arguments, std::make_index_sequence<3>());
      case 4: return call(f, arguments, std::make_index_sequence<4>());
      case 5: return call(f, arguments, std::make_index_sequence<5>());
      case 6: return call(f, arguments, std::make_index_sequence<6>());
      case 7: return call(f, arguments, std::make_index_sequence<7>());
      case 8: return call(f, arguments, std::make_index_sequence<8>());
      default: ADD_FAILURE() << arguments.size() << " arguments";
    }
    return -1;
  }

  NativeFiles files;

 private:
  template <size_t>
  using Pointer = void*;
  template <size_t... i>
  static int call(void* f, const std::vector<void*>& a, std::index_sequence<i...>) {
    return reinterpret_cast<int (*)(Pointer<i>...)>(f)(a[i]...);
  }

  TemporaryFolder folder_;
  void* library_ = nullptr;
  mutable std::vector<std::byte> workspace_;  // what it holds must not matter
};

}  // namespace sinter::testing
