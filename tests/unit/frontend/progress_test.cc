// Progress: the exact text of a moment, and what reaches a stream.
#include "frontend/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <list>
#include <ranges>
#include <thread>

#include "core/utf8.h"

namespace sinter {
namespace {

/// What `use(stream)` writes into a file.
std::string written(auto&& use) {
  std::FILE* stream = std::tmpfile();
  use(stream);
  std::string result(static_cast<size_t>(std::ftell(stream)), '\0');
  std::rewind(stream);
  EXPECT_EQ(std::fread(result.data(), 1, result.size(), stream), result.size());
  std::fclose(stream);
  return result;
}

/// What `use(stream)` writes to a terminal of the given width.
std::string shown(unsigned short columns, auto&& use) {
  int master = -1, slave = -1;
  winsize size{24, columns, 0, 0};
  if (::openpty(&master, &slave, nullptr, nullptr, &size) != 0) return "no terminal";
  std::string result;
  std::thread reader([&] {
    char buffer[4096];
    for (ssize_t count; (count = ::read(master, buffer, sizeof buffer)) > 0;)
      result.append(buffer, static_cast<size_t>(count));
  });
  std::FILE* stream = ::fdopen(slave, "w");
  use(stream);
  std::fclose(stream);
  reader.join();
  ::close(master);
  return result;
}

TEST(Progress, Line) {
  EXPECT_EQ(
      progress_line({.description = "Epoch 1/5",
                     .done = 11,
                     .total = 22,
                     .seconds = 1.0,
                     .unit = "batch",
                     .postfix = "loss: 0.5000"}),
      "Epoch 1/5:  50%|████████████▌            | 11/22 [00:01<00:01, 11.00batch/s] loss: 0.5000");
  EXPECT_EQ(progress_line({.done = 11, .total = 22, .seconds = 44, .unicode = false}),
            " 50%|############-            | 11/22 [00:44<00:44, 4.00s/it]");
  EXPECT_EQ(progress_line({.done = 0, .total = 22}),
            "  0%|                         | 0/22 [00:00<?, ?it/s]");
  EXPECT_EQ(progress_line({.done = 22, .total = 22, .seconds = 7322}),
            "100%|█████████████████████████| 22/22 [2:02:02<00:00, 332.82s/it]");
  EXPECT_EQ(progress_line({.done = 300, .seconds = 2}), "300it [00:02, 150.00it/s]");
  EXPECT_EQ(progress_line({.done = 0, .total = 0}),
            "100%|█████████████████████████| 0/0 [00:00<?, ?it/s]");
}

TEST(Progress, LineFitsTheTerminal) {
  ProgressState state{
      .description = "Épöque", .done = 3, .total = 4, .seconds = 3, .postfix = "loss: 1.0000"};
  state.columns = 60;
  EXPECT_EQ(progress_line(state), "Épöque:  75%|███▊ | 3/4 [00:03<00:01, 1.00it/s] loss: 1.0000");
  state.columns = 53;
  EXPECT_EQ(progress_line(state), "Épöque:  75%|██████  | 3/4 [00:03<00:01] loss: 1.0000");
  state.columns = 40;
  EXPECT_EQ(progress_line(state), "Épöque:  75%|██████▊  | 3/4 loss: 1.0000");
  state.columns = 30;
  EXPECT_EQ(progress_line(state), "Épöque: 3/4 loss: 1.0000");
  state.columns = 16;
  EXPECT_EQ(progress_line(state), "Épöque: 3/4");
  state.last = true;
  EXPECT_EQ(progress_line(state), "Épöque: 3/4 loss: 1.0000");
  EXPECT_EQ(progress_line({.done = 300, .seconds = 2, .postfix = "a=1", .columns = 20}),
            "300it [00:02] a=1");
}

// The half of a number reads as another number.
TEST(Progress, FiguresAreShownWholeOrNotAtAll) {
  const std::string figures = "loss: 9.1900e-04 - accuracy: 0.5 - auc: 0.25, lr=0.125";
  ProgressState state{.description = "Epoch 1/3", .done = 3, .total = 4, .postfix = figures};
  const std::string start = "Epoch 1/3: 3/4 ";
  for (int64_t columns = 1; columns <= 80; ++columns) {
    state.columns = columns;
    const std::string line = progress_line(state);
    if (line.find('|') != std::string::npos) continue;
    EXPECT_LE(static_cast<int64_t>(line.size()), columns);
    if (line.size() < start.size()) continue;
    const std::string shown = line.substr(start.size());
    const std::string rest = figures.substr(shown.size());
    EXPECT_TRUE(figures.starts_with(shown)) << line;
    EXPECT_TRUE(rest.empty() || rest.starts_with(" - ") || rest.starts_with(", ")) << line;
  }
}

TEST(Progress, Metrics) {
  EXPECT_EQ(format_metrics({}), "");
  EXPECT_EQ(format_metrics({{"loss", 0.12345}, {"mae", 0.0001}, {"zero", 0}, {"r", -3}}),
            "loss: 0.1235 - mae: 1.0000e-04 - zero: 0.0000 - r: -3.0000");
  EXPECT_EQ(format_metrics({{"loss", std::nan("")}}), "loss: nan");
}

TEST(Progress, EpochLine) {
  EXPECT_EQ(epoch_line("Epoch 3/30", 22, 22, 1.144, {{"loss", 0.5}}),
            "Epoch 3/30 - 22/22 - 1s - 52ms/step - loss: 0.5000");
  EXPECT_EQ(epoch_line("", 4, -1, 0.001, {}), "4 - 0s - 250us/step");
}

TEST(Progress, AFileGetsOneLineWithoutControlCodes) {
  const std::string text = written([](std::FILE* stream) {
    int64_t sum = 0;
    for (const int64_t i : progress(1000, {.description = "sum", .stream = stream})) sum += i;
    EXPECT_EQ(sum, 499500);
  });
  EXPECT_THAT(text, ::testing::MatchesRegex(
                        "sum: 100%\\|.*\\| 1000/1000 \\[00:00<00:00, [0-9.]+it/s\\]\n"));
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

/// The lines of a terminal after `text`, which moves the cursor as bars do.
std::vector<std::string> screen_after(const std::string& text) {
  std::vector<std::string> lines(1);
  size_t row = 0, column = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      column = 0;
    } else if (text[i] == '\n') {
      if (++row == lines.size()) lines.emplace_back();
    } else if (text.compare(i, 2, "\x1b[") == 0) {
      const size_t end = text.find_first_of("KA", i);
      if (text[end] == 'K')
        lines[row].resize(std::min(column, lines[row].size()));
      else
        row -= std::min<size_t>(row, std::stoul(text.substr(i + 2, end - i - 2)));
      i = end;
    } else {
      if (lines[row].size() <= column) lines[row].resize(column + 1, ' ');
      lines[row][column++] = text[i];
    }
  }
  return lines;
}

TEST(Progress, ABarWithinABarHasTheLineBelowIt) {
  std::vector<std::string> during;
  const std::string text = shown(60, [](std::FILE* stream) {
    ProgressBar outer(2, {.description = "outer", .stream = stream});
    for (int i = 0; i < 2; ++i) {
      ProgressBar inner(3, {.description = "inner", .stream = stream});
      ProgressBar third(1, {.description = "third", .stream = stream});
      third.close();
      inner.update(3);
      inner.close();
      outer.update();
    }
  });
  // While the first inner bar and the third one were open.
  const auto lines = screen_after(text.substr(0, text.find("third") + 5));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(lines[0].starts_with("outer:   0%")) << lines[0];
  EXPECT_TRUE(lines[1].starts_with("inner:   0%")) << lines[1];
  const auto end = screen_after(text);
  EXPECT_TRUE(end[0].starts_with("outer: 100%")) << end[0];
  for (size_t i = 1; i < end.size(); ++i) EXPECT_EQ(end[i], "") << i;
}

TEST(Progress, ABarThatStaysMovesTheOthersDown) {
  const std::string text = shown(60, [](std::FILE* stream) {
    ProgressBar outer(2, {.description = "outer", .stream = stream});
    for (const char* name : {"one", "two"}) {
      ProgressBar inner(3, {.description = name, .stream = stream, .leave = true});
      inner.update(3);
      inner.close();
      outer.update();
    }
  });
  const auto end = screen_after(text);
  ASSERT_GE(end.size(), 3u);
  EXPECT_TRUE(end[0].starts_with("one: 100%")) << end[0];
  EXPECT_TRUE(end[1].starts_with("two: 100%")) << end[1];
  EXPECT_TRUE(end[2].starts_with("outer: 100%")) << end[2];
  const std::string gone = shown(60, [](std::FILE* stream) {
    ProgressBar(2, {.description = "gone", .stream = stream, .leave = false}).update(2);
  });
  EXPECT_EQ(screen_after(gone), std::vector<std::string>{""});
}

// In a file a loop within a loop would be a line for each of its runs.
TEST(Progress, InAFileTheOutermostBarHasALine) {
  const std::string text = written([](std::FILE* stream) {
    for (const int64_t i : progress(3, {.description = "outer", .stream = stream})) {
      for (const int64_t j : progress(5, {.description = "inner", .stream = stream})) (void)(i * j);
    }
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_TRUE(text.starts_with("outer: 100%"));
}

TEST(Progress, ATerminalGetsABarThatNeverWrapsAndIsRedrawnRarely) {
  const auto start = std::chrono::steady_clock::now();
  const std::string text = shown(50, [](std::FILE* stream) {
    for (const int64_t i : progress(100000, {.stream = stream})) (void)i;
  });
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_EQ(text.front(), '\r');
  EXPECT_THAT(text, ::testing::HasSubstr(" 100000/100000 ["));
  EXPECT_LE(std::count(text.begin(), text.end(), '\r'),
            static_cast<std::ptrdiff_t>(seconds * 15) + 4);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find("\x1b[K", begin), text.size());
    const auto columns = std::count_if(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                       text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
                                         return (c & 0xC0) != 0x80 && c != '\r' && c != '\n';
                                       });
    EXPECT_LT(columns, 50);
    begin = end + 3;
  }
}

