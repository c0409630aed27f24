// Layout and drawing of progress bars.
#include "frontend/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "core/fork.h"
#include "core/utf8.h"

namespace sinter {
namespace {

constexpr double kBarInterval = 1.0 / 15;
constexpr double kLineInterval = 10;
constexpr int64_t kWidestBar = 25, kNarrowestBar = 4;
constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

int64_t columns_in(std::string_view text) { return static_cast<int64_t>(columns_of(text)); }

// `line` and as many whole figures of `postfix` as there is room for: half of a number would read
// as another one.
std::string with_figures(const std::string& line, std::string postfix, int64_t columns) {
  while (!postfix.empty() && columns_in(line) + columns_in(postfix) > columns) {
    const auto before = [&](const char* separator) {
      const size_t at = postfix.rfind(separator);
      return at == std::string::npos ? 0 : at;
    };
    postfix.resize(std::max(before(" - "), before(", ")));
  }
  const std::string text = line + postfix;
  return std::string(first_columns(text, static_cast<size_t>(std::max<int64_t>(columns, 0))));
}

/// 65 -> "01:05", 3661 -> "1:01:01".
std::string clock_text(double seconds) {
  const auto all = static_cast<int64_t>(std::clamp(seconds, 0.0, 1e12));
  if (all < 3600) return fmt::format("{:02}:{:02}", all / 60, all % 60);
  return fmt::format("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60);
}

std::string rate_text(const ProgressState& state) {
  if (state.done <= 0 || state.seconds <= 0) return "?" + state.unit + "/s";
  const double rate = static_cast<double>(state.done) / state.seconds;
  return rate >= 1 ? fmt::format("{:.2f}{}/s", rate, state.unit)
                   : fmt::format("{:.2f}s/{}", 1 / rate, state.unit);
}

std::string bar_text(double fraction, int64_t width, bool unicode) {
  const auto eighths = static_cast<int64_t>(fraction * static_cast<double>(width * 8));
  const int64_t full = eighths / 8;
  std::string result;
  for (int64_t i = 0; i < full; ++i) result += unicode ? "█" : "#";
  if (full < width) {
    const std::string part = unicode ? kEighths[eighths % 8] : eighths % 8 >= 4 ? "-" : "";
    result += part;
    result.append(static_cast<size_t>(width - full - (part.empty() ? 0 : 1)), ' ');
  }
  return result;
}

/// ASCII only where the locale names another character set than UTF-8, or the terminal can do
/// nothing.
bool unicode_terminal() {
  const char* terminal = std::getenv("TERM");
  if (terminal != nullptr && std::string_view(terminal) == "dumb") return false;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale = value;
    const size_t dot = locale.find('.');
    if (dot == std::string_view::npos) return true;
    return locale.substr(dot + 1, 5) == "UTF-8" || locale.substr(dot + 1, 4) == "utf8" ||
           locale.substr(dot + 1, 5) == "utf-8";
  }
  return true;
}

ProgressStyle resolve(ProgressStyle style, std::FILE* stream) {
  if (style != ProgressStyle::kAuto) return style;
  return ::isatty(::fileno(stream)) == 1 ? ProgressStyle::kBar : ProgressStyle::kLines;
}

void write_all(std::FILE* stream, const std::string& text) {
  (void)std::fwrite(text.data(), 1, text.size(),
                    stream);  // a progress bar that cannot be shown stops nothing
  (void)std::fflush(stream);
}

double now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

bool is_same_stream(std::FILE* a, std::FILE* b) {
  if (a == b) return true;
  struct stat first {
  }, second{};
  return ::fstat(::fileno(a), &first) == 0 && ::fstat(::fileno(b), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace

/// The bars that are open: on one stream the first of them has the line of the cursor, each other
/// one a line further down, and keeps it.
class ProgressScreen {
 public:
  static ProgressScreen& instance() {
    static ProgressScreen* const screen = new ProgressScreen;
    return *screen;
  }
  void open(ProgressBar& bar) {
    const std::lock_guard lock(mutex_);
    size_t place = 0;
    while (std::ranges::any_of(open_, [&](const Open& o) {
      return o.place == place && is_same_stream(o.stream, bar.stream_);
    }))
      ++place;
    open_.push_back({&bar, bar.stream_, place});
    if (bar.is_bar()) show(bar, place);
  }
  void draw(ProgressBar& bar) {
    const std::lock_guard lock(mutex_);
    for (const Open& o : open_) {
      if (o.bar != &bar) continue;
      if (bar.is_bar())
        show(bar, o.place);
      else
        write_all(bar.stream_, bar.line() + "\n");
    }
  }
  void close(ProgressBar& bar) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(open_, [&](const Open& o) { return o.bar == &bar; });
    if (found == open_.end()) return;
    const size_t place = found->place;
    open_.erase(found);
    const bool stays = bar.leave_.value_or(place == 0);
    if (!bar.is_bar()) {
      if (stays) write_all(bar.stream_, bar.line() + "\n");
      return;
    }
    if (!stays) {
      write_at(bar.stream_, place, "");
      return;
    }
    // The bar stands above what is still open, which moves a line down.
    if (place > 0) write_at(bar.stream_, place, "");
    write_all(bar.stream_, "\r" + bar.line() + "\x1b[K\n");
    for (const Open& o : open_) {
      if (o.bar->is_bar() && is_same_stream(o.stream, bar.stream_)) show(*o.bar, o.place);
    }
  }

 private:
  struct Open {
    ProgressBar* bar;
    std::FILE* stream;
    size_t place;
  };

  static void show(ProgressBar& bar, size_t place) { write_at(bar.stream_, place, bar.line()); }
  // The cursor is in the first line, and comes back to it.
  static void write_at(std::FILE* stream, size_t place, const std::string& text) {
    std::string all(place, '\n');
    all += "\r" + text + "\x1b[K";
    if (place > 0) all += fmt::format("\x1b[{}A\r", place);
    write_all(stream, all);
  }

  ForkMutex mutex_;
  std::vector<Open> open_;
};

std::string format_metrics(const ShownMetrics& metrics) {
  std::string result;
  for (const auto& [name, value] : metrics) {
    if (!result.empty()) result += " - ";
    const bool plain = value == 0 || std::abs(value) > 1e-3 || !std::isfinite(value);
    result +=
        plain ? fmt::format("{}: {:.4f}", name, value) : fmt::format("{}: {:.4e}", name, value);
  }
  return result;
}

std::string progress_line(const ProgressState& state) {
  const std::string description = state.description.empty() ? "" : state.description + ": ";
  const std::string postfix = state.postfix.empty() ? "" : " " + state.postfix;
  const std::string elapsed = clock_text(state.seconds), rate = rate_text(state);
  const auto fits = [&](int64_t columns) { return state.columns <= 0 || columns <= state.columns; };
  std::string line;
  if (state.total < 0) {
    for (const std::string& times :
         {fmt::format(" [{}, {}]", elapsed, rate), fmt::format(" [{}]", elapsed), std::string()}) {
      line = fmt::format("{}{}{}{}", description, state.done, state.unit, times);
      if (fits(columns_in(line) + columns_in(postfix))) return line + postfix;
    }
  } else {
    const double fraction =
        state.total == 0
            ? 1
            : std::clamp(static_cast<double>(state.done) / static_cast<double>(state.total), 0.0,
                         1.0);
    const std::string rest =
        state.done <= 0
            ? "?"
            : clock_text(state.seconds *
                         static_cast<double>(std::max<int64_t>(state.total - state.done, 0)) /
                         static_cast<double>(state.done));
    const std::string left = fmt::format("{}{:3}%|", description, static_cast<int>(fraction * 100));
    const std::string count = fmt::format("{}/{}", state.done, state.total);
    for (const std::string& times : {fmt::format(" [{}<{}, {}]", elapsed, rest, rate),
                                     fmt::format(" [{}<{}]", elapsed, rest), std::string()}) {
      const std::string right = fmt::format("| {}{}{}", count, times, postfix);
      const int64_t taken = columns_in(left) + columns_in(right);
      if (!fits(taken + kNarrowestBar)) continue;
      const int64_t width =
          state.columns <= 0 ? kWidestBar : std::min(state.columns - taken, kWidestBar);
      return left + bar_text(fraction, width, state.unicode) + right;
    }
    line = description + count;
  }
  return state.last ? line + postfix : with_figures(line, postfix, state.columns);
}

ProgressBar::ProgressBar(int64_t total, ProgressOptions options)
    : stream_(options.stream),
      style_(resolve(options.style, options.stream)),
      start_(now()),
      drawn_(start_),
      leave_(options.leave) {
  state_.description = std::move(options.description);
  state_.unit = std::move(options.unit);
  state_.total = total;
  state_.unicode = unicode_terminal();
  if (style_ != ProgressStyle::kQuiet) ProgressScreen::instance().open(*this);
}

ProgressBar::~ProgressBar() { close(); }

void ProgressBar::update(int64_t steps) { set_done(state_.done + steps); }

void ProgressBar::set_description(std::string text) { state_.description = std::move(text); }

void ProgressBar::set_postfix(std::string text) { state_.postfix = std::move(text); }

double ProgressBar::seconds() const { return now() - start_; }

bool ProgressBar::due() const {
  if (style_ == ProgressStyle::kQuiet || closed_) return false;
  const double interval = is_bar() ? kBarInterval : kLineInterval;
  return now() - drawn_ >= interval;
}

void ProgressBar::set_done(int64_t done) {
  state_.done = done;
  if (due()) draw();
}

void ProgressBar::set_postfix(const ShownMetrics& values) {
  state_.postfix.clear();
  for (const auto& [name, value] : values) {
    state_.postfix += fmt::format("{}{}={:.3g}", state_.postfix.empty() ? "" : ", ", name, value);
  }
}

std::string ProgressBar::line() {
  drawn_ = now();
  state_.seconds = seconds();
  if (is_bar()) {
    winsize size{};
    // One column stays free: some terminals wrap as soon as the last one is written.
    state_.columns =
        ::ioctl(::fileno(stream_), TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1 : 0;
  }
  return progress_line(state_);
}

void ProgressBar::draw() { ProgressScreen::instance().draw(*this); }

void ProgressBar::close() {
  if (closed_) return;
  closed_ = true;
  state_.last = true;
  if (style_ != ProgressStyle::kQuiet) ProgressScreen::instance().close(*this);
}

std::string epoch_line(const std::string& title, int64_t done, int64_t total, double seconds,
                       const ShownMetrics& metrics) {
  const double step = done > 0 ? seconds / static_cast<double>(done) : 0;
  const std::string step_text = step >= 1      ? fmt::format("{:.0f}s/step", step)
                                : step >= 1e-3 ? fmt::format("{:.0f}ms/step", step * 1e3)
                                               : fmt::format("{:.0f}us/step", step * 1e6);
  const std::string count =
      total >= 0 ? fmt::format("{}/{}", done, total) : fmt::format("{}", done);
  std::string line = title.empty() ? count : title + " - " + count;
  line += fmt::format(" - {:.0f}s - {}", seconds, step_text);
  if (!metrics.empty()) line += " - " + format_metrics(metrics);
  return line;
}

EpochProgress::EpochProgress(int verbose, const std::string& title, int64_t batches,
                             std::FILE* stream)
    : title_(title), batches_(batches), stream_(stream) {
  if (verbose == 0) return;
  // A line an epoch comes from close(); the bar is then only the clock.
  const bool bar = verbose == 1 && ::isatty(::fileno(stream)) == 1;
  bar_ = std::make_shared<ProgressBar>(
      batches, ProgressOptions{.description = title,
                               .unit = "batch",
                               .stream = stream,
                               .style = bar ? ProgressStyle::kBar : ProgressStyle::kQuiet,
                               .leave = true});
}

void EpochProgress::update(int64_t batches_done, const ShownMetrics& metrics) {
  if (!due()) return;
  bar_->set_postfix(format_metrics(metrics));
  bar_->set_done(batches_done);
}

void EpochProgress::close(int64_t batches_done, const ShownMetrics& metrics) {
  if (bar_ == nullptr) return;
  if (bar_->is_bar()) {
    bar_->set_postfix(format_metrics(metrics));
    bar_->set_done(batches_done);
    bar_->close();
  } else {
    write_all(stream_, epoch_line(title_, batches_done, batches_, bar_->seconds(), metrics) + "\n");
  }
  bar_ = {};
}

}  // namespace sinter
