// Opening models and data.
#include "frontend/cli/model_argument.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/data/npy.h"
#include "frontend/interop/json.h"
#include "frontend/interop/keras_compile.h"
#include "frontend/save.h"

namespace sinter::cli {

bool is_json(const std::string& path) { return path.ends_with(".json"); }

// The layers come from no source line, so none is given.
Model open_model(const std::string& path) {
  const SourceLocation nowhere;
  return is_json(path) ? model_from_json(read_file(path), {}, nowhere)
                       : load_model(path, {}, nowhere);
}

std::optional<CompileArguments> compile_config_in(const std::string& json_path) {
  const ConfigValue json = parse_json(read_file(json_path), fmt::format("'{}'", json_path));
  const Config* root = json.as<Config>();
  if (root == nullptr) return std::nullopt;
  const Config* settings = root->get("compile_config").as<Config>();
  if (settings == nullptr || settings->get("loss").is_null()) return std::nullopt;
  return compile_arguments_from_config(*settings);
}

Data load_data(const std::vector<std::string>& paths) {
  std::vector<Tensor> tensors;
  for (const std::string& path : paths) tensors.push_back(load_npy(path));
  return tensors;
}

}  // namespace sinter::cli