TEST(Progress, WalksAnyRange) {
  const std::list<std::string> words{"a", "b", "c"};
  std::string joined;
  const std::string text = written([&](std::FILE* stream) {
    for (const std::string& word : progress(words, {.unit = "word", .stream = stream}))
      joined += word;
    for (const std::string& word : progress(std::vector<std::string>{"d"}, {.stream = stream}))
      joined += word;
    for (const int64_t i : progress(0, {.stream = stream})) joined += std::to_string(i);
    for (const int i :
         progress(std::views::iota(1) | std::views::take_while([](int v) { return v < 3; }),
                  {.stream = stream})) {
      joined += std::to_string(i);
    }
  });
  EXPECT_EQ(joined, "abcd12");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_THAT(text, ::testing::HasSubstr("3/3"));
  EXPECT_THAT(text, ::testing::HasSubstr("\n2it ["));
}

TEST(Progress, BarWithPostfix) {
  const std::string text = written([](std::FILE* stream) {
    ProgressBar bar(3, {.stream = stream, .style = ProgressStyle::kBar});
    bar.set_description("work");
    bar.set_postfix(ShownMetrics{{"loss", 0.12345}, {"step", 4}});
    bar.update(3);
    bar.close();
    bar.close();
  });
  EXPECT_THAT(text, ::testing::HasSubstr("work: 100%|"));
  EXPECT_THAT(text, ::testing::HasSubstr("] loss=0.123, step=4\x1b[K\n"));
  EXPECT_EQ(written([](std::FILE* stream) {
              ProgressBar(3, {.stream = stream, .style = ProgressStyle::kQuiet}).update();
            }),
            "");
}

