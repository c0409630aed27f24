// Graphs of a function by the types of its inputs, programs by the size of the batch.
#include "frontend/compiled_function.h"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "core/counted.h"
#include "frontend/given_function.h"
#include "frontend/origin.h"
#include "frontend/session.h"
#include "frontend/trace_mutex.h"
#include "frontend/weights_lock.h"
#include "ops/ops.h"
#include "passes/pass.h"
#include "runtime/compile.h"

namespace sinter {
namespace {

constexpr size_t kMaxPrograms = 16;

// What the callable has written for inputs of some types.
struct Traced {
  std::vector<ValueType> types;
  Graph graph;
  std::vector<VariablePtr> variables;  // in the order of graph.variables()
  std::vector<VariablePtr> changed;    // by updates
};

struct CompiledTrace {
  std::shared_ptr<const Traced> traced;
  int64_t batch = 0;
  std::unique_ptr<Executable> executable;
  std::vector<VariablePtr> variables;  // in the order of the executable
  std::vector<const void*> bound;      // their memory when they were bound
  bool is_bound = false;
  VariableVersion version = std::make_shared<std::atomic<uint64_t>>(0);
  uint64_t changes = 0;
};

uint64_t changes_of(const std::vector<VariablePtr>& variables) {
  uint64_t result = 0;
  for (const VariablePtr& v : variables) result += v->changes();
  return result;
}

}  // namespace

FunctionBody::~FunctionBody() = default;

void detail::raise_input_count(uint32_t taken, size_t given) {
  std::vector<std::string> counts;
  for (size_t n = 0; n <= kMostSymbols; ++n) {
    if ((taken >> n & 1) != 0) counts.push_back(counted(n, "input"));
  }
  throw Error(fmt::format("the function takes {}, given {}", fmt::join(counts, " or "), given));
}

struct CompiledFunction::State {
  Handle<FunctionBody> body;
  CompiledFunctionOptions options;
  VariablePtr random_state;
  TraceMutex mutex;
  std::list<std::shared_ptr<const Traced>> traces;  // most recently used first
  std::list<CompiledTrace> programs;

  /// One call at a time. Raises Error for one from inside another, which would wait for itself.
  std::unique_lock<TraceMutex> use() {
    if (mutex.is_mine())
      throw Error(fmt::format("function '{}' calls itself while it is traced", options.name));
    std::unique_lock lock(mutex);
    if (mutex.was_cut_off()) {  // as ModelState::hold_programs()
      std::construct_at(&traces);
      std::construct_at(&programs);
    }
    return lock;
  }

  /// The types of the inputs, those that `.batched` says with the batch. Raises ShapeError.
  std::vector<ValueType> types_as_said(const std::vector<Tensor>& inputs) const {
    if (options.batched.size() != inputs.size()) {
      throw Error(fmt::format("function '{}': batched has {}, given {}", options.name,
                              counted(options.batched.size(), "entry"),
                              counted(inputs.size(), "input")));
    }
    std::optional<int64_t> batch;
    std::vector<ValueType> types;
    for (size_t i = 0; i < inputs.size(); ++i) {
      std::vector<int64_t> dims = inputs[i].shape().dims();
      if (options.batched[i]) {
        if (dims.empty() || dims[0] != batch.value_or(dims[0])) {
          throw ShapeError(fmt::format(
              "function '{}': input {} is {}, but .batched says that its first dimension is the "
              "batch{}",
              options.name, i, inputs[i].shape().to_string(),
              batch ? fmt::format(", which is {} here", *batch) : ""));
        }
        batch = dims[0];
        dims[0] = kBatch;
      }
      types.push_back({inputs[i].dtype(), Shape(dims)});
    }
    return types;
  }

