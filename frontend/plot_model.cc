#include "frontend/plot_model.h"

#include "core/graph.h"
#include "core/line.h"
#include "frontend/dot.h"
#include "frontend/graph_dot.h"
#include "frontend/model.h"

namespace sinter {

void plot_model(const Model& model, const std::string& path, SourceLocation where) {
  at_line(where, [&] { render_dot(to_layer_dot(model.forward_graph()), path); });
}

}  // namespace sinter
