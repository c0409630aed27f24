#include "frontend/native/export_native.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>

#include "core/counted.h"
#include "core/error.h"
#include "core/file_io.h"
#include "frontend/model.h"
#include "frontend/model_state.h"
#include "frontend/native/c_header.h"
#include "frontend/native/link_native.h"
#include "frontend/native/native_state.h"
#include "frontend/origin.h"
#include "frontend/weights_lock.h"
#include "runtime/compile_native.h"

namespace sinter {
namespace {

struct Emission {
  std::string_view name, ending;
  NativeOptions::Output output;
};
constexpr std::array kEmissions = {
    Emission{"object", ".o", NativeOptions::Output::kObject},
    Emission{"static", ".a", NativeOptions::Output::kObject},
    Emission{"shared", ".so", NativeOptions::Output::kObject},
    Emission{"assembly", ".s", NativeOptions::Output::kAssembly},
    Emission{"llvm-ir", ".ll", NativeOptions::Output::kIr},
    Emission{"wasm", ".wasm", NativeOptions::Output::kObject},
    Emission{"c", ".c", NativeOptions::Output::kC},
};

const Emission& find_emission(const std::string& name) {
  std::vector<std::string> names;
  for (const Emission& e : kEmissions) {
    if (e.name == name) return e;
    names.emplace_back(e.name);
  }
  raise_unknown_name("emit", name, names);
}

std::vector<std::string> cpus_of(const ExportOptions& options) {
  if (options.emit == "c" && (options.multiversion || !options.target.empty()))
    throw Error(fmt::format("export_native: C is for every machine; leave out {}",
                            options.multiversion ? "multiversion" : "target"));
  if (!options.multiversion) return {options.cpu};
  if (options.cpu != "native" || !options.target.empty())
    throw Error(
        fmt::format("export_native: multiversion is for all levels of x86-64; leave out "
                    "{}, found '{}'",
                    options.target.empty() ? "cpu" : "target",
                    options.target.empty() ? options.cpu : options.target));
  return {"x86-64-v4", "x86-64-v3", "x86-64"};
}

// Nothing of a name may end the comment that it stands in.
std::string within_comment(std::string name) {
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < ' ' || c == '*' || c == '\\') c = '_';
  }
  return name;
}

bool is_no_part_of_an_include(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == '"' || c == '\\';
}

// wasm32 is what wasm is for.
std::string target_of(const ExportOptions& options) {
  const bool is_wasm = options.target.starts_with("wasm32");
  if (options.emit == "wasm") {
    if (!options.target.empty() && !is_wasm)
      throw Error(
          fmt::format("export_native: wasm is for the target wasm32, found '{}'", options.target));
    return is_wasm ? options.target : "wasm32";
  }
  if (options.emit == "shared" && (is_wasm || options.target.find("-none-") != std::string::npos))
    throw Error(fmt::format("export_native: {} loads no shared libraries; emit \"{}\"",
                            options.target, is_wasm ? "wasm" : "object"));
  return options.target;
}

class Export {
 public:
  Export(const Model& model, const std::string& path, const ExportOptions& options)
      : model_(model),
        state_(*model.state()),
        options_(options),
        emission_(find_emission(options.emit)) {
    path_ = path.ends_with(emission_.ending) ? path.substr(0, path.size() - emission_.ending.size())
                                             : path;
    const std::string file = std::filesystem::path(path_).filename().string();
    if (file.empty() || file == "." || file == "..")
      throw Error(fmt::format("export_native: '{}' names no file", path));
    if (std::ranges::any_of(file, is_no_part_of_an_include))
      throw Error(fmt::format(
          "export_native: C cannot include '{}.h': names of files have no \" and \\, and one line",
          file));
    if (is_c_header(file))
      throw Error(
          fmt::format("export_native: {0}.h is a header of C's own, which it would hide from "
                      "programs; call the file otherwise",
                      file));
    name_ = options.name.empty() ? file : options.name;
    if (!is_c_name(name_))
      throw Error(
          fmt::format("export_native: functions in C cannot be called '{}_predict': name them "
                      "by the option 'name', of letters, digits and _",
                      name_));
    if (options.threads < 1 || options.threads > 1024)
      throw Error(
          fmt::format("export_native: threads must be from 1 to 1024, found {}", options.threads));
    if (options.batches.empty()) throw Error("export_native: batches names no number of rows");
    for (const int64_t rows : options.batches) {
      if (rows < 1)
        throw Error(
            fmt::format("export_native: a batch must have at least one row, found {}", rows));
      if (std::ranges::count(options.batches, rows) > 1)
        throw Error(fmt::format("export_native: batches names {} twice", rows));
    }
  }

