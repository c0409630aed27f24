// plant BUGS SOURCE NAME OUTPUT: the source with all faults that the table has for the file NAME,
// each behind a switch.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/planted/bugs.h"

namespace {

using sinter::planted_bugs::Bug;

std::string planted(const std::string& source, const Bug& bug) {
  const auto fail = [&](const std::string& what) {
    throw std::runtime_error("bug " + bug.name + ": " + bug.file + " " + what);
  };
  const size_t at = source.find(bug.at);
  if (at == std::string::npos) fail("has no '" + bug.at + "'");
  if (source.find(bug.at, at + 1) != std::string::npos) fail("has '" + bug.at + "' more than once");
  const size_t from = source.find(bug.from, at + bug.at.size());
  if (from == std::string::npos) fail("has no '" + bug.from + "' there");
  const std::string question = "::sinter::planted(\"" + bug.name + "\")";
  const std::string put = bug.from.ends_with(';')
                              ? "if (" + question + ") { " + bug.to + " } else { " + bug.from + " }"
                              : "(" + question + " ? (" + bug.to + ") : (" + bug.from + "))";
  return source.substr(0, from) + put + source.substr(from + bug.from.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  try {
    std::ifstream in(argv[2]);
    std::stringstream text;
    text << in.rdbuf();
    std::string source = text.str();
    for (const Bug& bug : sinter::planted_bugs::read_bugs(argv[1])) {
      if (bug.file == argv[3]) source = planted(source, bug);
    }
    std::ofstream out(argv[4]);
    out << "#include \"tests/planted/planted.h\"\n#line 1 \"" << argv[2] << "\"\n" << source;
    return out.good() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "plant: %s\n", error.what());
    return 1;
  }
}
