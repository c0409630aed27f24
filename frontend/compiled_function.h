// CompiledFunction: any function of symbols as one compiled program, with the variables that it
// reads and updates - a training loop of one's own, a penalty on gradients, a measurement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/handle.h"
#include "core/tensor.h"
#include "frontend/layer.h"

namespace sinter {

struct CompiledFunctionOptions {
  std::string name = "function";
  /// Do layers work as in training: dropout, statistics of the batch, moving averages that move?
  bool training = true;
  /// For each input: is its first dimension the batch? All batches are of one size in a call, and
  /// another size needs no new graph. Default: all inputs with as many rows as the first one with
  /// rows; where the function cannot be written so, that one alone, or none.
  std::vector<bool> batched = {};
  std::string backend = "";  // default: set_backend()
  std::string mixed_precision = "";
  std::vector<std::string> disabled_passes = {};
  bool strict_precision = false;  // as compile() has it
  int64_t memory_budget = 0;      // as compile() has it, of every call
};

/// What a CompiledFunction writes into a graph.
class FunctionBody {
 public:
  virtual ~FunctionBody();
  virtual std::vector<Symbol> write(CallContext& context, std::span<const Symbol> inputs) = 0;
};

namespace detail {

template <size_t>
using SymbolAt = Symbol;

/// Does F take a context and n symbols?
template <typename F, size_t... i>
constexpr bool takes(std::index_sequence<i...>) {
  return std::is_invocable_v<F&, CallContext&, SymbolAt<i>...>;
}

constexpr size_t kMostSymbols = 8;
template <typename F, size_t... n>
constexpr bool takes_some(std::index_sequence<n...>) {
  return (takes<F>(std::make_index_sequence<n>()) || ...);
}
template <typename F>
concept TakesSymbols = takes_some<F>(std::make_index_sequence<kMostSymbols + 1>());
/// What takes symbols is not tried with a list: the body of a generic lambda may not compile then.
template <typename F>
concept TakesList =
    !TakesSymbols<F> && std::is_invocable_v<F&, CallContext&, std::span<const Symbol>>;
template <typename F>
concept SymbolFunction = TakesSymbols<F> || TakesList<F>;

/// Bit n: F takes n symbols.
template <typename F, size_t... n>
constexpr uint32_t taken_counts(std::index_sequence<n...>) {
  return ((uint32_t{takes<F>(std::make_index_sequence<n>())} << n) | ...);
}

/// "the function takes 2 inputs, given 3".
[[noreturn]] void raise_input_count(uint32_t taken, size_t given);

template <typename F>
class Body final : public FunctionBody {
 public:
  explicit Body(F function) : function_(std::move(function)) {}
  std::vector<Symbol> write(CallContext& context, std::span<const Symbol> inputs) override {
    if constexpr (TakesList<F>) {
      return listed([&] { return function_(context, inputs); });
    } else {
      return spread<0>(context, inputs);
    }
  }

 private:
  template <size_t n>
  std::vector<Symbol> spread(CallContext& context, std::span<const Symbol> inputs) {
    if constexpr (n > kMostSymbols) {
      raise_input_count(taken_counts<F>(std::make_index_sequence<kMostSymbols + 1>()),
                        inputs.size());
    } else {
      if constexpr (takes<F>(std::make_index_sequence<n>())) {
        if (inputs.size() == n) {
          return [&]<size_t... i>(std::index_sequence<i...>) {
            return listed([&] { return function_(context, inputs[i]...); });
          }
          (std::make_index_sequence<n>());
        }
      }
      return spread<n + 1>(context, inputs);
    }
  }

  template <typename Call>
  static std::vector<Symbol> listed(Call call) {
    using Result = decltype(call());
    if constexpr (std::is_void_v<Result>) {
      call();
      return {};
    } else if constexpr (std::is_convertible_v<Result, Symbol>) {
      return {call()};
    } else {
      return call();
    }
  }

  F function_;
};

/// Null for an empty function.
template <typename F>
Handle<FunctionBody> body_of(F function) {
  if constexpr (requires { function == nullptr; }) {
    if (function == nullptr) return {};
  }
  return Handle<FunctionBody>(std::make_shared<Body<F>>(std::move(function)));
}

}  // namespace detail

/// Made of a callable `(CallContext& context, Symbol x, ...)` - or of one that takes
/// `(CallContext&, std::span<const Symbol>)` - that gives a Symbol, a `std::vector<Symbol>` or
/// nothing. Within it
///
///   context.variable(v)            the variable as a symbol
///   context.assign(v, value)       its value after this call
///   context.gradients(loss, vs)    derivatives with respect to variables
///   gradients(y, xs)               derivatives with respect to symbols, to any order
///   model.call(context, x)         a model, with its weights
///   optimizer.apply_gradients(context, gradients, vs)
///
/// The callable runs when inputs of new types come (first dimensions aside): then it writes the
/// graph, which is differentiated, optimised and compiled for each size of the batch. A handle:
/// copies are the same function. Calls are made one after the other.
class CompiledFunction {
 public:
  /// A tensor with the line of the call, which cannot follow a list of any length.
  struct FirstInput {
    template <typename T>
    requires std::is_convertible_v<T, Tensor> FirstInput(
        T&& input, SourceLocation line = SourceLocation::current())  // NOLINT
        : tensor(std::forward<T>(input)), where(line) {}
    Tensor tensor;
    SourceLocation where;
  };

  template <typename F>
  requires detail::SymbolFunction<F>
  explicit CompiledFunction(F function, CompiledFunctionOptions options = {},
                            SourceLocation where = SourceLocation::current())
      : CompiledFunction(detail::body_of(std::move(function)), std::move(options), where) {}
  /// Raises Error for an empty function.
  CompiledFunction(Handle<FunctionBody> body, CompiledFunctionOptions options,
                   SourceLocation where = SourceLocation::current());

  /// The result of a function of one. Raises Error when it has none or several, and as call() does.
  Tensor operator()(SourceLocation where = SourceLocation::current()) const;
  template <typename... Tensors>
  requires(std::is_convertible_v<Tensors, Tensor>&&...) Tensor operator()(FirstInput first,
                                                                          Tensors... others) const {
    return only(call({std::move(first.tensor), std::move(others)...}, first.where), first.where);
  }
  /// All results. Raises ShapeError when inputs that `.batched` says have the batch differ in rows
  /// or the graph does not fit the types, and Error when a symbol of another graph is given back.
  std::vector<Tensor> call(const std::vector<Tensor>& inputs,
                           SourceLocation where = SourceLocation::current()) const;
  /// The graph for inputs of these types, before any pass.
  Graph graph(const std::vector<Tensor>& inputs,
              SourceLocation where = SourceLocation::current()) const;

 private:
  struct State;
  static Tensor only(std::vector<Tensor> results, SourceLocation where);
  Handle<State> state_;
};

}  // namespace sinter