  NativeFiles run() {
    NativeOptions native;
    native.name = name_;
    native.target = target_of(options_);
    native.cpus = cpus_of(options_);
    native.workers = static_cast<int>(options_.threads);
    native.output = emission_.output;
    if (options_.training) add_training();
    for (const int64_t rows : options_.batches) add_prediction(rows);
    native.texts = {{name_ + "_version", SINTER_VERSION}, {name_ + "_signature", signature_}};
    take_values();
    if (options_.training) {
      native.state = NativeState{.function = name_ + "_initialize",
                                 .variables = {},
                                 .random_state = layout_.find(*state_.random_state).value_or(-1),
                                 .bytes = layout_.bytes()};
      for (const auto& [variable, value] : values_) {
        if (const std::optional<int64_t> offset = layout_.find(*variable))
          native.state->variables.push_back({value, *offset});
      }
    }
    const NativeCode code = compile_native(entries_, native);
    NativeHeader header;
    header.name = name_;
    header.file = std::filesystem::path(path_).filename().string();
    header.model = within_comment(state_.name);
    header.cpus = machines(native);
    header.workspace_bytes = std::ranges::max(code.workspace_bytes);
    header.state_bytes = layout_.bytes();
    header.threads = options_.threads;
    header.state_offsets = layout_.macros(name_);
    header.functions = std::move(functions_);
    NativeFiles files{.code = path_ + std::string(emission_.ending),
                      .header = path_ + ".h",
                      .workspace_bytes = header.workspace_bytes};
    const std::string bytes = linked(code.code, header);
    files.code_bytes = static_cast<int64_t>(bytes.size());
    write_file_atomically(files.code, bytes);
    write_file_atomically(files.header, c_header(header));
    if (emission_.name == "wasm")
      write_file_atomically(path_ + ".mjs", js_module(header));
    else
      write_file_atomically(path_ + ".hpp", cxx_header(header));
    return files;
  }

 private:
  // The parameters of a function on `graph`, for so many rows.
  NativeFunctionText describe(std::string function, std::string comment, const Graph& graph,
                              int64_t rows) const {
    NativeFunctionText text{.name = std::move(function),
                            .comment = std::move(comment),
                            .parameters = {},
                            .has_state = options_.training};
    std::vector<std::string> taken = taken_names(name_, text.name);
    const auto add = [&](const std::string& given, const ValueType& type, bool is_output) {
      text.parameters.push_back(
          {c_parameter(given, taken), {type.dtype, type.shape.specialized(rows)}, is_output});
    };
    for (const int32_t input : graph.inputs())
      add(graph.node(input).name, graph.type({input, 0}), false);
    for (const Graph::Output& output : graph.outputs())
      add(output.name, graph.type(output.value), true);
    return text;
  }

  void add_entry(NativeFunctionText text, Graph graph, const std::vector<VariablePtr>& variables,
                 CompileOptions options) {
    NativeEntry entry;
    entry.function = text.name;
    std::map<std::string, VariablePtr, std::less<>> by_name;
    for (size_t i = 0; i < variables.size(); ++i)
      by_name[graph.node(graph.variables()[i]).name] = variables[i];
    entry.graph = std::move(graph);
    entry.options = std::move(options);
    entry.storage = [this, by_name = std::move(by_name)](std::string_view name) {
      const auto found = by_name.find(name);
      SINTER_CHECK(found != by_name.end(), std::string(name));
      return NativeStorage{values_.at(found->second.get()),
                           layout_.find(*found->second).value_or(-1)};
    };
    variables_.insert(variables_.end(), variables.begin(), variables.end());
    entries_.push_back(std::move(entry));
    functions_.push_back(std::move(text));
  }

