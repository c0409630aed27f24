// Model::summary: the table of layers, as Keras prints it.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "core/error.h"
#include "core/utf8.h"
#include "frontend/layer_call.h"
#include "frontend/layers/input.h"
#include "frontend/model_state.h"
#include "frontend/origin.h"

namespace sinter {
namespace {

constexpr int kShortestLine = 40, kKerasLine = 76;

struct Row {
  std::vector<std::string> cells;
};

std::string with_commas(int64_t n) {
  const std::string digits = std::to_string(n);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string shape_text(const Shape& shape) {
  std::string text;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i > 0) text += ", ";
    text += shape[i] == kBatch ? "None" : std::to_string(shape[i]);
  }
  return fmt::format("({}{})", text, shape.rank() == 1 ? "," : "");
}

std::string bytes_text(int64_t bytes) {
  const char* units[] = {"B", "KB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.2f} {}", value, units[unit]);
}

// A chain of layers needs no column for connections.
bool is_chain(const Network& network) {
  for (const auto& call : network.calls()) {
    if (call->inputs.size() > 1 || call->outputs.size() > 1 || call->index > 0) return false;
  }
  std::set<const LayerCall*> used;
  for (const auto& call : network.calls()) {
    for (const KerasTensor& x : call->inputs) {
      if (!used.insert(x.call().get()).second) return false;
    }
  }
  return network.inputs().size() == 1 && network.outputs().size() == 1;
}

// The calls of each layer, in their order.
using Calls = std::map<const LayerImpl*, std::vector<const LayerCall*>>;

Calls calls_of(const Network& network) {
  Calls calls;
  for (const auto& call : network.calls()) calls[call->layer.get()].push_back(call.get());
  return calls;
}

std::string connections(const std::vector<const LayerCall*>& calls) {
  std::string text;
  for (const LayerCall* call : calls) {
    for (const KerasTensor& x : call->inputs) {
      text += fmt::format("{}{}[{}][{}]", text.empty() ? "" : ", ", x.call()->layer->name(),
                          x.call()->index, x.index());
    }
  }
  return text.empty() ? "-" : text;
}

std::string output_shape(const std::vector<const LayerCall*>& calls) {
  if (calls.empty()) return "?";
  std::string text;
  for (const ValueType& t : calls[0]->outputs)
    text += (text.empty() ? "" : ", ") + shape_text(t.shape);
  return text;
}

std::string border(const std::vector<size_t>& widths, const char* left, const char* line,
                   const char* cross, const char* right) {
  std::string text = left;
  for (size_t c = 0; c < widths.size(); ++c) {
    if (c > 0) text += cross;
    for (size_t i = 0; i < widths[c] + 2; ++i) text += line;
  }
  return text + right + "\n";
}

// Words of `text` in lines of at most `width` columns; longer words are cut.
std::vector<std::string> wrapped(const std::string& text, size_t width) {
  std::vector<std::string> lines = {""};
  size_t at = 0;
  while (at < text.size()) {
    size_t end = std::min(text.find(' ', at), text.size());
    std::string word = text.substr(at, end - at);
    at = end + 1;
    if (!lines.back().empty() && columns_of(lines.back()) + 1 + columns_of(word) > width)
      lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    while (columns_of(word) > width) {
      const size_t cut = first_columns(word, width).size();
      lines.back() += word.substr(0, cut);
      word.erase(0, cut);
      lines.emplace_back();
    }
    lines.back() += word;
  }
  return lines;
}

std::string table_row(const std::vector<size_t>& widths, const Row& row, const char* bar,
                      size_t right_column) {
  std::vector<std::vector<std::string>> cells;
  size_t height = 1;
  for (size_t c = 0; c < widths.size(); ++c) {
    cells.push_back(wrapped(row.cells[c], widths[c]));
    height = std::max(height, cells.back().size());
  }
  std::string text;
  for (size_t line = 0; line < height; ++line) {
    text += bar;
    for (size_t c = 0; c < widths.size(); ++c) {
      const std::string cell = line < cells[c].size() ? cells[c][line] : "";
      const std::string space(widths[c] - columns_of(cell), ' ');
      text += ' ';
      if (c == right_column) text += space;
      text += cell;
      if (c != right_column) text += space;
      text += ' ';
      text += bar;
    }
    text += '\n';
  }
  return text;
}

std::string count_line(const char* what, const std::vector<VariablePtr>& variables) {
  int64_t count = 0, bytes = 0;
  for (const VariablePtr& v : variables) {
    count += v->value.elements();
    bytes += v->value.bytes();
  }
  return fmt::format(" {}: {} ({})\n", what, with_commas(count), bytes_text(bytes));
}

}  // namespace

