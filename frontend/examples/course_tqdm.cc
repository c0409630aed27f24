// A progress bar around any loop, as tqdm gives it in Python.
#include <sinter/sinter.h>

#include <chrono>
#include <thread>

using namespace sinter;

int main() {
  for ([[maybe_unused]] auto i : progress(1000)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}
