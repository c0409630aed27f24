// What a file holds of a model besides its graph and layers: the values of weights, the random
// state, and behind it what belongs to the optimizer.
#pragma once

#include <string>
#include <vector>

#include "core/model_file.h"
#include "frontend/model.h"

namespace sinter {

struct Compiled;

/// The weights, or what belongs to the optimizer: the random state stands between them. A file of
/// weights has neither; a weight may be called anything.
std::vector<const NamedTensor*> tensors_in(const ModelFile& file, bool of_optimizer);
/// Gives the variables the values of the file. With `share` they take the mapped memory itself,
/// which is right only while no executable is bound to theirs. Raises ShapeError, which begins with
/// `owner`, where they do not fit; then nothing has changed.
void adopt(const std::vector<VariablePtr>& variables,
           const std::vector<const NamedTensor*>& tensors, bool share, const std::string& owner);

/// The state of training, into a file that holds all else; the caller holds the locks of the model.
void add_training_state(ModelFile& file, const Model& model, const Compiled& compiled);
/// The same for a model that compile() has just settled. `path` is for errors: FileError,
/// ShapeError.
void restore_training(const Model& model, const ModelFile& file,
                      const std::vector<const NamedTensor*>& slots, const std::string& path);

}  // namespace sinter