  /// What the inputs may be to the graph, the most general first: all with as many rows as the
  /// first one with rows hold the batch, that one alone does, none does.
  static std::vector<std::vector<ValueType>> readings(const std::vector<Tensor>& inputs) {
    std::vector<std::vector<ValueType>> result(1);
    for (const Tensor& x : inputs) result[0].push_back(x.type());
    const auto first =
        std::ranges::find_if(inputs, [](const Tensor& x) { return x.shape().rank() > 0; });
    for (const bool alone : {true, false}) {
      std::vector<ValueType> types = result[0];
      for (size_t i = 0; i < inputs.size(); ++i) {
        std::vector<int64_t> dims = inputs[i].shape().dims();
        if (dims.empty() || dims[0] != first->shape()[0] || (alone && &inputs[i] != &*first))
          continue;
        dims[0] = kBatch;
        types[i].shape = Shape(dims);
      }
      if (types != result.back()) result.push_back(std::move(types));
    }
    std::ranges::reverse(result);
    return result;
  }

  /// The size of the batch when inputs have these types (1 when none holds it), or nullopt.
  static std::optional<int64_t> batch_in(const std::vector<ValueType>& types,
                                         const std::vector<Tensor>& inputs) {
    if (types.size() != inputs.size()) return std::nullopt;
    std::optional<int64_t> batch;
    for (size_t i = 0; i < types.size(); ++i) {
      const Shape &wanted = types[i].shape, &given = inputs[i].shape();
      if (types[i].dtype != inputs[i].dtype() || wanted.rank() != given.rank()) return std::nullopt;
      for (int axis = 0; axis < given.rank(); ++axis) {
        const bool rows = wanted[axis] == kBatch;
        if (given[axis] != (rows ? batch.value_or(given[axis]) : wanted[axis])) return std::nullopt;
        if (rows) batch = given[axis];
      }
    }
    return batch.value_or(1);
  }

  // The graph stays where it is as long as the function knows it, so that no symbol of another call
  // can be taken for one of it.
  std::shared_ptr<const Traced> trace(std::vector<ValueType> types) {
    auto result = std::make_shared<Traced>();
    result->graph.set_name(options.name);
    Graph& graph = result->graph;
    graph.set_origins_of_ops(true);
    CallContext context(graph, options.training);
    if (!options.training) context.set_inference();
    context.set_random_state(random_state);
    std::vector<Symbol> inputs;
    for (size_t i = 0; i < types.size(); ++i)
      inputs.push_back(graph.input(fmt::format("x{}", i), types[i]));
    const std::vector<Symbol> results = body->write(context, inputs);
    for (size_t i = 0; i < results.size(); ++i) {
      const std::string what = fmt::format("function '{}': result {}", options.name, i);
      graph.add_output(fmt::format("y{}", i), graph.id_of(results[i], what));
    }
    context.advance_random_state();
    for (const CallContext::Update& u : context.updates()) {
      graph.id_of(u.value, fmt::format("function '{}': the value assigned to '{}'", options.name,
                                       u.variable->path));
    }
    result->changed = context.write_updates();
    result->variables = context.variables();
    result->types = std::move(types);
    return result;
  }

  /// A graph that takes the inputs; the last one in use goes first.
  std::shared_ptr<const Traced> traced(const std::vector<Tensor>& inputs) {
    std::optional<std::vector<ValueType>> said;
    if (!options.batched.empty()) said = types_as_said(inputs);
    for (auto it = traces.begin(); it != traces.end(); ++it) {
      if (said ? (*it)->types != *said : !batch_in((*it)->types, inputs)) continue;
      traces.splice(traces.begin(), traces, it);
      return traces.front();
    }
    traces.push_front(said ? trace(*std::move(said)) : traced_as_read(inputs));
    if (traces.size() > kMaxPrograms) traces.pop_back();
    return traces.front();
  }

  std::shared_ptr<const Traced> traced_as_read(const std::vector<Tensor>& inputs) {
    std::vector<std::vector<ValueType>> all = readings(inputs);
    std::vector<ValueType> last = std::move(all.back());
    all.pop_back();
    for (std::vector<ValueType>& types : all) {
      try {
        return trace(std::move(types));
      } catch (const ShapeError&) {
        // Two inputs may have as many rows by chance, or the function needs to know how many.
      }
    }
    return trace(std::move(last));
  }

