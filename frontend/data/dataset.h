// Dataset: a stream of elements made of others step by step, as tf.data.Dataset. Nothing runs until
// it is walked through.
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/callable.h"
#include "core/handle.h"
#include "core/source_location.h"
#include "frontend/data/element.h"
#include "frontend/number_arguments.h"

namespace sinter {

class DatasetNode;

namespace detail {

using ElementFunction = Callable<Element(const Element&)>;
using FileFunction = Callable<Element(const std::string&)>;
using ElementPredicate = Callable<bool(const Element&)>;
using Generator = Callable<std::optional<Element>()>;

/// "the function takes 2 tensors, the element has 1 part".
[[noreturn]] void raise_part_count(bool takes_one, bool takes_two, bool takes_three, size_t parts);

/// What takes an element, or the tensors of its parts.
template <typename F>
inline constexpr bool takes_element = std::is_invocable_v<F&, const Element&>;
template <typename F, typename... Tensors>
inline constexpr bool takes_parts = !takes_element<F> && std::is_invocable_v<F&, Tensors...>;
template <typename F>
concept TakesElement = takes_element<F> || takes_parts<F, Tensor> ||
    takes_parts<F, Tensor, Tensor> || takes_parts<F, Tensor, Tensor, Tensor>;

template <typename Result, typename F>
Result call_with(F& f, const Element& e) {
  if constexpr (takes_element<F>) {
    return Result(f(e));
  } else {
    if constexpr (takes_parts<F, Tensor>)
      if (e.size() == 1) return Result(f(e.x({})));
    if constexpr (takes_parts<F, Tensor, Tensor>)
      if (e.size() == 2) return Result(f(e.x({}), e.y({})));
    if constexpr (takes_parts<F, Tensor, Tensor, Tensor>)
      if (e.size() == 3) return Result(f(e.x({}), e.y({}), e.sample_weight({})));
    raise_part_count(takes_parts<F, Tensor>, takes_parts<F, Tensor, Tensor>,
                     takes_parts<F, Tensor, Tensor, Tensor>, e.size());
  }
}

template <typename T>
Element element_from(T&& value) {
  if constexpr (std::is_arithmetic_v<std::decay_t<T>>)
    return Tensor::scalar(value);
  else
    return Element(std::forward<T>(value));
}

/// Of a function that gives the next element or nothing, or of a range.
template <typename Made>
Generator generator_of(Made made) {
  auto kept = std::make_shared<Made>(std::move(made));
  if constexpr (std::is_invocable_v<Made&>) {
    return [kept]() -> std::optional<Element> {
      auto next = (*kept)();
      if (!next) return std::nullopt;
      return element_from(*std::move(next));
    };
  } else {
    return [kept, at = std::begin(*kept)]() mutable -> std::optional<Element> {
      if (at == std::end(*kept)) return std::nullopt;
      Element element = element_from(*at);
      ++at;
      return element;
    };
  }
}

}  // namespace detail

struct MapOptions {
  /// How many elements are made at once, each in a thread; Dataset::kAutotune: as many as
  /// threads(). The order of elements stays.
  int num_parallel_calls = 1;
};

struct ShuffleOptions {
  /// The order depends on it alone. Default: on set_random_seed() and on how many random things
  /// were made before.
  std::optional<int64_t> seed = std::nullopt;
  /// Another order each time the data are walked through?
  bool reshuffle_each_iteration = true;
};

struct FromFilesOptions {
  bool shuffle = false;                        // the files, in another order in each iteration
  std::optional<int64_t> seed = std::nullopt;  // of that order, as in ShuffleOptions
  bool reshuffle_each_iteration = true;
  int num_parallel_calls = -1;  // files that are read at once, as in MapOptions; -1: kAutotune
};

struct CacheOptions {
  /// What the elements depend on and Sinter cannot see ("28x28, version 2"): a file with another
  /// key is stale.
  std::string key = "";
  /// Makes one element to see whether those of the file have its dtypes and shapes.
  bool check_first = true;
};

struct WindowOptions {
  std::optional<int64_t> shift = std::nullopt;  // from a window to the next; default: its size
  int64_t stride = 1;                           // from an element to the next one in a window
  bool drop_remainder = false;
};

/// Names and meaning are those of tf.data; what C++ makes different is said at each. Copies are the
/// same dataset. Any number of iterations may be under way, in different threads too; one iteration
/// is one thread's.
///
/// Elements of tensors are their rows and share their memory: do not write into them. Threads
/// change how fast elements come, never which ones, nor their order.
class Dataset {
 public:
  static constexpr int64_t kInfiniteCardinality = -1, kUnknownCardinality = -2;
  static constexpr int kAutotune = -1;

