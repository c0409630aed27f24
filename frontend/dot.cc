#include "frontend/dot.h"

#include <fmt/format.h>

#include <string_view>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/child_process.h"
#include "frontend/origin.h"

namespace sinter {
namespace {

std::string run_dot(const std::string& dot_text, const std::string& format) {
  std::vector<std::string> command = {"dot", "-T" + format};
  if (format == "png") command.emplace_back("-Gdpi=144");
  ProcessResult result = run_process(command, dot_text, "cannot draw the graph");
  if (!result.found)
    throw Error(
        "cannot draw the graph: the program 'dot' is not installed (Debian: apt-get install "
        "graphviz)");
  if (!result.done)
    throw Error(fmt::format("cannot draw the graph: dot failed: {}", result.fault()));
  return std::move(result.output);
}

}  // namespace

std::string dot_to_svg(const std::string& dot_text, SourceLocation where) {
  return at_line(where, [&] { return run_dot(dot_text, "svg"); });
}

std::string dot_to_png(const std::string& dot_text, SourceLocation where) {
  return at_line(where, [&] { return run_dot(dot_text, "png"); });
}

void render_dot(const std::string& dot_text, const std::string& path, SourceLocation where) {
  at_line(where, [&] {
    const bool png = path.ends_with(".png");
    if (!png && !path.ends_with(".svg")) {
      throw FileError(
          fmt::format("cannot draw the graph to '{}': the name must end in .svg or .png", path));
    }
    write_file_atomically(path, run_dot(dot_text, png ? "png" : "svg"));
  });
}

}  // namespace sinter