std::string Model::summary_text(SummaryOptions options, SourceLocation where) const {
  return at_line(where, [&]() -> std::string {
    const Network& network = state_->net();
    const bool chain = is_chain(network);
    Calls calls = calls_of(network);
    std::vector<Row> rows = {{{"Layer (type)", "Output Shape", "Param #"}}};
    if (!chain) rows[0].cells.push_back("Connected to");
    for (const Layer& layer : layers()) {
      rows.push_back(
          {{fmt::format("{} ({})", layer.name(), layer.class_name()),
            sinter::output_shape(calls[&layer.impl()]), with_commas(layer.count_params())}});
      if (!chain) rows.back().cells.push_back(connections(calls[&layer.impl()]));
    }
    // Keras's columns for a terminal of 80 characters; another length changes them in proportion.
    std::vector<size_t> widths =
        chain ? std::vector<size_t>{31, 22, 13} : std::vector<size_t>{19, 17, 10, 17};
    size_t total = 1;
    for (size_t w : widths) total += w + 3;
    if (options.line_length > 0 && options.line_length != static_cast<int>(total)) {
      const auto wanted =
          static_cast<size_t>(std::max(options.line_length, kShortestLine)) - 1 - 3 * widths.size();
      size_t given = 0, sum = total - 1 - 3 * widths.size();
      for (size_t c = 1; c < widths.size(); ++c) given += widths[c] = widths[c] * wanted / sum;
      widths[0] = wanted - given;
    }

    std::string text = fmt::format("Model: \"{}\"\n", name());
    text += border(widths, "┏", "━", "┳", "┓");
    text += table_row(widths, rows[0], "┃", 2);
    text += border(widths, "┡", "━", "╇", "┩");
    for (size_t i = 1; i < rows.size(); ++i) {
      if (i > 1) text += border(widths, "├", "─", "┼", "┤");
      text += table_row(widths, rows[i], "│", 2);
    }
    text += border(widths, "└", "─", "┴", "┘");
    const std::vector<VariablePtr> all = network.variables();
    const std::vector<VariablePtr> trainable = trainable_variables(where);
    std::vector<VariablePtr> everything = all;
    std::vector<VariablePtr> slots;
    if (const std::shared_ptr<const Compiled> c = state_->compiled())
      slots = c->arguments.optimizer.variables();
    everything.insert(everything.end(), slots.begin(), slots.end());
    text += count_line("Total params", everything);
    text += count_line("Trainable params", trainable);
    text += count_line("Non-trainable params", without(all, trainable));
    if (!slots.empty()) text += count_line("Optimizer params", slots);
    return text;
  });
}

void Model::summary(SummaryOptions options, SourceLocation where) const {
  at_line(where, [&] {
    // A terminal that is narrower than the table would tear its lines.
    winsize size{};
    if (options.line_length == 0 && ::ioctl(::fileno(stdout), TIOCGWINSZ, &size) == 0 &&
        size.ws_col > 0 && size.ws_col <= kKerasLine)
      options.line_length = size.ws_col - 1;
    const std::string text = summary_text(options, where);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  });
}

}  // namespace sinter