  // --- sources
  /// The rows of tensors: `from_tensor_slices({x, y})`. Raises ShapeError for different numbers of
  /// rows and for scalars, Error for no tensor.
  static Dataset from_tensor_slices(const Element& tensors,
                                    SourceLocation where = SourceLocation::current());
  /// One element.
  static Dataset from_tensors(const Element& tensors,
                              SourceLocation where = SourceLocation::current());
  /// `make()` is called for each iteration and gives a range, or a function that gives the next
  /// element as std::optional and nothing at the end. Elements may be numbers.
  template <typename F>
  requires std::is_invocable_v<F&>
  static Dataset from_generator(F make, SourceLocation where = SourceLocation::current()) {
    return of_generator([make = std::move(make)] { return detail::generator_of(make()); }, where);
  }
  /// What `read(path)` gives for each file, an Element, a Tensor, or a pair or tuple of them, in
  /// the order of the paths: `from_files(glob("a/*.png"), [](const std::string& path) { return
  /// read_image(path); })`. As map(): with several calls at once it must stand being called by
  /// several threads, and what it throws reaches who walks, with the number of the file and its
  /// path.
  template <typename F>
  requires std::is_invocable_v<F&, const std::string&>
  static Dataset from_files(std::vector<std::string> paths, F read, FromFilesOptions options = {},
                            SourceLocation where = SourceLocation::current()) {
    return of_files(
        std::move(paths),
        [read = std::move(read)](const std::string& path) mutable {
          return detail::element_from(read(path));
        },
        options, where);
  }
  /// Scalars of int64: 0 to stop - 1, or from start in steps. Raises Error for a step of 0.
  static Dataset range(WholeNumber stop, SourceLocation where = SourceLocation::current());
  static Dataset range(WholeNumber start, WholeNumber stop, WholeNumber step = 1,
                       SourceLocation where = SourceLocation::current());
  /// Element i is made of the elements i of two or three datasets, which become its x, y and
  /// sample_weight; it ends with the shortest. Raises Error for another number of datasets.
  static Dataset zip(const std::vector<Dataset>& datasets,
                     SourceLocation where = SourceLocation::current());

  // --- one element each
  /// `f` takes an Element, or a Tensor for each part, and gives an Element, a Tensor, or a pair or
  /// tuple of them. With several calls at once it must stand being called by several threads. What
  /// it throws reaches who walks: an Error with the number of the element in front, of the same
  /// class; others as an Error that they are nested in. Raises Error for a number of calls below 1.
  template <typename F>
  requires detail::TakesElement<F> Dataset map(F f, MapOptions options = {},
                                               SourceLocation where = SourceLocation::current())
  const {
    return mapped(
        [f = std::move(f)](const Element& e) mutable { return detail::call_with<Element>(f, e); },
        options, where);
  }
  /// Those that `f` is true for.
  template <typename F>
  requires detail::TakesElement<F> Dataset filter(F f,
                                                  SourceLocation where = SourceLocation::current())
  const {
    return filtered(
        [f = std::move(f)](const Element& e) mutable { return detail::call_with<bool>(f, e); },
        where);
  }

