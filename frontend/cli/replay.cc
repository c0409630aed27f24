// sinter replay: repeats the step that `train --check-numerics` stopped at.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "frontend/cli/command.h"
#include "frontend/numerics.h"

namespace sinter::cli {

Action add_replay(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("replay", "Repeat a step that --check-numerics stopped at, op by op");
  auto path = std::make_shared<std::string>();
  command->add_option("file", *path, "A replay file of train --check-numerics or fit()")
      ->type_name("FILE")
      ->required();
  return [path] { print(replay_fault(*path, {}).to_string() + "\n"); };
}

}  // namespace sinter::cli