  CompiledTrace& program(const std::shared_ptr<const Traced>& traced, int64_t batch) {
    for (auto it = programs.begin(); it != programs.end(); ++it) {
      if (it->traced != traced || it->batch != batch) continue;
      programs.splice(programs.begin(), programs, it);
      return programs.front();
    }
    CompiledTrace made;
    made.traced = traced;
    made.batch = batch;
    CompileOptions compile_options;
    compile_options.backend = options.backend.empty() ? default_backend() : options.backend;
    compile_options.pipeline = "training";
    compile_options.batch = batch;
    compile_options.cache = code_cache();
    compile_options.tune = tuning();
    compile_options.disabled_passes = options.disabled_passes;
    compile_options.mixed_precision = options.mixed_precision;
    compile_options.strict_precision = options.strict_precision;
    compile_options.memory_budget = options.memory_budget;
    made.executable = compile(traced->graph, compile_options);
    const Graph& lowered = made.executable->graph();
    std::unordered_map<int32_t, VariablePtr> by_node;
    for (size_t i = 0; i < traced->variables.size(); ++i)
      by_node[traced->graph.variables()[i]] = traced->variables[i];
    for (int32_t index : lowered.variables()) {
      const std::string& name = lowered.node(index).name;
      const auto known = by_node.find(traced->graph.find_variable(name));
      SINTER_CHECK(known != by_node.end(), name);
      made.variables.push_back(known->second);
    }
    programs.push_front(std::move(made));
    if (programs.size() > kMaxPrograms) programs.pop_back();
    return programs.front();
  }

  // Loading a file may give a variable other memory; and packed copies must follow every change.
  static void refresh(CompiledTrace& program) {
    std::vector<const void*> now;
    for (const VariablePtr& v : program.variables) now.push_back(v->value.raw());
    if (!program.is_bound || now != program.bound) {
      std::vector<Tensor> storage;
      for (const VariablePtr& v : program.variables) storage.push_back(v->value);
      program.executable->bind(std::move(storage), program.version);
      program.bound = std::move(now);
      program.is_bound = true;
      program.version->fetch_add(1);
    }
    const uint64_t changes = changes_of(program.variables);
    if (changes != program.changes) program.version->fetch_add(1);
    program.changes = changes;
  }
};

CompiledFunction::CompiledFunction(Handle<FunctionBody> body, CompiledFunctionOptions options,
                                   SourceLocation where)
    : state_(std::make_shared<State>()) {
  register_ops();
  if (body == nullptr) raise_empty_function("the body of a CompiledFunction", where);
  at_line(where, [&] {
    check_mixed_precision(options.mixed_precision);
    check_memory_budget(options.memory_budget);
    check_pass_names(options.disabled_passes);
  });
  state_->body = std::move(body);
  state_->options = std::move(options);
  state_->random_state = make_random_state();
  state_->random_state->value.data<int64_t>()[0] = static_cast<int64_t>(next_random_key() >> 1);
}

Tensor CompiledFunction::operator()(SourceLocation where) const {
  return only(call({}, where), where);
}

Tensor CompiledFunction::only(std::vector<Tensor> results, SourceLocation where) {
  if (results.size() != 1)
    throw Error(with_line(where, fmt::format("the function gives {}: use call()",
                                             counted(results.size(), "result"))));
  return std::move(results[0]);
}

Graph CompiledFunction::graph(const std::vector<Tensor>& inputs, SourceLocation where) const {
  return at_line(where, [&] {
    const auto lock = state_->use();
    return state_->traced(inputs)->graph;
  });
}

std::vector<Tensor> CompiledFunction::call(const std::vector<Tensor>& inputs,
                                           SourceLocation where) const {
  return at_line(where, [&] {
    const auto lock = state_->use();
    const std::shared_ptr<const Traced> traced = state_->traced(inputs);
    CompiledTrace& program =
        state_->program(traced, State::batch_in(traced->types, inputs).value());
    // Whoever saves or reads weights meanwhile waits for the end of the call.
    std::optional<WeightsGuard> guard;
    if (!program.traced->changed.empty())
      guard.emplace(std::span<const VariablePtr>(program.variables));
    State::refresh(program);
    std::vector<Tensor> results = program.executable->run(inputs);
    for (const VariablePtr& v : program.traced->changed) v->touch();
    return results;
  });
}

}  // namespace sinter
