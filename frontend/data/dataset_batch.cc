// Several elements in one and one in several: batch, window, unbatch.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <span>

#include "core/counted.h"
#include "core/error.h"
#include "core/line.h"
#include "frontend/data/dataset_node.h"
#include "frontend/data/rows.h"

namespace sinter {
namespace {

// The next ones until there are `count`, or until the stream has `ended`.
template <typename T, typename Container>
void fill(Stream<T>& source, size_t count, Container& items, bool& ended) {
  while (!ended && items.size() < count) {
    if (std::optional<T> item = source.next())
      items.push_back(*std::move(item));
    else
      ended = true;
  }
}

Shape with_rows(int64_t rows, std::span<const int64_t> row) {
  std::vector<int64_t> dims{rows};
  dims.insert(dims.end(), row.begin(), row.end());
  return Shape(dims);
}

/// Tensors of batches: the memory of one that nobody holds any more serves the next.
class BatchMemory {
 public:
  Tensor take(DType dtype, const Shape& shape) {
    for (Tensor& t : kept_) {
      if (t.dtype() != dtype || t.shape() != shape || t.is_shared()) continue;
      std::atomic_thread_fence(std::memory_order_acquire);  // who held it may be another thread
      return t;
    }
    Tensor made = Tensor::placeholder(dtype, shape);
    if (kept_.size() < kMostKept)
      kept_.push_back(made);
    else
      kept_[next_++ % kMostKept] = made;
    return made;
  }

 private:
  static constexpr size_t kMostKept = 12;  // of elements with several tensors, some ahead of need
  std::vector<Tensor> kept_;
  size_t next_ = 0;
};

class RowBatches : public Stream<Element> {
 public:
  RowBatches(std::shared_ptr<const RowTable> table, std::unique_ptr<Stream<Row>> source,
             int64_t size, bool drop_remainder)
      : table_(std::move(table)), source_(std::move(source)), size_(size), drop_(drop_remainder) {}

  std::optional<Element> next() override {
    rows_.clear();
    fill(*source_, static_cast<size_t>(size_), rows_, ended_);
    if (rows_.empty() || (drop_ && static_cast<int64_t>(rows_.size()) < size_)) return std::nullopt;
    bool consecutive = true;
    for (size_t i = 1; i < rows_.size(); ++i) consecutive &= rows_[i] == rows_[i - 1] + 1;
    std::vector<Tensor> tensors;
    tensors.reserve(table_->tensors.size());
    for (const Tensor& t : table_->tensors)
      tensors.push_back(consecutive ? t.rows(rows_.front(), rows_.back() + 1, {}) : gathered(t));
    return table_->element.with(std::move(tensors));
  }

 private:
  Tensor gathered(const Tensor& from) {
    Shape shape = from.shape();
    shape[0] = static_cast<int64_t>(rows_.size());
    Tensor result = memory_.take(from.dtype(), shape);
    copy_rows(from, rows_, result);
    return result;
  }

  std::shared_ptr<const RowTable> table_;
  std::unique_ptr<Stream<Row>> source_;
  int64_t size_;
  bool drop_, ended_ = false;
  std::vector<Row> rows_;
  BatchMemory memory_;
};

/// The elements stacked along a new first dimension. `first` is the number of the first one.
Element stacked(const char* call, std::span<const Element> elements, BatchMemory& memory) {
  std::vector<std::vector<Tensor>> tensors;
  for (const Element& e : elements) {
    tensors.push_back(e.tensors());
    const std::vector<Tensor>& some = tensors.front();
    const std::vector<Tensor>& own = tensors.back();
    bool fits = own.size() == some.size() && e.size() == elements.front().size();
    for (size_t i = 0; fits && i < own.size(); ++i) {
      if (own[i].type() == some[i].type()) continue;
      throw ShapeError(fmt::format("{}: element {} of the batch holds {}, the first one {}", call,
                                   tensors.size() - 1, own[i].type().to_string(),
                                   some[i].type().to_string()));
    }
    if (fits) continue;
    throw ShapeError(fmt::format("{}: element {} of the batch has {} of {}, the first one {} of {}",
                                 call, tensors.size() - 1, counted(e.size(), "part"),
                                 counted(own.size(), "tensor"), elements.front().size(),
                                 some.size()));
  }
  std::vector<Tensor> result;
  for (size_t i = 0; i < tensors.front().size(); ++i) {
    const Shape& shape = tensors.front()[i].shape();
    result.push_back(memory.take(
        tensors.front()[i].dtype(),
        with_rows(static_cast<int64_t>(elements.size()), std::span(shape.begin(), shape.end()))));
    auto* to = static_cast<std::byte*>(result.back().raw());
    for (const std::vector<Tensor>& own : tensors) {
      const auto bytes = static_cast<size_t>(own[i].bytes());
      if (bytes > 0) std::memcpy(to, std::as_const(own[i]).raw(), bytes);
      to += bytes;
    }
  }
  return elements.front().with(std::move(result));
}

class ElementBatches : public Stream<Element> {
 public:
  ElementBatches(std::unique_ptr<Stream<Element>> source, int64_t size, bool drop_remainder)
      : source_(std::move(source)), size_(static_cast<size_t>(size)), drop_(drop_remainder) {}
  std::optional<Element> next() override {
    elements_.clear();
    fill(*source_, size_, elements_, ended_);
    if (elements_.empty() || (drop_ && elements_.size() < size_)) return std::nullopt;
    return stacked("batch", elements_, memory_);
  }

