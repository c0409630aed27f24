// Golden files of graph texts: `tests/golden/passes/<pass>.graph` holds many small cases.
//
//   case "name" [option ...]: becomes        case "name": unchanged        case "name": same as
//   "other" graph "g" { ... }                        graph "g" { ... }             graph "g" { ...
//   }
//   =>
//   graph "g" { ... }
//
// Options: `mixed_precision=bfloat16`, `emulated` (the target has no fast products of it),
// `claims=dense,softmax` (ops the target claims), `batch=4` (specialize first), `budget=65536` (of
// memory, in bytes), `values=any` (the pass changes values on purpose), `tolerance=1e-5` (the
// default is 1e-6), `remark` followed by a quoted text that must be left.
#pragma once

#include <string>
#include <vector>

namespace sinter::golden {

struct GraphCase {
  std::string name;
  std::string header;  // the line as it stands
  int line = 0;
  enum class Kind { kBecomes, kUnchanged, kSameAs } kind = Kind::kUnchanged;
  std::string other;  // of "same as"
  std::vector<std::string> claims;
  std::vector<std::string> first;
  std::vector<std::string> remarks;
  std::string mixed_precision;
  bool emulated = false;
  int64_t batch = 0, budget = 0;
  bool any_values = false;
  double tolerance = 1e-6;
  std::string before, after;
};

struct GraphFile {
  std::string path;
  std::string comment;  // lines before the first case
  std::vector<GraphCase> cases;
};

GraphFile read_graph_file(const std::string& path);
void write_graph_file(const GraphFile& file);

}  // namespace sinter::golden
