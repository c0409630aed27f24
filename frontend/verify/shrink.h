// Makes a failing case small, by the program itself: delta debugging (Zeller, Hildebrandt 2002)
// over outputs, nodes, shapes, values and options.
#pragma once

#include "frontend/verify/check.h"

namespace sinter::verification {

struct Shrunk {
  Case c;
  Configuration configuration;
  Verdict verdict;
  /// The optional passes without which the run is right.
  std::vector<std::string> guilty_passes;
  int checks = 0;
};

/// `verdict` is what check() says of the case; the small case fails in the same kind of way. Gives
/// up after so many seconds of the processor, with what is smallest then.
Shrunk shrink(const Case& c, const Configuration& configuration, const Verdict& verdict,
              double seconds = 20);

/// What failures of one cause mostly have in common: the ops of the small graph, the kind of
/// failure and the backend.
std::string signature(const Shrunk& shrunk);

}  // namespace sinter::verification
