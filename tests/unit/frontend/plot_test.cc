// Plots: ticks exactly, pictures by what must be in them.
#include "frontend/plot.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/file_io.h"
#include "frontend/dot.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_line.h"

namespace sinter {
namespace {

class Plot : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  static size_t count(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++found;
    return found;
  }
  static uint32_t big_endian(const std::string& bytes, size_t at) {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
  }
  static std::string error_of(const auto& action) {
    return testing::without_line(testing::error_of(action));
  }

  const testing::TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
};

TEST_F(Plot, TicksAreRoundAndCoverTheRange) {
  using Ticks = std::vector<double>;
  EXPECT_EQ(nice_ticks(0.02, 2.31, 5), (Ticks{0, 0.5, 1, 1.5, 2, 2.5}));
  EXPECT_EQ(nice_ticks(1, 38, 8), (Ticks{0, 5, 10, 15, 20, 25, 30, 35, 40}));
  EXPECT_EQ(nice_ticks(-30, 70, 5), (Ticks{-40, -20, 0, 20, 40, 60, 80}));
  for (const auto& [low, high] :
       {std::pair(0.0, 0.0), std::pair(5.0, 5.0), std::pair(-1e-12, 1e-12), std::pair(1e299, 2e299),
        std::pair(1.0, 1.0 + 1e-7), std::pair(-1e300, 1e300), std::pair(0.0, 5e-324),
        std::pair(-1e-310, 1e-308)}) {
    const Ticks ticks = nice_ticks(low, high, 5);
    EXPECT_LE(ticks.front(), low);
    EXPECT_GE(ticks.back(), high);
    EXPECT_GE(ticks.size(), 2u);
    EXPECT_LE(ticks.size(), 12u);
  }
}

TEST_F(Plot, SvgHoldsBothCurvesInTheirColours) {
  plot_history({{"loss", {2, 1, 0.5}}, {"val_loss", {2, 1.5, 1.2}}, {"accuracy", {0.1, 0.6, 0.9}}},
               path("h.svg"));
  const std::string svg = read_file(path("h.svg"));
  EXPECT_TRUE(svg.starts_with("<?xml"));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  // Curve and legend line are strokes, three points are fills. Loss and accuracy have two panels
  // beside each other.
  EXPECT_EQ(count(svg, "stroke:rgb(0%,40%,75%)"), 4u);
  EXPECT_EQ(count(svg, "stroke:rgb(87%,36%,2%)"), 2u);
  EXPECT_NE(svg.find("width=\"920pt\" height=\"330pt\""), std::string::npos);
}

TEST_F(Plot, PngHasTwiceTheSize) {
  plot_history({{"loss", {2, 1}}}, path("h.png"), {.title = "title", .width = 300, .height = 200});
  const std::string png = read_file(path("h.png"));
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(big_endian(png, 16), 600u);
  EXPECT_EQ(big_endian(png, 20), 400u);
}

TEST_F(Plot, AnyValuesCanBeDrawn) {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity(),
               max = std::numeric_limits<double>::max();
  for (const std::vector<double>& values : {std::vector<double>{},
                                            {0},
                                            {nan},
                                            {nan, 1, nan, 2},
                                            {inf, -inf},
                                            {1e300, -1e300},
                                            {max, -max},
                                            {1e-320, 0},
                                            std::vector<double>(2000, 3.0)}) {
    plot_history({{"loss", values}, {"val_mae", values}}, path("h.png"));
    plot_history({{"loss", values}}, path("h.svg"));
  }
}

TEST_F(Plot, Errors) {
  EXPECT_EQ(error_of([] {
              plot_history({{"loss", {1}}}, "h.pdf");
            }),
            "cannot plot to 'h.pdf': the name must end in .svg or .png");
  EXPECT_EQ(error_of([] { plot_history({}, "h.svg"); }),
            "cannot plot an empty history: fit() has run no epoch");
  EXPECT_EQ(error_of([] {
              plot_history({{"loss", {1}}}, "/no/h.svg");
            }),
            "cannot write '/no/h.svg': No such file or directory");
  EXPECT_NE(error_of([] {
              plot_history({{"loss", {1}}}, "h.png", {.width = 100000, .height = 100});
            }),
            "no error");
}

TEST_F(Plot, DrawsGraphs) {
  const std::string text = "digraph { Input -> Dense }";
  if (error_of([&] { dot_to_svg(text); }).find("not installed") != std::string::npos)
    GTEST_SKIP() << "no Graphviz here";
  render_dot(text, path("g.svg"));
  const std::string svg = read_file(path("g.svg"));
  EXPECT_NE(svg.find(">Dense</text>"), std::string::npos);
  EXPECT_EQ(svg, dot_to_svg(text));
  render_dot(text, path("g.png"));
  EXPECT_EQ(read_file(path("g.png")).substr(0, 8), "\x89PNG\r\n\x1a\n");
  // More text than a pipe holds, in and out.
  std::string large = "digraph {";
  for (int i = 0; i < 300; ++i)
    large += "n" + std::to_string(i) + " [label=\"" + std::string(1000, 'x') + "\"];";
  EXPECT_GT(dot_to_svg(large + "}").size(), 300000u);
}

TEST_F(Plot, GraphErrors) {
  EXPECT_EQ(error_of([] { render_dot("digraph {}", "g.pdf"); }),
            "cannot draw the graph to 'g.pdf': the name must end in .svg or .png");
  const std::string path_before = ::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  EXPECT_EQ(error_of([] { dot_to_svg("digraph {}"); }),
            "cannot draw the graph: the program 'dot' is not installed (Debian: apt-get install "
            "graphviz)");
  ::setenv("PATH", path_before.c_str(), 1);
  const std::string error = error_of([] { dot_to_svg("digraph { a -> "); });
  EXPECT_TRUE(error.starts_with("cannot draw the graph: ")) << error;
}

}  // namespace
}  // namespace sinter
