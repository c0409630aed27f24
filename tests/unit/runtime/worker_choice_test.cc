#include "runtime/worker_choice.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sinter {
namespace {

// Runs `count` times, `all` or `alone` nanoseconds each; how many of them were alone.
int runs_alone(WorkerChoice& choice, int count, int64_t all, int64_t alone) {
  int seen = 0;
  for (int i = 0; i < count; ++i) {
    const bool is_alone = choice.alone();
    seen += is_alone ? 1 : 0;
    choice.add(is_alone, is_alone ? alone : all);
  }
  return seen;
}

constexpr int kFirst = WorkerChoice::kFirstApart + WorkerChoice::kTrial;

TEST(WorkerChoice, BeginsWithAllAndTriesOneThread) {
  WorkerChoice choice;
  EXPECT_EQ(runs_alone(choice, WorkerChoice::kFirstApart, 100, 60), 0);
  EXPECT_EQ(runs_alone(choice, WorkerChoice::kTrial, 100, 60), WorkerChoice::kTrial);
  EXPECT_TRUE(choice.alone());
}

TEST(WorkerChoice, KeepsTheFasterWay) {
  constexpr int kRuns = 100'000;
  WorkerChoice alone_is_faster, all_are_faster, equal;
  EXPECT_GT(runs_alone(alone_is_faster, kRuns, 192, 114), kRuns * 99 / 100);
  EXPECT_LT(runs_alone(all_are_faster, kRuns, 60, 114), kRuns / 500);
  EXPECT_LT(runs_alone(equal, kRuns, 100, 97), kRuns / 500);
}

TEST(WorkerChoice, FollowsTheMachine) {
  WorkerChoice choice;
  runs_alone(choice, kFirst, 192, 114);
  EXPECT_TRUE(choice.alone());
  runs_alone(choice, kFirst, 60, 114);
  EXPECT_FALSE(choice.alone());
  // However long nothing changed, a change is seen within the longest time between trials.
  runs_alone(choice, 1'000'000, 60, 114);
  runs_alone(choice, WorkerChoice::kMostApart + WorkerChoice::kTrial, 192, 114);
  EXPECT_TRUE(choice.alone());
}

TEST(WorkerChoice, DoesNotCountTheFirstRunsOfATrial) {
  WorkerChoice choice;
  runs_alone(choice, kFirst, 192, 114);
  ASSERT_TRUE(choice.alone());
  for (int i = 0; i < kFirst; ++i) {
    const bool is_alone = choice.alone();
    const bool wakes_up = i < WorkerChoice::kFirstApart + WorkerChoice::kUncounted;
    choice.add(is_alone, is_alone ? 114 : wakes_up ? 10'000 : 60);
  }
  EXPECT_FALSE(choice.alone());
}

TEST(WorkerChoice, LeavesLongRunsAlone) {
  WorkerChoice choice;
  EXPECT_EQ(runs_alone(choice, 10'000, WorkerChoice::kLongest + 1, 1), 0);
}

TEST(WorkerChoice, OfManyCallersAtOnce) {
  WorkerChoice choice;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) callers.emplace_back([&] { runs_alone(choice, 20'000, 192, 114); });
  for (std::thread& caller : callers) caller.join();
  runs_alone(choice, WorkerChoice::kMostApart + WorkerChoice::kTrial, 192, 114);
  EXPECT_TRUE(choice.alone());
}

}  // namespace
}  // namespace sinter