 private:
  std::unique_ptr<Stream<Element>> source_;
  size_t size_;
  bool drop_, ended_ = false;
  std::vector<Element> elements_;
  BatchMemory memory_;
};

class BatchNode : public SourcedNode {
 public:
  BatchNode(NodePtr source, int64_t size, bool drop_remainder)
      : SourcedNode(std::move(source)), size_(size), drop_(drop_remainder) {
    if (size < 1) throw Error(fmt::format("batch: the size must be at least 1, found {}", size));
  }
  int64_t cardinality() const override {
    const int64_t all = source().cardinality();
    return all < 0 ? all : all / size_ + (!drop_ && all % size_ != 0 ? 1 : 0);
  }
  bool is_repeatable() const override { return source().is_repeatable(); }
  std::unique_ptr<Stream<Element>> elements(const Round& round) const override {
    if (const auto table = source().table())
      return std::make_unique<RowBatches>(table, source().rows(round), size_, drop_);
    return std::make_unique<ElementBatches>(element_stream(source(), round), size_, drop_);
  }

 private:
  int64_t size_;
  bool drop_;
};

class WindowNode : public SourcedNode {
 public:
  WindowNode(NodePtr source, int64_t size, const WindowOptions& options)
      : SourcedNode(std::move(source)),
        size_(size),
        shift_(options.shift.value_or(size)),
        stride_(options.stride),
        drop_(options.drop_remainder) {
    for (const auto& [name, value] :
         {std::pair("size", size_), std::pair("shift", shift_), std::pair("stride", stride_)}) {
      if (value < 1)
        throw Error(fmt::format("window: the {} must be at least 1, found {}", name, value));
    }
    if (__builtin_mul_overflow(size_ - 1, stride_, &span_) || span_ == INT64_MAX)
      throw Error(fmt::format("window: {} elements {} apart are too many", size_, stride_));
    ++span_;
  }
  int64_t cardinality() const override {
    const int64_t all = source().cardinality();
    if (all < 0) return all;
    if (drop_) return all < span_ ? 0 : (all - span_) / shift_ + 1;
    return all / shift_ + (all % shift_ != 0 ? 1 : 0);
  }
  bool is_repeatable() const override { return source().is_repeatable(); }
  std::unique_ptr<Stream<Element>> elements(const Round& round) const override {
    return std::make_unique<Windows>(*this, element_stream(source(), round));
  }

 private:
  class Windows : public Stream<Element> {
   public:
    Windows(const WindowNode& node, std::unique_ptr<Stream<Element>> source)
        : source_(std::move(source)),
          span_(static_cast<size_t>(node.span_)),
          shift_(node.shift_),
          stride_(static_cast<size_t>(node.stride_)),
          drop_(node.drop_) {}
    std::optional<Element> next() override {
      for (; to_skip_ > 0 && !ended_; --to_skip_) ended_ = !source_->next();
      fill(*source_, span_, buffer_, ended_);
      if (buffer_.empty() || (drop_ && buffer_.size() < span_)) return std::nullopt;
      std::vector<Element> window;
      for (size_t i = 0; i < buffer_.size(); i += stride_) window.push_back(buffer_[i]);
      const auto dropped = std::min<int64_t>(shift_, static_cast<int64_t>(buffer_.size()));
      buffer_.erase(buffer_.begin(), buffer_.begin() + dropped);
      to_skip_ = shift_ - dropped;
      return stacked("window", window, memory_);
    }

   private:
    std::unique_ptr<Stream<Element>> source_;
    size_t span_;
    int64_t shift_, to_skip_ = 0;
    size_t stride_;
    bool drop_, ended_ = false;
    std::deque<Element> buffer_;
    BatchMemory memory_;
  };

  int64_t size_, shift_, stride_, span_ = 0;
  bool drop_;
};

class UnbatchNode : public SourcedNode {
 public:
  using SourcedNode::SourcedNode;
  int64_t cardinality() const override {
    const int64_t all = source().cardinality();
    return all > 0 ? Dataset::kUnknownCardinality : all;
  }
  bool is_repeatable() const override { return source().is_repeatable(); }
  std::unique_ptr<Stream<Element>> elements(const Round& round) const override {
    return std::make_unique<Rows>(element_stream(source(), round));
  }

 private:
  class Rows : public Stream<Element> {
   public:
    explicit Rows(std::unique_ptr<Stream<Element>> source) : source_(std::move(source)) {}
    std::optional<Element> next() override {
      while (at_ == rows_) {
        const std::optional<Element> element = source_->next();
        if (!element) return std::nullopt;
        table_ = {*element, element->tensors()};
        at_ = 0;
        rows_ = -1;
        for (const Tensor& t : table_.tensors) {
          if (t.shape().rank() == 0) throw ShapeError("unbatch: a scalar has no rows");
          if (rows_ < 0) rows_ = t.shape()[0];
          if (t.shape()[0] != rows_)
            throw ShapeError(fmt::format("unbatch: an element holds {} and {}",
                                         table_.tensors.front().type().to_string(),
                                         t.type().to_string()));
        }
        rows_ = std::max<int64_t>(rows_, 0);
      }
      return table_.row(at_++);
    }

   private:
    std::unique_ptr<Stream<Element>> source_;
    RowTable table_;
    int64_t at_ = 0, rows_ = 0;
  };
};

}  // namespace

Dataset Dataset::batch(WholeNumber batch_size, bool drop_remainder, SourceLocation where) const {
  return at_line(where, [&] {
    return Dataset(std::make_shared<BatchNode>(shared(), batch_size, drop_remainder));
  });
}

Dataset Dataset::window(WholeNumber size, WindowOptions options, SourceLocation where) const {
  return at_line(where,
                 [&] { return Dataset(std::make_shared<WindowNode>(shared(), size, options)); });
}

Dataset Dataset::unbatch(SourceLocation) const {
  return Dataset(std::make_shared<UnbatchNode>(shared()));
}

}  // namespace sinter
