// Opening models and data.
#include "frontend/cli/model_argument.h"

#include "core/file_io.h"
#include "frontend/data/npy.h"
#include "frontend/save.h"

namespace sinter::cli {

bool is_json(const std::string& path) { return path.ends_with(".json"); }

// The layers come from no source line, so none is given.
Model open_model(const std::string& path, bool compile_json) {
  const SourceLocation nowhere;
  return is_json(path) ? model_from_json(read_file(path), {.compile = compile_json}, nowhere)
                       : load_model(path, {}, nowhere);
}

Data load_data(const std::vector<std::string>& paths) {
  std::vector<Tensor> tensors;
  for (const std::string& path : paths) tensors.push_back(load_npy(path));
  return tensors;
}

}  // namespace sinter::cli
