// What holds for any text and any bytes: a graph, or an error of a documented type. Everything else
// raises Broken (or ends the process, which sanitizers explain).
#pragma once

#include <stdexcept>
#include <string>

#include "core/graph.h"

namespace sinter::fuzz_files {

class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Outcome {
  bool accepted = false;  // it is a graph
  bool ran = false;       // and ran on the reference backend
  std::string error;      // otherwise
};

/// Parses, prints and parses again, saves and loads again, compiles and runs.
Outcome check_graph_text(const std::string& text, const std::string& folder);
/// Loads, prints, compiles and runs each graph.
Outcome check_model_file(const std::string& path);

}  // namespace sinter::fuzz_files
