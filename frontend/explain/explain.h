// explain: what became of a model, as a page to look at.
#pragma once

#include <cstdint>
#include <string>

#include "core/source_location.h"

namespace sinter {

class Model;

struct ExplainOptions {
  /// forward (as the layers build it), inference or training (the whole step); "": training of a
  /// compiled model, otherwise inference.
  std::string graph = "";
  int64_t batch = 32;        // rows
  bool measure = false;      // run the kernels for a quarter of a second, on random numbers
  std::string backend = "";  // default: that of compile(), or set_backend()
};

/// Writes a page that needs nothing but a browser into `path`: the graph by layers, as built and
/// after each pass, with what the passes changed; kernels with backend, reasons, times and code;
/// the memory plan; remarks of rules that nearly applied. The model stays as it is. Raises
/// NameError for an unknown graph or backend, Error for a model that has not been built, for
/// "training" of one that is not compiled and for a batch below 1, FileError, and what compiling
/// raises.
void explain(const Model& model, const std::string& path, const ExplainOptions& options = {},
             SourceLocation where = SourceLocation::current());

}  // namespace sinter
