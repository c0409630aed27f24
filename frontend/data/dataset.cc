// Walking through a dataset, and its sources.
#include "frontend/data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "core/counted.h"
#include "core/error.h"
#include "core/line.h"
#include "frontend/data/dataset_node.h"

namespace sinter {

Element RowTable::row(Row at) const {
  std::vector<Tensor> rows;
  rows.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    const Shape& shape = t.shape();
    rows.push_back(
        t.rows(at, at + 1, {}).reshaped(Shape(std::span(shape.begin() + 1, shape.end())), {}));
  }
  return element.with(std::move(rows));
}

std::unique_ptr<Stream<Row>> DatasetNode::rows(const Round&) const {
  raise_internal("rows()", "a node without a table was asked for rows");
}
std::unique_ptr<Stream<Element>> DatasetNode::elements(const Round&) const {
  raise_internal("elements()", "a node with a table was asked for elements");
}

namespace {

class RowElements : public Stream<Element> {
 public:
  RowElements(std::shared_ptr<const RowTable> table, std::unique_ptr<Stream<Row>> rows)
      : table_(std::move(table)), rows_(std::move(rows)) {}
  std::optional<Element> next() override {
    const std::optional<Row> row = rows_->next();
    if (!row) return std::nullopt;
    return table_->row(*row);
  }

 private:
  std::shared_ptr<const RowTable> table_;
  std::unique_ptr<Stream<Row>> rows_;
};

class SlicesNode : public DatasetNode {
 public:
  explicit SlicesNode(const Element& element) : table_(std::make_shared<RowTable>()) {
    table_->element = element;
    table_->tensors = element.tensors();
    if (table_->tensors.empty()) throw Error("from_tensor_slices: there is no tensor");
    for (const Tensor& t : table_->tensors) {
      if (t.shape().rank() == 0)
        throw ShapeError("from_tensor_slices: a scalar has no rows; from_tensors() takes it whole");
      if (rows_ < 0) rows_ = t.shape()[0];
      if (t.shape()[0] != rows_) {
        throw ShapeError(fmt::format("from_tensor_slices: tensors of {} and {}, {} and {}", rows_,
                                     counted(t.shape()[0], "row"),
                                     table_->tensors.front().type().to_string(),
                                     t.type().to_string()));
      }
    }
  }
  int64_t cardinality() const override { return rows_; }
  bool is_repeatable() const override { return true; }
  std::shared_ptr<const RowTable> table() const override { return table_; }
  std::unique_ptr<Stream<Row>> rows(const Round&) const override {
    struct Rows : Stream<Row> {
      explicit Rows(int64_t rows) : count(rows) {}
      std::optional<Row> next() override {
        if (at == count) return std::nullopt;
        return at++;
      }
      int64_t at = 0, count;
    };
    return std::make_unique<Rows>(rows_);
  }

 private:
  std::shared_ptr<RowTable> table_;
  int64_t rows_ = -1;
};

class RangeNode : public DatasetNode {
 public:
  RangeNode(int64_t start, int64_t stop, int64_t step) : start_(start), step_(step) {
    if (step == 0) throw Error("range: the step must not be 0");
    // As unsigned numbers, whose differences do not overflow.
    const auto low = static_cast<uint64_t>(step > 0 ? start : stop),
               high = static_cast<uint64_t>(step > 0 ? stop : start);
    const uint64_t size = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
    if ((step > 0) ? start >= stop : start <= stop) return;
    count_ = static_cast<int64_t>(std::min<uint64_t>((high - low - 1) / size, INT64_MAX - 1)) + 1;
  }
  int64_t cardinality() const override { return count_; }
  bool is_repeatable() const override { return true; }
  std::unique_ptr<Stream<Element>> elements(const Round&) const override {
    struct Numbers : Stream<Element> {
      Numbers(int64_t first, int64_t by, int64_t number) : start(first), step(by), count(number) {}
      std::optional<Element> next() override {
        if (at == count) return std::nullopt;
        return Element(Tensor::scalar(start + at++ * step));
      }
      int64_t start, step, at = 0, count;
    };
    return std::make_unique<Numbers>(start_, step_, count_);
  }

 private:
  int64_t start_, step_, count_ = 0;
};

class GeneratorNode : public DatasetNode {
 public:
  explicit GeneratorNode(Callable<detail::Generator()> make) : make_(std::move(make)) {}
  int64_t cardinality() const override { return Dataset::kUnknownCardinality; }
  std::unique_ptr<Stream<Element>> elements(const Round&) const override {
    struct Made : Stream<Element> {
      explicit Made(detail::Generator from) : generator(std::move(from)) {}
      std::optional<Element> next() override {
        if (!generator) return std::nullopt;
        std::optional<Element> element = generator();
        if (!element) generator = nullptr;
        return element;
      }
      detail::Generator generator;
    };
    return std::make_unique<Made>(make_());
  }

