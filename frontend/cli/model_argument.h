// The MODEL argument and the data files of the subcommands.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontend/model.h"

namespace sinter::cli {

/// A .sinter file as load_model gives it, or a .json architecture with initial weights.
Model open_model(const std::string& path);

bool is_json(const std::string& path);

/// The "compile_config" of a .json architecture, if it has one that says anything.
std::optional<CompileArguments> compile_config_in(const std::string& json_path);

/// One tensor for each .npy file.
Data load_data(const std::vector<std::string>& paths);

}  // namespace sinter::cli