  void add_prediction(int64_t rows) {
    const bool is_first = rows == options_.batches.front();
    ForwardGraph forward = build_forward(state_.name, state_.net(), state_.random_state);
    NativeFunctionText text =
        describe(is_first ? name_ + "_predict" : fmt::format("{}_predict_{}", name_, rows),
                 fmt::format("Predicts {}.", counted(static_cast<size_t>(rows), "row")),
                 forward.graph, rows);
    if (is_first) {
      const size_t inputs = forward.graph.inputs().size();
      for (size_t p = 0; p < text.parameters.size(); ++p)
        signature_ += fmt::format("{} {} {}\n", p < inputs ? "input" : "output",
                                  p < inputs ? forward.graph.node(forward.graph.inputs()[p]).name
                                             : forward.graph.outputs()[p - inputs].name,
                                  text.parameters[p].type.to_string());
    }
    add_entry(std::move(text), std::move(forward.graph), forward.variables,
              program_options(state_, "inference", rows));
  }

  // What a step changes lies in the caller's memory, and what it reads of the optimizer.
  void add_training() {
    const int64_t rows = options_.batches.front();
    StepGraph step = training_step(state_, "export_native(training)");
    const std::shared_ptr<const Compiled> c = state_.settings("export_native(training)");
    // Weights, the optimizer's, and the rest: random numbers, metrics.
    for (const VariablePtr& v : state_.net().variables()) {
      if (std::ranges::find(step.updated, v) != step.updated.end()) layout_.add(v);
    }
    for (const VariablePtr& v : c->arguments.optimizer.impl().variables()) layout_.add(v);
    for (const VariablePtr& v : step.updated) layout_.add(v);
    NativeFunctionText text = describe(
        name_ + "_train_step",
        fmt::format("Trains on {}: one step of the optimizer. Labels and losses as in fit().",
                    counted(static_cast<size_t>(rows), "row")),
        step.graph, rows);
    text.writes_state = true;
    add_entry(std::move(text), std::move(step.graph), step.variables,
              program_options(state_, "training", rows));
  }

  // All of one moment; compiling then holds up no training in another thread.
  void take_values() {
    const std::vector<VariablePtr> in_state = layout_.variables();
    variables_.insert(variables_.end(), in_state.begin(), in_state.end());
    const WeightsGuard guard(state_.locks());
    for (const VariablePtr& v : variables_) {
      if (!values_.contains(v.get())) values_.emplace(v.get(), v->value.clone());
    }
  }

  // What the header says that the code is for.
  std::string machines(const NativeOptions& native) const {
    if (emission_.name == "c") return "every little-endian machine that has C11";
    const std::string cpus = fmt::format("{}", fmt::join(native.cpus, ", "));
    if (native.target.empty()) return cpus;
    return options_.cpu == "native" ? native.target : native.target + ", " + cpus;
  }

  std::string linked(const std::string& code, const NativeHeader& header) const {
    const std::string file = std::filesystem::path(path_).filename().string();
    if (emission_.name == "shared") return link_shared(code, file + ".so", options_.target);
    if (emission_.name == "c") return c_file(header, code);
    if (emission_.name == "wasm") return link_wasm(code, function_names(header));
    if (emission_.name == "static") return link_static(code, file + ".o");
    return code;
  }

  const Model& model_;
  ModelState& state_;
  const ExportOptions& options_;
  const Emission& emission_;
  std::string path_, name_;
  std::vector<NativeEntry> entries_;
  std::vector<NativeFunctionText> functions_;
  NativeStateLayout layout_;
  std::vector<VariablePtr> variables_;  // of all entries
  std::map<const Variable*, Tensor> values_;
  std::string signature_;  // of NAME_predict
};

}  // namespace

NativeFiles export_native(const Model& model, const std::string& path, const ExportOptions& options,
                          SourceLocation where) {
  return at_line(where, [&] { return Export(model, path, options).run(); });
}

NativeFiles Model::export_native(const std::string& path, const ExportOptions& options,
                                 SourceLocation where) const {
  return sinter::export_native(*this, path, options, where);
}

}  // namespace sinter