 private:
  Callable<detail::Generator()> make_;
};

class OneNode : public DatasetNode {
 public:
  explicit OneNode(Element element) : element_(std::move(element)) {}
  int64_t cardinality() const override { return 1; }
  bool is_repeatable() const override { return true; }
  std::unique_ptr<Stream<Element>> elements(const Round&) const override {
    struct Once : Stream<Element> {
      explicit Once(Element one) : element(std::move(one)) {}
      std::optional<Element> next() override { return std::exchange(element, std::nullopt); }
      std::optional<Element> element;
    };
    return std::make_unique<Once>(element_);
  }

 private:
  Element element_;
};

}  // namespace

std::unique_ptr<Stream<Element>> element_stream(const DatasetNode& node, const Round& round) {
  if (const auto table = node.table())
    return std::make_unique<RowElements>(table, node.rows(round));
  return node.elements(round);
}

namespace detail {

void raise_part_count(bool takes_one, bool takes_two, bool takes_three, size_t parts) {
  std::string taken;
  for (const auto& [takes, text] :
       {std::pair(takes_one, "1"), std::pair(takes_two, "2"), std::pair(takes_three, "3")}) {
    if (takes) taken += (taken.empty() ? "" : " or ") + std::string(text);
  }
  throw Error(fmt::format("the function takes {} tensor{}, the element has {} part{}", taken,
                          taken == "1" ? "" : "s", parts, parts == 1 ? "" : "s"));
}

}  // namespace detail

void rethrow_from_function(const std::string& what) {
  try {
    throw;
  } catch (const Error& error) {
    rethrow_as(error, fmt::format("{}: {}", what, error.what()));
  } catch (const std::exception& error) {
    std::throw_with_nested(Error(fmt::format("{}: {}", what, error.what())));
  } catch (...) {
    std::throw_with_nested(Error(what + ": an exception that is no std::exception"));
  }
}

Dataset Dataset::from_tensor_slices(const Element& tensors, SourceLocation where) {
  return at_line(where, [&] { return Dataset(std::make_shared<SlicesNode>(tensors)); });
}

Dataset Dataset::from_tensors(const Element& tensors, SourceLocation where) {
  return at_line(where, [&] {
    if (tensors.tensors().empty()) throw Error("from_tensors: there is no tensor");
    return Dataset(std::make_shared<OneNode>(tensors));
  });
}

Dataset::Dataset(std::shared_ptr<DatasetNode> node) : node_(std::move(node)) {}

std::shared_ptr<const DatasetNode> Dataset::shared() const { return node_.shared(); }

Dataset Dataset::of_generator(Callable<detail::Generator()> make, SourceLocation) {
  return Dataset(std::make_shared<GeneratorNode>(std::move(make)));
}

Dataset Dataset::range(WholeNumber stop, SourceLocation where) { return range(0, stop, 1, where); }

Dataset Dataset::range(WholeNumber start, WholeNumber stop, WholeNumber step,
                       SourceLocation where) {
  return at_line(where, [&] { return Dataset(std::make_shared<RangeNode>(start, stop, step)); });
}

int64_t Dataset::cardinality() const { return node_->cardinality(); }

Element Dataset::first(SourceLocation where) const {
  return at_line(where, [&] {
    std::optional<Element> element = Iterator(*this).next();
    if (!element) throw Error("first: the dataset holds no element");
    return *std::move(element);
  });
}

struct Dataset::Iterator::State {
  NodePtr node;
  Round round;
  std::unique_ptr<Stream<Element>> stream;
  std::optional<Element> current;
};

Dataset::Iterator::Iterator(const Dataset& dataset) : state_(std::make_shared<State>()) {
  state_->node = dataset.shared();
  const auto walk = std::make_shared<Walk>();
  state_->node->begin(*walk);
  state_->round = {walk};
  state_->stream = element_stream(*state_->node, state_->round);
}

std::optional<Dataset::Iterator> Dataset::Iterator::repeated() const {
  if (!state_->node->is_repeatable()) return std::nullopt;
  Iterator again;
  again.state_ = std::make_shared<State>();
  again.state_->node = state_->node;
  again.state_->round = state_->round;
  again.state_->stream = element_stream(*state_->node, state_->round);
  return again;
}

std::optional<Element> Dataset::Iterator::next() { return state_->stream->next(); }

const Element& Dataset::Iterator::operator*() const {
  if (state_ == nullptr || !state_->current) throw Error("an iterator at the end has no element");
  return *state_->current;
}

Dataset::Iterator& Dataset::Iterator::operator++() {
  state_->current.reset();  // before the next one is made: its memory may serve that
  state_->current = state_->stream->next();
  return *this;
}

bool Dataset::Iterator::operator==(std::default_sentinel_t) const {
  return state_ == nullptr || !state_->current;
}

Dataset::Iterator Dataset::begin() const {
  Iterator result(*this);
  ++result;
  return result;
}

}  // namespace sinter
