// The MODEL argument and the data files of the subcommands.
#pragma once

#include <string>
#include <vector>

#include "frontend/model.h"

namespace sinter::cli {

/// What a command does with the model: a loss, metric, schedule or optimizer of the user's own,
/// which the tool does not know, is needed for training and evaluation alone.
enum class ModelUse { kPrediction, kTraining };

/// A .sinter file, or a .json architecture with initial weights, which is compiled as its
/// "compile_config" says for training alone, and unless `compile_json` is false.
Model open_model(const std::string& path, ModelUse use, bool compile_json = true);

bool is_json(const std::string& path);

/// One tensor for each .npy file.
Data load_data(const std::vector<std::string>& paths);

}  // namespace sinter::cli
