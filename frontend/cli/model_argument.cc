// Opening models and data.
#include "frontend/cli/model_argument.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/data/csv.h"
#include "frontend/data/npy.h"
#include "frontend/save.h"

namespace sinter::cli {

bool is_json(const std::string& path) { return path.ends_with(".json"); }

// The layers come from no source line, so none is given.
Model open_model(const std::string& path, ModelUse use, bool compile_json) {
  const SourceLocation nowhere;
  const bool training = use == ModelUse::kTraining;
  if (is_json(path))
    return model_from_json(read_file(path), {.compile = training && compile_json}, nowhere);
  try {
    return load_model(path, {.training = training}, nowhere);
  } catch (const NameError& error) {
    if (std::string_view(error.what()).find("your own: ") == std::string_view::npos) throw;
    throw NameError(fmt::format("{}. The tool knows none of your own: write a program that does",
                                error.what()));
  }
}

Data load_data(const std::vector<std::string>& paths) {
  std::vector<Tensor> tensors;
  for (const std::string& path : paths)
    tensors.push_back(path.ends_with(".csv") ? load_csv(path) : load_npy(path));
  return tensors;
}

}  // namespace sinter::cli
