// The MODEL argument and the data files of the subcommands.
#pragma once

#include <string>
#include <vector>

#include "frontend/model.h"

namespace sinter::cli {

/// A .sinter file as load_model gives it, or a .json architecture with initial weights. The
/// architecture's own "compile_config" is followed where `compile_json` says so.
Model open_model(const std::string& path, bool compile_json = true);

bool is_json(const std::string& path);

/// One tensor for each .npy file.
Data load_data(const std::vector<std::string>& paths);

}  // namespace sinter::cli
