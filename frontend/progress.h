// Progress of a loop: a bar that is redrawn on a terminal, plain lines in a file or pipe.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/handle.h"

namespace sinter {

/// Names and values in the order they are shown.
using ShownMetrics = std::vector<std::pair<std::string, double>>;

/// "loss: 0.1234 - accuracy: 0.9500": four decimals, or scientific for small values, as Keras
/// prints.
std::string format_metrics(const ShownMetrics& metrics);

/// Everything a bar shows at one moment; the text is a function of it alone.
struct ProgressState {
  std::string description = "";
  int64_t done = 0;
  int64_t total = -1;  // unknown when negative
  double seconds = 0;
  std::string unit = "it";
  std::string postfix = "";
  int columns = 0;      // width of the terminal; 0 when there is none
  bool last = false;    // nothing is drawn over it: better wrapped than cut
  bool unicode = true;  // else ASCII only
};

/// "Epoch 1/5:  50%|█████     | 11/22 [00:01<00:01, 11.00batch/s] loss: 0.5000", no wider than
/// `columns`: first the bar shrinks, then the rate goes, the times, the bar itself; what is told
/// after them is cut last, and in the last line not at all.
std::string progress_line(const ProgressState& state);

enum class ProgressStyle {
  kAuto,   // a bar when the stream is a terminal, else lines
  kBar,    // redrawn at most 15 times a second
  kLines,  // a line every ten seconds and one at the end
  kQuiet,  // nothing
};

struct ProgressOptions {
  std::string description = "";
  std::string unit = "it";
  std::FILE* stream = stderr;
  ProgressStyle style = ProgressStyle::kAuto;
  /// Does the bar stay when it is done? Default: the outermost one does. One within another has a
  /// line below it meanwhile, and is no more to be seen afterwards.
  std::optional<bool> leave = std::nullopt;
};

/// Shows how far a loop has come. `total` may be negative when unknown. Bars that are open at once
/// on one terminal stand below each other, in the order in which they were made.
class ProgressBar {
 public:
  explicit ProgressBar(int64_t total, ProgressOptions options = {});
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `steps` more are done.
  void update(int64_t steps = 1);
  void set_done(int64_t done);
  /// Whether the next update() will draw; values that cost something to compute may wait for it.
  bool due() const;
  void set_description(std::string text);
  void set_postfix(std::string text);
  /// "loss=0.123, step=4".
  void set_postfix(const ShownMetrics& values);
  /// Draws the last state and ends the line.
  void close();

  double seconds() const;
  bool is_bar() const { return style_ == ProgressStyle::kBar; }

 private:
  friend class ProgressScreen;
  /// The text of this moment.
  std::string line();
  void draw();

  ProgressState state_;
  std::FILE* stream_;
  ProgressStyle style_;
  double start_;  // in seconds of a clock that never goes back
  double drawn_;
  std::optional<bool> leave_;
  bool closed_ = false;
};

/// What fit, evaluate and predict show. Verbose 0: nothing. 1: a bar on a terminal, a line an epoch
/// elsewhere. 2: a line an epoch.
class EpochProgress {
 public:
  /// `title` is "Epoch 3/30" or empty; `batches` may be negative when unknown.
  EpochProgress(int verbose, const std::string& title, int64_t batches, std::FILE* stream = stdout);

  /// Whether update() would draw now: only then is it worth computing metrics.
  bool due() const { return bar_ && bar_->due(); }
  void update(int64_t batches_done, const ShownMetrics& metrics);
  /// The end of the epoch, with validation metrics where there are any.
  void close(int64_t batches_done, const ShownMetrics& metrics);

 private:
  std::string title_;
  int64_t batches_;
  std::FILE* stream_;
  Handle<ProgressBar> bar_;  // none for verbose 0
};

/// "Epoch 3/30 - 22/22 - 1s - 52ms/step - loss: 0.1234".
std::string epoch_line(const std::string& title, int64_t done, int64_t total, double seconds,
                       const ShownMetrics& metrics);

/// A range that shows its progress while it is walked; made by progress(). `Range` is a reference
/// where the range outlives it.
template <typename Range>
class ProgressRange {
 public:
  ProgressRange(Range&& range, ProgressOptions options)
      : range_(std::forward<Range>(range)), options_(std::move(options)) {}

  using At = decltype(std::begin(std::declval<Range&>()));
  using End = decltype(std::end(std::declval<Range&>()));

  class Iterator {
   public:
    Iterator(At at, ProgressBar* bar) : at_(std::move(at)), bar_(bar) {}
    decltype(auto) operator*() const { return *at_; }
    Iterator& operator++() {
      ++at_;
      bar_->update();
      return *this;
    }
    bool operator==(const End& end) const {
      if (at_ != end) return false;
      bar_->close();
      return true;
    }

   private:
    At at_;
    ProgressBar* bar_;
  };

  Iterator begin() {
    int64_t total = -1;
    if constexpr (requires { std::size(range_); })
      total = static_cast<int64_t>(std::size(range_));
    else if constexpr (requires { range_.cardinality(); })
      total = range_.cardinality();  // of a Dataset
    bar_ = std::make_shared<ProgressBar>(total, options_);
    return {std::begin(range_), &*bar_};
  }
  End end() { return std::end(range_); }

 private:
  Range range_;
  ProgressOptions options_;
  Handle<ProgressBar> bar_;
};

/// 0, 1, ... below `count`.
class ProgressCounts {
 public:
  explicit ProgressCounts(int64_t count) : count_(count < 0 ? 0 : count) {}
  class Iterator {
   public:
    explicit Iterator(int64_t at) : at_(at) {}
    int64_t operator*() const { return at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    int64_t at_;
  };
  Iterator begin() const { return Iterator(0); }
  Iterator end() const { return Iterator(count_); }
  int64_t size() const { return count_; }

 private:
  int64_t count_;
};

/// for (auto& path : progress(paths)) ...
template <typename Range>
requires requires(Range& range) { std::begin(range), std::end(range); }
ProgressRange<Range> progress(Range&& range, ProgressOptions options = {}) {
  return {std::forward<Range>(range), std::move(options)};
}
/// for (int64_t i : progress(10000)) ...
template <typename T>
requires std::is_integral_v<T> ProgressRange<ProgressCounts> progress(
    T count, ProgressOptions options = {}) {
  return {ProgressCounts(static_cast<int64_t>(count)), std::move(options)};
}

}  // namespace sinter
