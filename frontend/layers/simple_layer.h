// Layers without weights, given as settings and a function.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "frontend/layer.h"

namespace sinter {

/// A layer of one input and one output. Raises Error with the layer's title when `mistake` says
/// what is wrong with its settings.
std::shared_ptr<LayerImpl> simple_layer(std::string class_name, const std::string& name,
                                        SourceLocation where, Config own,
                                        std::function<Symbol(Symbol)> function,
                                        const std::string& mistake = "");
/// A layer that joins several inputs. Errors of `function` get the layer's title.
std::shared_ptr<LayerImpl> joining_layer(std::string class_name, const std::string& name,
                                         SourceLocation where, Config own, int min_inputs,
                                         int max_inputs,
                                         std::function<Symbol(std::span<const Symbol>)> function);

/// A layer of one input and one output that draws random numbers in training: `draw` gets the input
/// in the layer's dtype, the random state and a stream that no other call has. Otherwise it gives
/// what `otherwise` makes of the input: without one the input as it is.
struct RandomLayerFunctions {
  std::function<Symbol(Symbol x, Symbol state, int64_t stream)> draw;
  std::function<Symbol(Symbol x)> otherwise = nullptr;
};
std::shared_ptr<LayerImpl> random_layer(std::string class_name, const std::string& name,
                                        SourceLocation where, Config own,
                                        std::optional<int64_t> seed, RandomLayerFunctions functions,
                                        const std::string& mistake = "");

/// The stream of a layer's next call: different for other layers, calls and seeds.
int64_t stream_of_call(CallContext& context, const std::string& layer_name,
                       const std::optional<int64_t>& seed);
/// A noise shape as files hold it: null for none, and for the batch in it.
ConfigValue noise_shape_value(const std::vector<int64_t>& noise_shape);
/// A seed as files hold it, and back.
ConfigValue seed_value(const std::optional<int64_t>& seed);
std::optional<int64_t> seed_in(const Config& config);

}  // namespace sinter