TEST(Progress, Epochs) {
  auto run = [](int verbose) {
    return [verbose](std::FILE* stream) {
      EpochProgress epoch(verbose, "Epoch 1/2", 3, stream);
      for (int64_t i = 1; i <= 3; ++i) epoch.update(i, {{"loss", 1.0}});
      epoch.close(3, {{"loss", 0.5}, {"val_loss", 0.25}});
    };
  };
  EXPECT_EQ(written(run(0)), "");
  const char* line = "Epoch 1/2 - 3/3 - 0s - [0-9]+us/step - loss: 0.5000 - val_loss: 0.2500\r?\n";
  EXPECT_THAT(written(run(1)), ::testing::MatchesRegex(line));
  EXPECT_THAT(written(run(2)), ::testing::MatchesRegex(line));
  EXPECT_THAT(shown(120, run(2)), ::testing::MatchesRegex(line));
  EXPECT_THAT(shown(120, run(1)),
              ::testing::HasSubstr("batch/s] loss: 0.5000 - val_loss: 0.2500\x1b[K\r\n"));
  EXPECT_EQ(shown(120, run(0)), "");
}

// The bar shrinks before figures go, and the line that stays has all of them at any width.
TEST(Progress, TheLastLineOfAnEpochHasEveryFigure) {
  for (const unsigned short columns : {40, 60, 80, 120}) {
    const std::string text = shown(columns, [](std::FILE* stream) {
      EpochProgress epoch(1, "Epoch 1/5", 22, stream);
      for (int64_t i = 1; i <= 22; ++i) epoch.update(i, {{"accuracy", 0.5}, {"loss", 1.0}});
      epoch.close(22,
                  {{"accuracy", 0.75}, {"loss", 0.5}, {"val_accuracy", 0.625}, {"val_loss", 0.25}});
    });
    const std::string last = text.substr(text.rfind('\r', text.size() - 3) + 1);
    EXPECT_THAT(last, ::testing::StartsWith("Epoch 1/5: ")) << columns;
    EXPECT_THAT(last, ::testing::HasSubstr("22/22")) << columns;
    EXPECT_THAT(
        last,
        ::testing::HasSubstr(
            "accuracy: 0.7500 - loss: 0.5000 - val_accuracy: 0.6250 - val_loss: 0.2500\x1b[K"))
        << columns;
  }
}

TEST(Progress, AnExceptionEndsTheLine) {
  const std::string text = written([](std::FILE* stream) {
    try {
      ProgressBar bar(3, {.stream = stream, .style = ProgressStyle::kBar});
      throw 1;
    } catch (int) {
    }
  });
  EXPECT_EQ(text.back(), '\n');
}

// No line is torn by letters that take two columns.
TEST(Progress, WideLettersTakeTwoColumns) {
  ProgressState state{.description = "\xe8\xa8\x93\xe7\xb7\xb4 1/5",
                      .done = 3,
                      .total = 10,
                      .seconds = 2,
                      .unit = "\xe6\x89\xb9",
                      .postfix = "\xe6\x90\x8d\xe5\xa4\xb1: 0.1234 - acc: 0.5000"};
  for (int columns = 1; columns <= 90; ++columns) {
    state.columns = columns;
    EXPECT_LE(columns_of(progress_line(state)), static_cast<size_t>(columns));
  }
}

}  // namespace
}  // namespace sinter