  // --- order and number. Counts of -1 mean all, as in tf.data; below that: Error.
  /// Each element is drawn from the next `buffer_size` ones; a buffer as large as the data shuffles
  /// evenly. Raises Error for a size below 1.
  Dataset shuffle(WholeNumber buffer_size, ShuffleOptions options = {},
                  SourceLocation where = SourceLocation::current()) const;
  Dataset shuffle(WholeNumber buffer_size, WholeNumber seed,
                  SourceLocation where = SourceLocation::current()) const {
    return shuffle(buffer_size, ShuffleOptions{.seed = seed}, where);
  }
  /// Without a count for ever; an empty dataset repeated for ever is empty.
  Dataset repeat(WholeNumber count = -1, SourceLocation where = SourceLocation::current()) const;
  Dataset take(WholeNumber count, SourceLocation where = SourceLocation::current()) const;
  Dataset skip(WholeNumber count, SourceLocation where = SourceLocation::current()) const;
  Dataset concatenate(const Dataset& other) const;

  // --- several elements in one
  /// Stacks elements along a new first dimension; the last batch may be smaller. Raises Error for a
  /// size below 1 and, when walked, ShapeError for elements that differ in shape, dtype or parts.
  Dataset batch(WholeNumber batch_size, bool drop_remainder = false,
                SourceLocation where = SourceLocation::current()) const;
  /// The rows of each element. Raises ShapeError for scalars and different numbers of rows.
  Dataset unbatch(SourceLocation where = SourceLocation::current()) const;
  /// Windows of `size` elements, each stacked to one element as batch() does: what tf.data writes
  /// as
  /// `.window(size, ...).flat_map(lambda w: w.batch(size))`. Raises Error for numbers below 1.
  Dataset window(WholeNumber size, WindowOptions options = {},
                 SourceLocation where = SourceLocation::current()) const;

  // --- when elements are made
  /// Keeps the elements of the first iteration that comes to the end, in memory. What stands before
  /// runs once, so its order does not change any more.
  Dataset cache() const;
  /// The same in a file, which later runs of the program read as well: the first iteration that
  /// comes to the end writes it, atomically; memory holds one element at a time. When it is walked
  /// and the file is there, that is read, each element under a checksum. Raises FileError, with the
  /// path, for a damaged file, and for a stale one: of another number of elements, where that is
  /// known, of other dtypes or shapes, or with another key. Removing it makes a new one.
  Dataset cache(const std::string& path, CacheOptions options = {},
                SourceLocation where = SourceLocation::current()) const;
  /// A thread makes up to `buffer_size` elements ahead; kAutotune: 2. Raises Error for less than 0.
  Dataset prefetch(WholeNumber buffer_size, SourceLocation where = SourceLocation::current()) const;

  // --- looking at it
  /// How many elements there are, kInfiniteCardinality, or kUnknownCardinality where only walking
  /// would tell (from_generator, filter, unbatch).
  int64_t cardinality() const;
  /// The first element of a new iteration. Raises Error when there is none.
  Element first(SourceLocation where = SourceLocation::current()) const;

  /// for (const auto& [x, y] : dataset) ...
  class Iterator;
  Iterator begin() const;
  std::default_sentinel_t end() const { return {}; }

  explicit Dataset(std::shared_ptr<DatasetNode> node);
  const DatasetNode& node() const { return *node_; }
  std::shared_ptr<const DatasetNode> shared() const;

 private:
  static Dataset of_generator(Callable<detail::Generator()> make, SourceLocation where);
  static Dataset of_files(std::vector<std::string> paths, detail::FileFunction read,
                          FromFilesOptions options, SourceLocation where);
  Dataset mapped(detail::ElementFunction f, MapOptions options, SourceLocation where,
                 const char* call = "map") const;
  Dataset filtered(detail::ElementPredicate f, SourceLocation where) const;

  Handle<DatasetNode> node_;
};

/// One iteration. Copies share it, as with any input iterator.
class Dataset::Iterator {
 public:
  using value_type = Element;
  using difference_type = std::ptrdiff_t;

  Iterator() = default;
  /// Begins an iteration; asks for no element before `next`.
  explicit Iterator(const Dataset& dataset);

  /// The next element, or nothing at the end.
  std::optional<Element> next();
  /// This iteration once more from its first element, in the order that it has. Nothing where a
  /// function, a generator or a file makes elements, which need not do so twice.
  std::optional<Iterator> repeated() const;

  const Element& operator*() const;
  const Element* operator->() const { return &**this; }
  Iterator& operator++();
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const;

 private:
  struct State;
  Handle<State> state_;
};

}  // namespace sinter
